package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// outcome is what one policy found out about one image or one digest.
type outcome struct {
	evidence []plugin.Evidence
	// reasons says for every candidate and authority why it did not vouch.
	reasons []string
	// notes are checks that failed and that the trust rule only logs.
	notes []string
	// unseen are things that could not be looked at.
	unseen []string
	// transient is set when some of them may be seen when asked again.
	transient bool
	// looked is where signatures were looked for.
	looked []place
	// signatures counts candidates that may be signatures, not attestations.
	signatures int
	// disallowed is the message of static: fail.
	disallowed string
	// stale is the age of the oldest answer that evidence was found by, where
	// the registry gave none; zero when it answered.
	stale time.Duration
}

// place is where signatures are looked for: the referrers of a digest, or a tag.
type place struct{ what, repository, reference string }

func (p place) String() string {
	if strings.HasPrefix(p.reference, "sha256:") {
		return p.what + " in " + p.repository
	}
	return p.what + " " + p.reference + " in " + p.repository
}

func (o *outcome) verified() bool { return len(o.evidence) > 0 }

// merge adds what a part found, such as one platform of an index; its evidence
// is the caller's to decide upon.
func (o *outcome) merge(part outcome, prefix string) {
	for _, reason := range part.reasons {
		o.reasons = append(o.reasons, prefix+reason)
	}
	for _, unseen := range part.unseen {
		o.unseen = append(o.unseen, prefix+unseen)
	}
	o.notes = append(o.notes, part.notes...)
	o.transient = o.transient || part.transient
	o.looked = append(o.looked, part.looked...)
	o.signatures += part.signatures
	o.stale = max(o.stale, part.stale)
	if part.disallowed != "" {
		o.disallowed = part.disallowed
	}
}

// adopt adds what one authority found, its evidence as well.
func (o *outcome) adopt(part outcome) {
	o.merge(part, "")
	o.evidence = append(o.evidence, part.evidence...)
}

// judgePolicy asks one policy about one image. Static rules come first: they
// need no look at the registry.
func (s *session) judgePolicy(ctx context.Context, policy *policy, image plugin.Image) outcome {
	result := s.judgeStatics(policy, image.Digest)
	if result.verified() {
		return result
	}
	signed := s.judgePlatforms(ctx, policy, image)
	result.evidence = signed.evidence
	result.merge(signed, "")
	return result
}

// judgePlatforms asks at the index, its leaves, or either, as the gate says.
func (s *session) judgePlatforms(ctx context.Context, policy *policy, image plugin.Image) outcome {
	if s.config.Platforms == PlatformsAllLeaves {
		return s.judgeLeaves(ctx, policy, image)
	}
	whole := s.judgeDigest(ctx, policy, image, image.Digest)
	if whole.verified() || s.config.Platforms == PlatformsIndex {
		return whole
	}
	leaves := s.judgeLeaves(ctx, policy, image)
	if leaves.verified() {
		return leaves
	}
	whole.merge(leaves, "")
	return whole
}

// judgeDigest asks every authority of a policy about one digest. The older
// format is looked for only when no bundle vouched.
func (s *session) judgeDigest(ctx context.Context, policy *policy, image plugin.Image, digest string) outcome {
	var result outcome
	now := s.config.Clock()
	wants := s.wants(image)
	for i := range policy.authorities {
		one := &policy.authorities[i]
		if why := one.unusable(now); why != "" {
			result.unseen, result.transient = append(result.unseen, why), true
			continue
		}
		at := s.lookup(one.repository(image), digest)
		switch {
		case one.bundles && len(one.attestations) > 0:
			result.looked = append(result.looked, place{"bundles", at.repository, digest})
			part := s.judgeStatements(ctx, policy, one, foundAt{s.bundlesOf(ctx, at, wants), digest})
			if part.verified() || !one.legacy { // else they are judged again, beside the older ones
				result.adopt(part)
			}
		case one.bundles:
			result.looked = append(result.looked, place{"bundles", at.repository, digest})
			s.judgeCandidates(ctx, policy, one, at, s.bundlesOf(ctx, at, wants), &result)
		case one.notation != nil:
			result.looked = append(result.looked, place{"Notation signatures", at.repository, digest})
			s.judgeCandidates(ctx, policy, one, at, s.notationOf(ctx, at), &result)
		}
	}
	if result.verified() {
		return result
	}
	for i := range policy.authorities {
		if one := &policy.authorities[i]; one.legacy && one.unusable(now) == "" {
			s.judgeLegacy(ctx, policy, one, imageAt{image, digest}, &result)
		}
	}
	return result
}

// imageAt is one digest of an image: its own, or a leaf's.
type imageAt struct {
	plugin.Image
	digest string
}

// judgeLegacy asks one authority about what is under the older format's tags.
// Attestations in both formats add up: each may be in another.
func (s *session) judgeLegacy(ctx context.Context, policy *policy, one *authority, image imageAt, result *outcome) {
	at := s.lookup(one.repository(image.Image), image.digest)
	if len(one.attestations) == 0 {
		result.looked = append(result.looked, place{"tag", at.repository, legacyTag(image.digest)})
		s.judgeCandidates(ctx, policy, one, at, s.legacyOf(ctx, at), result)
		return
	}
	result.looked = append(result.looked, place{"tag", at.repository, attestationTag(image.digest)})
	var found gathered
	if one.bundles {
		found.add(s.bundlesOf(ctx, at, s.wants(image.Image)))
	}
	found.add(s.attestedOf(ctx, at))
	result.adopt(s.judgeStatements(ctx, policy, one, foundAt{found, image.digest}))
}

// repository is where the authority's signatures are.
func (a *authority) repository(image plugin.Image) string {
	if a.source != "" {
		return a.source
	}
	return image.Reference.Repository
}

func (s *session) judgeStatics(policy *policy, digest string) outcome {
	var result outcome
	for i := range policy.authorities {
		s.judgeStatic(policy, &policy.authorities[i], digest, &result)
	}
	return result
}

func (s *session) judgeStatic(policy *policy, one *authority, digest string, result *outcome) {
	switch one.static.Action {
	case "pass":
		claims := plugin.Claims{Kind: plugin.EvidenceStatic, Digest: digest}
		s.accept(policy, one, accepted{claims: claims}, result)
	case "fail":
		result.disallowed = "a static rule refuses it"
		if one.static.Message != "" {
			result.disallowed += ": " + one.static.Message
		}
		result.reasons = append(result.reasons, fmt.Sprintf("authority %s: %s", one.name, result.disallowed))
	}
}

// judgeCandidates asks one authority about what was found in one place. The
// first candidate that it accepts is enough.
func (s *session) judgeCandidates(ctx context.Context, policy *policy, one *authority, at *lookup, found gathered, result *outcome) {
	tried := 0
	var others []string // statements are no signatures; that comes behind why the signatures do not count
	for _, candidate := range found.candidates {
		if candidate.attests == "" {
			tried++
		}
		got, err := guarded(func() (accepted, error) { return one.check(ctx, candidate, at.digest) })
		if err == nil {
			s.accept(policy, one, got, result)
			result.stale = max(result.stale, found.stale)
			return
		}
		var silent *plugin.StageError
		if errors.As(err, &silent) {
			result.unseen = append(result.unseen, fmt.Sprintf("%s: %v", candidate.label, err))
			result.transient = result.transient || !silent.Lasting
			continue
		}
		reason := fmt.Sprintf("authority %s: %s: %v", one.name, candidate.label, err)
		if candidate.attests != "" {
			others = append(others, reason)
			continue
		}
		result.reasons = append(result.reasons, reason)
	}
	result.reasons = append(result.reasons, others...)
	result.signatures += tried
	for _, refused := range found.refused {
		result.reasons = append(result.reasons, fmt.Sprintf("authority %s: %s", one.name, refused))
		result.signatures++
	}
	result.unseen = append(result.unseen, found.unseen...)
	result.transient = result.transient || found.transient
	if name, ended := one.ended(s.config.Clock()); ended && tried > 0 {
		result.unseen = append(result.unseen, endedRoot(name))
	}
}

func endedRoot(name string) string {
	return fmt.Sprintf("TrustRoot %s: all of its authorities are past their validity; it needs to be renewed", name)
}

// guarded turns a panic over hostile content into a reason.
func guarded(check func() (accepted, error)) (got accepted, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			got, err = accepted{}, fmt.Errorf("checking it panicked: %s", oneLine(fmt.Errorf("%v", cause)))
		}
	}()
	return check()
}

// accept makes evidence of a check that passed.
func (s *session) accept(policy *policy, one *authority, got accepted, result *outcome) {
	got.claims.Gate, got.claims.Policy, got.claims.Authority = s.config.Gate, policy.name, one.name
	evidence, err := plugin.NewEvidence(got.claims, got.payload)
	if err != nil {
		result.reasons = append(result.reasons, fmt.Sprintf("authority %s: %v", one.name, err))
		return
	}
	result.evidence = append(result.evidence, evidence)
	result.notes = append(result.notes, got.notes...)
}

var errNoLeaves = errors.New("the index lists no image")

// judgeLeaves asks for every manifest of an index; an image that is no index
// is its own only leaf.
func (s *session) judgeLeaves(ctx context.Context, policy *policy, image plugin.Image) outcome {
	var all outcome
	leaves, err := s.leavesOf(ctx, image)
	if err != nil {
		s.noteLeaves(err, &all)
		return all
	}
	verified := 0
	var evidence []plugin.Evidence
	for _, leaf := range leaves {
		part := s.judgeDigest(ctx, policy, image, leaf.Digest)
		if part.verified() {
			verified++
			evidence = append(evidence, part.evidence...)
			all.notes = append(all.notes, part.notes...)
			all.stale = max(all.stale, part.stale)
			continue
		}
		if part.signatures == 0 && len(part.unseen) == 0 {
			part.reasons = append(part.reasons, "no "+policy.noun())
		}
		all.merge(part, leafPrefix(leaf, len(leaves)))
	}
	if verified == len(leaves) {
		all.evidence = evidence
	}
	return all
}
