//go:build e2e

package argocd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/assay-gitops/assay/e2e/origin"
)

// details is the part of GetAppDetails' answer that names parameters.
type details struct {
	Type string
	Helm struct {
		Parameters []struct{ Name, Value string }
	}
	Kustomize struct{ Images []string }
	Plugin    struct {
		ParametersAnnouncement []announcement
	}
}

type announcement struct {
	Name, CollectionType string
	Array                []string
	Map                  map[string]string
}

func (d details) announced(t *testing.T, name string) announcement {
	t.Helper()
	i := slices.IndexFunc(d.Plugin.ParametersAnnouncement, func(a announcement) bool { return a.Name == name })
	if i < 0 {
		t.Fatalf("%s is not announced in %v", name, d)
	}
	return d.Plugin.ParametersAnnouncement[i]
}

// details asks the running repo-server.
func (w *world) details(sources ...map[string]any) []details {
	w.t.Helper()
	program := filepath.Join(w.dir, "details")
	main, err := filepath.Abs("testdata/details/main.go")
	must(w.t, err)
	build := exec.CommandContext(w.t.Context(), "go", "build", "-buildvcs=false", "-o", program, main)
	build.Dir, build.Env = "../servers/argocd", append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if output, err := build.CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %s", err, output)
	}
	for _, source := range sources {
		source["repoURL"], source["targetRevision"] = w.git.URL(), "main"
	}
	input, err := json.Marshal(sources)
	must(w.t, err)
	command := exec.CommandContext(w.slowly(), program, "127.0.0.1:8081", w.name)
	command.Stdin = bytes.NewReader(input)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		w.t.Fatalf("%v: %s", err, stderr.String())
	}
	var answers []struct {
		Details details
		Error   string
	}
	must(w.t, json.Unmarshal(output, &answers))
	var list []details
	for i, each := range answers {
		if each.Error != "" {
			w.t.Fatalf("%v: %s", sources[i], each.Error)
		}
		list = append(list, each.Details)
	}
	return list
}

// TestDetails_TellOfTheSourceWhatArgoCDTells compares what the plugin announces
// with what Argo CD's user interface has of the native source.
func TestDetails_TellOfTheSourceWhatArgoCDTells(t *testing.T) {
	w := newWorld(t)
	w.since3("is not what this is compared with")
	w.tools()
	w.git.Commit(map[string]string{
		"chart/Chart.yaml":          "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"chart/values.yaml":         "image: {name: web, tag: 1.10}\nlist: [a, {b: c}, [1, 2]]\nbig: 10000000\nratio: 0.5\nnothing: null\nempty: {}\non: yes\ntext: |\n  two\n  lines\nkey.with: dots\n",
		"chart/prod.yaml":           "image: {tag: 2}\nlist: [z]\nmore: {deep: true}\n",
		"kustom/kustomization.yaml": "resources: [web.yaml]\nimages: [{name: registry.example.com/web, newTag: '7'}]\n",
		"kustom/web.yaml":           origin.Deployment("web", "registry.example.com/web:1") + "---\n" + origin.Deployment("side", "registry.example.com/side"),
		"plain/map.yaml":            origin.ConfigMap("a", "b"),
	})
	w.serve()
	plugged := func(parameters ...any) map[string]any {
		return map[string]any{"name": "assay", "parameters": parameters}
	}
	list := w.details(
		map[string]any{"path": "chart", "helm": map[string]any{"valueFiles": []any{"prod.yaml", "none.yaml"}, "ignoreMissingValueFiles": true}},
		map[string]any{"path": "chart", "plugin": plugged(map[string]any{"name": "helm-value-files", "array": []any{"prod.yaml", "none.yaml"}})},
		map[string]any{"path": "kustom", "kustomize": map[string]any{"images": []any{"registry.example.com/side=registry.example.com/other:3"}}},
		map[string]any{"path": "kustom", "plugin": plugged(map[string]any{"name": "kustomize-images", "array": []any{"registry.example.com/side=registry.example.com/other:3"}})},
		map[string]any{"path": "plain", "plugin": plugged()},
	)
	values := map[string]string{}
	for _, each := range list[0].Helm.Parameters {
		values[each.Name] = each.Value
	}
	if got := list[1].announced(t, "helm-parameters"); !maps.Equal(got.Map, values) || len(values) < 10 || list[1].Type != "Plugin" {
		t.Errorf("the chart tells\n%v, and Argo CD\n%v", got.Map, values)
	}
	if got := list[3].announced(t, "kustomize-images"); !slices.Equal(got.Array, list[2].Kustomize.Images) || len(got.Array) != 2 {
		t.Errorf("the kustomization tells %q, and Argo CD %q", got.Array, list[2].Kustomize.Images)
	}
	list[4].announced(t, "directory-recurse")
	if len(list[4].Plugin.ParametersAnnouncement) >= len(list[1].Plugin.ParametersAnnouncement) {
		t.Errorf("a folder has %s", fmt.Sprint(list[4]))
	}
}
