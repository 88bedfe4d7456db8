package verify

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/notation"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/root"
	sigstore "github.com/sigstore/sigstore-go/pkg/verify"
)

// authority is one compiled way to vouch.
type authority struct {
	name   string
	static gate.StaticRef
	// bundles and legacy say which formats are looked for.
	bundles, legacy bool
	// source is another repository that holds the signatures; empty for the
	// image's own.
	source string
	keys   []publicKey
	// attestations are asked for in the place of a signature.
	attestations        []attestation
	identities          []sigstore.CertificateIdentity
	parts               trustParts
	onBundles, onLegacy demands
	clock               func() time.Time
	// notation is set where Notation's signatures are looked for, and nothing
	// else.
	notation *notation.Statement
	// anyone accepts every identity; only [Verifier.Discover], which vouches for
	// nothing, sets it.
	anyone bool
}

// signPredicate is the in-toto predicate type of an image signature in a
// bundle (cosign, pkg/types). Any other statement attests something about the
// image, such as its provenance or its flaws, and is no signature.
const signPredicate = "https://sigstore.dev/cosign/sign/v1"

// accepted is a signature or a statement that passed every check.
type accepted struct {
	claims  plugin.Claims
	payload []byte
	// notes are checks that failed and that the trust rule only logs.
	notes []string
	// statement is what an attestation says; zero for a signature.
	statement statement
	// certificate is what the signing certificate says; nil for a key.
	certificate *certificate.Summary
}

// binding checks that what was verified says what is asked about this very
// digest.
type binding func(found *candidate, result *sigstore.VerificationResult, digest string) error

// check verifies one candidate as a signature of the digest under this
// authority. A nil error means that every check passed.
func (a *authority) check(ctx context.Context, found *candidate, digest string) (accepted, error) {
	if found.refused == nil && a.notation != nil {
		return a.checkNotation(ctx, found, digest)
	}
	return a.checkWith(found, digest, (*candidate).bind)
}

// checkStatement verifies one candidate as an attestation about the digest. What
// cannot be read in one way only is refused before anything is verified.
func (a *authority) checkStatement(found *candidate, digest string) (accepted, error) {
	switch {
	case found.refused != nil:
		return accepted{}, found.refused
	case found.stated == nil:
		return accepted{}, errors.New("it is a signature, not an attestation")
	}
	read, err := found.stated()
	if err != nil {
		return accepted{}, err
	}
	got, err := a.checkWith(found, digest, bindStatement)
	if err != nil {
		return accepted{}, err
	}
	got.statement = read
	got.claims.Kind, got.claims.PredicateType = plugin.EvidenceAttestation, got.statement.predicateType
	return got, nil
}

// checkWith tries every key, or the identities: one that fits is enough.
func (a *authority) checkWith(found *candidate, digest string, bind binding) (accepted, error) {
	if found.refused != nil {
		return accepted{}, found.refused
	}
	if len(a.keys) == 0 {
		return a.checkAs(found, digest, publicKey{}, bind)
	}
	reason := errors.New("no key")
	for _, key := range a.keys {
		got, err := a.checkAs(found, digest, key, bind)
		if err == nil {
			return got, nil
		}
		reason = err
	}
	return accepted{}, reason
}

// checkAs verifies with one key, or with the authority's identities.
func (a *authority) checkAs(found *candidate, digest string, key publicKey, bind binding) (accepted, error) {
	wanted := a.onBundles
	verifiers := key.bundle
	if found.format == formatLegacy {
		wanted = a.onLegacy
		verifiers = []root.TimeConstrainedVerifier{key.legacy}
	}
	if found.dsse != nil {
		verifiers = key.bundle
	}
	if !wanted.key {
		verifiers = []root.TimeConstrainedVerifier{nil}
	}
	var result *sigstore.VerificationResult
	var err error
	for _, verifier := range verifiers {
		result, err = a.verify(found, digest, wanted, verifier)
		if err == nil {
			break
		}
	}
	if err != nil {
		return accepted{}, a.whyNot(found, wanted, err)
	}
	if err := bind(found, result, digest); err != nil {
		return accepted{}, err
	}
	got := accepted{claims: a.claims(found, result, digest, key), payload: found.content}
	if result.Signature != nil {
		got.certificate = result.Signature.Certificate
	}
	return got, nil
}

func (a *authority) verify(found *candidate, digest string, wanted demands, key root.TimeConstrainedVerifier) (*sigstore.VerificationResult, error) {
	if why := a.unusable(a.clock()); why != "" {
		return nil, errors.New(why)
	}
	trusted := material{trustParts: a.parts, key: key}
	if !wanted.log && !wanted.stamp {
		trusted.now = a.clock
	}
	verifier, err := sigstore.NewVerifier(trusted, wanted.options()...)
	if err != nil {
		return nil, err
	}
	artifact, err := found.artifact(digest)
	if err != nil {
		return nil, err
	}
	entity, err := found.signed(wanted)
	if err != nil {
		return nil, err
	}
	var signers []sigstore.PolicyOption
	switch {
	case wanted.key:
		signers = append(signers, sigstore.WithKey())
	case a.anyone:
		signers = append(signers, sigstore.WithoutIdentitiesUnsafe())
	}
	for _, identity := range a.identities {
		signers = append(signers, sigstore.WithCertificateIdentity(identity))
	}
	found.lock.Lock() // sigstore-go notes what it sees in the entity
	defer found.lock.Unlock()
	return verifier.Verify(entity, sigstore.NewPolicy(artifact, signers...))
}

// artifact is what the signature has to be over: the payload of the older
// format, else the image's digest.
func (c *candidate) artifact(digest string) (sigstore.ArtifactPolicyOption, error) {
	if c.signsPayload() {
		return sigstore.WithArtifact(bytes.NewReader(c.payload)), nil
	}
	algorithm, value, _ := strings.Cut(digest, ":")
	sum, err := hex.DecodeString(value)
	if err != nil {
		return nil, fmt.Errorf("reading digest %s: %w", digest, err)
	}
	return sigstore.WithArtifactDigest(algorithm, sum), nil
}

// bind checks that what was verified is a signature of this very image.
func (c *candidate) bind(result *sigstore.VerificationResult, digest string) error {
	if c.signsPayload() {
		return bindPayload(c.payload, digest)
	}
	return requireSignature(result)
}

// requireSignature refuses attestations. A message signature over the digest
// has no statement and is a signature.
func requireSignature(result *sigstore.VerificationResult) error {
	if result.Statement != nil && result.Statement.PredicateType != signPredicate {
		return fmt.Errorf("it is an attestation (%s), not a signature", result.Statement.PredicateType)
	}
	return nil
}

func (a *authority) claims(found *candidate, result *sigstore.VerificationResult, digest string, key publicKey) plugin.Claims {
	claims := plugin.Claims{
		Kind: plugin.EvidenceSignature, Digest: digest, Format: found.format, Artifact: found.holder,
		Signer: key.fingerprint, TrustRoot: a.parts.names(), Signed: signedAt(result),
	}
	if result.Statement != nil {
		claims.PredicateType = result.Statement.PredicateType
	}
	if result.Signature != nil && result.Signature.Certificate != nil {
		signer := result.Signature.Certificate
		claims.Signer, claims.Issuer = signer.SubjectAlternativeName, signer.Issuer
		claims.SourceRepository = signer.SourceRepositoryURI
		claims.SourceRevision = signer.SourceRepositoryDigest
		claims.SourceRef = signer.SourceRepositoryRef
	}
	return claims
}

// signedAt is the earliest time that somebody else than the signer proves.
func signedAt(result *sigstore.VerificationResult) time.Time {
	var earliest time.Time
	for _, stamp := range result.VerifiedTimestamps {
		if stamp.Type == "CurrentTime" {
			continue
		}
		if earliest.IsZero() || stamp.Timestamp.Before(earliest) {
			earliest = stamp.Timestamp
		}
	}
	return earliest.UTC()
}

// names are the trust roots' names, each once.
func (p trustParts) names() string {
	var names []string
	for _, part := range []*trustRoot{p.certificates, p.logs, p.stamps} {
		if part != nil && !strings.Contains(","+strings.Join(names, ",")+",", ","+part.name+",") {
			names = append(names, part.name)
		}
	}
	return strings.Join(names, ",")
}

// ended names the trust root whose authorities are all past their validity.
func (a *authority) ended(at time.Time) (string, bool) {
	if a.notation != nil {
		return a.notation.Ended(at)
	}
	switch {
	case a.parts.certificates != nil && a.parts.certificates.ended(at):
		return a.parts.certificates.name, true
	case a.parts.stamps != nil && a.parts.stamps.stampsEnded(at):
		return a.parts.stamps.name, true
	}
	return "", false
}
