package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// treeOfFiles is a folder with these files.
func treeOfFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func TestFindApplications_WhatAnotherIsMadeOfIsNone(t *testing.T) {
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
			dir := treeOfFiles(t, c.files)
			got, err := findApplications(dir)
			must(t, err)
			for i := range got {
				got[i], err = filepath.Rel(dir, got[i])
				must(t, err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
}

func TestFindApplications_OnlyALibraryIsNone(t *testing.T) {
	if got, err := findApplications(treeOfFiles(t, map[string]string{"lib/Chart.yaml": "type: library"})); err == nil {
		t.Errorf("found %v", got)
	}
}
