// Package throwaway is a sigstore of one's own for the demo and the tests: a
// certificate authority, a certificate log, a transparency log and a timestamp
// authority whose keys live in memory. It signs images as cosign does, in both
// formats, and can sign wrongly on demand.
//
// Nothing that it signs is worth trusting beyond the process that made it.
package throwaway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/sigstore/sigstore-go/pkg/root"
	"sigs.k8s.io/yaml"
)

// The addresses in its trust root; nothing answers there.
const (
	fulcioURL = "https://fulcio.example.com"
	rekorURL  = "https://rekor.example.com"
	ctURL     = "https://ct.example.com"
	stampURL  = "https://tsa.example.com"
)

// Sigstore is one instance. It may be used by many goroutines.
type Sigstore struct {
	// Remote are used when images are read and signatures written.
	Remote []remote.Option

	from, until time.Time
	fulcio      authority
	stamps      authority
	stampLeaf   authority
	logKey      *ecdsa.PrivateKey
	ctKey       *ecdsa.PrivateKey
}

// authority is a key and its certificate.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

// New makes an instance that has been valid for a year and will be for ten.
func New() (*Sigstore, error) {
	now := time.Now()
	return NewValid(now.AddDate(-1, 0, 0), now.AddDate(10, 0, 0))
}

// NewValid makes an instance whose authorities are valid between two times.
func NewValid(from, until time.Time) (*Sigstore, error) {
	made := &Sigstore{from: from, until: until}
	var err error
	for _, key := range []**ecdsa.PrivateKey{&made.logKey, &made.ctKey} {
		if *key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, fmt.Errorf("making a throw-away sigstore: %w", err)
		}
	}
	if made.fulcio, err = newAuthority("fulcio", from, until, nil); err != nil {
		return nil, err
	}
	if made.stamps, err = newAuthority("timestamps", from, until, nil); err != nil {
		return nil, err
	}
	made.stampLeaf, err = newAuthority("timestamp", from, until, &made.stamps)
	return made, err
}

// timestamping is the extended key usage of timestamp authorities, which has
// to be critical (RFC 3161, section 2.3).
func timestamping() (pkix.Extension, error) {
	value, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: value}, err
}

// newAuthority makes a self-signed authority, or the timestamp authority's
// leaf under a parent.
func newAuthority(name string, from, until time.Time, parent *authority) (authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, fmt.Errorf("making authority %s: %w", name, err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{"throw-away"}},
		NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	issuer := authority{key: key, certificate: template}
	if parent != nil {
		issuer = *parent
		usage, err := timestamping()
		if err != nil {
			return authority{}, err
		}
		template.KeyUsage, template.IsCA = x509.KeyUsageDigitalSignature, false
		template.ExtraExtensions = []pkix.Extension{usage}
	}
	certificate, err := issuer.issue(template, &key.PublicKey)
	return authority{key: key, certificate: certificate}, err
}

func (a authority) issue(template *x509.Certificate, public any) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, public, a.key)
	if err != nil {
		return nil, fmt.Errorf("issuing a certificate to %s: %w", template.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

func encodeChain(certificates ...*x509.Certificate) string {
	var text []byte
	for _, certificate := range certificates {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})...)
	}
	return base64.StdEncoding.EncodeToString(text)
}

func encodeKey(key *ecdsa.PrivateKey) (string, error) {
	text, err := publicPEM(&key.PublicKey)
	return base64.StdEncoding.EncodeToString([]byte(text)), err
}

func publicPEM(key any) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("encoding a public key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// TrustRoot is what a gate needs in order to trust the instance.
func (s *Sigstore) TrustRoot(name string) (gate.TrustRoot, error) {
	logKey, err := encodeKey(s.logKey)
	if err != nil {
		return gate.TrustRoot{}, err
	}
	ctKey, err := encodeKey(s.ctKey)
	if err != nil {
		return gate.TrustRoot{}, err
	}
	subject := gate.DistinguishedName{Organization: "throw-away", CommonName: "throw-away"}
	return gate.TrustRoot{
		Metadata: gate.Metadata{Name: name},
		Spec: gate.TrustRootSpec{SigstoreKeys: &gate.SigstoreKeys{
			CertificateAuthorities: []gate.CertificateAuthority{{Subject: subject, URI: fulcioURL, CertChain: encodeChain(s.fulcio.certificate)}},
			TLogs:                  []gate.TransparencyLog{{BaseURL: rekorURL, HashAlgorithm: "sha-256", PublicKey: logKey}},
			CTLogs:                 []gate.TransparencyLog{{BaseURL: ctURL, HashAlgorithm: "sha-256", PublicKey: ctKey}},
			TimestampAuthorities:   []gate.CertificateAuthority{{Subject: subject, URI: stampURL, CertChain: encodeChain(s.stampLeaf.certificate, s.stamps.certificate)}},
		}},
	}, nil
}

// TrustRootYAML is the TrustRoot as a file of a gate's configuration.
func (s *Sigstore) TrustRootYAML(name string) (string, error) {
	declared, err := s.TrustRoot(name)
	if err != nil {
		return "", err
	}
	keys := declared.Spec.SigstoreKeys
	authorities := func(list []gate.CertificateAuthority) []map[string]any {
		var all []map[string]any
		for _, one := range list {
			all = append(all, map[string]any{
				"subject": map[string]any{"organization": one.Subject.Organization, "commonName": one.Subject.CommonName},
				"uri":     one.URI, "certChain": one.CertChain,
			})
		}
		return all
	}
	logs := func(list []gate.TransparencyLog) []map[string]any {
		var all []map[string]any
		for _, one := range list {
			all = append(all, map[string]any{"baseURL": one.BaseURL, "hashAlgorithm": one.HashAlgorithm, "publicKey": one.PublicKey})
		}
		return all
	}
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": "policy.sigstore.dev/v1alpha1", "kind": "TrustRoot", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"sigstoreKeys": map[string]any{
			"certificateAuthorities": authorities(keys.CertificateAuthorities), "tLogs": logs(keys.TLogs),
			"ctLogs": logs(keys.CTLogs), "timestampAuthorities": authorities(keys.TimestampAuthorities),
		}},
	})
	if err != nil {
		return "", fmt.Errorf("writing TrustRoot %s: %w", name, err)
	}
	return string(text), nil
}

// TrustedRootJSON is the same as a trusted_root.json, with validity times.
func (s *Sigstore) TrustedRootJSON() ([]byte, error) { return s.TrustedRootUntil(s.until) }

// TrustedRootUntil is TrustedRootJSON with another end of validity than the
// certificates', as an instance that retired its authorities writes it.
func (s *Sigstore) TrustedRootUntil(until time.Time) ([]byte, error) {
	logs := map[string]*root.TransparencyLog{}
	ctLogs := map[string]*root.TransparencyLog{}
	for _, one := range []struct {
		into map[string]*root.TransparencyLog
		key  *ecdsa.PrivateKey
		url  string
	}{{logs, s.logKey, rekorURL}, {ctLogs, s.ctKey, ctURL}} {
		id, err := logID(one.key)
		if err != nil {
			return nil, err
		}
		one.into[fmt.Sprintf("%x", id)] = logOf(one.url, one.key, id, s.from)
	}
	made, err := root.NewTrustedRoot(root.TrustedRootMediaType01,
		[]root.CertificateAuthority{&root.FulcioCertificateAuthority{Root: s.fulcio.certificate, ValidityPeriodStart: s.from, ValidityPeriodEnd: until, URI: fulcioURL}},
		ctLogs,
		[]root.TimestampingAuthority{&root.SigstoreTimestampingAuthority{Root: s.stamps.certificate, Leaf: s.stampLeaf.certificate, ValidityPeriodStart: s.from, ValidityPeriodEnd: until, URI: stampURL}},
		logs)
	if err != nil {
		return nil, fmt.Errorf("writing a trusted root: %w", err)
	}
	return made.MarshalJSON()
}
