package verify

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/assay-gitops/assay/plugin/gate"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	prototrust "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// convertKeys turns the inline form of a TrustRoot into the form that
// sigstore-go reads. Inline keys say nothing of their validity: they are valid
// from the epoch on, and certificates bound themselves.
func convertKeys(keys gate.SigstoreKeys) (*prototrust.TrustedRoot, error) {
	proto := &prototrust.TrustedRoot{MediaType: root.TrustedRootMediaType01}
	var err error
	if proto.CertificateAuthorities, err = convertAuthorities("certificateAuthorities", keys.CertificateAuthorities); err != nil {
		return nil, err
	}
	if proto.TimestampAuthorities, err = convertAuthorities("timestampAuthorities", keys.TimestampAuthorities); err != nil {
		return nil, err
	}
	if proto.Tlogs, err = convertLogs("tLogs", keys.TLogs); err != nil {
		return nil, err
	}
	if proto.Ctlogs, err = convertLogs("ctLogs", keys.CTLogs); err != nil {
		return nil, err
	}
	return proto, nil
}

func sinceEpoch() *protocommon.TimeRange {
	return &protocommon.TimeRange{Start: &timestamppb.Timestamp{}}
}

func convertAuthorities(field string, declared []gate.CertificateAuthority) ([]*prototrust.CertificateAuthority, error) {
	var converted []*prototrust.CertificateAuthority
	for i, authority := range declared {
		chain, err := decodeChain(authority.CertChain)
		if err != nil {
			return nil, fmt.Errorf("%s[%d].certChain: %w", field, i, err)
		}
		converted = append(converted, &prototrust.CertificateAuthority{
			Subject:   &protocommon.DistinguishedName{Organization: authority.Subject.Organization, CommonName: authority.Subject.CommonName},
			Uri:       authority.URI,
			CertChain: chain,
			ValidFor:  sinceEpoch(),
		})
	}
	return converted, nil
}

// decodeChain reads base64 of PEM certificates, leaf first. The last one is
// the trust anchor and has to be self-signed, or the order is wrong.
func decodeChain(encoded string) (*protocommon.X509CertificateChain, error) {
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("decoding base64: %w", err)
	}
	chain := &protocommon.X509CertificateChain{}
	var last *x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if last, err = x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fmt.Errorf("parsing certificate %d: %w", len(chain.Certificates)+1, err)
		}
		chain.Certificates = append(chain.Certificates, &protocommon.X509Certificate{RawBytes: block.Bytes})
	}
	switch {
	case last == nil:
		return nil, errors.New("it holds no PEM certificate")
	case !bytes.Equal(last.RawSubject, last.RawIssuer):
		return nil, errors.New("its last certificate is not self-signed; the chain is written leaf first, root last")
	}
	return chain, nil
}

func convertLogs(field string, declared []gate.TransparencyLog) ([]*prototrust.TransparencyLogInstance, error) {
	var converted []*prototrust.TransparencyLogInstance
	for i, log := range declared {
		if log.HashAlgorithm != "sha256" && log.HashAlgorithm != "sha-256" {
			return nil, fmt.Errorf("%s[%d].hashAlgorithm is %q, want sha-256", field, i, log.HashAlgorithm)
		}
		key, err := decodeLogKey(log.PublicKey)
		if err != nil {
			return nil, fmt.Errorf("%s[%d].publicKey: %w", field, i, err)
		}
		id := sha256.Sum256(key.RawBytes) // RFC 6962, section 3.2: the log's id is the hash of its key
		converted = append(converted, &prototrust.TransparencyLogInstance{
			BaseUrl:       log.BaseURL,
			HashAlgorithm: protocommon.HashAlgorithm_SHA2_256,
			PublicKey:     key,
			LogId:         &protocommon.LogId{KeyId: id[:]},
		})
	}
	return converted, nil
}

func decodeLogKey(encoded string) (*protocommon.PublicKey, error) {
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("decoding base64: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("it holds no PEM public key")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parsing public key: %w", err)
	}
	details, err := keyDetails(key)
	if err != nil {
		return nil, err
	}
	return &protocommon.PublicKey{RawBytes: block.Bytes, KeyDetails: details, ValidFor: sinceEpoch()}, nil
}

func keyDetails(key any) (protocommon.PublicKeyDetails, error) {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256, nil
		case elliptic.P384():
			return protocommon.PublicKeyDetails_PKIX_ECDSA_P384_SHA_384, nil
		case elliptic.P521():
			return protocommon.PublicKeyDetails_PKIX_ECDSA_P521_SHA_512, nil
		}
	case *rsa.PublicKey:
		switch key.N.BitLen() {
		case 2048:
			return protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_2048_SHA256, nil
		case 3072:
			return protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_3072_SHA256, nil
		case 4096:
			return protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_4096_SHA256, nil
		}
	case ed25519.PublicKey:
		return protocommon.PublicKeyDetails_PKIX_ED25519, nil
	}
	return 0, fmt.Errorf("%T of that size is not supported", key)
}
