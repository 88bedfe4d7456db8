package preview

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/preview/change"
)

// fluxTree is the example for Flux, as a side's files.
func fluxTree(t *testing.T) tree {
	t.Helper()
	const dir = "../../examples/preview-flux"
	files := tree{}
	err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		relative, _ := filepath.Rel(dir, name) // it is below
		files[filepath.ToSlash(relative)] = strings.ReplaceAll(string(data), "https://git.example.com/platform/preview-flux", own)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// withParents are "kind name status of the last parent".
func withParents(report change.Report) []string {
	var all []string
	for _, each := range report.Applications {
		line := each.Kind + " " + each.Name + " " + string(each.Status)
		if len(each.Parents) > 0 {
			line += " of " + each.Parents[len(each.Parents)-1]
		}
		all = append(all, line)
	}
	slices.Sort(all)
	return all
}

func TestRun_ReleasesOfTwoClustersAreTwo(t *testing.T) {
	const staging, production = "Kustomization flux-system/apps in clusters/staging/apps.yaml", "Kustomization flux-system/apps in clusters/production/apps.yaml"
	base := fluxTree(t)
	patch := func(cluster string) tree {
		name := "apps/" + cluster + "/web-patch.yaml"
		return tree{name: strings.Replace(base[name], "replicas: ", "replicas: 1", 1)}
	}
	for name, c := range map[string]struct {
		change     tree
		unaffected int
		want       []string
	}{
		"nothing":    {unaffected: 12},
		"staging":    {patch("staging"), 10, []string{"Kustomization apps changed of Kustomization flux-system/flux-system in clusters/staging/flux-system/gotk-sync.yaml", "HelmRelease web changed of " + staging}},
		"production": {patch("production"), 10, []string{"Kustomization apps changed of Kustomization flux-system/flux-system in clusters/production/flux-system/gotk-sync.yaml", "HelmRelease web changed of " + production}},
		"the chart": {
			tree{"charts/service/values.yaml": base["charts/service/values.yaml"] + "more: true\n", "charts/service/templates/service.yaml": base["charts/service/templates/service.yaml"] + "  type: NodePort\n"}, 8,
			[]string{
				"HelmRelease web changed of " + staging, "HelmRelease web changed of " + production,
				"HelmRelease worker changed of Kustomization flux-system/infra-controllers in clusters/staging/infrastructure.yaml",
				"HelmRelease worker changed of Kustomization flux-system/infra-controllers in clusters/production/infrastructure.yaml",
			},
		},
		"a variable": {
			tree{"clusters/staging/cluster-settings.yaml": strings.Replace(base["clusters/staging/cluster-settings.yaml"], "eu-1", "eu-3", 1)}, 10,
			[]string{"Kustomization flux-system changed of kustomize clusters/staging/flux-system", "Kustomization infra-configs changed of Kustomization flux-system/flux-system in clusters/staging/flux-system/gotk-sync.yaml"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, base, base.with(c.change))
			o.Base.Tracks = func(branch string) bool { return branch == "main" }
			o.Head.Tracks = o.Base.Tracks
			report := run(t, o)
			slices.Sort(c.want)
			if got := withParents(report); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if report.Summary.Unaffected != c.unaffected || len(report.Unseen) > 0 {
				t.Errorf("%d unaffected, unseen %+v", report.Summary.Unaffected, report.Unseen)
			}
		})
	}
}

// The definitions of a cluster may stand in a kustomization, so that they are
// found before what they deploy.
func TestRun_WhatAFinderFoundIsNotFoundTwice(t *testing.T) {
	base := fluxTree(t).with(tree{
		"clusters/staging/kustomization.yaml":    "resources: [flux-system, apps.yaml, infrastructure.yaml, cluster-settings.yaml]\n",
		"clusters/production/kustomization.yaml": "resources: [flux-system, apps.yaml, infrastructure.yaml, cluster-settings.yaml]\n",
	})
	patch := "apps/staging/web-patch.yaml"
	o := options(t, base, base.with(tree{patch: strings.Replace(base[patch], "replicas: ", "replicas: 1", 1)}))
	o.Base.Tracks = func(branch string) bool { return branch == "main" }
	o.Head.Tracks = o.Base.Tracks
	report := run(t, o)
	want := []string{
		"HelmRelease web changed of Kustomization flux-system/apps in clusters/staging/apps.yaml",
		"Kustomization apps changed of Kustomization flux-system/flux-system in clusters/staging/flux-system/gotk-sync.yaml",
	}
	if got := withParents(report); !slices.Equal(got, want) || report.Summary.Unaffected != 10 || len(report.Unseen) > 0 {
		t.Errorf("got\n%s\nand %d unaffected, unseen %+v", strings.Join(got, "\n"), report.Summary.Unaffected, report.Unseen)
	}
}
