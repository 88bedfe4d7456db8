package discover_test

import (
	"context"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/discover"
)

const shops = `# the shops
---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shops, namespace: argocd}
spec:
  goTemplate: true
  generators:
  - git: {repoURL: https://git.example.com/shop.git, revision: HEAD, directories: [{path: apps/*}]}
  template:
    metadata: {name: "shop-{{.path.basename}}"}
    spec:
      project: team-a
      source: {repoURL: https://git.example.com/shop.git, path: "{{.path.path}}", targetRevision: HEAD}
      destination: {namespace: "{{.path.basename}}"}
`

func shopTree(t *testing.T) discover.Tree {
	t.Helper()
	return treeOf(t, map[string]string{"sets/shops.yaml": shops, "apps/eu/one.yaml": "a: b", "apps/us/one.yaml": "a: b"})
}

func TestArgoApplicationSets_GiveApplications(t *testing.T) {
	found, _ := discover.Files(t.Context(), shopTree(t))
	if len(found.Applications) != 2 || len(found.Unseen) > 0 {
		t.Fatalf("%+v\n%s", found.Applications, reasons(found.Unseen))
	}
	one := found.Applications[0]
	if one.Kind != "Application" || one.Namespace != "argocd" || one.Name != "shop-eu" || one.Origin.String() != "sets/shops.yaml:3" || one.Identity.Project != "team-a" {
		t.Errorf("%+v", one)
	}
	if want := []string{"ApplicationSet argocd/shops"}; !reflect.DeepEqual(one.Parents, want) {
		t.Errorf("parents %q", one.Parents)
	}
	if len(one.Parts) != 1 || one.Parts[0].Path != "apps/eu" {
		t.Errorf("%+v", one.Parts)
	}
}

func TestArgoApplicationSets_WhatCannotBeExpandedIsUnseen(t *testing.T) {
	tree := shopTree(t)
	tree.Own = func(string) bool { return false }
	found, _ := discover.Files(t.Context(), tree)
	said := reasons(found.Unseen)
	if len(found.Applications) > 0 || !strings.Contains(said, "sets/shops.yaml:3 ApplicationSet argocd/shops: spec.generators[0].git asks https://git.example.com/shop.git at HEAD") || !strings.Contains(said, "another repository") {
		t.Errorf("%+v\n%s", found.Applications, said)
	}
	for _, each := range found.Unseen {
		if each.Hint == "" {
			t.Errorf("no hint: %+v", each)
		}
	}
}

func TestArgoApplicationSets_LookWhereTheTreeOpens(t *testing.T) {
	tree, other := shopTree(t), treeOf(t, map[string]string{"apps/asia/one.yaml": "a: b"})
	tree.Open = func(_ context.Context, repository, revision string) (*os.Root, error) {
		if repository != "https://git.example.com/shop.git" || revision != "HEAD" {
			return nil, errors.New("no such tree")
		}
		return other.Root, nil
	}
	found, _ := discover.Files(t.Context(), tree)
	if len(found.Applications) != 1 || found.Applications[0].Name != "shop-asia" {
		t.Errorf("%+v\n%s", found.Applications, reasons(found.Unseen))
	}
}

// TestArgoApplicationSets_AmongRenderedObjects: an application of applications
// may render sets.
func TestArgoApplicationSets_AmongRenderedObjects(t *testing.T) {
	set := plugin.Object{Origin: plugin.Origin{File: "root.yaml"}, Fields: map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "metadata": map[string]any{"name": "inner", "namespace": "argocd"},
		"spec": map[string]any{
			"generators": []any{map[string]any{"list": map[string]any{"elements": []any{map[string]any{"name": "one"}}}}},
			"template": map[string]any{"metadata": map[string]any{"name": "{{name}}"}, "spec": map[string]any{
				"project": "default", "source": map[string]any{"repoURL": "https://git.example.com/shop.git", "path": "{{name}}"}, "destination": map[string]any{},
			}},
		},
	}}
	found := discover.Objects(t.Context(), shopTree(t), []plugin.Object{set}, []string{"Application argocd/root"})
	if len(found.Applications) != 1 || len(found.Unseen) > 0 {
		t.Fatalf("%+v\n%s", found.Applications, reasons(found.Unseen))
	}
	if want := []string{"Application argocd/root", "ApplicationSet argocd/inner"}; !reflect.DeepEqual(found.Applications[0].Parents, want) {
		t.Errorf("parents %q", found.Applications[0].Parents)
	}
}
