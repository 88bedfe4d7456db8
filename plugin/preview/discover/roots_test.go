package discover

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func TestRoots_WhatAnotherIsMadeOfIsNone(t *testing.T) {
	const manifest, overlay = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "overlay/kustomization.yaml"
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"a base":               {map[string]string{"base/kustomization.yaml": "", overlay: "resources:\n- ../base\n"}, []string{"overlay"}},
		"a base in flow style": {map[string]string{"base/kustomization.yaml": "", overlay: "resources: [\"../base/\"]"}, []string{"overlay"}},
		"an old base":          {map[string]string{"base/Kustomization": "", overlay: "bases:\n  - ./../base\n"}, []string{"overlay"}},
		"a base that none uses": {
			map[string]string{"base/kustomization.yaml": "", overlay: "# resources:\n# - ../base\nlabels: [{pairs: {x: ../base}}]\n"}, []string{"base", "overlay"},
		},
		"a base through a component": {
			map[string]string{"base/kustomization.yaml": "", "part/kustomization.yaml": "kind: Component\nresources: [../base]", overlay: "components: [../part]"}, []string{"overlay"},
		},
		"a component that none uses": {map[string]string{"part/kustomization.yaml": "kind: Component", overlay: ""}, []string{"overlay"}},
		"a file of a folder":         {map[string]string{"shared/a.yaml": manifest, overlay: "resources: [../shared/a.yaml]"}, []string{"overlay"}},
		"a folder that none uses":    {map[string]string{"shared/a.yaml": manifest, overlay: ""}, []string{"overlay", "shared"}},
		"a chart":                    {map[string]string{"web/Chart.yaml": "name: web\ntype: application"}, []string{"web"}},
		"a chart without a type":     {map[string]string{"web/Chart.yaml": "name: web"}, []string{"web"}},
		"a library":                  {map[string]string{"lib/Chart.yaml": "name: lib\ntype: library", "web/Chart.yaml": "name: web"}, []string{"web"}},
		"a chart beside it that it depends on": {
			map[string]string{"cache/Chart.yaml": "name: cache", "web/Chart.yaml": "name: web\ndependencies: [{name: cache, repository: \"file://../cache\"}]"}, []string{"web"},
		},
		"a vendored chart":               {map[string]string{"web/charts/cache/Chart.yaml": "name: cache", "web/Chart.yaml": "name: web"}, []string{"web"}},
		"a chart of a kustomization":     {map[string]string{"overlay/charts/web/Chart.yaml": "name: web", overlay: "helmCharts: [{name: web}]"}, []string{"overlay"}},
		"a chart of another folder":      {map[string]string{"all/web/Chart.yaml": "name: web", overlay: "helmGlobals: {chartHome: ../all}\nhelmCharts: [{name: web}]"}, []string{"overlay"}},
		"a kustomization that is broken": {map[string]string{overlay: "resources: ["}, []string{"overlay"}},
	} {
		t.Run(name, func(t *testing.T) {
			roots, err := Roots(t.Context(), treeWith(t, c.files))
			check(t, err)
			var got []string
			for _, root := range roots {
				got = append(got, root.Name)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
}

func TestRoots_SayWhatTheyAre(t *testing.T) {
	const manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	tree := treeWith(t, map[string]string{
		"web/Chart.yaml": "name: web", "web/values.yaml": "", "web/values-prod.yaml": "", "web/values/east.yaml": "", "plain/a.json": `{"apiVersion": "v1", "kind": "List"}`,
		"overlay/Kustomization": "", "gate/gate.yaml": "apiVersion: assay.dev/v1alpha1\nkind: Gate\n", ".github/a.yaml": manifest, "docs/a.md": manifest,
	})
	roots, err := Roots(t.Context(), tree)
	check(t, err)
	var got []string
	for _, root := range roots {
		got = append(got, fmt.Sprint(root.Kind, " ", root.Name, " ", root.Origin, " ", root.Identity.Name, " ", root.Parts[0].Path, " ", root.Parts[0].Parameters.Kind))
	}
	want := []string{
		"kustomize overlay overlay/Kustomization overlay overlay kustomize", "directory plain plain plain plain directory", "helm web web/Chart.yaml web web helm",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if notes := roots[2].Notes; len(notes) != 1 || !strings.Contains(notes[0], "values, values-prod.yaml") {
		t.Errorf("notes %q", notes)
	}
}

func TestRoots_TheTreeItselfMayBeOne(t *testing.T) {
	roots, err := Roots(t.Context(), treeWith(t, map[string]string{"kustomization.yaml": "", "below/a.yaml": "apiVersion: v1\nkind: Secret\n"}))
	check(t, err)
	if len(roots) != 1 || roots[0].Name != "." || roots[0].Parts[0].Path != "." || roots[0].Identity.Name != "" {
		t.Errorf("found %+v", roots)
	}
}

func TestUnreached_AreThoseThatNoDefinitionDeploys(t *testing.T) {
	const manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	tree := treeWith(t, map[string]string{
		"apps/web/kustomization.yaml": "", "all/a/a.yaml": manifest, "all/b/c/a.yaml": manifest, "clusters/a.yaml": kustomization("{}") + "---\n" + ownSource,
		"mixed/a.yaml": kustomization("{}"), "mixed/b.yaml": manifest, "list/a.yaml": kustomization("{}"), "list/c.json": `{"apiVersion": "v1", "kind": "List"}`, "argocd/project.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\n",
		"other/kustomization.yaml": "", "elsewhere/kustomization.yaml": "",
	})
	roots, err := Roots(t.Context(), tree)
	check(t, err)
	defined := []Application{
		{Origin: plugin.Origin{File: "clusters/a.yaml"}, Parts: []Part{{Path: "./apps/web"}, {Path: "all", Repository: fleet}}},
		{Origin: plugin.Origin{File: "b.yaml"}, Parts: []Part{{Path: "elsewhere", Repository: "https://git.example.com/other"}}},
	}
	var got []string
	for _, root := range Unreached(roots, defined, tree) {
		got = append(got, root.Name)
	}
	if !slices.Equal(got, []string{"elsewhere", "list", "mixed", "other"}) || len(roots) != 9 {
		t.Errorf("%v of %d roots", got, len(roots))
	}
}
