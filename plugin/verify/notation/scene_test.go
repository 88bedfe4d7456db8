package notation_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	upstream "github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/dir"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	godigest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/notation"
	"github.com/assay-gitops/assay/plugin/verify/throwaway/notary"
)

const digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// target is the manifest that every test signs.
func target() notary.Target {
	return notary.Target{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest, Size: 527}
}

// scene is a certificate authority, a timestamp authority, a trust policy that
// trusts them, and one signature.
type scene struct {
	t      testing.TB
	root   *notary.Authority
	leaf   notary.Leaf
	stamps *notary.Signer
	// policy is the document; "STRICT" in it is the statement's verification.
	policy string
	store  fstest.MapFS
	config notation.Config
	// options and what are how and what is signed; format is the media type that
	// the registry states.
	options notary.Options
	what    notary.Target
	now     time.Time
	// spoil changes the envelope after it was signed.
	spoil  func([]byte) []byte
	format string
	// last is the envelope that was signed last.
	last notation.Envelope
}

const policyText = `{
  "version": "1.0",
  "trustPolicies": [
    {
      "name": "acme",
      "registryScopes": ["registry.example.com/team-a/app"],
      "signatureVerification": {"level": "strict"},
      "trustStores": ["ca:acme", "signingAuthority:acme-sa"],
      "trustedIdentities": ["x509.subject: C=US, ST=WA, O=example, CN=builds"]
    }
  ]
}`

func must[T any](t testing.TB, value T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func newScene(t testing.TB) *scene {
	t.Helper()
	root, err := notary.NewAuthority("root", notary.Validity{})
	s := &scene{t: t, root: must(t, root, err), leaf: notary.Leaf{Name: "builds"}, policy: policyText, store: fstest.MapFS{}, what: target(), now: time.Now()}
	stamping, err := notary.NewAuthority("stamping root", notary.Validity{From: time.Now().AddDate(-3, 0, 0).UTC(), Until: time.Now().AddDate(3, 0, 0).UTC()})
	must(t, stamping, err)
	stamps, err := stamping.Issue(notary.Leaf{Name: "stamps", Timestamps: true, Validity: notary.Validity{From: time.Now().AddDate(-3, 0, 0).UTC(), Until: time.Now().AddDate(3, 0, 0).UTC()}})
	s.stamps = must(t, stamps, err)
	s.trust("ca/acme", s.root)
	s.trust("signingAuthority/acme-sa", s.root)
	s.trust("tsa/acme-tsa", stamping)
	s.config = notation.Config{File: "trustpolicy.json", Limits: plugin.DefaultLimits(), Clock: func() time.Time { return s.now }}
	return s
}

// trust puts an authority into a trust store.
func (s *scene) trust(store string, who *notary.Authority) {
	s.store["x509/"+store+"/root.pem"] = &fstest.MapFile{Data: who.PEM()}
}

// replace changes the policy's text.
func (s *scene) replace(old, with string) {
	s.t.Helper()
	if !strings.Contains(s.policy, old) {
		s.t.Fatalf("the policy has no %s", old)
	}
	s.policy = strings.ReplaceAll(s.policy, old, with)
}

// verification sets the statement's signatureVerification.
func (s *scene) verification(text string) { s.replace(`{"level": "strict"}`, text) }

// withStamps has the policy trust the timestamp authority.
func (s *scene) withStamps() { s.replace(`"ca:acme",`, `"ca:acme", "tsa:acme-tsa",`) }

// asking has certificates name a revocation service and the gate list it.
func (s *scene) asking(service *notary.Revoker, transport http.RoundTripper) {
	service.Authority = s.root
	s.leaf.OCSP = []string{"http://ocsp.example.com/ocsp"}
	s.config.Hosts, s.config.Transport = []string{"ocsp.example.com"}, transport
}

func (s *scene) load() []*notation.Statement {
	s.t.Helper()
	s.config.Data, s.config.Store = []byte(s.policy), s.store
	statements, err := notation.Load(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	return statements
}

func (s *scene) sign() (notation.Envelope, *x509.Certificate) {
	s.t.Helper()
	signer, err := s.root.Issue(s.leaf)
	must(s.t, signer, err)
	raw, err := signer.Sign(s.what, s.options)
	must(s.t, raw, err)
	if s.spoil != nil {
		raw = s.spoil(raw)
	}
	format := s.options.Format
	if s.format != "" {
		format = s.format
	}
	if format == "" {
		format = notary.JWS
	}
	s.last = notation.Envelope{MediaType: format, Raw: raw}
	return s.last, signer.Chain[0]
}

func (s *scene) check() (notation.Accepted, error) {
	s.t.Helper()
	envelope, _ := s.sign()
	return s.ask(s.load()[0], envelope)
}

func (s *scene) ask(statement *notation.Statement, envelope notation.Envelope) (notation.Accepted, error) {
	return ask(s.t.Context(), statement, envelope)
}

func ask(ctx context.Context, statement *notation.Statement, envelope notation.Envelope) (notation.Accepted, error) {
	wanted := target()
	return statement.Check(ctx, envelope, notation.Target{MediaType: wanted.MediaType, Digest: wanted.Digest, Size: wanted.Size})
}

// upstream asks notation's own verifier, with its trust store on disk, about the
// signature that was made last.
func (s *scene) upstream() error {
	s.t.Helper()
	folder := s.t.TempDir()
	for name, file := range s.store {
		full := filepath.Join(folder, "truststore", filepath.FromSlash(name))
		must(s.t, 0, os.MkdirAll(filepath.Dir(full), 0o700))
		must(s.t, 0, os.WriteFile(full, file.Data, 0o600))
	}
	var document trustpolicy.Document
	must(s.t, 0, json.Unmarshal([]byte(s.policy), &document))
	made, err := verifier.New(&document, truststore.NewX509TrustStore(dir.NewSysFS(folder)), nil)
	must(s.t, made, err)
	wanted := target()
	_, err = made.Verify(s.t.Context(), ocispec.Descriptor{MediaType: wanted.MediaType, Digest: godigest.Digest(wanted.Digest), Size: wanted.Size}, s.last.Raw, upstream.VerifierVerifyOptions{
		ArtifactReference: "registry.example.com/team-a/app@" + wanted.Digest, SignatureMediaType: s.last.MediaType,
	})
	return err
}

// local sends every request to a handler in this process.
type local struct{ handler http.Handler }

func (l local) RoundTrip(request *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	if request.Body == nil { // a server always gives one
		request = request.Clone(request.Context())
		request.Body = http.NoBody
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.handler.ServeHTTP(recorder, request)
	}()
	select {
	case <-done:
		return recorder.Result(), nil
	case <-request.Context().Done():
		return nil, fmt.Errorf("asking: %w", request.Context().Err())
	}
}
