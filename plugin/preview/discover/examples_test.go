package discover

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// example is one of the repositories in examples/.
func example(t *testing.T, name string) Tree {
	t.Helper()
	tree := treeAt(t, "../../../examples/"+name)
	tree.Own = func(url string) bool {
		return strings.TrimSuffix(url, ".git") == "https://git.example.com/platform/"+name
	}
	tree.Manifests = NewManifests(tree.Root, tree.Limits)
	return tree
}

// all finds what the tree deploys, and what that renders to, in the way a
// preview does: a definition that is found again is the same one. Each line is
// an application, where it is defined, what made it and what it renders.
func all(t *testing.T, tree Tree) (found []Application, lines []string) {
	t.Helper()
	first, including := Files(t.Context(), tree)
	queue := first.Applications
	for _, each := range including {
		if slices.ContainsFunc(first.Applications, func(a Application) bool {
			return slices.ContainsFunc(a.Parts, func(p Part) bool { return p.isIn(tree) && p.Path == each.Path })
		}) {
			continue
		}
		objects := rendered(t, tree, Part{Path: each.Path, Parameters: plugin.Parameters{Kind: each.Kind}})
		queue = append(queue, Objects(t.Context(), tree, objects, nil).Applications...)
	}
	known := map[string]bool{}
	for len(queue) > 0 {
		app := queue[0]
		queue = queue[1:]
		key := app.AsParent()
		if app.Kind == "HelmRelease" {
			key += " of " + strings.Join(app.Parents, ", ")
		}
		if known[key] {
			continue
		}
		known[key] = true
		found = append(found, app)
		for _, unseen := range app.Unseen {
			t.Errorf("%s: unseen %+v", key, unseen)
		}
		for _, part := range app.Parts {
			objects := renderedPart(t, tree, app, part)
			lines = append(lines, fmt.Sprintf("%s: %s, %d objects", key, part.Path, len(objects)))
			near := tree
			near.Near = app.Origin.File
			queue = append(queue, Objects(t.Context(), near, objects, append(slices.Clip(app.Parents), app.AsParent())).Applications...)
		}
	}
	slices.Sort(lines)
	return found, lines
}

func renderedPart(t *testing.T, tree Tree, app Application, part Part) []plugin.Object {
	t.Helper()
	if part.Release == nil {
		return rendered(t, tree, part)
	}
	release, err := render.FindRelease(t.Context(), render.ReleaseOptions{
		Release: *part.Release, Objects: part.Objects, Source: plugin.Source{Root: tree.Root, Path: ".", Application: app.Identity}, Limits: tree.Limits,
	})
	check(t, err)
	rendering, err := release.Render(t.Context(), render.New(render.Options{Limits: tree.Limits}), false)
	check(t, err)
	return rendering.Objects
}

func wantLines(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestExamples_ApplicationsOfApplicationsAreFound(t *testing.T) {
	tree := example(t, "preview-argocd")
	found, lines := all(t, tree)
	wantLines(t, lines, []string{
		"Application argocd/apps in root.yaml: apps, 4 objects",
		"Application argocd/guestbook in apps/templates/applications.yaml: guestbook, 2 objects",
		"Application argocd/guestbook-production in environments.yaml: environments/production, 2 objects",
		"Application argocd/guestbook-staging in environments.yaml: environments/staging, 2 objects",
		"Application argocd/helm-guestbook in apps/templates/applications.yaml: helm-guestbook, 2 objects",
		"Application argocd/kustomize-guestbook in apps/templates/applications.yaml: kustomize-guestbook, 2 objects",
		"Application argocd/sync-waves in apps/templates/applications.yaml: sync-waves, 5 objects",
	})
	nothingIsLeft(t, tree, found)
	for _, app := range found {
		if app.Name == "guestbook-production" {
			if text := fmt.Sprint(rendered(t, tree, app.Parts[0])); !strings.Contains(text, "replicas:3") {
				t.Errorf("the overlay says nothing: %s", text)
			}
		}
	}
}

func TestExamples_BothClustersOfFluxAreFound(t *testing.T) {
	tree := example(t, "preview-flux")
	found, lines := all(t, tree)
	var want []string
	for _, cluster := range []string{"production", "staging"} {
		in := " in clusters/" + cluster
		want = append(want,
			"HelmRelease web/web in apps/base/web/release.yaml of Kustomization flux-system/apps"+in+"/apps.yaml: charts/service, 2 objects",
			"HelmRelease worker/worker in infrastructure/controllers/worker.yaml of Kustomization flux-system/infra-controllers"+in+"/infrastructure.yaml: charts/service, 2 objects",
			"Kustomization flux-system/apps"+in+"/apps.yaml: apps/"+cluster+", 2 objects",
			"Kustomization flux-system/flux-system"+in+"/flux-system/gotk-sync.yaml: clusters/"+cluster+", 6 objects",
			"Kustomization flux-system/infra-configs"+in+"/infrastructure.yaml: infrastructure/configs, 1 objects",
			"Kustomization flux-system/infra-controllers"+in+"/infrastructure.yaml: infrastructure/controllers, 2 objects",
		)
	}
	slices.Sort(want)
	wantLines(t, lines, want)
	for _, app := range found {
		zone := map[string]string{"clusters/production/infrastructure.yaml": "eu-2", "clusters/staging/infrastructure.yaml": "eu-1"}[app.Origin.File]
		if app.Name == "infra-configs" && app.Parts[0].Parameters.Flux.PostBuild.Substitute["zone"] != zone {
			t.Errorf("%s has %v", app.AsParent(), app.Parts[0].Parameters.Flux.PostBuild)
		}
	}
	nothingIsLeft(t, tree, found)
}

func nothingIsLeft(t *testing.T, tree Tree, found []Application) {
	t.Helper()
	roots, err := Roots(t.Context(), tree)
	check(t, err)
	for _, root := range Unreached(roots, found, tree) {
		t.Errorf("%s %s is deployed by nothing", root.Kind, root.Name)
	}
}

func TestExamples_WithoutDefinitionsTheRootsAreFound(t *testing.T) {
	tree := example(t, "preview-podinfo")
	if found, including := Files(t.Context(), tree); len(found.Applications)+len(found.Unseen)+len(including) > 0 {
		t.Errorf("found %+v", found)
	}
	roots, err := Roots(t.Context(), tree)
	check(t, err)
	var lines []string
	for _, root := range roots {
		lines = append(lines, fmt.Sprintf("%s %s: %d objects %s", root.Kind, root.Name, len(rendered(t, tree, root.Parts[0])), strings.Join(root.Notes, "")))
	}
	wantLines(t, lines, []string{
		"helm charts/podinfo: 2 objects it is rendered with its default values alone; no definition says what values-prod.yaml is for",
		"kustomize deploy/overlays/dev: 5 objects ",
		"kustomize deploy/overlays/production: 5 objects ",
		"kustomize kustomize: 3 objects ",
	})
}
