package verify_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/verify"
	"github.com/assay-gitops/assay/plugin/verify/throwaway/notary"
)

// notarize pushes a Notation signature of the image.
func (r *real) notarize(signer *notary.Signer) {
	r.t.Helper()
	r.must(signer.Push(r.ref, notary.Options{}, r.sigstore.Remote...))
}

// besideSigstore is a gate that needs both systems' word.
func (r *real) besideSigstore(root *notary.Authority, hosts ...string) *verify.Verifier {
	r.t.Helper()
	dir := r.t.TempDir()
	for name, data := range map[string][]byte{
		"store/x509/ca/acme/root.pem": root.PEM(),
		"policy.json": []byte(`{"version": "1.0", "trustPolicies": [{"name": "acme", "registryScopes": ["*"], "signatureVerification": {"level": "strict"},
			"trustStores": ["ca:acme"], "trustedIdentities": ["x509.subject: C=US, ST=WA, O=example, CN=builds"]}]}`),
	} {
		full := filepath.Join(dir, filepath.FromSlash(name))
		r.must(os.MkdirAll(filepath.Dir(full), 0o700))
		r.must(os.WriteFile(full, data, 0o600))
	}
	trusted, err := r.sigstore.TrustRoot("throwaway")
	r.must(err)
	verifier, err := verify.New(verify.Config{
		Gate: "base", Limits: plugin.DefaultLimits(), Clock: time.Now, TrustRoots: []gate.TrustRoot{trusted}, Dir: dir,
		Notation: verify.Notation{
			Declared:  &gate.Notation{TrustPolicy: "policy.json", TrustStore: "store", Revocation: gate.Revocation{Hosts: hosts}},
			Transport: r.client.Transport(),
		},
		Policies: []gate.ClusterImagePolicy{{
			Metadata: gate.Metadata{Name: "signed"},
			Spec: gate.ImagePolicySpec{Images: []gate.ImagePattern{{Glob: "**"}}, Authorities: []gate.Authority{{
				Keyless: &gate.KeylessRef{TrustRootRef: "throwaway", Identities: []gate.Identity{{Issuer: ci.Issuer, Subject: ci.Subject}}},
				CTLog:   &gate.CTLog{TrustRootRef: "throwaway"},
			}}},
		}},
	}, r.client)
	r.must(err)
	return verifier
}

// Both systems are asked in one pass: one list of referrers, two requests for
// each signature, and the manifest whose size and type a Notation signature
// names. None while the answers are fresh.
func TestNotation_BesideSigstoreInOneListOfReferrers(t *testing.T) {
	r := newReal(t, ociserver.Options{})
	root, err := notary.NewAuthority("root", notary.Validity{})
	r.must(err)
	signer, err := root.Issue(notary.Leaf{Name: "builds"})
	r.must(err)
	r.notarize(signer)
	r.must(r.sigstore.SignBundle(t.Context(), r.ref, ci))
	verifier := r.besideSigstore(root)
	r.server.ResetRequests()
	review := verifier.Verify(t.Context(), []plugin.Image{r.image()})[0]
	if len(review.Findings) > 0 || len(review.Evidence) != 2 {
		t.Fatalf("%+v", review)
	}
	for class, want := range map[string]int{ociserver.ClassReferrers: 1, ociserver.ClassDigest: 3, ociserver.ClassBlob: 2, ociserver.ClassSigTag: 0} {
		if got := r.server.Count(class); got != want {
			t.Errorf("%d requests of class %s, want %d", got, class, want)
		}
	}
	r.server.ResetRequests()
	if review := verifier.Verify(t.Context(), []plugin.Image{r.image()})[0]; len(review.Evidence) != 2 || r.server.Count() > 0 {
		t.Errorf("again: %d evidence, %d requests", len(review.Evidence), r.server.Count())
	}
}

// The services of certificates are asked through the registry client: its rules
// about addresses hold for them. The twin's host is on loopback, which this
// client allows, and listed.
func TestNotation_RevocationIsAskedByTheRegistryClientsRules(t *testing.T) {
	service := &notary.Revoker{}
	for name, row := range map[string]struct {
		host string
		want string
	}{
		"listed":        {"", ""},
		"not listed":    {"", "does not list"},
		"link-local":    {"169.254.169.254", "at which no registry is ever asked"},
		"private":       {"10.1.2.3", "which is not public"},
		"another name":  {"localhost.example.com", "does not list"},
		"of a redirect": {"", "302"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReal(t, ociserver.Options{})
			root, err := notary.NewAuthority("root", notary.Validity{})
			r.must(err)
			service = &notary.Revoker{Authority: root}
			if name == "of a redirect" {
				service.Answer = func(w http.ResponseWriter, q *http.Request) {
					http.Redirect(w, q, "http://169.254.169.254/", http.StatusFound)
				}
			}
			server := newHTTP(t, service)
			host, listed := row.host, []string{row.host}
			if host == "" {
				host, listed = server, []string{server}
			}
			if row.want == "does not list" {
				listed = nil
			}
			signer, err := root.Issue(notary.Leaf{Name: "builds", OCSP: []string{"http://" + host + "/ocsp"}})
			r.must(err)
			r.notarize(signer)
			r.must(r.sigstore.SignBundle(t.Context(), r.ref, ci))
			review := r.besideSigstore(root, listed...).Verify(t.Context(), []plugin.Image{r.image()})[0]
			if row.want == "" {
				if len(review.Findings) > 0 || len(review.Evidence) != 2 || service.Asked() != 1 {
					t.Fatalf("%+v, asked %d times", review.Findings, service.Asked())
				}
				return
			}
			checkUndetermined(t, review, row.want)
		})
	}
}

// newHTTP serves on loopback and gives the host.
func newHTTP(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func checkUndetermined(t *testing.T, review plugin.Review, reason string) {
	t.Helper()
	if len(review.Findings) != 1 || review.Findings[0].Rule != "verify/no-answer" || review.Findings[0].Level != plugin.Undetermined {
		t.Fatalf("%+v, want one finding verify/no-answer", review.Findings)
	}
	if text := review.Findings[0].Message; !strings.Contains(text, reason) {
		t.Errorf("%q, want %q", text, reason)
	}
}
