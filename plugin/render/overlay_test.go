package render_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// TestRender_OverlayStandsInFrontOfTheTree, for files that are there, for new
// ones and for folders; and no cached rendering is taken for it.
func TestRender_OverlayStandsInFrontOfTheTree(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("kustomization.yaml", "resources: [a.yaml]\n")
	write("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	renderer := render.New(render.Options{Limits: plugin.DefaultLimits(), Cache: render.NewCache(1 << 20)})
	overlay := map[string][]byte{
		"kustomization.yaml": []byte("resources: [a.yaml, new/deep/b.yaml]\ncomponents: [new]\n"), "a.yaml": []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: changed}\n"),
		"new/deep/b.yaml": []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n"), "new/kustomization.yaml": []byte("apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -x\n"),
	}
	for _, c := range []struct {
		source plugin.Source
		want   []string
	}{
		{plugin.Source{}, []string{"a"}},
		{plugin.Source{Overlay: overlay}, []string{"b-x", "changed-x"}},
		{plugin.Source{}, []string{"a"}},
		{plugin.Source{Parameters: plugin.Parameters{Kind: render.KindDirectory, Directory: plugin.DirectoryParameters{Recurse: true, Exclude: "**kustomization.yaml"}}, Overlay: overlay}, []string{"changed", "b"}},
	} {
		c.source.Root, c.source.Path = root, "."
		rendering, err := renderer.Render(t.Context(), c.source)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, object := range rendering.Objects {
			names = append(names, object.ID().Name)
		}
		if len(names) != len(c.want) {
			t.Fatalf("%v, want %v", names, c.want)
		}
		for i := range names {
			if names[i] != c.want[i] {
				t.Errorf("%v, want %v", names, c.want)
			}
		}
	}
}
