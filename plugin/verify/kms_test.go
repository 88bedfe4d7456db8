//go:build kms

package verify

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

const vaultToken = "not-to-be-told"

// fakeVault stands in for Vault's transit engine: Vault itself is a server that
// no Go module brings, and what the verifier takes from it is one answer, read
// by the same client as in production. It answers GET
// /v1/transit/keys/team-a to whoever has its token.
type fakeVault struct {
	answer http.HandlerFunc
	asked  atomic.Int32
}

func (f *fakeVault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked.Add(1)
	switch {
	case r.Header.Get("X-Vault-Token") != vaultToken:
		w.WriteHeader(http.StatusForbidden)
	case r.Method != http.MethodGet || r.URL.Path != "/v1/transit/keys/team-a":
		w.WriteHeader(http.StatusNotFound)
	default:
		f.answer(w, r)
	}
}

func startVault(t *testing.T, answer http.HandlerFunc) (*fakeVault, *httptest.Server) {
	t.Helper()
	fake := &fakeVault{answer: answer}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	t.Setenv("VAULT_ADDR", strings.Replace(server.URL, "://", "://user:not-to-be-told-either@", 1))
	t.Setenv("VAULT_TOKEN", vaultToken)
	t.Setenv("HOME", t.TempDir())
	return fake, server
}

func vaultAnswer(t *testing.T, key *throwaway.Key) http.HandlerFunc {
	t.Helper()
	text, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	// The second version is the latest one; the first is nobody's.
	return say(fmt.Sprintf(`{"data":{"latest_version":2,"keys":{"1":{"name":"P-256","public_key":""},"2":{"name":"P-256","public_key":%s}}}}`, quoted(t, text)))
}

func quoted(t *testing.T, text string) string {
	t.Helper()
	data, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
}

func refuseWith(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

func byService(uri string) gate.Authority {
	return gate.Authority{Name: "key", Key: &gate.KeyRef{KMS: uri}, At: plugin.Origin{File: "gate.yaml", Line: 9}}
}

const vaultKey = "hashivault://team-a"

// signedWorld has an image that the key signed in both formats, and a rule
// that asks Vault for the key.
func signedWorld(t *testing.T, key *throwaway.Key) (*world, plugin.Image) {
	t.Helper()
	w := newWorld(t)
	image := w.image("app")
	w.sign(image, throwaway.Signer{Key: key})
	w.signLegacy(image, image, throwaway.Signer{Key: key})
	w.require(byService(vaultKey))
	return w, image
}

func TestKMS_KeyOfVaultDecides(t *testing.T) {
	signing := newKey(t, "ecdsa-p256")
	for _, format := range []string{"bundle", "legacy"} {
		t.Run(format+": the key that signed verifies", func(t *testing.T) {
			w, image := signedWorld(t, signing)
			w.config.Policies[0].Spec.Authorities[0].SignatureFormat = format
			startVault(t, vaultAnswer(t, signing))
			checkAccepted(t, w.review(image), image.Digest)
		})
		t.Run(format+": another key does not", func(t *testing.T) {
			w, image := signedWorld(t, signing)
			w.config.Policies[0].Spec.Authorities[0].SignatureFormat = format
			startVault(t, vaultAnswer(t, newKey(t, "ecdsa-p256")))
			checkRefused(t, w.review(image), wanted{"image/not-trusted", plugin.Deny, "made by another key"})
		})
	}
}

// A key service that gives no key must not read as "not signed": the rules do
// not load, and the error names all that a person needs.
func TestKMS_ServiceThatGivesNoKeyLoadsNothing(t *testing.T) {
	weak := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("weak")})
	wait := make(chan struct{})
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		reason string
	}{
		"not allowed":      {refuseWith(http.StatusForbidden), "403"},
		"no such key":      {refuseWith(http.StatusNotFound), "could not read data"},
		"server error":     {refuseWith(http.StatusInternalServerError), "500"},
		"sealed":           {refuseWith(http.StatusServiceUnavailable), "503"},
		"empty answer":     {say(""), ""},
		"empty object":     {say("{}"), ""},
		"no versions":      {say(`{"data":{"keys":{},"latest_version":1}}`), "corrupted"},
		"no public key":    {say(`{"data":{"keys":{"1":{"name":"aes256-gcm96"}},"latest_version":1}}`), "corrupted"},
		"empty key":        {say(`{"data":{"keys":{"1":{"public_key":""}},"latest_version":1}}`), ""},
		"key that is none": {say(`{"data":{"keys":{"1":{"public_key":` + quoted(t, string(weak)) + `}},"latest_version":1}}`), ""},
		"not JSON":         {say("<html>"), ""},
		"no answer":        {func(http.ResponseWriter, *http.Request) { <-wait }, "no answer within 1s (limit requestSeconds)"},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := signedWorld(t, newKey(t, "ecdsa-p256"))
			fake, _ := startVault(t, row.answer)
			if name == "no answer" {
				w.config.Limits.RequestSeconds = 1
				t.Cleanup(func() { close(wait) }) // before Vault is stopped, which waits for it
			}
			checkNotLoaded(t, w, row.reason)
			if fake.asked.Load() == 0 {
				t.Error("Vault was not asked, so this shows nothing")
			}
		})
	}
	t.Run("down", func(t *testing.T) {
		w, _ := signedWorld(t, newKey(t, "ecdsa-p256"))
		_, server := startVault(t, say("{}"))
		server.Close()
		checkNotLoaded(t, w, "refused")
	})
	t.Run("no address", func(t *testing.T) {
		w, _ := signedWorld(t, newKey(t, "ecdsa-p256"))
		startVault(t, say("{}"))
		t.Setenv("VAULT_ADDR", "")
		checkNotLoaded(t, w, "VAULT_ADDR")
	})
	t.Run("twin", func(t *testing.T) {
		key := newKey(t, "ecdsa-p256")
		w, image := signedWorld(t, key)
		startVault(t, vaultAnswer(t, key))
		checkAccepted(t, w.review(image), image.Digest)
	})
}

func checkNotLoaded(t *testing.T, w *world, reason string) {
	t.Helper()
	verifier, err := New(w.config, w.registry)
	if err == nil || verifier != nil {
		t.Fatalf("it was loaded: %v, %v", verifier, err)
	}
	findings := plugin.FindingsFromError("gate", err)
	if len(findings) != 1 || findings[0].Level != plugin.Undetermined || findings[0].Hint == "" {
		t.Errorf("it reads as %+v, want no answer", findings)
	}
	for _, want := range []string{authorityLine, "ClusterImagePolicy signed", "authority key", vaultKey, "no key was loaded", reason} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	if strings.Contains(err.Error(), "not-to-be-told") || strings.Contains(err.Error(), "\n") {
		t.Errorf("the error tells a secret or has several lines: %q", err)
	}
}

func TestKMS_OneKeyIsAskedForOnce(t *testing.T) {
	key := newKey(t, "ecdsa-p256")
	w, image := signedWorld(t, key)
	w.require(byService(vaultKey), byService(vaultKey))
	fake, _ := startVault(t, vaultAnswer(t, key))
	verifier := w.verifier()
	for range 3 {
		checkAccepted(t, verifier.Verify(w.ctx, []plugin.Image{image})[0], image.Digest)
	}
	if got := fake.asked.Load(); got != 1 {
		t.Errorf("Vault was asked %d times for one key, want once", got)
	}
}

// Each scheme has its own form, and what has another is refused before anybody
// is asked; no scheme ends in a program that is looked for and run.
func TestKMS_URIThatItsServiceDoesNotTakeIsRefused(t *testing.T) {
	for uri, reason := range map[string]string{
		"awskms://nothing":               "awskms://[ENDPOINT]",
		"azurekms://nothing":             "azurekms://[VAULT_NAME]",
		"gcpkms://nothing":               "gcpkms://projects",
		"hashivault://":                  "hashivault://<key>",
		"hashivault://a/b":               "hashivault://<key>",
		"otherkms://key":                 "begin with awskms://",
		"awskms://user:hidden@host/none": "awskms://host/none",
	} {
		w := newWorld(t)
		w.require(byService(uri))
		_, err := New(w.config, w.registry)
		if err == nil {
			t.Errorf("%s was accepted", uri)
			continue
		}
		if findings := plugin.FindingsFromError("gate", err); len(findings) != 1 || findings[0].Level == plugin.Undetermined {
			t.Errorf("%s reads as %+v, want a denial", uri, findings)
		}
		if !strings.Contains(err.Error(), reason) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %q, want %q", uri, err, reason)
		}
	}
}

// fakeAWS stands in for AWS's key service, over the TLS that its client
// insists on, for the same reason as fakeVault.
func fakeAWS(t *testing.T, key *throwaway.Key) string {
	t.Helper()
	text, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(text))
	der, err := json.Marshal(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		switch r.Header.Get("X-Amz-Target") {
		case "TrentService.GetPublicKey":
			_, _ = fmt.Fprintf(w, `{"PublicKey":%s}`, der)
		case "TrentService.DescribeKey":
			_, _ = w.Write([]byte(`{"KeyMetadata":{"KeyId":"k","SigningAlgorithms":["ECDSA_SHA_256"]}}`))
		default:
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_CA_BUNDLE": authority, "AWS_TLS_INSECURE_SKIP_VERIFY": "", "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "not-to-be-told",
		"AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "none"),
		"AWS_PROFILE": "", "AWS_MAX_ATTEMPTS": "1", "AWS_ENDPOINT_URL": "",
	} {
		t.Setenv(name, value)
	}
	return "awskms://" + strings.TrimPrefix(server.URL, "https://") + "/alias/team-a"
}

func TestKMS_KeyOfAWSDecides(t *testing.T) {
	signing := newKey(t, "ecdsa-p256")
	w, image := signedWorld(t, signing)
	w.require(byService(fakeAWS(t, signing)))
	checkAccepted(t, w.review(image), image.Digest)
	w.require(byService(fakeAWS(t, newKey(t, "ecdsa-p256"))))
	checkRefused(t, w.review(image), wanted{"image/not-trusted", plugin.Deny, "made by another key"})
}
