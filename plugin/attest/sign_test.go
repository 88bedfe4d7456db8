package attest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

const signed = `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"manifests.yaml","digest":{"sha256":"` +
	`e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}],"predicateType":"` + PredicateType + `","predicate":{}}`

const (
	token   = "e30.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlLmNvbSIsInN1YiI6InRlYW0tYSIsImVtYWlsIjoicGxhdGZvcm1AZXhhbXBsZS5jb20iLCJlbWFpbF92ZXJpZmllZCI6dHJ1ZX0.c2ln"
	subject = "https://git.example.com/platform/.ci/gate.yaml@refs/heads/main"
	issuer  = "https://issuer.example.com"
)

// keyFile writes a private key as PEM and returns the file and a verifier.
func keyFile(t *testing.T, key any, password string) (string, signature.Verifier) {
	t.Helper()
	var text []byte
	var err error
	if password == "" {
		text, err = cryptoutils.MarshalPrivateKeyToPEM(key)
	} else {
		var der []byte
		der, err = cryptoutils.MarshalPrivateKeyToEncryptedDER(key, func(bool) ([]byte, error) { return []byte(password), nil })
		text = cryptoutils.PEMEncode(cryptoutils.EncryptedSigstorePrivateKeyPEMType, der)
	}
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cosign.key")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := signature.LoadDefaultSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := signer.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := signature.LoadDefaultVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return file, verifier
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// keyOnly is the trust in one key.
type keyOnly struct {
	root.BaseTrustedMaterial
	key signature.Verifier
}

func (k *keyOnly) PublicKeyVerifier(string) (root.TimeConstrainedVerifier, error) {
	return root.NewExpiringKey(k.key, time.Time{}, time.Time{}), nil
}

// check verifies a bundle over the empty file.
func check(t *testing.T, text []byte, trust root.TrustedMaterial, identity verify.PolicyOption, options ...verify.VerifierOption) error {
	t.Helper()
	var entity bundle.Bundle
	if err := entity.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	verifier, err := verify.NewVerifier(trust, options...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = verifier.Verify(&entity, verify.NewPolicy(verify.WithArtifact(strings.NewReader("")), identity))
	return err
}

// keys has one of every kind.
func keys(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{"P-256": newKey(t), "P-384": wide, "RSA": large, "Ed25519": edwards}
}

func TestSign_ByEveryKindOfKeyThatItsPublicHalfVerifies(t *testing.T) {
	keys := keys(t)
	_, other := keyFile(t, newKey(t), "")
	for name, test := range map[string]struct {
		key      any
		password string
	}{
		"P-256": {key: keys["P-256"]}, "P-384": {key: keys["P-384"]}, "RSA": {key: keys["RSA"]}, "Ed25519": {key: keys["Ed25519"]}, "encrypted": {newKey(t), "correct"},
	} {
		t.Run(name, func(t *testing.T) {
			file, verifier := keyFile(t, test.key, test.password)
			signer := Signer{Key: file, Password: []byte(test.password)}
			if err := signer.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			text, err := signer.Sign(t.Context(), []byte(signed))
			if err != nil {
				t.Fatal(err)
			}
			if err := check(t, text, &keyOnly{key: verifier}, verify.WithKey(), verify.WithNoObserverTimestamps()); err != nil {
				t.Error(err)
			}
			if err := check(t, text, &keyOnly{key: other}, verify.WithKey(), verify.WithNoObserverTimestamps()); err == nil {
				t.Error("another key verifies it")
			}
		})
	}
}

func TestSign_KeyThatCannotSignIsRefusedBeforeAnythingIsJudged(t *testing.T) {
	encrypted, _ := keyFile(t, newKey(t), "correct")
	public, err := cryptoutils.MarshalPublicKeyToPEM(newKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write := func(name string, text []byte) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for name, test := range map[string]struct{ key, want string }{
		"not there":      {filepath.Join(folder, "none.key"), "no such file"},
		"a folder":       {folder, "it is no file"},
		"empty":          {write("empty", nil), "it has to be a private key in PEM"},
		"a public key":   {write("public", public), "it has to be a private key in PEM"},
		"too large":      {write("large", make([]byte, greatestKey+1)), "of at most"},
		"wrong password": {encrypted, "COSIGN_PASSWORD"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := (Signer{Key: test.key, Password: []byte("wrong")}).Check(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	if err := (Signer{Key: encrypted, Password: []byte("correct")}).Check(t.Context()); err != nil {
		t.Errorf("the right password: %v", err)
	}
}

func TestSign_WithoutAKeyAnIdentitySigns(t *testing.T) {
	sigstore, err := throwaway.New()
	if err != nil {
		t.Fatal(err)
	}
	services := httptest.NewServer(sigstore.Services(token, throwaway.Signer{Issuer: issuer, Subject: subject}))
	t.Cleanup(services.Close)
	trusted, err := sigstore.TrustedRootJSON()
	if err != nil {
		t.Fatal(err)
	}
	trust, err := root.NewTrustedRootFromJSON(trusted)
	if err != nil {
		t.Fatal(err)
	}
	signer := Signer{
		Services: []byte(sigstore.SigningConfig(services.URL)), Timeout: 5 * time.Second,
		Token: func(context.Context) (string, error) { return token, nil },
	}
	text, err := signer.Sign(t.Context(), []byte(signed))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{subject: true, "https://git.example.com/other": false} {
		identity, err := verify.NewShortCertificateIdentity(issuer, "", name, "")
		if err != nil {
			t.Fatal(err)
		}
		err = check(t, text, trust, verify.WithCertificateIdentity(identity),
			verify.WithTransparencyLog(1), verify.WithSignedTimestamps(1), verify.WithSignedCertificateTimestamps(1))
		if (err == nil) != want {
			t.Errorf("for %s: %v", name, err)
		}
	}
}

func TestSign_ServicesThatDoNotSignAreNoAnswer(t *testing.T) {
	sigstore, err := throwaway.New()
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]http.Handler{
		"nobody is there":      nil,
		"the token is refused": sigstore.Services("another", throwaway.Signer{Issuer: issuer, Subject: subject}),
		"an empty answer":      http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		"another answer":       http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"x": 1}`)) }),
		"no answer in time": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-time.After(2 * time.Second):
			}
		}),
	}
	for name, handler := range answers {
		t.Run(name, func(t *testing.T) {
			services := httptest.NewServer(handler)
			t.Cleanup(services.Close)
			if handler == nil {
				services.Close()
			}
			text, err := Signer{
				Services: []byte(sigstore.SigningConfig(services.URL)), Timeout: 200 * time.Millisecond,
				Token: func(context.Context) (string, error) { return token, nil },
			}.Sign(t.Context(), []byte(signed))
			var silent *plugin.StageError
			if !errors.As(err, &silent) || text != nil {
				t.Errorf("got %q and %v, want a StageError", text, err)
			}
		})
	}
}

func TestSign_WithoutKeyAndIdentityIsRefused(t *testing.T) {
	err := Signer{}.Check(t.Context())
	if !errors.Is(err, errNoIdentity) {
		t.Errorf("got %v", err)
	}
	if _, err := (Signer{}).Sign(t.Context(), []byte(signed)); !errors.Is(err, errNoIdentity) {
		t.Errorf("signing: %v", err)
	}
	if err := (Signer{Services: []byte(`{"mediaType": "x"}`), Token: Ambient(func(string) string { return token }, time.Second)}).Check(t.Context()); err == nil {
		t.Error("a broken signing config is accepted")
	}
}
