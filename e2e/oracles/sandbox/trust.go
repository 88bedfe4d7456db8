package sandbox

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	common "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	trustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// TrustedRootJSON is the trust material as trusted_root.json
// (protobuf-specs, TrustedRoot), which cosign and TUF repositories use.
func (s *Sigstore) TrustedRootJSON() ([]byte, error) {
	material := &trustroot.TrustedRoot{
		MediaType:              root.TrustedRootMediaType01,
		Tlogs:                  []*trustroot.TransparencyLogInstance{s.log(&s.keys.logKey.PublicKey)},
		Ctlogs:                 []*trustroot.TransparencyLogInstance{s.log(&s.keys.certificateLogKey.PublicKey)},
		CertificateAuthorities: []*trustroot.CertificateAuthority{s.authority(s.keys.intermediate, s.keys.root)},
		TimestampAuthorities:   []*trustroot.CertificateAuthority{s.authority(s.keys.stamping, s.keys.root)},
	}
	encoded, err := protojson.Marshal(material)
	if err != nil {
		return nil, fmt.Errorf("encoding the trust root: %w", err)
	}
	return encoded, nil
}

func (s *Sigstore) log(public *ecdsa.PublicKey) *trustroot.TransparencyLogInstance {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(err) // an ECDSA key encodes
	}
	id := sha256.Sum256(der)
	return &trustroot.TransparencyLogInstance{
		BaseUrl: s.URL(), HashAlgorithm: common.HashAlgorithm_SHA2_256, LogId: &common.LogId{KeyId: id[:]},
		PublicKey: &common.PublicKey{RawBytes: der, KeyDetails: common.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256, ValidFor: validity()},
	}
}

func (s *Sigstore) authority(chain ...*x509.Certificate) *trustroot.CertificateAuthority {
	certificates := make([]*common.X509Certificate, len(chain))
	for i := range chain {
		certificates[i] = &common.X509Certificate{RawBytes: chain[i].Raw}
	}
	return &trustroot.CertificateAuthority{
		Subject: &common.DistinguishedName{Organization: s.name, CommonName: s.name}, Uri: s.URL(), ValidFor: validity(),
		CertChain: &common.X509CertificateChain{Certificates: certificates},
	}
}

func validity() *common.TimeRange {
	return &common.TimeRange{Start: timestamppb.New(time.Now().Add(-2 * time.Hour))}
}

// TrustRootYAML is the same material as policy-controller's TrustRoot, in its
// inline form (policy.sigstore.dev/v1alpha1, sigstoreKeys).
func (s *Sigstore) TrustRootYAML() ([]byte, error) {
	encode := base64.StdEncoding.EncodeToString
	authority := func(chain ...*x509.Certificate) []any {
		return []any{map[string]any{
			"subject": map[string]any{"organization": s.name, "commonName": s.name}, "uri": s.URL(),
			"certChain": encode(certificatePEM(chain...)),
		}}
	}
	log := func(public *ecdsa.PublicKey) []any {
		return []any{map[string]any{"baseURL": s.URL(), "hashAlgorithm": "sha-256", "publicKey": encode(PublicPEM(public))}}
	}
	document := map[string]any{
		"apiVersion": "policy.sigstore.dev/v1alpha1", "kind": "TrustRoot", "metadata": map[string]any{"name": s.name},
		"spec": map[string]any{"sigstoreKeys": map[string]any{
			"certificateAuthorities": authority(s.keys.intermediate, s.keys.root),
			"tLogs":                  log(&s.keys.logKey.PublicKey),
			"ctLogs":                 log(&s.keys.certificateLogKey.PublicKey),
			"timestampAuthorities":   authority(s.keys.stamping, s.keys.root),
		}},
	}
	encoded, err := json.Marshal(document) // JSON is YAML
	if err != nil {
		return nil, fmt.Errorf("encoding the TrustRoot: %w", err)
	}
	return encoded, nil
}

// signingConfig tells cosign where to go: always to Fulcio, to the log and the
// timestamp authority when asked.
func (s *Sigstore) signingConfig(how Signing) (*root.SigningConfig, error) {
	service := func(path string) []root.Service {
		return []root.Service{{URL: s.URL() + path, MajorAPIVersion: 1, ValidityPeriodStart: time.Now().Add(-time.Hour), Operator: s.name}}
	}
	one := root.ServiceConfiguration{Selector: trustroot.ServiceSelector_ANY}
	var logs, stamps []root.Service
	if how.Log {
		logs = service("")
	}
	if how.Stamp {
		stamps = service("/api/v1/timestamp")
	}
	return root.NewSigningConfig(root.SigningConfigMediaType02, service(""), nil, logs, one, stamps, one)
}
