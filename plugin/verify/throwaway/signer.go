package throwaway

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/digitorus/timestamp"
	"github.com/sigstore/sigstore/pkg/signature"
)

// Key is a signing key.
type Key struct {
	private crypto.Signer
	hash    crypto.Hash
}

// NewKey makes an ECDSA key on P-256, as `cosign generate-key-pair` does.
func NewKey() (*Key, error) { return NewKeyOf("ecdsa-p256") }

// NewKeyOf makes a key: ecdsa-p256, ecdsa-p384, rsa-2048 or ed25519.
func NewKeyOf(algorithm string) (*Key, error) {
	made := &Key{hash: crypto.SHA256}
	var err error
	switch algorithm {
	case "ecdsa-p256":
		made.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ecdsa-p384":
		made.private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "rsa-2048":
		made.private, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ed25519":
		_, made.private, err = ed25519.GenerateKey(rand.Reader)
	default:
		return nil, fmt.Errorf("making a key: %q is none of ecdsa-p256, ecdsa-p384, rsa-2048 and ed25519", algorithm)
	}
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return made, nil
}

// PublicPEM is the public key for a policy's key.data.
func (k *Key) PublicPEM() (string, error) { return publicPEM(k.private.Public()) }

// Hashing returns the key with another hash: SHA-384 is what bundles take for
// P-384.
func (k *Key) Hashing(hash crypto.Hash) *Key { return &Key{private: k.private, hash: hash} }

func (k *Key) sign(message []byte) ([]byte, error) {
	signer, err := signature.LoadSigner(k.private, k.hash)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return signer.SignMessage(bytes.NewReader(message))
}

// Signer says who signs and how. Either Key is set, or Issuer and Subject.
type Signer struct {
	// Key signs without a certificate.
	Key *Key
	// Issuer and Subject are the identity in a certificate: an OIDC issuer, and
	// an address or a URI.
	Issuer, Subject string
	// SourceRepository, SourceRevision and SourceRef go into the certificate.
	SourceRepository, SourceRevision, SourceRef string
	// Build goes into the certificate as well.
	Build Build
	// At is when it signs; zero is now.
	At time.Time
	// Lifetime is the certificate's; zero is ten minutes, as Fulcio's.
	Lifetime time.Duration
	// LeaveOut names what a whole signature has and this one lacks.
	LeaveOut Parts
}

// Build is what a certificate says about the build that asked for it (Fulcio,
// OIDs 1.3.6.1.4.1.57264.1.9, .11, .18, .20 and .21); empty parts are left out.
type Build struct {
	// SignerURI is the workflow that built, ConfigURI the one that was started.
	SignerURI, ConfigURI string
	// RunnerEnvironment is "github-hosted" or "self-hosted".
	RunnerEnvironment string
	// Trigger is the event, and RunURI the run.
	Trigger, RunURI string
}

// Parts of a signature.
type Parts struct {
	// Log is the transparency log's entry.
	Log bool
	// Timestamp is the timestamp authority's.
	Timestamp bool
	// SCT is the certificate log's timestamp in the certificate.
	SCT bool
}

const lifetime = 10 * time.Minute

// signed is a signature and what goes with it.
type signed struct {
	signature   []byte
	certificate *x509.Certificate
	// verifier is the certificate, or the public key, as PEM.
	verifier string
	stamp    []byte
	at       time.Time
}

// sign signs a message.
func (s *Sigstore) sign(who Signer, message []byte) (signed, error) {
	result := signed{at: who.At}
	if result.at.IsZero() {
		result.at = time.Now()
	}
	key := who.Key
	var err error
	if key == nil {
		if key, err = NewKey(); err != nil {
			return result, err
		}
		if result.certificate, err = s.certify(who, key.private.Public(), result.at); err != nil {
			return result, err
		}
		result.verifier = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: result.certificate.Raw}))
	} else if result.verifier, err = key.PublicPEM(); err != nil {
		return result, err
	}
	if result.signature, err = key.sign(message); err != nil {
		return result, err
	}
	if !who.LeaveOut.Timestamp {
		result.stamp, err = s.stamp(result.signature, result.at)
	}
	return result, err
}

// certify issues a certificate for the key (Fulcio's certificate
// specification: subject alternative name and extensions).
func (s *Sigstore) certify(who Signer, public crypto.PublicKey, at time.Time) (*x509.Certificate, error) {
	life := who.Lifetime
	if life == 0 {
		life = lifetime
	}
	template := &x509.Certificate{
		SerialNumber: serial(), NotBefore: at.Add(-time.Minute), NotAfter: at.Add(life),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	if strings.Contains(who.Subject, "://") {
		subject, err := url.Parse(who.Subject)
		if err != nil {
			return nil, fmt.Errorf("certifying %s: %w", who.Subject, err)
		}
		template.URIs = []*url.URL{subject}
	} else {
		template.EmailAddresses = []string{who.Subject}
	}
	extensions, err := extensionsFor(who)
	if err != nil {
		return nil, err
	}
	template.ExtraExtensions = extensions
	certificate, err := s.fulcio.issue(template, public)
	if err != nil || who.LeaveOut.SCT {
		return certificate, err
	}
	sct, err := s.certificateTimestamp(certificate, at)
	if err != nil {
		return nil, err
	}
	template.ExtraExtensions = append(extensions, sct)
	return s.fulcio.issue(template, public)
}

// stamp is the timestamp authority's answer (RFC 3161) for a signature.
func (s *Sigstore) stamp(signature []byte, at time.Time) ([]byte, error) {
	sum := sha256.Sum256(signature)
	answer := timestamp.Timestamp{
		HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Time: at,
		Policy: []int{1, 3, 6, 1, 4, 1, 57264, 2}, AddTSACertificate: false,
	}
	made, err := answer.CreateResponseWithOpts(s.stampLeaf.certificate, s.stampLeaf.key, crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("making a timestamp: %w", err)
	}
	return made, nil
}
