package sandbox

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/attest"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/options"
	"github.com/sigstore/cosign/v3/cmd/cosign/cli/sign"
	"github.com/sigstore/cosign/v3/pkg/cosign"
	"github.com/sigstore/sigstore/pkg/signature"
)

// Signing says how cosign signs.
type Signing struct {
	// Bundle writes a sigstore bundle as an OCI 1.1 referrer; otherwise cosign
	// writes the older .sig or .att tag.
	Bundle bool
	// Key signs; without it Email and Issuer get a certificate.
	Key           *Key
	Email, Issuer string
	// Log puts the signature into the transparency log.
	Log bool
	// Stamp takes a timestamp.
	Stamp bool
	// Pure signs by plain Ed25519 (RFC 8032, 5.1) instead of Ed25519ph, which is
	// cosign's default and which `cosign verify` does not accept.
	Pure bool
	// PredicateType and Predicate are what [Sigstore.Attest] says; empty is SLSA
	// provenance v1.
	PredicateType, Predicate string
	// Login is for a registry over TLS; nil is plain HTTP and nobody.
	Login *Login
}

// Login is an account of a registry over TLS.
type Login struct {
	User, Password string
	// CA is the path of a file with the registry's certificate.
	CA string
}

func (l *Login) options() options.RegistryOptions {
	if l == nil {
		return options.RegistryOptions{AllowHTTPRegistry: true}
	}
	return options.RegistryOptions{
		RegistryCACert: l.CA, AuthConfig: authn.AuthConfig{Username: l.User, Password: l.Password},
	}
}

// Key is a key pair in cosign's own files.
type Key struct {
	// PublicPEM is the public half.
	PublicPEM []byte
	private   string
	public    string
}

// PublicFile is the path of the public half.
func (k *Key) PublicFile() string { return k.public }

// The kinds of keys that [NewKey] makes.
const (
	ECDSA256 = "ecdsa-p256"
	ECDSA384 = "ecdsa-p384"
	RSA2048  = "rsa-2048"
	Ed25519  = "ed25519"
)

// NewKey makes a key of the kind and has cosign import it.
func NewKey(dir, name, kind string) (*Key, error) {
	var private any
	var err error
	switch kind {
	case ECDSA256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ECDSA384:
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case RSA2048:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	case Ed25519:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("no keys of kind %q", kind)
	}
	if err != nil {
		return nil, fmt.Errorf("making key %s: %w", name, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("encoding key %s: %w", name, err)
	}
	plain := filepath.Join(dir, name+".pem")
	if err := os.WriteFile(plain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return nil, fmt.Errorf("writing key %s: %w", name, err)
	}
	imported, err := cosign.ImportKeyPair(plain, noPassword)
	if err != nil {
		return nil, fmt.Errorf("importing key %s: %w", name, err)
	}
	key := &Key{PublicPEM: imported.PublicBytes, private: filepath.Join(dir, name+".key"), public: filepath.Join(dir, name+".pub")}
	return key, errors.Join(os.WriteFile(key.private, imported.PrivateBytes, 0o600), os.WriteFile(key.public, imported.PublicBytes, 0o600))
}

func noPassword(bool) ([]byte, error) { return nil, nil }

// Sign has cosign sign the image behind the reference, which names a digest.
func (s *Sigstore) Sign(ctx context.Context, reference string, how Signing) error {
	key, err := s.keyOptions(how)
	if err != nil {
		return err
	}
	command := options.SignOptions{
		Upload: true, SkipConfirmation: true, NewBundleFormat: how.Bundle, TlogUpload: how.Log,
		Registry: how.Login.options(),
	}
	err = quietly(func() error {
		return sign.SignCmd(ctx, &options.RootOptions{Timeout: time.Minute}, key, command, []string{reference})
	})
	if err != nil {
		return fmt.Errorf("signing %s with cosign: %w", reference, err)
	}
	return nil
}

// Attest has cosign sign a provenance predicate about the image.
func (s *Sigstore) Attest(ctx context.Context, reference string, how Signing) error {
	key, err := s.keyOptions(how)
	if err != nil {
		return err
	}
	predicate, err := os.CreateTemp("", "predicate-*.json")
	if err != nil {
		return fmt.Errorf("writing the predicate: %w", err)
	}
	defer os.Remove(predicate.Name())
	text := cmp.Or(how.Predicate, `{"buildDefinition":{"buildType":"https://example.com/build"},"runDetails":{"builder":{"id":"https://example.com/builder"}}}`)
	_, err = predicate.WriteString(text)
	if err := errors.Join(err, predicate.Close()); err != nil {
		return fmt.Errorf("writing the predicate: %w", err)
	}
	command := attest.AttestCommand{
		KeyOpts: key, RegistryOptions: how.Login.options(), PredicatePath: predicate.Name(),
		PredicateType: cmp.Or(how.PredicateType, "slsaprovenance1"), TlogUpload: how.Log, RekorEntryType: "dsse", Timeout: time.Minute,
	}
	if err := quietly(func() error { return command.Exec(ctx, reference) }); err != nil {
		return fmt.Errorf("attesting %s with cosign: %w", reference, err)
	}
	return nil
}

func (s *Sigstore) keyOptions(how Signing) (options.KeyOpts, error) {
	config, err := s.signingConfig(how)
	if err != nil {
		return options.KeyOpts{}, fmt.Errorf("writing the signing config: %w", err)
	}
	key := options.KeyOpts{PassFunc: noPassword, SkipConfirmation: true, NewBundleFormat: how.Bundle, SigningConfig: config}
	if how.Pure {
		key.DefaultLoadOptions = &[]signature.LoadOption{}
	}
	if how.Key != nil {
		key.KeyRef = how.Key.private
		return key, nil
	}
	key.IDToken, err = identityToken(s.keys.tokenKey, how.Email, how.Issuer)
	return key, err
}

// quietly runs one of cosign's commands without its messages, which would hide
// the tests' own.
func quietly(run func() error) error {
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("silencing cosign: %w", err)
	}
	defer nowhere.Close()
	out, errs := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = nowhere, nowhere
	defer func() { os.Stdout, os.Stderr = out, errs }()
	return run()
}
