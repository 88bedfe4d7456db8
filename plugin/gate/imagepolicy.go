package gate

import "github.com/assay-gitops/assay/plugin"

// ClusterImagePolicy says who may vouch for which images. It is sigstore's
// format (policy.sigstore.dev/v1alpha1 and v1beta1), with the meaning that
// policy-controller gives it; docs/parity.md lists where assay answers and
// policy-controller does not. A field that is not implemented refuses the
// file.
type ClusterImagePolicy struct {
	Metadata Metadata
	Spec     ImagePolicySpec
	// At is where the policy was read; files it names are relative to At.File.
	At plugin.Origin
}

// ImagePolicySpec is a ClusterImagePolicy's body.
type ImagePolicySpec struct {
	// Images that the policy covers.
	Images []ImagePattern `yaml:"images"`
	// Authorities are alternatives: one that vouches is enough.
	Authorities []Authority `yaml:"authorities"`
	// Mode is "enforce" (default) or "warn".
	Mode string `yaml:"mode,omitempty" enum:"enforce,warn"`
}

// ImagePattern is a glob over normalised references.
type ImagePattern struct {
	Glob string `yaml:"glob"`
}

// Authority is one way to vouch; exactly one of Static, Key and Keyless is
// set, or RFC3161Timestamp with Key or Keyless.
type Authority struct {
	Name             string            `yaml:"name,omitempty"`
	Static           *StaticRef        `yaml:"static,omitempty"`
	Key              *KeyRef           `yaml:"key,omitempty"`
	Keyless          *KeylessRef       `yaml:"keyless,omitempty"`
	Source           []SignatureSource `yaml:"source,omitempty"`
	CTLog            *CTLog            `yaml:"ctlog,omitempty"`
	RFC3161Timestamp *RFC3161Timestamp `yaml:"rfc3161timestamp,omitempty"`
	// SignatureFormat is "legacy" or "bundle"; empty looks for both.
	SignatureFormat string `yaml:"signatureFormat,omitempty" enum:"legacy,bundle"`
	// Attestations are asked for in the place of a signature; all of them are
	// required.
	Attestations []Attestation `yaml:"attestations,omitempty"`
	// At is the authority's own line.
	At plugin.Origin `yaml:"-"`
}

// StaticRef accepts or refuses without looking: action "pass" or "fail".
type StaticRef struct {
	Action  string `yaml:"action" enum:"pass,fail"`
	Message string `yaml:"message,omitempty"`
}

// KeyRef is one or several public keys.
type KeyRef struct {
	// Data is one key in PEM. Load refuses several blocks, of which
	// policy-controller would read the first alone; several keys are several
	// authorities, or a File.
	Data string `yaml:"data,omitempty"`
	// File is a PEM file relative to the policy's file; several blocks are
	// several keys, any of which is enough (assay's own; a policy with it is not
	// for the cluster).
	File string `yaml:"file,omitempty"`
	// KMS is a key URI (awskms://, gcpkms://, azurekms://, hashivault://); it
	// needs a build with the tag kms.
	KMS string `yaml:"kms,omitempty"`
	// HashAlgorithm is sha256 (default), sha384 or sha512.
	HashAlgorithm string `yaml:"hashAlgorithm,omitempty" enum:"sha256,sha384,sha512"`
}

// KeylessRef is certificates of a Fulcio, by identity.
type KeylessRef struct {
	URL          string     `yaml:"url,omitempty"`
	Identities   []Identity `yaml:"identities,omitempty"`
	TrustRootRef string     `yaml:"trustRootRef,omitempty"`
	// InsecureIgnoreSCT does not ask for a signed certificate timestamp.
	InsecureIgnoreSCT bool `yaml:"insecureIgnoreSCT,omitempty"`
}

// Identity is an issuer and a subject, each exact or as an anchored regular
// expression; both are needed.
type Identity struct {
	Issuer        string `yaml:"issuer,omitempty"`
	Subject       string `yaml:"subject,omitempty"`
	IssuerRegExp  string `yaml:"issuerRegExp,omitempty"`
	SubjectRegExp string `yaml:"subjectRegExp,omitempty"`
	// At is the identity's own line.
	At plugin.Origin `yaml:"-"`
}

// SignatureSource is another repository that holds the signatures.
type SignatureSource struct {
	OCI string `yaml:"oci,omitempty"`
}

// CTLog is the transparency log (Rekor).
type CTLog struct {
	URL          string `yaml:"url,omitempty"`
	TrustRootRef string `yaml:"trustRootRef,omitempty"`
}

// RFC3161Timestamp takes time from a timestamp authority.
type RFC3161Timestamp struct {
	TrustRootRef string `yaml:"trustRootRef,omitempty"`
}

// TrustRoot is a set of certificate authorities, logs and timestamp
// authorities, in sigstore's format (policy.sigstore.dev/v1alpha1).
type TrustRoot struct {
	Metadata Metadata
	Spec     TrustRootSpec
	At       plugin.Origin
}

// TrustRootSpec is one of its fields.
type TrustRootSpec struct {
	// SigstoreKeys is the inline form, PEM in base64 as policy-controller
	// writes it.
	SigstoreKeys *SigstoreKeys `yaml:"sigstoreKeys,omitempty"`
	// Remote is a TUF mirror.
	Remote *TUFRemote `yaml:"remote,omitempty"`
	// Repository is a TUF repository in the file.
	Repository *TUFRepository `yaml:"repository,omitempty"`
	// TrustedRoot is the text of a trusted_root.json (assay's own).
	TrustedRoot string `yaml:"trustedRoot,omitempty"`
	// TrustedRootFile is a trusted_root.json (protobuf-specs) relative to the
	// file (assay's own).
	TrustedRootFile string `yaml:"trustedRootFile,omitempty"`
}

// SigstoreKeys are the parts of an inline trust root.
type SigstoreKeys struct {
	CertificateAuthorities []CertificateAuthority `yaml:"certificateAuthorities,omitempty"`
	TLogs                  []TransparencyLog      `yaml:"tLogs,omitempty"`
	CTLogs                 []TransparencyLog      `yaml:"ctLogs,omitempty"`
	TimestampAuthorities   []CertificateAuthority `yaml:"timestampAuthorities,omitempty"`
}

// CertificateAuthority is a Fulcio or a timestamp authority.
type CertificateAuthority struct {
	Subject DistinguishedName `yaml:"subject"`
	URI     string            `yaml:"uri"`
	// CertChain is PEM in base64, leaf first.
	CertChain string `yaml:"certChain"`
}

// DistinguishedName is the authority's name.
type DistinguishedName struct {
	Organization string `yaml:"organization"`
	CommonName   string `yaml:"commonName"`
}

// TransparencyLog is a Rekor or a certificate transparency log.
type TransparencyLog struct {
	BaseURL       string `yaml:"baseURL"`
	HashAlgorithm string `yaml:"hashAlgorithm"`
	// PublicKey is PEM in base64.
	PublicKey string `yaml:"publicKey"`
}

// PublicGood is the name of the embedded trust root of sigstore's public-good
// instance; it is used where trustRootRef is empty.
const PublicGood = "public-good"
