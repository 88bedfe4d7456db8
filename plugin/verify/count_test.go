package verify

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// TestCountLists_StopsAtTheBound: what is over it is refused before it is
// read into memory; at the bound, in other lists, and in what is no such
// document, it says nothing.
func TestCountLists_StopsAtTheBound(t *testing.T) {
	list := func(count int) string { return "[" + many(count) + "]" }
	for text, over := range map[string]bool{
		`{"layers":` + list(10) + `}`:                          false,
		`{"layers":` + list(11) + `}`:                          true,
		`{"a":` + list(11) + `,"layers":` + list(10) + `}`:     false,
		`{"a":{"layers":[]},"layers":` + list(11) + `}`:        true,
		`{"layers":` + list(1) + `,"layers":` + list(11) + `}`: true,
		`{"LayerS":` + list(11) + `}`:                          true,
		`{"layerſ":` + list(11) + `}`:                          true,
		`{"layers":` + list(11) + `,"layers":` + list(1) + `}`: true,
		`{"layers":[1,"a",[],null,2,3,4,5,6,7,8]}`:             true,
		`{"manifests":` + list(11) + `}`:                       false,
		`{"layers":{}}`:                                        false,
		`{"layers":[{}`:                                        false,
		`[]`:                                                   false,
		``:                                                     false,
	} {
		if err := countLists([]byte(text)).Layers.atMost(10, "layers"); (err != nil) != over {
			t.Errorf("%.60s: %v, want an error: %v", text, err, over)
		}
	}
}

// TestCountLists_CostsLittle: a million empty entries do not become memory.
func TestCountLists_CostsLittle(t *testing.T) {
	data := []byte(`{"layers":[` + many(1_000_000) + `]}`)
	if allocations := testing.AllocsPerRun(3, func() { _ = countLists(data) }); allocations > 100 {
		t.Errorf("%.0f allocations", allocations)
	}
}

// TestIsImage_BytesHaveTheLastWord: an index that its registry calls an image
// is an index; its twin without a list is an image.
func TestIsImage_BytesHaveTheLastWord(t *testing.T) {
	const called = "application/vnd.oci.image.manifest.v1+json"
	if isImage(registry.Manifest{MediaType: called, Bytes: []byte(`{"manifests":[]}`)}) {
		t.Error("an index was taken for an image")
	}
	if !isImage(registry.Manifest{MediaType: called, Bytes: []byte(`{"config":{},"manifests":null}`)}) {
		t.Error("an image was not taken for one")
	}
	for text, mediaType := range map[string]string{"no document": called, "{}": "application/vnd.oci.image.index.v1+json", `{"mediaType":1}`: called} {
		if isImage(registry.Manifest{MediaType: mediaType, Bytes: []byte(text)}) {
			t.Errorf("%s of type %s was taken for an image", text, mediaType)
		}
	}
}

// many is the text of a list with so many empty members, without its brackets.
func many(count int) string { return strings.TrimSuffix(strings.Repeat("{},", count), ",") }

// A manifest whose list would fill the memory is refused by its count, before
// anything else about it is known. The twins list as many as may be.
func TestVerify_ListsThatAreTooLongAreRefusedByTheirCount(t *testing.T) {
	bundleOf := func(count int) twin {
		return func(w *world) plugin.Image {
			made := signed(w)
			data := []byte(`{"layers":[` + many(count) + `]}`)
			w.registry.manifests[repository+"@"+throwaway.Digest(data)] = data
			key := repository + "@" + made.Digest
			w.registry.referrers[key] = append(w.registry.referrers[key][:0:0], registry.Descriptor{Digest: throwaway.Digest(data), ArtifactType: throwaway.BundleMediaType})
			return made
		}
	}
	legacyOf := func(count int) twin {
		return func(w *world) plugin.Image {
			made := w.image("a")
			w.registry.manifests[repository+"@"+legacyTag(made.Digest)] = []byte(`{"layers":[` + many(count) + `]}`)
			return made
		}
	}
	indexOf := func(count int) twin {
		return func(w *world) plugin.Image {
			w.config.Limits.ManifestsPerIndex = 2
			w.config.Platforms = PlatformsAllLeaves
			data := []byte(`{"manifests":[` + strings.TrimSuffix(strings.Repeat(`{"platform":{"os":"unknown","architecture":"unknown"}},`, count), ",") + `]}`)
			made := w.image("a")
			made.Digest, made.MediaType = throwaway.Digest(data), "application/vnd.oci.image.index.v1+json"
			w.registry.manifests[repository+"@"+made.Digest] = data
			return made
		}
	}
	for name, test := range map[string]struct {
		over, within twin
		reason       string
	}{
		"bundle": {bundleOf(mostLayers + 1), bundleOf(mostLayers), "it lists more than 10000 layers"},
		"legacy": {legacyOf(mostLayers + 1), legacyOf(mostLayers), "it lists more than 10000 layers"},
		"index":  {indexOf(unlisted + 3), indexOf(unlisted + 2), "it lists more than 202 manifests (limit manifestsPerIndex)"},
	} {
		t.Run(name, func(t *testing.T) {
			for says, arrange := range map[bool]twin{true: test.over, false: test.within} {
				w := newWorld(t)
				made := arrange(w)
				got := w.review(made)
				if len(got.Evidence) > 0 || len(got.Findings) != 1 || got.Findings[0].Level != plugin.Deny {
					t.Fatalf("got %+v", got)
				}
				text := got.Findings[0].Message + strings.Join(got.Findings[0].Details, " ")
				if strings.Contains(text, test.reason) != says {
					t.Errorf("whether it says %q is not %v: %s", test.reason, says, text)
				}
			}
		})
	}
}
