package verify

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/registry"
)

// TestCountMembers_StopsAtTheBound: what is over it is refused before it is
// read into memory; at the bound, in other lists, and in what is no such
// document, it says nothing.
func TestCountMembers_StopsAtTheBound(t *testing.T) {
	list := func(count int) string { return "[" + strings.TrimSuffix(strings.Repeat("{},", count), ",") + "]" }
	for text, over := range map[string]bool{
		`{"layers":` + list(10) + `}`:                          false,
		`{"layers":` + list(11) + `}`:                          true,
		`{"a":` + list(11) + `,"layers":` + list(10) + `}`:     false,
		`{"a":{"layers":[]},"layers":` + list(11) + `}`:        true,
		`{"layers":` + list(1) + `,"layers":` + list(11) + `}`: true,
		`{"LayerS":` + list(11) + `}`:                          true,
		`{"layerſ":` + list(11) + `}`:                          true,
		`{"layers":{}}`:                                        false,
		`{"layers":[{}`:                                        false,
		`[]`:                                                   false,
		``:                                                     false,
	} {
		if err := countMembers([]byte(text), "layers", 10); (err != nil) != over {
			t.Errorf("%.60s: %v, want an error: %v", text, err, over)
		}
	}
}

// TestCountMembers_CostsLittle: a million empty entries do not become memory.
func TestCountMembers_CostsLittle(t *testing.T) {
	data := []byte(`{"layers":[` + strings.TrimSuffix(strings.Repeat("{},", 1_000_000), ",") + `]}`)
	if allocations := testing.AllocsPerRun(3, func() { _ = countMembers(data, "layers", 1_000) }); allocations > 10_000 {
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
}
