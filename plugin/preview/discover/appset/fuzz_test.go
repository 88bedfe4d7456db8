package appset_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/discover/appset"
)

// FuzzExpand: whatever a set says, it gives valid Applications or says why not,
// and no fault of our own.
func FuzzExpand(f *testing.F) {
	paths, err := filepath.Glob("testdata/traps/*.yaml")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no traps: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, one := range strings.Split(string(text), "\n---\n") {
			f.Add(one)
		}
	}
	root, err := os.OpenRoot("testdata/tree")
	if err != nil {
		f.Fatal(err)
	}
	limits := plugin.DefaultLimits()
	limits.RenderSeconds, limits.RenderedObjects, limits.TemplateBytes = 1, 200, 100_000
	f.Fuzz(func(t *testing.T, text string) {
		var fields map[string]any
		if err := yaml.Unmarshal([]byte(text), &fields); err != nil {
			return
		}
		expansion := appset.Expand(t.Context(), plugin.Object{Fields: fields}, appset.Input{
			Limits: limits, Tree: func(context.Context, string, string) (*os.Root, error) { return root, nil },
		})
		if len(expansion.Applications)+len(expansion.Problems) == 0 {
			t.Errorf("nothing is said of\n%s", text)
		}
		for _, problem := range expansion.Problems {
			if strings.Contains(problem.Hint, "fault of assay") {
				t.Errorf("%s\n%s", problem.Reason, text)
			}
		}
		for _, one := range expansion.Applications {
			if _, err := json.Marshal(one.Fields); err != nil || one.ID().Name == "" || one.ID().Kind != "Application" {
				t.Errorf("%v: %+v", err, one)
			}
		}
	})
}
