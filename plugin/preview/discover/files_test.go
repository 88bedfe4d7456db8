package discover_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/preview/discover"
)

// defined is an Application of a name.
func defined(name string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: " + name + "\nspec:\n  source: {repoURL: https://git.example.com/a, path: a}\n"
}

func names(found discover.Found) []string {
	var out []string
	for _, each := range found.Applications {
		out = append(out, each.Name+" "+each.Origin.String())
	}
	return out
}

func TestFiles_DefinitionsOfEveryFormAreFound(t *testing.T) {
	found, including := discover.Files(t.Context(), treeOf(t, map[string]string{
		"a.yaml":                     defined("one") + "---\n" + defined("two"),
		"b/list.yml":                 "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: three}, spec: {source: {repoURL: r, path: p}}}\n",
		"c/app.json":                 `{"apiVersion":"argoproj.io/v1alpha1","kind":"Application","metadata":{"name":"four"},"spec":{"source":{"repoURL":"r","path":"p"}}}`,
		".git/x.yaml":                defined("never"),
		"d/config.yaml":              "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {text: 'apiVersion: argoproj.io/v1alpha1'}\n",
		"d/notes.yaml":               "# apiVersion: argoproj.io/v1alpha1\n",
		"dir with\nnewline/<b>.yaml": defined("five"),
	}))
	want := []string{"one a.yaml:1", "two a.yaml:8", "three b/list.yml:1", "four c/app.json:1", "five dir with\nnewline/<b>.yaml:1"}
	if got := names(found); !reflect.DeepEqual(got, want) || len(found.Unseen) > 0 || len(including) > 0 {
		t.Errorf("%q, %+v, %+v", got, found.Unseen, including)
	}
}

func TestFiles_WhatAKustomizationOrChartRendersIsFoundByRenderingIt(t *testing.T) {
	found, including := discover.Files(t.Context(), treeOf(t, map[string]string{
		"base/kustomization.yaml":         "resources: [app.yaml]\n",
		"base/app.yaml":                   defined("base"),
		"overlays/prod/kustomization.yml": "resources: [../../base]\npatches: [{path: patch.yaml}]\n",
		"overlays/prod/patch.yaml":        defined("base"),
		"overlays/test/Kustomization":     "resources: [../../base]\n",
		"overlays/test/free.yaml":         defined("free"),
		"chart/Chart.yaml":                "name: x\n",
		"chart/templates/app.yaml":        defined("{{ .Values.name }}") + "{{ if }}",
		"chart/templates/helm/app.yaml":   defined("x"),
		"chart/docs/app.yaml":             defined("beside"),
	}))
	if got := names(found); !reflect.DeepEqual(got, []string{"beside chart/docs/app.yaml:1", "free overlays/test/free.yaml:1"}) || len(found.Unseen) > 0 {
		t.Errorf("%q, %+v", got, found.Unseen)
	}
	want := []discover.Including{
		{Path: "chart", Kind: "helm", Files: []string{"chart/templates/app.yaml", "chart/templates/helm/app.yaml"}},
		{Path: "overlays/prod", Kind: "kustomize", Files: []string{"base/app.yaml", "overlays/prod/patch.yaml"}},
		{Path: "overlays/test", Kind: "kustomize", Files: []string{"base/app.yaml"}},
	}
	if !reflect.DeepEqual(including, want) {
		t.Errorf("%+v", including)
	}
}

func TestFiles_WhatCannotBeReadIsUnseenWithItsLine(t *testing.T) {
	conflict := strings.Replace(defined("a"), "spec:\n", "<<<<<<< HEAD\nspec:\n=======\n>>>>>>> other\n", 1)
	for name, test := range map[string]struct{ text, want string }{
		"a conflict":  {conflict, "x.yaml:5 x.yaml: a merge conflict stands in it"},
		"broken YAML": {defined("a") + "  bad: [\n", "this is not valid YAML"},
		"a template":  {defined("a") + "{{ range }}\n", "this is not valid YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			found, _ := discover.Files(t.Context(), treeOf(t, map[string]string{"x.yaml": test.text, "y.yaml": defined("beside")}))
			if got := reasons(found.Unseen); !strings.Contains(got, test.want) || !strings.HasPrefix(got, "x.yaml:") {
				t.Errorf("%q lacks %q", got, test.want)
			}
			if got := names(found); !slices.Equal(got, []string{"beside y.yaml:1"}) {
				t.Errorf("the file beside it is not read: %q", got)
			}
		})
	}
}

func TestFiles_ALimitIsTold(t *testing.T) {
	files := map[string]string{"a.yaml": defined("a"), "b.yaml": defined("b")}
	tree := treeOf(t, files)
	tree.Limits.FileBytes = 10
	if found, _ := discover.Files(t.Context(), tree); len(found.Unseen) != 2 || !strings.Contains(reasons(found.Unseen), "fileBytes") {
		t.Errorf("%+v", found)
	}
	tree = treeOf(t, files)
	tree.Limits.TreeBytes = int64(len(files["a.yaml"]))
	if found, _ := discover.Files(t.Context(), tree); len(found.Applications) != 1 || !strings.Contains(reasons(found.Unseen), "b.yaml: the YAML of the tree is larger") {
		t.Errorf("%+v", found)
	}
}

func TestFiles_ACancelledLookIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if found, _ := discover.Files(ctx, treeOf(t, map[string]string{"a.yaml": defined("a")})); len(found.Applications) > 0 || !strings.Contains(reasons(found.Unseen), "stopped") {
		t.Errorf("%+v", found)
	}
}
