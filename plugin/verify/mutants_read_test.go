package verify

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// A registry's refusal is an answer: it denies, and is not told as "could not
// look".
func TestVerify_RefusalByTheRegistryIsDenied(t *testing.T) {
	checkTwins(t, func(w *world) plugin.Image {
		image := signed(w)
		w.registry.faults["referrers"] = &plugin.Refusal{Rule: "registry/limit", Message: "the list of referrers is longer than the limit"}
		return image
	}, signed, notTrusted("the list of referrers is longer than the limit"))
}

func TestVerify_LimitOfTheClientIsToldByItsName(t *testing.T) {
	checkTwins(t, withBundleOf(1<<20, 10), withBundleOf(1<<10, 10), notTrusted("it is too large: larger than the limit bundleBytes of 1048576"))
}

// contradictory gives an error and more bytes than it may.
type contradictory struct{ *memory }

func (c contradictory) Blob(_ context.Context, _, _ string, limit int64) ([]byte, error) {
	return make([]byte, limit+1), errRegistryDown
}

func TestVerify_BytesBesideAnErrorDoNotCount(t *testing.T) {
	w := newWorld(t)
	w.config.Limits.BundleBytes = 10
	verifier, err := New(w.config, contradictory{w.registry})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newSession(verifier).blob(t.Context(), repository, "sha256:00", 1); !errors.Is(err, errRegistryDown) || errors.Is(err, errTooLarge) {
		t.Errorf("error %v, want the registry's", err)
	}
}

func TestVerify_ReasonsDoNotDependOnTheRegistrysOrder(t *testing.T) {
	w := newWorld(t)
	image := w.image("a")
	for _, other := range []string{"a", "b", "c"} {
		w.sign(image, throwaway.Signer{Issuer: issuer, Subject: "https://other.example.com/" + other})
	}
	before := w.review(image).Findings[0]
	slices.Reverse(w.registry.referrers[repository+"@"+image.Digest])
	after := w.review(image).Findings[0]
	if before.Message != after.Message || !slices.Equal(before.Details, after.Details) {
		t.Errorf("%s %q\nand then %s %q", before.Message, before.Details, after.Message, after.Details)
	}
}

func TestLabel_ShortensDigests(t *testing.T) {
	for digest, want := range map[string]string{
		"sha256:" + strings.Repeat("ab", 32): "bundle sha256:abababababab",
		"sha256:ab":                          "bundle sha256:ab",
	} {
		if got := label("bundle", digest); got != want {
			t.Errorf("label of %s is %q, want %q", digest, got, want)
		}
	}
}

func TestVerify_LayerThatIsNoBundleIsPassedOver(t *testing.T) {
	arrange := func(firstType string) twin {
		return func(w *world) plugin.Image {
			image := w.image("a")
			bundle, readme := w.statement(image.Digest, builds(), throwaway.SignPredicate), []byte("read me")
			manifest := throwaway.BundleManifest(throwaway.Descriptor{Digest: image.Digest}, bundle, "")
			manifest.Layers = append([]throwaway.Descriptor{throwaway.Describe(firstType, readme)}, manifest.Layers...)
			data := w.json(manifest)
			w.registry.blobs[throwaway.Digest(bundle)], w.registry.blobs[throwaway.Digest(readme)] = bundle, readme
			w.registry.manifests[repository+"@"+throwaway.Digest(data)] = data
			w.registry.referrers[repository+"@"+image.Digest] = []registry.Descriptor{{Digest: throwaway.Digest(data)}}
			return image
		}
	}
	checkTwins(t, arrange(throwaway.BundleMediaType), arrange("text/plain"), notTrusted("it cannot be read as a bundle"))
}

func TestVerify_LegacyLayerWithoutASignatureIsNotRead(t *testing.T) {
	checkTwins(t, func(w *world) plugin.Image {
		image := w.image("a")
		w.legacy(image, []byte("{}"), nil)
		w.registry.faults["blob"] = errRegistryDown
		return image
	}, signedLegacy, notSigned)
}

func TestVerify_LegacyPayloadThatIsTooLargeIsDenied(t *testing.T) {
	arrange := func(limit int64) twin {
		return func(w *world) plugin.Image {
			w.config.Limits.BundleBytes = limit
			return signedLegacy(w)
		}
	}
	checkTwins(t, arrange(10), arrange(1<<20), notTrusted("the limit bundleBytes is 10"))
}

func TestVerify_MissingLegacyPayloadIsDenied(t *testing.T) {
	checkTwins(t, func(w *world) plugin.Image {
		image := signedLegacy(w)
		clear(w.registry.blobs)
		return image
	}, signedLegacy, notTrusted("not found"))
}

func TestVerify_UnreadableLegacyPayloadIsUndetermined(t *testing.T) {
	checkTwins(t, func(w *world) plugin.Image {
		image := signedLegacy(w)
		w.registry.faults["blob"] = errRegistryDown
		return image
	}, signedLegacy, noAnswer(errRegistryDown.Error()))
}
