package discover

import (
	"strings"
	"testing"
)

func fluxInstance(spec string) string {
	return "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nmetadata: {name: flux, namespace: flux-system}\nspec: " + spec + "\n"
}

func TestFlux_AFluxInstanceSyncsAFolder(t *testing.T) {
	for name, c := range map[string]struct {
		sync   string
		source []string
		unseen string
	}{
		"of this repository":   {"{kind: GitRepository, url: " + fleet + ".git, ref: refs/heads/main, path: clusters/east}", []string{fleet + ".git", "main", "clusters/east"}, ""},
		"of another":           {"{kind: GitRepository, url: https://git.example.com/x, ref: refs/tags/v1}", []string{"https://git.example.com/x", "v1", "."}, ""},
		"of a registry":        {"{kind: OCIRepository, url: oci://registry.example.com/fleet, ref: latest, path: ./clusters/east}", []string{"", "", "clusters/east"}, ""},
		"of another's content": {"{kind: OCIRepository, url: oci://registry.example.com/fleet, path: elsewhere}", nil, "not in this repository"},
	} {
		t.Run(name, func(t *testing.T) {
			app := one(t, map[string]string{"a.yaml": fluxInstance("{sync: " + c.sync + "}"), "clusters/east/a.yaml": ""})
			same(t, "name", app.AsParent(), "Kustomization flux-system/flux-system in a.yaml")
			if c.unseen != "" {
				if len(app.Parts) > 0 || len(app.Unseen) != 1 || !strings.Contains(app.Unseen[0].Reason, c.unseen) {
					t.Errorf("found %+v", app)
				}
				return
			}
			if len(app.Parts) != 1 || len(app.Unseen) > 0 {
				t.Fatalf("found %+v", app)
			}
			same(t, "source", []string{app.Parts[0].Repository, app.Parts[0].Revision, app.Parts[0].Path}, c.source)
		})
	}
}

func TestFlux_WhatAFluxInstancePatchesIsTold(t *testing.T) {
	app := one(t, map[string]string{"a.yaml": fluxInstance("{kustomize: {patches: [{target: {kind: Deployment}}, {target: {kind: Kustomization}}]}, sync: {kind: GitRepository, url: " + fleet + ", name: own}}")})
	if len(app.Unseen) != 1 || len(app.Parts) != 1 || app.Name != "own" {
		t.Errorf("found %+v", app)
	}
}

func TestFlux_OfTheOperatorOnlyWhatSyncsIsAnApplication(t *testing.T) {
	tree := treeWith(t, map[string]string{"a.yaml": fluxInstance("{}") + "---\napiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSet\nmetadata: {name: apps, namespace: flux-system}\n"})
	found, _ := Files(t.Context(), tree)
	if len(found.Applications) > 0 || len(found.Unseen) != 1 || found.Unseen[0].What != "ResourceSet flux-system/apps" || found.Unseen[0].Origin.File != "a.yaml" {
		t.Errorf("found %+v", found)
	}
}
