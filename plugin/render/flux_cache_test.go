package render

import (
	"path"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// TestFlux_ACachedRenderingIsNotTakenForAnotherTree: each change is of a kind
// that changes no file which was read.
func TestFlux_ACachedRenderingIsNotTakenForAnotherTree(t *testing.T) {
	second := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: second\n"
	for name, change := range map[string]struct {
		remove string
		add    map[string]string
		want   int
	}{
		"a manifest more":                        {add: map[string]string{"app/b.yaml": second}, want: 2},
		"a manifest more, below":                 {add: map[string]string{"app/sub/b.yaml": second}, want: 2},
		"a kustomization where there was none":   {add: map[string]string{"app/kustomization.yaml": "resources: [a.yaml]\nnamePrefix: x-\n", "app/b.yaml": second}, want: 1},
		"a kustomization below":                  {add: map[string]string{"app/sub/kustomization.yaml": "configMapGenerator: [{name: one}, {name: two}]\n"}, want: 3},
		"a folder of the name of a file":         {remove: "app/notes", add: map[string]string{"app/notes/b.yaml": second}, want: 2},
		"a component that was missing, ignoring": {add: map[string]string{"parts/kustomization.yaml": component}, want: 2},
		"nothing":                                {want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			cache := NewCache(1 << 20)
			renderer := New(Options{Limits: plugin.DefaultLimits(), Cache: cache})
			root := writeTree(t, map[string]string{"app/a.yaml": goodConfigMap, "app/notes": "", "app/sub/readme": ""})
			source := plugin.Source{Root: root, Path: "app", Parameters: fluxWith(plugin.FluxParameters{Components: []string{"../parts"}, IgnoreMissingComponents: true})}
			if name != "a component that was missing, ignoring" {
				source.Parameters = fluxWith(plugin.FluxParameters{})
			}
			if _, err := renderer.Render(t.Context(), source); err != nil {
				t.Fatal(err)
			}
			if change.remove != "" {
				if err := root.Remove(change.remove); err != nil {
					t.Fatal(err)
				}
			}
			for file, text := range change.add {
				if err := root.MkdirAll(path.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := root.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			rendering, err := renderer.Render(t.Context(), source)
			if err != nil || len(rendering.Objects) != change.want {
				t.Errorf("got %d objects and %v, want %d", len(rendering.Objects), err, change.want)
			}
			if hits, _ := cache.Stats(); (hits > 0) != (name == "nothing") {
				t.Errorf("%d hits", hits)
			}
		})
	}
}
