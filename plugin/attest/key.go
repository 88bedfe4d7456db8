package attest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/keyservice"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/options"
)

// greatestKey is the greatest size of a key's file, in bytes.
const greatestKey = 1 << 20

// keypair signs by a key that somebody keeps: in a file, or in a key service.
type keypair struct {
	signer  signature.Signer
	public  crypto.PublicKey
	details signature.AlgorithmDetails
	hint    []byte
}

var _ sign.Keypair = (*keypair)(nil)

// KeyError says that the signer's key cannot be used, or did not answer.
type KeyError struct{ err error }

func (e *KeyError) Error() string { return e.err.Error() }

func (e *KeyError) Unwrap() error { return e.err }

// keypair loads the signer's key.
func (s Signer) keypair(ctx context.Context) (*keypair, error) {
	load := s.fromFile
	if keyservice.IsURI(s.Key) {
		load = func() (signature.Signer, error) { return s.fromService(ctx) }
	}
	signer, err := load()
	if err != nil {
		return nil, err
	}
	public, err := signer.PublicKey(options.WithContext(ctx))
	if err != nil {
		return nil, s.silent(err)
	}
	details, err := signature.GetDefaultAlgorithmDetails(public)
	if err != nil {
		return nil, fmt.Errorf("reading the key %s: %w", plugin.RedactURL(s.Key), err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("reading the key %s: %w", plugin.RedactURL(s.Key), err)
	}
	sum := sha256.Sum256(der)
	return &keypair{signer: signer, public: public, details: details, hint: []byte(base64.StdEncoding.EncodeToString(sum[:]))}, nil
}

func (s Signer) fromFile() (signature.Signer, error) {
	info, err := os.Stat(s.Key)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the key: %w", err)
	case !info.Mode().IsRegular() || info.Size() > greatestKey:
		return nil, fmt.Errorf("reading the key %s: it is no file of at most %d bytes", s.Key, greatestKey)
	}
	text, err := os.ReadFile(s.Key)
	if err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	private, err := cryptoutils.UnmarshalPEMToPrivateKey(text, func(bool) ([]byte, error) { return s.Password, nil })
	switch {
	case err != nil && bytes.Contains(text, []byte("-----BEGIN ENCRYPTED")):
		return nil, fmt.Errorf("opening the key %s: %w; its password is taken from COSIGN_PASSWORD", s.Key, err)
	case err != nil:
		return nil, fmt.Errorf("reading the key %s: %w; it has to be a private key in PEM (cosign generate-key-pair, or openssl genpkey)", s.Key, err)
	}
	signer, err := signature.LoadDefaultSigner(private)
	if err != nil {
		return nil, fmt.Errorf("reading the key %s: %w", s.Key, err)
	}
	return signer, nil
}

func (s Signer) fromService(ctx context.Context) (signature.Signer, error) {
	if err := keyservice.Check(s.Key); err != nil {
		return nil, err
	}
	signer, err := keyservice.Open(ctx, s.Key)
	if err != nil {
		return nil, s.silent(err)
	}
	return signer, nil
}

// silent is a key service that gives no answer. URLs in its words lose their
// credentials, so the cause itself is not kept.
func (s Signer) silent(cause error) error {
	return &plugin.StageError{
		Stage: "asking the key service for", Subject: plugin.RedactURL(s.Key),
		Cause: errors.New(redacted(cause)),
		Hint:  "check that the service answers and that this process may sign with the key",
	}
}

// redacted is an error on one line, its URLs without credentials.
func redacted(err error) string {
	return plugin.RedactText(strings.Join(strings.Fields(err.Error()), " "))
}

// GetHashAlgorithm implements sign.Keypair.
func (k *keypair) GetHashAlgorithm() protocommon.HashAlgorithm { return k.details.GetProtoHashType() }

// GetSigningAlgorithm implements sign.Keypair.
func (k *keypair) GetSigningAlgorithm() protocommon.PublicKeyDetails {
	return k.details.GetSignatureAlgorithm()
}

// GetHint implements sign.Keypair: it tells keys apart and proves nothing.
func (k *keypair) GetHint() []byte { return k.hint }

// GetKeyAlgorithm implements sign.Keypair.
func (k *keypair) GetKeyAlgorithm() string {
	switch k.details.GetKeyType() {
	case signature.ECDSA:
		return "ECDSA"
	case signature.RSA:
		return "RSA"
	case signature.ED25519:
		return "ED25519"
	}
	return ""
}

// GetPublicKey implements sign.Keypair.
func (k *keypair) GetPublicKey() crypto.PublicKey { return k.public }

// GetPublicKeyPem implements sign.Keypair.
func (k *keypair) GetPublicKeyPem() (string, error) {
	text, err := cryptoutils.MarshalPublicKeyToPEM(k.public)
	return string(text), err
}

// SignData implements sign.Keypair: it returns the signature and the digest of
// what was signed. The hash is the one that verifiers take for this kind of key:
// a key service's client would take SHA-256 for every key. What the public key
// does not bear out is no signature.
func (k *keypair) SignData(ctx context.Context, data []byte) (made, digest []byte, err error) {
	made, err = k.signer.SignMessage(bytes.NewReader(data), options.WithContext(ctx), options.WithCryptoSignerOpts(k.details.GetHashType()))
	if err != nil {
		return nil, nil, err
	}
	verifier, err := signature.LoadDefaultVerifier(k.public)
	if err != nil {
		return nil, nil, err
	}
	if err := verifier.VerifySignature(bytes.NewReader(made), bytes.NewReader(data)); err != nil {
		return nil, nil, fmt.Errorf("the public key does not verify what was signed: %w", err)
	}
	if hash := k.details.GetHashType(); hash != 0 {
		sum := hash.New()
		sum.Write(data)
		return made, sum.Sum(nil), nil
	}
	return made, data, nil
}
