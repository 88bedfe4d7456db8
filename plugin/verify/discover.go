package verify

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// Signer is somebody who signed an image, as a proposal for a policy. It is no
// evidence: nobody has said yet that this signer may vouch for it.
type Signer struct {
	// Format is "bundle" or "cosign-tag".
	Format string
	// Issuer and Subject are a certificate's identity; empty for a key.
	Issuer, Subject string
	// SourceRepository is the certificate's, when it names one.
	SourceRepository string
	// TrustRoot is the one that verified the signature; empty when none did:
	// then the identity is empty too, as anybody could have written it.
	TrustRoot string
	// Key is set for a signature by a key, which cannot be verified without it.
	Key bool
	// Reason says why the signature is not verified.
	Reason string
}

// Discover lists who signed an image, in both formats, verified against every
// trust root that the verifier has, whatever its policies say. Equal signers
// are told once, in a stable order. The error is a *plugin.StageError when
// something could not be looked at; what was found is returned beside it.
func (v *Verifier) Discover(ctx context.Context, image plugin.Image) ([]Signer, error) {
	session := newSession(v)
	at := session.lookup(image.Reference.Repository, image.Digest)
	found := session.bundlesOf(ctx, at, isSignature)
	found.add(session.legacyOf(ctx, at))
	var signers []Signer
	for _, candidate := range found.candidates {
		if candidate.attests != "" {
			continue
		}
		if signer := v.identify(ctx, candidate, image.Digest); !slices.Contains(signers, signer) {
			signers = append(signers, signer)
		}
	}
	slices.SortFunc(signers, func(a, b Signer) int {
		return cmp.Or(cmp.Compare(a.Issuer, b.Issuer), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Format, b.Format), cmp.Compare(a.Reason, b.Reason))
	})
	if problems := slices.Concat(found.unseen, found.refused); len(problems) > 0 {
		return signers, &plugin.StageError{
			Stage: "verify", Subject: image.Reference.Repository + "@" + image.Digest,
			Hint: "look at the registry and its credentials, and try again", Cause: errors.New(strings.Join(problems, "; ")),
		}
	}
	return signers, nil
}

// identify verifies one candidate against each trust root in turn.
func (v *Verifier) identify(ctx context.Context, found *candidate, digest string) Signer {
	signer := Signer{Format: found.format}
	if found.refused != nil {
		signer.Reason = found.refused.Error()
		return signer
	}
	if found.byKey() {
		signer.Key = true
		signer.Reason = errByKey.Error()
		return signer
	}
	for _, name := range sortedNames(v.roots) {
		anyone, can := v.anyoneOf(name)
		if !can {
			continue
		}
		got, err := guarded(func() (accepted, error) { return anyone.check(ctx, found, digest) })
		if err != nil {
			signer.Reason = err.Error()
			continue
		}
		return Signer{
			Format: found.format, Issuer: got.claims.Issuer, Subject: got.claims.Signer,
			SourceRepository: got.claims.SourceRepository, TrustRoot: name,
		}
	}
	return signer
}

var errByKey = errors.New("signed by a key; a policy with the public key tells whether it is the right one")

// anyoneOf accepts every identity under one trust root, which vouches for
// nothing; false when the root certifies nobody.
func (v *Verifier) anyoneOf(name string) (*authority, bool) {
	root := v.roots[name]
	if len(root.material.FulcioCertificateAuthorities()) == 0 {
		return nil, false
	}
	anyone := &authority{name: name, anyone: true, parts: trustParts{certificates: root, logs: root}, clock: v.config.Clock}
	anyone.onBundles = root.everything()
	anyone.onLegacy = anyone.onBundles
	return anyone, true
}

// everything is all that the trust root can check: its logs, or else its
// timestamp authority.
func (t *trustRoot) everything() demands {
	hasLog := len(t.material.RekorLogs()) > 0
	return demands{
		sct: len(t.material.CTLogs()) > 0, log: hasLog,
		stamp: !hasLog && len(t.material.TimestampingAuthorities()) > 0,
	}
}
