package inplace_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// sameObjects compares two renderings; objects that were added may stand
// elsewhere.
func sameObjects(t testing.TB, before, after []plugin.Object) {
	t.Helper()
	texts := func(objects []plugin.Object) []string {
		var out []string
		for _, object := range objects {
			text, err := plugin.JSONEncoding{}.Encode([]plugin.Object{object})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(text))
		}
		slices.Sort(out)
		return out
	}
	was, is := texts(before), texts(after)
	if reflect.DeepEqual(was, is) {
		return
	}
	for i := range max(len(was), len(is)) {
		if i >= len(was) || i >= len(is) || was[i] != is[i] {
			t.Fatalf("%d objects became %d; the first that differs:\n%s\n%s", len(was), len(is), at(was, i), at(is, i))
		}
	}
}

func at(texts []string, i int) string {
	if i >= len(texts) {
		return "(none)"
	}
	return texts[i]
}

func sameFiles(t testing.TB, before, after map[string]string) {
	t.Helper()
	if !maps.Equal(before, after) {
		t.Errorf("files changed:\n%v\n%v", before, after)
	}
}
