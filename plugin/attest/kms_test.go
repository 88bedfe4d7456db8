//go:build kms

package attest

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
)

const (
	vaultToken = "not-to-be-told"
	vaultKey   = "hashivault://team-a"
)

// fakeVault stands in for the transit engine of Vault, which no Go module
// brings: it tells the public key and signs, as its client asks it to
// (Vault's transit API, /transit/keys/:name and /transit/sign/:name/:hash).
type fakeVault struct {
	key crypto.Signer
	// instead answers requests to sign, where it is set.
	instead http.HandlerFunc
	signed  atomic.Int32
}

func (f *fakeVault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("X-Vault-Token") != vaultToken:
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodGet && r.URL.Path == "/v1/transit/keys/team-a":
		f.tell(w)
	case r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/v1/transit/sign/team-a"):
		f.signed.Add(1)
		if f.instead != nil {
			f.instead(w, r)
			return
		}
		f.sign(w, r)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (f *fakeVault) tell(w http.ResponseWriter) {
	kind, public := "ecdsa-p256", ""
	if edwards, is := f.key.Public().(ed25519.PublicKey); is {
		kind, public = "ed25519", base64.StdEncoding.EncodeToString(edwards)
	} else if der, err := x509.MarshalPKIXPublicKey(f.key.Public()); err == nil {
		public = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	answer(w, map[string]any{"latest_version": 1, "keys": map[string]any{"1": map[string]any{"name": kind, "public_key": public}}})
}

// sign does what the engine does with a digest, and, for Ed25519, a message.
func (f *fakeVault) sign(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Input     []byte
		Prehashed bool
	}
	hashes := map[string]crypto.Hash{"": 0, "/sha2-256": crypto.SHA256, "/sha2-384": crypto.SHA384, "/sha2-512": crypto.SHA512}
	hash, known := hashes[strings.TrimPrefix(r.URL.Path, "/v1/transit/sign/team-a")]
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || !known {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if _, edwards := f.key.(ed25519.PrivateKey); edwards {
		hash = 0
	}
	made, err := f.key.Sign(rand.Reader, asked.Input, hash)
	if err != nil || asked.Prehashed != (hash != 0) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	answer(w, map[string]any{"signature": "vault:v1:" + base64.StdEncoding.EncodeToString(made)})
}

func answer(w http.ResponseWriter, data map[string]any) {
	_ = json.NewEncoder(w).Encode(map[string]any{"data": data}) // the client sees what is missing
}

func startVault(t *testing.T, key crypto.Signer) *fakeVault {
	t.Helper()
	fake := &fakeVault{key: key}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	t.Setenv("VAULT_ADDR", strings.Replace(server.URL, "://", "://user:not-to-be-told-either@", 1))
	t.Setenv("VAULT_TOKEN", vaultToken)
	t.Setenv("VAULT_MAX_RETRIES", "0")
	t.Setenv("HOME", t.TempDir())
	return fake
}

func verifierOf(t *testing.T, key crypto.Signer) signature.Verifier {
	t.Helper()
	verifier, err := signature.LoadDefaultVerifier(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return verifier
}

func TestKMS_WhatVaultSignsItsPublicKeyVerifies(t *testing.T) {
	for name, key := range keys(t) {
		t.Run(name, func(t *testing.T) {
			fake, signer := startVault(t, key), Signer{Key: vaultKey}
			if err := signer.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			if fake.signed.Load() != 0 {
				t.Error("the check signed something")
			}
			text, err := signer.Sign(t.Context(), []byte(signed))
			if err != nil {
				t.Fatal(err)
			}
			if err := check(t, text, &keyOnly{key: verifierOf(t, key)}, verify.WithKey(), verify.WithNoObserverTimestamps()); err != nil {
				t.Error(err)
			}
			if err := check(t, text, &keyOnly{key: verifierOf(t, newKey(t))}, verify.WithKey(), verify.WithNoObserverTimestamps()); err == nil {
				t.Error("twin: another key verifies it")
			}
		})
	}
}

// A service that does not sign is no answer, and there is no attestation.
func TestKMS_AVaultThatDoesNotSignIsNoAnswer(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	say := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, text) }
	}
	for name, instead := range map[string]http.HandlerFunc{
		"not allowed": status(http.StatusForbidden), "sealed": status(http.StatusServiceUnavailable), "no signature": say(`{"data":{}}`),
		"an empty one": say(`{"data":{"signature":""}}`), "no Vault's": say(`{"data":{"signature":"bm9uZQ=="}}`), "not JSON": say("<html>"),
	} {
		t.Run(name, func(t *testing.T) {
			startVault(t, newKey(t)).instead = instead
			signer := Signer{Key: vaultKey}
			if err := signer.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			text, err := signer.Sign(t.Context(), []byte(signed))
			var silent *plugin.StageError
			if len(text) > 0 || !errors.As(err, &silent) {
				t.Fatalf("%s, %v", text, err)
			}
			if strings.Contains(err.Error(), "not-to-be-told") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestKMS_AVaultThatTellsNoKeyIsFoundBeforeAnythingIsJudged(t *testing.T) {
	startVault(t, newKey(t))
	t.Setenv("VAULT_TOKEN", "another")
	var silent *plugin.StageError
	if err := (Signer{Key: vaultKey}).Check(t.Context()); !errors.As(err, &silent) || strings.Contains(err.Error(), "not-to-be-told") {
		t.Errorf("%v", err)
	}
	if err := (Signer{Key: "hashivault://"}).Check(t.Context()); err == nil || !strings.Contains(err.Error(), "names no key") {
		t.Errorf("a URI without a key: %v", err)
	}
}
