package notation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/notaryproject/notation-core-go/signature"
	upstream "github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	"github.com/notaryproject/tspclient-go"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/assay-gitops/assay/plugin"
)

// Accepted is a signature that passed every check that its statement enforces.
type Accepted struct {
	// Signer is the certificate's subject, as a distinguished name (RFC 4514).
	Signer string
	// Signed is proven by a timestamp authority or a signing authority; zero
	// when only the signer states it.
	Signed time.Time
	// Payload is the signed document.
	Payload []byte
	// Notes are checks that failed and that the statement only logs.
	Notes []string
}

// Check verifies one envelope over one manifest. A nil error means that every
// enforced check passed. A *plugin.StageError is no answer: the one thing that
// stands against the signature is that a revocation service gave none. Any other
// error refuses the signature.
func (s *Statement) Check(ctx context.Context, envelope Envelope, target Target) (Accepted, error) {
	signed, err := envelope.open(s.limits.Certificates)
	if err != nil {
		return Accepted{}, err
	}
	wantsStamp := s.wantsStamp(signed.signer)
	asks := s.revocation.start(ctx)
	defer asks.stop()
	outcome, err := s.ask(asks, envelope, target, wantsStamp)
	if err != nil {
		return Accepted{}, explain(err, signed, target)
	}
	judged := judgement{statement: s}
	now := s.clock()
	if expiry := signed.signer.SignedAttributes.Expiry; !expiry.IsZero() && !now.Before(expiry) {
		judged.failed(trustpolicy.TypeExpiry, fmt.Errorf("it was valid until %s", expiry.UTC().Format(time.RFC3339)))
	}
	judged.failed(trustpolicy.TypeAuthenticTimestamp, asks.stamps.orSilent(s.timeError(outcome, wantsStamp, now)))
	judged.failed(trustpolicy.TypeRevocation, asks.signers.orSilent(resultOf(outcome, trustpolicy.TypeRevocation)))
	if err := judged.err(); err != nil {
		return Accepted{}, err
	}
	return Accepted{
		Signer: signed.signer.CertificateChain[0].Subject.String(), Payload: signed.payload, Notes: judged.notes,
		Signed: signedAt(signed.signer, wantsStamp && resultOf(outcome, trustpolicy.TypeAuthenticTimestamp) == nil),
	}, nil
}

// wantsStamp reports whether a timestamp is checked: where the statement names a
// timestamp authority, and always or, if it says so, when a certificate is not
// valid now. notation-go would look at the system's clock for that.
func (s *Statement) wantsStamp(signer signature.SignerInfo) bool {
	if len(s.stores.of(truststore.TypeTSA)) == 0 || signer.SignedAttributes.SigningScheme != signature.SigningSchemeX509 {
		return false
	}
	return s.declared.SignatureVerification.VerifyTimestamp != trustpolicy.OptionAfterCertExpiry || validAt(signer.CertificateChain, s.clock()) != nil
}

// ask has notation-go verify by this statement alone. Integrity, authenticity
// and identity are enforced there; what depends on the time and on the network
// is only reported, for [judgement] to weigh.
func (s *Statement) ask(asks *asking, envelope Envelope, target Target, wantsStamp bool) (*upstream.VerificationOutcome, error) {
	const log = trustpolicy.ActionLog
	alone := s.declared
	alone.RegistryScopes = []string{wildcard}
	alone.TrustStores = nil
	for _, name := range s.declared.TrustStores {
		if isStamps := len(stores{name: s.stores[name]}.of(truststore.TypeTSA)) > 0; !isStamps || wantsStamp {
			alone.TrustStores = append(alone.TrustStores, name)
		}
	}
	revocation := log
	if s.enforce[trustpolicy.TypeRevocation] == trustpolicy.ActionSkip {
		revocation = trustpolicy.ActionSkip
	}
	alone.SignatureVerification = trustpolicy.SignatureVerification{
		VerificationLevel: trustpolicy.LevelStrict.Name,
		Override: map[trustpolicy.ValidationType]trustpolicy.ValidationAction{
			trustpolicy.TypeExpiry: log, trustpolicy.TypeAuthenticTimestamp: log, trustpolicy.TypeRevocation: revocation,
		},
	}
	document := &trustpolicy.Document{Version: "1.0", TrustPolicies: []trustpolicy.TrustPolicy{alone}}
	// No plugin manager: no signature makes assay run a program.
	made, err := verifier.NewWithOptions(document, s.stores, nil, verifier.VerifierOptions{
		RevocationCodeSigningValidator: asks.signers, RevocationTimestampingValidator: asks.stamps,
	})
	if err != nil {
		return nil, err
	}
	wanted := ocispec.Descriptor{MediaType: target.MediaType, Digest: digest.Digest(target.Digest), Size: target.Size}
	return made.Verify(asks.ctx, wanted, envelope.Raw, upstream.VerifierVerifyOptions{
		// The statement was chosen by the image's repository, and now covers any.
		ArtifactReference: "registry.invalid/image@" + target.Digest, SignatureMediaType: envelope.MediaType,
	})
}

// timeError says why the time of signing is not proven. Without a timestamp the
// certificates have to be valid now, by the caller's clock.
func (s *Statement) timeError(outcome *upstream.VerificationOutcome, wantsStamp bool, now time.Time) error {
	signer := outcome.EnvelopeContent.SignerInfo
	if wantsStamp || signer.SignedAttributes.SigningScheme != signature.SigningSchemeX509 {
		return resultOf(outcome, trustpolicy.TypeAuthenticTimestamp)
	}
	return validAt(signer.CertificateChain, now)
}

// validAt names the first certificate that is not valid at a time.
func validAt(chain []certificate, at time.Time) error {
	for _, one := range chain {
		if at.Before(one.NotBefore) || at.After(one.NotAfter) {
			return fmt.Errorf("its certificate %q was valid from %s to %s, and it has no timestamp that counts",
				one.Subject, one.NotBefore.UTC().Format(time.RFC3339), one.NotAfter.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// signedAt is the time of signing that somebody else than the signer proves.
func signedAt(signer signature.SignerInfo, stamped bool) time.Time {
	if at, err := signer.AuthenticSigningTime(); err == nil {
		return at.UTC()
	}
	if !stamped {
		return time.Time{}
	}
	token, err := tspclient.ParseSignedToken(signer.UnsignedAttributes.TimestampSignature)
	if err != nil {
		return time.Time{}
	}
	info, err := token.Info()
	if err != nil {
		return time.Time{}
	}
	return info.GenTime.UTC()
}

// resultOf is why one check of notation-go's failed; nil when it passed or was
// not made.
func resultOf(outcome *upstream.VerificationOutcome, check trustpolicy.ValidationType) error {
	for _, result := range outcome.VerificationResults {
		if result.Type == check && result.Error != nil {
			return result.Error
		}
	}
	return nil
}

// judgement weighs failed checks by what the statement says of them.
type judgement struct {
	statement *Statement
	notes     []string
	refusals  []error
	silences  []error
}

func (j *judgement) failed(check trustpolicy.ValidationType, err error) {
	var silent *plugin.StageError
	switch action := j.statement.enforce[check]; {
	case err == nil, action == trustpolicy.ActionSkip:
	case action == trustpolicy.ActionLog:
		j.notes = append(j.notes, fmt.Sprintf("%s: %v", check, err))
	case errors.As(err, &silent):
		j.silences = append(j.silences, err)
	default:
		j.refusals = append(j.refusals, fmt.Errorf("%s: %w", check, err))
	}
}

// err is the first refusal, as it needs no answer that is missing; else the
// first silence.
func (j *judgement) err() error {
	for _, list := range [][]error{j.refusals, j.silences} {
		if len(list) > 0 {
			return list[0]
		}
	}
	return nil
}

// explain puts notation-go's reasons in words that say what to look at.
func explain(err error, signed opened, target Target) error {
	var unknown *signature.SignatureAuthenticityError
	signer := signed.signer.CertificateChain[0].Subject.String()
	named := signed.target()
	switch {
	case named.Digest.String() != target.Digest:
		return fmt.Errorf("it signs another image (%s)", named.Digest)
	case named.MediaType != target.MediaType || named.Size != target.Size:
		return fmt.Errorf("it signs the digest as %s of %d bytes, and the manifest is %s of %d bytes", named.MediaType, named.Size, target.MediaType, target.Size)
	case errors.As(err, &unknown):
		return fmt.Errorf("its certificate %q is not from an authority of the trust store", signer)
	}
	return fmt.Errorf("signed by %q: %w", signer, err)
}
