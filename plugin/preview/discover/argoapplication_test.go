package discover_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/discover"
	"github.com/assay-gitops/assay/plugin/render"
)

// treeOf writes files into a tree of its own.
func treeOf(t *testing.T, files map[string]string) discover.Tree {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return discover.Tree{Root: root, Own: func(string) bool { return true }, Limits: plugin.DefaultLimits()}
}

const head = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop, namespace: argocd}\nspec:\n  project: team-a\n  destination: {namespace: shop}\n"

// application is the one Application of a file.
func application(t *testing.T, spec string) discover.Application {
	t.Helper()
	found, _ := discover.Files(t.Context(), treeOf(t, map[string]string{"shop.yaml": head + spec}))
	if len(found.Applications) != 1 {
		t.Fatalf("%+v", found)
	}
	return found.Applications[0]
}

func reasons(unseen []discover.Unseen) string {
	var lines []string
	for _, each := range unseen {
		lines = append(lines, each.Origin.String()+" "+each.What+": "+each.Reason)
	}
	return strings.Join(lines, "\n")
}

func TestArgoApplication_OneSourceIsOnePart(t *testing.T) {
	got := application(t, "  source: {repoURL: https://git.example.com/shop.git, path: deploy, targetRevision: main, helm: {values: 'a: b'}}\n")
	wantIdentity := plugin.Application{Name: "shop", Project: "team-a", Namespace: "shop", Repository: "https://git.example.com/shop.git"}
	if got.Kind != "Application" || got.Namespace != "argocd" || got.Origin.String() != "shop.yaml:1" || got.Identity != wantIdentity || len(got.Unseen) > 0 {
		t.Errorf("%+v", got)
	}
	if len(got.Parts) != 1 || got.Parts[0].Path != "deploy" || got.Parts[0].Revision != "main" || got.Parts[0].Parameters.Kind != render.KindHelm || got.Parts[0].Parameters.Helm.Values != "a: b" {
		t.Errorf("%+v", got.Parts)
	}
}

func TestArgoApplication_ValuesOfAnotherSourceAreReferences(t *testing.T) {
	got := application(t, `  sources:
    - {repoURL: https://charts.example.com/, chart: web, targetRevision: 1.2.3, helm: {valueFiles: [$values/prod/$ARGOCD_APP_NAME.yaml, values-ha.yaml]}}
    - {repoURL: https://git.example.com/shop.git, targetRevision: HEAD, ref: values}
    - {repoURL: https://git.example.com/shop.git, path: extras, ref: others}
`)
	if len(got.Parts) != 2 || len(got.Unseen) > 0 {
		t.Fatalf("%+v", got)
	}
	chart := got.Parts[0]
	if want := (render.ChartReference{Repository: "https://charts.example.com", Name: "web", Version: "1.2.3"}); chart.Chart == nil || *chart.Chart != want || chart.Path != "" {
		t.Errorf("%+v", chart)
	}
	if want := []string{"$values/prod/shop.yaml", "values-ha.yaml"}; !reflect.DeepEqual(chart.Parameters.Helm.ValueFiles, want) {
		t.Errorf("%q", chart.Parameters.Helm.ValueFiles)
	}
	if want := map[string]discover.Reference{"values": {Repository: "https://git.example.com/shop.git", Revision: "HEAD"}}; !reflect.DeepEqual(chart.References, want) {
		t.Errorf("%v", chart.References)
	}
	if got.Parts[1].Path != "extras" || got.Parts[1].References != nil {
		t.Errorf("%+v", got.Parts[1])
	}
}

func TestArgoApplication_WhatIsWrittenWrongIsUnseen(t *testing.T) {
	for name, test := range map[string]struct{ spec, want string }{
		"no source":              {"  sources: []\n", "spec.source: it is missing"},
		"no repository":          {"  source: {path: a}\n", "spec.source: it has no repoURL"},
		"neither path nor chart": {"  source: {repoURL: https://git.example.com/a}\n", "spec.source: it has neither path nor chart"},
		"two tools":              {"  source: {repoURL: https://git.example.com/a, path: a, helm: {}, kustomize: {}}\n", "spec.source: its source has the blocks kustomize and helm"},
		"another plugin":         {"  source: {repoURL: https://git.example.com/a, path: a, plugin: {name: sops}}\n", `spec.source: plugin.name is "sops"`},
		"unknown field":          {"  source: {repoURL: https://git.example.com/a, path: a, helm: {valuesFiles: [x]}}\n", "spec.source.helm.valuesFiles: there is no such field"},
		"wrong form":             {"  source: {repoURL: https://git.example.com/a, path: a, helm: {valueFiles: x}}\n", "spec.source: a field of its source has the wrong form"},
		"both":                   {"  source: {repoURL: https://git.example.com/a, path: a}\n  sources: [{repoURL: https://git.example.com/b, path: b}]\n", "spec.source: there is spec.sources too"},
		"a range":                {"  source: {repoURL: https://charts.example.com, chart: web, targetRevision: 1.x}\n", `spec.source.targetRevision: the version "1.x" of the chart is a range`},
		"two refs":               {"  sources: [{repoURL: https://git.example.com/a, ref: v}, {repoURL: https://git.example.com/b, ref: v}]\n", `spec.sources[1].ref: two sources have the ref "v"`},
		"spec":                   {"  sources: 5\n", "spec: it cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := reasons(application(t, test.spec).Unseen); !strings.Contains(got, "shop.yaml:1 "+test.want) {
				t.Errorf("%q lacks %q", got, test.want)
			}
		})
	}
}

func TestArgoApplication_HydratorsDrySourceIsRendered(t *testing.T) {
	got := application(t, "  sourceHydrator: {drySource: {repoURL: https://git.example.com/a, path: dry, targetRevision: main}, syncSource: {targetBranch: env, path: x}}\n")
	if len(got.Parts) != 1 || got.Parts[0].Path != "dry" || len(got.Unseen) > 0 {
		t.Errorf("%+v", got)
	}
}

func TestArgoApplication_ChartOfARegistry(t *testing.T) {
	for _, spec := range []string{
		"  source: {repoURL: registry.example.com/charts, chart: web, targetRevision: 1.2.3}\n",
		"  source: {repoURL: oci://registry.example.com/charts/web, path: ., targetRevision: 1.2.3}\n",
	} {
		got := application(t, spec)
		if want := (render.ChartReference{Repository: "oci://registry.example.com/charts", Name: "web", Version: "1.2.3"}); len(got.Parts) != 1 || got.Parts[0].Chart == nil || *got.Parts[0].Chart != want {
			t.Errorf("%+v", got)
		}
	}
}

func TestPart_SettlesOnTheCommitAndTheFilesBesideTheManifests(t *testing.T) {
	got := application(t, "  source: {repoURL: https://git.example.com/a, path: deploy, kustomize: {images: ['web:$ARGOCD_APP_REVISION_SHORT']}}\n")
	tree := treeOf(t, map[string]string{
		"deploy/.argocd-source.yaml": "path: elsewhere\nkustomize: {namePrefix: all-}\n", "deploy/.argocd-source-shop.yaml": "kustomize: {namespace: own}\n",
	})
	settled, err := got.Parts[0].Settle(tree.Root, "0123456789abcdef", tree.Limits)
	if err != nil {
		t.Fatal(err)
	}
	want := plugin.KustomizeParameters{NamePrefix: "all-", Namespace: "own", Images: []string{"web:0123456"}}
	if !reflect.DeepEqual(settled.Parameters.Kustomize, want) || settled.Path != "deploy" {
		t.Errorf("%+v", settled)
	}
	if _, err := got.Parts[0].Settle(nil, "", tree.Limits); err == nil || !strings.Contains(err.Error(), "$ARGOCD_APP_REVISION_SHORT") {
		t.Errorf("without a commit: %v", err)
	}
}
