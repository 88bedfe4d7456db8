//go:build e2e

package argosources_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/migrate"
)

// TestSources_AsPluginRenderAsTheRepoServerDoes: what assay migrate makes of each
// renders to what the native source does, variables and all.
func TestSources_AsPluginRenderAsTheRepoServerDoes(t *testing.T) {
	all := samples(t)
	theirs := repoServer(t, all)
	rendered, refused := 0, 0
	for i, one := range all {
		t.Run(one.Name, func(t *testing.T) {
			source, problem := carried(t, one)
			var mine []any
			var err error
			if problem == "" {
				plugged := sample{Name: one.Name, Source: source}
				if mine, err = assay(t, plugged); err != nil {
					problem = err.Error()
				}
			}
			switch {
			case one.Fails && problem == "", one.NotCarried != "" && !strings.Contains(problem, one.NotCarried):
				t.Fatalf("it is carried over: %q", problem)
			case one.Fails || one.NotCarried != "":
				refused++
			case problem != "":
				t.Fatal(problem)
			default:
				if want := applied(t, theirs[i].Manifests); !reflect.DeepEqual(mine, want) {
					t.Fatalf("%s\nand Argo CD's\n%s", show(mine), show(want))
				}
				rendered++
			}
		})
	}
	t.Logf("%d sources: %d render with the plugin to what Argo CD renders, %d are refused", len(all), rendered, refused)
	if rendered < 55 {
		t.Errorf("%d: the samples are not what they were", rendered)
	}
}

// carried is a source as assay migrate writes it, or why it does not.
func carried(t *testing.T, one sample) (map[string]any, string) {
	t.Helper()
	spec := map[string]any{"project": project, "destination": map[string]any{"namespace": namespace}}
	if len(one.References) == 0 {
		spec["source"] = one.Source
	} else {
		sources := []any{one.Source}
		for _, name := range one.References {
			sources = append(sources, map[string]any{"repoURL": one.Source["repoURL"], "targetRevision": one.Source["targetRevision"], "ref": name})
		}
		spec["sources"] = sources
	}
	text, err := yaml.Marshal(map[string]any{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": map[string]any{"name": appName}, "spec": spec})
	must(t, err)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "app.yaml"), text, 0o600))
	root, err := os.OpenRoot(dir)
	must(t, err)
	defer func() { _ = root.Close() }()
	result, err := migrate.Run(t.Context(), migrate.Options{Root: root, Limits: plugin.DefaultLimits(), Own: func(string) bool { return false }, Tracks: func(string) bool { return false }}, []string{"app.yaml"})
	must(t, err)
	files := result.Files
	if len(files) != 1 {
		t.Fatalf("%d files", len(files))
	}
	if len(files[0].Refused) > 0 {
		return nil, files[0].Refused[0].Reason
	}
	var made struct {
		Spec struct {
			Source  map[string]any
			Sources []map[string]any
		}
	}
	must(t, yaml.Unmarshal(files[0].New, &made))
	if made.Spec.Source == nil {
		return made.Spec.Sources[0], ""
	}
	return made.Spec.Source, ""
}
