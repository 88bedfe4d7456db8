package verify

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// Without ctlog the log is asked for as soon as the trust root has one.
func TestVerify_BundleWithoutLogEntryIsDeniedWhenTheRootHasALog(t *testing.T) {
	arrange := func(without throwaway.Parts) twin {
		return func(w *world) plugin.Image {
			authority := keyless()
			authority.CTLog = nil
			w.require(authority)
			return signedBefore(false, without)(w)
		}
	}
	checkTwins(t, arrange(throwaway.Parts{Log: true}), arrange(throwaway.Parts{}), notTrusted("no entry of the trusted transparency log"))
}

func TestVerify_KeyInPlaceOfACertificateIsDeniedWhateverIsIgnored(t *testing.T) {
	arrange := func(byKey bool) twin {
		return func(w *world) plugin.Image {
			authority := stamped()
			authority.Keyless.InsecureIgnoreSCT = true
			w.require(authority)
			image := w.image("a")
			who := builds()
			if byKey {
				who = throwaway.Signer{Key: newKey(t, "ecdsa-p256")}
			}
			w.sign(image, who)
			return image
		}
	}
	checkTwins(t, arrange(true), arrange(false), notTrusted("it is signed by a key, and the policy asks for a certificate"))
}

func TestVerify_TooManyCertificatesAreDenied(t *testing.T) {
	w := newWorld(t)
	image := w.image("a")
	var bundle map[string]any
	if err := json.Unmarshal(w.statement(image.Digest, builds(), throwaway.SignPredicate), &bundle); err != nil {
		t.Fatal(err)
	}
	material := bundle["verificationMaterial"].(map[string]any)
	chain := func(count int) []byte {
		bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2"
		bundle["verificationMaterial"] = map[string]any{
			"tlogEntries":          material["tlogEntries"],
			"x509CertificateChain": map[string]any{"certificates": slicesRepeat(material["certificate"], count)},
		}
		return w.json(bundle)
	}
	limits := plugin.DefaultLimits()
	w.refer(image, chain(int(limits.Certificates)+1), "")
	checkRefused(t, w.review(image), notTrusted("the limit certificates is 10"))
	w.refer(image, chain(int(limits.Certificates)), "")
	checkAccepted(t, w.review(image), image.Digest)
}

func slicesRepeat(value any, count int) []any {
	all := make([]any, count)
	for i := range all {
		all[i] = value
	}
	return all
}

// generous is a registry client that does not keep to the limit.
type generous struct{ *memory }

func (g generous) Blob(ctx context.Context, repository, digest string, _ int64) ([]byte, error) {
	const plenty = 1 << 40
	return g.memory.Blob(ctx, repository, digest, plenty)
}

func TestVerify_BlobBeyondTheLimitIsDeniedWhateverTheClientReturns(t *testing.T) {
	w := newWorld(t)
	image := withBundleOf(1<<20, 10)(w)
	verifier, err := New(w.config, generous{w.registry})
	if err != nil {
		t.Fatal(err)
	}
	checkRefused(t, verifier.Verify(w.ctx, []plugin.Image{image})[0], notTrusted("more than the limit bundleBytes"))
}

func TestVerify_ReferrerOfUnknownTypeIsRead(t *testing.T) {
	arrange := func(artifactType string) twin {
		return func(w *world) plugin.Image {
			image := signed(w)
			list := w.registry.referrers[repository+"@"+image.Digest]
			list[0].ArtifactType, list[0].Annotations = artifactType, nil
			return image
		}
	}
	for _, unknown := range []string{"", "application/vnd.oci.empty.v1+json", "application/vnd.oci.image.config.v1+json"} {
		checkTwins(t, arrange("application/spdx+json"), arrange(unknown), notSigned)
	}
}

func TestVerify_ReferrerWithTwoBundlesIsDeniedUnlessTheFirstVouches(t *testing.T) {
	arrange := func(goodFirst bool) twin {
		return func(w *world) plugin.Image {
			image := w.image("a")
			good, bad := w.statement(image.Digest, builds(), throwaway.SignPredicate), []byte("garbage")
			first, second := bad, good
			if goodFirst {
				first, second = good, bad
			}
			manifest := throwaway.BundleManifest(throwaway.Descriptor{Digest: image.Digest}, first, "")
			manifest.Layers = append(manifest.Layers, throwaway.Describe(throwaway.BundleMediaType, second))
			data := w.json(manifest)
			w.registry.blobs[throwaway.Digest(good)], w.registry.blobs[throwaway.Digest(bad)] = good, bad
			w.registry.manifests[repository+"@"+throwaway.Digest(data)] = data
			w.registry.referrers[repository+"@"+image.Digest] = []registry.Descriptor{{Digest: throwaway.Digest(data)}}
			return image
		}
	}
	checkTwins(t, arrange(false), arrange(true), notTrusted("more than one bundle"))
}

func TestVerify_ManifestThatIsNotJSONIsDenied(t *testing.T) {
	checkTwins(t, func(w *world) plugin.Image {
		image := signed(w)
		digest := w.registry.referrers[repository+"@"+image.Digest][0].Digest
		w.registry.manifests[repository+"@"+digest] = []byte("garbage")
		return image
	}, signed, notTrusted("its manifest is not JSON"))
	checkTwins(t, func(w *world) plugin.Image {
		image := signedLegacy(w)
		w.registry.manifests[repository+"@"+legacyTag(image.Digest)] = []byte("garbage")
		return image
	}, signedLegacy, notTrusted("its manifest is not JSON"))
}

// explosive is a registry whose methods panic.
type explosive struct {
	*memory
	kind string
}

func (e explosive) Referrers(ctx context.Context, repository, digest string) ([]registry.Descriptor, error) {
	if e.kind == "referrers" {
		panic("boom")
	}
	return e.memory.Referrers(ctx, repository, digest)
}

func (e explosive) Blob(ctx context.Context, repository, digest string, limit int64) ([]byte, error) {
	if e.kind == "blob" {
		panic("boom")
	}
	return e.memory.Blob(ctx, repository, digest, limit)
}

func TestVerify_PanicDeniesAndStaysInside(t *testing.T) {
	for kind, want := range map[string]wanted{
		"referrers": {rule: "verify/panic", reason: "boom"},
		"blob":      notTrusted("reading it panicked: boom"),
		"none":      {},
	} {
		w := newWorld(t)
		image := signed(w)
		verifier, err := New(w.config, explosive{w.registry, kind})
		if err != nil {
			t.Fatal(err)
		}
		review := verifier.Verify(w.ctx, []plugin.Image{image})[0]
		if kind == "none" {
			checkAccepted(t, review, image.Digest)
			continue
		}
		checkRefused(t, review, want)
	}
	empty := &candidate{format: formatBundle}
	if _, err := guarded(func() (accepted, error) {
		return (&authority{anyone: true, onBundles: demands{log: true}}).check(t.Context(), empty, "sha256:00")
	}); err == nil || !strings.Contains(err.Error(), "panicked") {
		t.Errorf("a candidate that panics: %v", err)
	}
}

func TestNew_WeakKeyIsRefused(t *testing.T) {
	w := newWorld(t)
	for bits, refused := range map[int]bool{1024: true, 2048: false} {
		t.Setenv("GODEBUG", "rsa1024min=0")
		private, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		w.require(gate.Authority{Key: &gate.KeyRef{Data: string(text)}})
		if _, err := New(w.config, w.registry); (err != nil) != refused {
			t.Errorf("%d bits: error %v, want one: %v", bits, err, refused)
		}
	}
}

// A report is not a place for what a stranger wrote beside the image.
func TestVerify_ReasonsAreOneBoundedLine(t *testing.T) {
	w := newWorld(t)
	image := w.image("a")
	w.sign(image, throwaway.Signer{Issuer: issuer, Subject: "https://x.example.com/" + strings.Repeat("x", 5000)})
	w.refer(image, bytes.Repeat([]byte("\n\x1b[31m"), 1000), "")
	for _, finding := range w.review(image).Findings {
		for _, text := range append(finding.Details, finding.Message) {
			if len(text) > 2*longestReason || strings.ContainsAny(text, "\n\x1b") {
				t.Errorf("%d bytes: %q", len(text), text)
			}
		}
	}
}
