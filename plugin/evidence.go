package plugin

import (
	"errors"
	"time"
)

// EvidenceKind says what kind of statement vouches for an image.
type EvidenceKind string

const (
	// EvidenceSignature is a signature over the image's digest.
	EvidenceSignature EvidenceKind = "signature"
	// EvidenceAttestation is a signed statement (in-toto) about the digest.
	EvidenceAttestation EvidenceKind = "attestation"
	// EvidenceStatic is a rule of the gate that accepts the image as it is
	// (ClusterImagePolicy's static: pass, or a digest allow-list).
	EvidenceStatic EvidenceKind = "static"
)

// Claims are the fields of an [Evidence], each verified before it is stated.
type Claims struct {
	Kind EvidenceKind `json:"kind"`
	// Gate, Policy and Authority name the trust rule that accepted it.
	Gate      string `json:"gate"`
	Policy    string `json:"policy"`
	Authority string `json:"authority,omitempty"`
	// Digest is the subject: the image's digest, or a leaf's of its index.
	Digest string `json:"digest"`
	// Format is "bundle" (sigstore bundle as OCI 1.1 referrer), "cosign-tag"
	// (legacy .sig/.att), "notation-jws" or "notation-cose" (Notary Project), or
	// empty for static.
	Format string `json:"format,omitempty"`
	// Signer is the certificate's subject alternative name, its subject as a
	// distinguished name (Notation), or the key's fingerprint "sha256:<hex of the
	// DER public key>".
	Signer string `json:"signer,omitempty"`
	// Issuer is the OIDC issuer of a keyless certificate.
	Issuer string `json:"issuer,omitempty"`
	// TrustRoot names the trust root that verified it, or Notation's trust stores;
	// empty for plain keys.
	TrustRoot string `json:"trustRoot,omitempty"`
	// PredicateType is the in-toto predicate type of a statement.
	PredicateType string `json:"predicateType,omitempty"`
	// SourceRepository, SourceRevision and SourceRef are the certificate's
	// extensions (Fulcio OIDs 1.3.6.1.4.1.57264.1.12, .13, .14); for provenance
	// that is signed with a key, what its holder says.
	SourceRepository string `json:"sourceRepository,omitempty"`
	SourceRevision   string `json:"sourceRevision,omitempty"`
	SourceRef        string `json:"sourceRef,omitempty"`
	// Artifact is the digest of what holds the statement in the image's
	// repository: a referrer's manifest, or a layer under a tag; empty for static.
	Artifact string `json:"artifact,omitempty"`
	// BuildLevel is the SLSA build level (1 to 4) that verified provenance proves,
	// by the builder that the gate trusts for it; zero when none does.
	BuildLevel int `json:"buildLevel,omitempty"`
	// Builder made the image, by its provenance. Workflow, Event and RunURI say
	// what ran it, what started that, and which run it was.
	Builder  string `json:"builder,omitempty"`
	Workflow string `json:"workflow,omitempty"`
	Event    string `json:"event,omitempty"`
	RunURI   string `json:"runURI,omitempty"`
	// Signed is the earliest time proven by a log or a timestamp authority;
	// zero when there is none.
	Signed time.Time `json:"signed,omitzero"`
}

// Evidence is a verified statement about one digest. Only plugin/verify makes
// one; a test of the repository's layers says so.
type Evidence struct {
	claims  Claims
	payload []byte
}

// NewEvidence is called by plugin/verify alone, after every check passed.
// Payload is the verified payload (an in-toto statement or a simple-signing
// document); it may be nil for static rules.
func NewEvidence(claims Claims, payload []byte) (Evidence, error) {
	switch {
	case claims.Digest == "":
		return Evidence{}, errors.New("making evidence: no subject digest")
	case claims.Policy == "":
		return Evidence{}, errors.New("making evidence: no trust rule")
	case claims.Kind == "":
		return Evidence{}, errors.New("making evidence: no kind")
	}
	return Evidence{claims: claims, payload: payload}, nil
}

// Claims returns the verified claims. Those of the zero value are empty.
func (e Evidence) Claims() Claims { return e.claims }

// Payload is the verified payload. Do not change it.
func (e Evidence) Payload() []byte { return e.payload }

// IsZero reports whether e vouches for nothing.
func (e Evidence) IsZero() bool { return e.claims == Claims{} }
