package render_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// TestRenderer_WithoutProgramsRefusesWhatRunsThem: a preview renders such sources
// in workers.
func TestRenderer_WithoutProgramsRefusesWhatRunsThem(t *testing.T) {
	const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n"
	chart := map[string]string{"Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n", "templates/a.yaml": configMap}
	for name, c := range map[string]struct {
		files    map[string]string
		programs bool
	}{
		"a kustomization":              {files: map[string]string{"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": configMap}},
		"a chart":                      {files: chart, programs: true},
		"a folder":                     {files: map[string]string{"a.yaml": configMap}, programs: true},
		"Jsonnet":                      {files: map[string]string{"a.jsonnet": "{}"}, programs: true},
		"a chart of a kustomization":   {files: with(chart, "", "helmCharts: [{name: a}]\n"), programs: true},
		"a chart of a kustomize base":  {files: with(chart, "base/", "resources: [base]\n"), programs: true},
		"a kustomization that is none": {files: map[string]string{"kustomization.yaml": "resources: [missing.yaml]\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range c.files {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			root, err := os.OpenRoot(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			renderer := render.New(render.Options{Limits: plugin.DefaultLimits(), NoPrograms: true})
			_, err = renderer.Render(context.Background(), plugin.Source{Root: root, Path: "."})
			if errors.Is(err, render.ErrPrograms) != c.programs {
				t.Errorf("got %v", err)
			}
		})
	}
}

// with puts a chart into the charts folder of a kustomization.
func with(chart map[string]string, folder, kustomization string) map[string]string {
	files := map[string]string{folder + "kustomization.yaml": "helmCharts: [{name: a}]\n"}
	files["kustomization.yaml"] = kustomization
	for name, text := range chart {
		files[folder+"charts/a/"+name] = text
	}
	return files
}
