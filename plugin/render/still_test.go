package render

import (
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// TestStill_SaysWhatFactsSay asks one still tree after others, in any order, as
// many renderings do.
func TestStill_SaysWhatFactsSay(t *testing.T) {
	limits := plugin.DefaultLimits()
	files := map[string]string{
		"one/kustomization.yaml": "resources: [../base]\n", "two/kustomization.yaml": "resources: [../base, missing.yaml]\n",
		"base/kustomization.yaml": "resources: [a.yaml]\n", "base/a.yaml": goodConfigMap, "plain/a.yaml": goodConfigMap,
	}
	root := writeTree(t, files)
	var known []plugin.TreeFacts
	var sources []plugin.Source
	for _, path := range []string{"one", "two", "plain"} {
		source := plugin.Source{Root: root, Path: path}
		rendering, _ := New(Options{Limits: limits}).Render(t.Context(), source)
		if rendering.Facts == nil {
			t.Fatalf("%s has no facts", path)
		}
		known, sources = append(known, rendering.Facts), append(sources, source)
	}
	changes := map[string]map[string]string{
		"nothing": {}, "the base": {"base/a.yaml": goodConfigMap + "# changed\n"}, "what is missing": {"two/missing.yaml": goodConfigMap}, "another file": {"plain/b.yaml": goodConfigMap},
	}
	for name, change := range changes {
		changed := map[string]string{}
		for _, from := range []map[string]string{files, change} {
			for file, text := range from {
				changed[file] = text
			}
		}
		other := writeTree(t, changed)
		still := NewStill(other, limits)
		held := 0
		for range 2 { // what is known is asked again
			for i, facts := range known {
				source := sources[i]
				source.Root = other
				want := facts.Hold(source, limits)
				if got := still.Hold(facts, source); got != want {
					t.Errorf("%s: %s holds: %t, want %t", name, source.Path, got, want)
				}
				if want {
					held++
				}
			}
		}
		if (held == 6) != (name == "nothing") {
			t.Errorf("%s: %d of 6 hold", name, held)
		}
	}
}

func TestStill_AnotherTreeAndAnOverlayAreLookedAt(t *testing.T) {
	limits := plugin.DefaultLimits()
	root := writeTree(t, map[string]string{"app/a.yaml": goodConfigMap})
	source := plugin.Source{Root: root, Path: "app"}
	rendering, err := New(Options{Limits: limits}).Render(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	still := NewStill(root, limits)
	if !still.Hold(rendering.Facts, source) {
		t.Error("the facts do not hold of their own tree")
	}
	laid := source
	laid.Overlay = map[string][]byte{"app/b.yaml": []byte(goodConfigMap)}
	other := source
	other.Root = writeTree(t, map[string]string{"app/a.yaml": goodConfigMap + "# changed\n"})
	if still.Hold(rendering.Facts, laid) || still.Hold(rendering.Facts, other) {
		t.Error("the facts hold of another tree, or of one with an overlay")
	}
}
