package verify

import (
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// index puts an index over images into the registry.
func (w *world) index(leaves ...plugin.Image) plugin.Image {
	var entries []map[string]any
	for _, leaf := range leaves {
		entries = append(entries, map[string]any{"digest": leaf.Digest, "platform": map[string]any{"os": "linux", "architecture": leaf.Digest[7:11]}})
	}
	entries = append(entries, map[string]any{"digest": "sha256:00", "platform": map[string]any{"os": "unknown", "architecture": "unknown"}})
	data := w.json(map[string]any{"schemaVersion": 2, "manifests": entries})
	image := w.image("index")
	image.Digest, image.MediaType = throwaway.Digest(data), "application/vnd.oci.image.index.v1+json"
	w.registry.manifests[repository+"@"+image.Digest] = data
	w.registry.mediaTypes[image.Digest] = image.MediaType
	return image
}

func TestVerify_PlatformsChooseWhatMustBeSigned(t *testing.T) {
	checkPlatforms(t, func(t *testing.T) (*world, func(plugin.Image)) {
		w := newWorld(t)
		return w, func(image plugin.Image) { w.sign(image, builds()) }
	})
}

// checkPlatforms holds one kind of signature to the three values of
// trust.platforms.
func checkPlatforms(t *testing.T, arrange func(*testing.T) (*world, func(plugin.Image))) {
	t.Helper()
	for _, row := range []struct {
		platforms            string
		index, first, second bool
		want                 bool
	}{
		{PlatformsIndex, true, false, false, true},
		{PlatformsIndex, false, true, true, false},
		{PlatformsAllLeaves, true, false, false, false},
		{PlatformsAllLeaves, false, true, false, false},
		{PlatformsAllLeaves, true, true, false, false},
		{PlatformsAllLeaves, false, true, true, true},
		{PlatformsEither, true, false, false, true},
		{PlatformsEither, false, true, true, true},
		{PlatformsEither, false, true, false, false},
		{PlatformsEither, false, false, false, false},
	} {
		w, sign := arrange(t)
		w.config.Platforms = row.platforms
		first, second := w.image("first"), w.image("second")
		index := w.index(first, second)
		for image, signed := range map[*plugin.Image]bool{&index: row.index, &first: row.first, &second: row.second} {
			if signed {
				sign(*image)
			}
		}
		review := w.review(index)
		if got := len(review.Evidence) > 0 && len(review.Findings) == 0; got != row.want {
			t.Errorf("%+v: verified %v: %+v", row, got, review.Findings)
		}
	}
}

func TestVerify_IndexThatIsNotTheDigestsIsDenied(t *testing.T) {
	arrange := func(swap bool) twin {
		return func(w *world) plugin.Image {
			w.config.Platforms = PlatformsAllLeaves
			good, bad := w.image("good"), w.image("bad")
			w.sign(good, builds())
			index := w.index(bad)
			if !swap {
				index = w.index(good)
			} else {
				w.registry.manifests[repository+"@"+index.Digest] = w.registry.manifests[repository+"@"+w.index(good).Digest]
			}
			return index
		}
	}
	w := newWorld(t)
	checkRefused(t, w.review(arrange(true)(w)), notTrusted("the registry answered"))
	w = newWorld(t)
	if review := w.review(arrange(false)(w)); len(review.Evidence) != 1 {
		t.Fatalf("review %+v, want evidence", review)
	}
}

func TestVerify_IndexWithoutImagesIsDenied(t *testing.T) {
	w := newWorld(t)
	w.config.Platforms = PlatformsAllLeaves
	checkRefused(t, w.review(w.index()), notTrusted("lists no image"))
}

func TestVerify_IndexWithTooManyImagesIsDenied(t *testing.T) {
	w := newWorld(t)
	w.config.Platforms, w.config.Limits.ManifestsPerIndex = PlatformsAllLeaves, 1
	checkRefused(t, w.review(w.index(w.image("a"), w.image("b"))), notTrusted("the limit manifestsPerIndex is 1"))
}

func TestVerify_UnreadableIndexIsUndetermined(t *testing.T) {
	w := newWorld(t)
	w.config.Platforms = PlatformsAllLeaves
	index := w.index(signed(w))
	w.registry.faults["manifest"] = &plugin.StageError{Stage: "registry", Cause: errRegistryDown}
	checkRefused(t, w.review(index), noAnswer("reading the index"))
}

func TestVerify_RequestsStayInTheBudget(t *testing.T) {
	count := func(arrange twin, references int) map[string]int {
		w := newWorld(t)
		w.config.Policies = append(w.config.Policies, policies(keyless(), stamped())...)
		w.config.Policies[1].Metadata.Name = "second"
		image := arrange(w)
		images := make([]plugin.Image, references)
		for i := range images {
			images[i] = image
		}
		for _, review := range w.verifier().Verify(w.ctx, images) {
			if len(review.Findings) > 0 {
				t.Fatalf("finding: %s", review.Findings[0].Message)
			}
		}
		return w.registry.counts
	}
	const bundles = 3
	several := func(w *world) plugin.Image {
		image := w.image("a")
		for i := range bundles {
			who := builds()
			if i < bundles-1 {
				who.Subject = "https://other.example.com/" + string(rune('a'+i))
			}
			w.sign(image, who)
		}
		w.refer(image, []byte("not read"), "https://slsa.dev/provenance/v1")
		w.registry.referrers[repository+"@"+image.Digest] = append(w.registry.referrers[repository+"@"+image.Digest], registry.Descriptor{ArtifactType: "application/spdx+json"})
		return image
	}
	want := map[string]int{"referrers": 1, "manifest": bundles, "blob": bundles}
	if got := count(several, 5); !equal(got, want) {
		t.Errorf("bundles: %v requests, want %v", got, want)
	}
	const layers = 2
	legacy := func(w *world) plugin.Image {
		image := w.image("a")
		for range layers {
			w.signLegacy(image, image, builds())
		}
		return image
	}
	want = map[string]int{"referrers": 1, "tag": 1, "blob": layers}
	if got := count(legacy, 5); !equal(got, want) {
		t.Errorf("legacy: %v requests, want %v", got, want)
	}
}

func equal(a, b map[string]int) bool {
	for key := range a {
		if a[key] != b[key] {
			return false
		}
	}
	return len(a) == len(b)
}
