package verify_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/verify"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// real is a registry over HTTP with one image, a client for it, and a
// sigstore.
type real struct {
	t        *testing.T
	server   *ociserver.Server
	client   *registry.Client
	sigstore *throwaway.Sigstore
	ref      name.Digest
	// passed is how far the client's clock is ahead.
	passed time.Duration
}

func newReal(t *testing.T, options ociserver.Options) *real {
	t.Helper()
	server, err := ociserver.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	r := &real{t: t, server: server}
	client, err := registry.New(registry.Options{
		AllowLoopback: true, Clock: func() time.Time { return time.Now().Add(r.passed) }, Sleep: func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	made, err := throwaway.New()
	if err != nil {
		t.Fatal(err)
	}
	made.Remote = []remote.Option{remote.WithTransport(server.Transport())}
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(server.Host()+"/team-a/app:1", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, image, made.Remote...); err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	r.client, r.sigstore, r.ref = client, made, tag.Digest(digest.String())
	return r
}

func (r *real) image() plugin.Image {
	repository := r.ref.Context().Name()
	return plugin.Image{
		Written: repository + ":1", Digest: r.ref.DigestStr(), MediaType: "application/vnd.docker.distribution.manifest.v2+json",
		Reference: plugin.Reference{Repository: repository, Tag: "1"},
	}
}

func (r *real) verify() plugin.Review {
	r.t.Helper()
	root, err := r.sigstore.TrustRoot("throwaway")
	if err != nil {
		r.t.Fatal(err)
	}
	verifier, err := verify.New(verify.Config{
		Gate: "base", Limits: plugin.DefaultLimits(), Clock: time.Now, TrustRoots: []gate.TrustRoot{root},
		Policies: []gate.ClusterImagePolicy{{
			Metadata: gate.Metadata{Name: "signed"},
			Spec: gate.ImagePolicySpec{Images: []gate.ImagePattern{{Glob: "**"}}, Authorities: []gate.Authority{{
				Keyless: &gate.KeylessRef{TrustRootRef: "throwaway", Identities: []gate.Identity{{Issuer: "https://issuer.example.com", Subject: "ci@example.com"}}},
				CTLog:   &gate.CTLog{TrustRootRef: "throwaway"},
			}}},
		}},
	}, r.client)
	if err != nil {
		r.t.Fatal(err)
	}
	r.server.ResetRequests()
	return verifier.Verify(r.t.Context(), []plugin.Image{r.image()})[0]
}

var ci = throwaway.Signer{Issuer: "https://issuer.example.com", Subject: "ci@example.com"}

func (r *real) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *real) checkVerified(review plugin.Review) {
	r.t.Helper()
	if len(review.Findings) > 0 || len(review.Evidence) != 1 {
		r.t.Fatalf("review %+v, want one evidence", review)
	}
}

func TestRegistry_BundlesInThreeRoundTripsAndTheBudget(t *testing.T) {
	r := newReal(t, ociserver.Options{})
	other := ci
	other.Subject = "somebody@example.com"
	r.must(r.sigstore.SignBundle(t.Context(), r.ref, other))
	r.must(r.sigstore.SignBundle(t.Context(), r.ref, ci))
	r.must(r.sigstore.Attest(t.Context(), r.ref, ci, "https://slsa.dev/provenance/v1", map[string]any{"buildDefinition": map[string]any{}}))
	r.server.SetDelay(50 * time.Millisecond) // requests side by side overlap
	r.checkVerified(r.verify())
	const bundles = 2
	if got := r.server.Count(ociserver.ClassReferrers); got != 1 {
		t.Errorf("%d lists of referrers, want 1", got)
	}
	if got := r.server.Count(ociserver.ClassDigest); got != bundles {
		t.Errorf("%d manifests, want %d", got, bundles)
	}
	if got := r.server.Count(ociserver.ClassBlob); got != bundles {
		t.Errorf("%d blobs, want %d", got, bundles)
	}
	if got := r.server.Count(ociserver.ClassSigTag); got != 0 {
		t.Errorf("%d requests for the older format, want none", got)
	}
	if got := r.server.MaxDepth("team-a/app"); got > 3 {
		t.Errorf("%d round trips in a row, want at most 3", got)
	}
}

func TestRegistry_LegacySignature(t *testing.T) {
	r := newReal(t, ociserver.Options{})
	other := ci
	other.Subject = "somebody@example.com"
	r.must(r.sigstore.SignLegacy(t.Context(), r.ref, other))
	r.must(r.sigstore.SignLegacy(t.Context(), r.ref, ci))
	r.checkVerified(r.verify())
	if tags, blobs := r.server.Count(ociserver.ClassSigTag), r.server.Count(ociserver.ClassBlob); tags != 1 || blobs > 2 {
		t.Errorf("%d tags and %d blobs, want 1 and at most 2", tags, blobs)
	}
}

func TestRegistry_WithoutTheReferrersAPI(t *testing.T) {
	r := newReal(t, ociserver.Options{NoReferrers: true})
	r.must(r.sigstore.SignBundle(t.Context(), r.ref, ci))
	r.checkVerified(r.verify())
}

func TestRegistry_UnsignedImageIsDenied(t *testing.T) {
	r := newReal(t, ociserver.Options{})
	review := r.verify()
	if len(review.Findings) != 1 || review.Findings[0].Rule != "image/not-signed" || review.Findings[0].Level != plugin.Deny {
		t.Fatalf("review %+v, want image/not-signed", review)
	}
}

func TestRegistry_AnswersThatAreNoneAreUndetermined(t *testing.T) {
	for kind, fault := range map[string]ociserver.Fault{"500": {Status: http.StatusInternalServerError}, "429": {Status: http.StatusTooManyRequests}} {
		t.Run(kind, func(t *testing.T) {
			r := newReal(t, ociserver.Options{})
			r.must(r.sigstore.SignBundle(t.Context(), r.ref, ci))
			r.server.SetFault(func(request *http.Request) *ociserver.Fault {
				if strings.Contains(request.URL.Path, "/referrers/") {
					return &fault
				}
				return nil
			})
			review := r.verify()
			if len(review.Findings) != 1 || review.Findings[0].Level != plugin.Undetermined {
				t.Fatalf("review %+v, want an undetermined finding", review)
			}
		})
	}
}

// TestRegistry_SignatureMadeAfterTheLookIsSeenSoon: a list without the right
// signature is believed for half a minute only, in either format; one that
// vouches needs no request for five.
func TestRegistry_SignatureMadeAfterTheLookIsSeenSoon(t *testing.T) {
	other := ci
	other.Subject = "somebody@example.com"
	for name, sign := range map[string]func(*real, throwaway.Signer) error{
		"bundle": func(r *real, by throwaway.Signer) error { return r.sigstore.SignBundle(t.Context(), r.ref, by) },
		"tag":    func(r *real, by throwaway.Signer) error { return r.sigstore.SignLegacy(t.Context(), r.ref, by) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newReal(t, ociserver.Options{})
			r.must(sign(r, other))
			if review := r.verify(); len(review.Findings) != 1 || review.Findings[0].Rule != "image/not-trusted" {
				t.Fatalf("review %+v", review)
			}
			r.must(sign(r, ci))
			r.passed += 29 * time.Second
			if review := r.verify(); len(review.Evidence) > 0 || r.server.Count() > 0 {
				t.Errorf("after 29 s: %d evidence, %d requests", len(review.Evidence), r.server.Count())
			}
			r.passed += 2 * time.Second
			r.checkVerified(r.verify())
			r.passed += 299 * time.Second
			if r.checkVerified(r.verify()); r.server.Count() > 0 && name == "bundle" {
				t.Errorf("what vouches was asked again after 299 s: %+v", r.server.Requests())
			}
		})
	}
}

// TestRegistry_CredentialThatMayNotReadIsLasting: asking again helps nobody.
func TestRegistry_CredentialThatMayNotReadIsLasting(t *testing.T) {
	for status, lasting := range map[int]bool{http.StatusForbidden: true, http.StatusServiceUnavailable: false} {
		r := newReal(t, ociserver.Options{})
		r.server.SetFault(func(*http.Request) *ociserver.Fault { return &ociserver.Fault{Status: status} })
		review := r.verify()
		if len(review.Findings) != 1 || review.Findings[0].Level != plugin.Undetermined || review.Findings[0].Lasting != lasting {
			t.Errorf("%d: %+v", status, review.Findings)
		}
	}
}
