package verify

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
)

// Sight is one thing that was found beside an image, and what is known of it.
// It is no evidence: who may vouch is another question.
type Sight struct {
	// Kind is that of the evidence that it might be.
	Kind plugin.EvidenceKind `json:"kind"`
	// Format is "bundle", "cosign-tag" or Notation's.
	Format string `json:"format"`
	// Artifact is the digest of what holds it.
	Artifact string `json:"artifact,omitempty"`
	// PredicateType is what it attests; unless it is verified, by its own word.
	PredicateType string `json:"predicateType,omitempty"`
	// Verified is set when it was checked to the end: by a trust rule, or else by
	// a trust root, whoever the signer is.
	Verified bool `json:"verified"`
	// Policy and Authority name the trust rule that accepts the signer; empty when
	// none does.
	Policy    string `json:"policy,omitempty"`
	Authority string `json:"authority,omitempty"`
	// Claims are what was verified; empty unless Verified.
	Claims plugin.Claims `json:"claims,omitzero"`
	// Says is what a verified statement says.
	Says *predicate.Description `json:"says,omitempty"`
	// Reason says why it is not verified.
	Reason string `json:"reason,omitempty"`
}

// Known lists everything beside an image that says something about it, in a
// stable order: signatures first, then statements by type. It is checked by the
// verifier's policies, and else against its trust roots. The error is a
// *plugin.StageError when something could not be looked at; what was found is
// returned beside it.
func (v *Verifier) Known(ctx context.Context, image plugin.Image) ([]Sight, error) {
	session := newSession(v)
	at := session.lookup(image.Reference.Repository, image.Digest)
	everything := func(string) bool { return true }
	found := session.bundlesOf(ctx, at, everything)
	found.add(session.legacyOf(ctx, at))
	found.add(session.gatherLegacy(ctx, at.lookupKey, attestationReader(at.digest, everything)))
	notation := session.notationOf(ctx, at)
	found.refused, found.unseen = append(found.refused, notation.refused...), unique(append(found.unseen, notation.unseen...))
	var sights []Sight
	for _, candidate := range append(found.candidates, notation.candidates...) {
		sights = append(sights, session.see(ctx, candidate, image))
	}
	slices.SortStableFunc(sights, func(a, b Sight) int {
		return cmp.Or(-cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.PredicateType, b.PredicateType), cmp.Compare(a.Artifact, b.Artifact))
	})
	if problems := slices.Concat(found.unseen, found.refused); len(problems) > 0 {
		return sights, &plugin.StageError{
			Stage: "verify", Subject: image.Reference.Repository + "@" + image.Digest,
			Hint: "look at the registry and its credentials, and try again", Cause: errors.New(strings.Join(unique(problems), "; ")),
		}
	}
	return sights, nil
}

// see checks one candidate: as a statement when it has one, else as a
// signature.
func (s *session) see(ctx context.Context, found *candidate, image plugin.Image) Sight {
	sight := Sight{Kind: plugin.EvidenceSignature, Format: found.format, Artifact: found.holder, PredicateType: found.attests}
	if found.attests != "" {
		sight.Kind = plugin.EvidenceAttestation
	}
	if found.refused != nil {
		sight.Reason = oneLine(found.refused)
		return sight
	}
	got, err := s.byPolicy(ctx, found, image, &sight)
	if err != nil && found.envelope.Raw == nil {
		got, err = s.byRoot(ctx, found, image.Digest, err)
	}
	if err != nil {
		sight.Reason = oneLine(err)
		return sight
	}
	sight.Verified, sight.Claims = true, got.claims
	if sight.Kind == plugin.EvidenceAttestation {
		sight.PredicateType = got.claims.PredicateType
		told := predicate.Describe(predicate.Statement{
			Type: got.statement.predicateType, Predicate: got.statement.predicate, Claims: got.claims, Certificate: got.certificate, Label: found.label,
		}, s.config.Limits)
		sight.Says = &told
	}
	return sight
}

var errUnknownSigner = errors.New("no trust rule accepts its signer")

// byPolicy asks every authority of the policies that cover the image. The error
// is the last one's.
func (s *session) byPolicy(ctx context.Context, found *candidate, image plugin.Image, sight *Sight) (accepted, error) {
	reason := errUnknownSigner
	for _, list := range [][]policy{s.policies, s.witnesses} {
		for i := range list {
			policy := &list[i]
			if !policy.covers(image) {
				continue
			}
			for j := range policy.authorities {
				one := &policy.authorities[j]
				if one.static.Action != "" || (one.notation != nil) != (found.envelope.Raw != nil) {
					continue
				}
				got, err := s.checkAny(ctx, one, found, image.Digest)
				if err == nil {
					sight.Policy, sight.Authority = policy.name, one.name
					return got, nil
				}
				reason = err
			}
		}
	}
	return accepted{}, reason
}

// checkAny checks a statement as a statement, and all else as a signature.
func (s *session) checkAny(ctx context.Context, one *authority, found *candidate, digest string) (accepted, error) {
	if found.attests != "" {
		return s.statement(one, found, digest)
	}
	return guarded(func() (accepted, error) { return one.check(ctx, found, digest) })
}

// byRoot asks every trust root, whoever signed.
func (s *session) byRoot(ctx context.Context, found *candidate, digest string, reason error) (accepted, error) {
	if found.byKey() {
		return accepted{}, errByKey
	}
	for _, name := range sortedNames(s.roots) {
		anyone, can := s.anyoneOf(name)
		if !can {
			continue
		}
		got, err := s.checkAny(ctx, anyone, found, digest)
		if err == nil {
			got.claims.TrustRoot = name
			return got, nil
		}
		reason = err
	}
	return accepted{}, reason
}
