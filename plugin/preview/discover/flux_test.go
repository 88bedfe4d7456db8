package discover

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

const fleet = "https://git.example.com/platform/fleet"

// treeWith is a tree with these files whose own address is fleet.
func treeWith(t *testing.T, files map[string]string) Tree {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		check(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return treeAt(t, dir)
}

func treeAt(t *testing.T, dir string) Tree {
	t.Helper()
	root, err := os.OpenRoot(dir)
	check(t, err)
	t.Cleanup(func() { _ = root.Close() })
	return Tree{Root: root, Own: func(url string) bool { return strings.TrimSuffix(url, ".git") == fleet }, Limits: plugin.DefaultLimits()}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inFile are the objects of one file of the tree.
func inFile(t *testing.T, tree Tree, name string) []plugin.Object {
	t.Helper()
	return rendered(t, tree, Part{Path: name, Parameters: plugin.Parameters{Kind: render.KindDirectory}})
}

func rendered(t *testing.T, tree Tree, part Part) []plugin.Object {
	t.Helper()
	rendering, err := render.New(render.Options{Limits: tree.Limits}).Render(t.Context(), plugin.Source{Root: tree.Root, Path: part.Path, Parameters: part.Parameters})
	check(t, err)
	return rendering.Objects
}

// one finds the one application that the file defines.
func one(t *testing.T, files map[string]string) Application {
	t.Helper()
	tree := treeWith(t, files)
	found := Flux(t.Context(), tree, inFile(t, tree, "a.yaml"), []string{"Kustomization flux-system/all"})
	if len(found.Applications) != 1 || len(found.Unseen) > 0 {
		t.Fatalf("found %+v", found)
	}
	return found.Applications[0]
}

const ownSource = `
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: apps}
spec: {url: "https://git.example.com/platform/fleet", ref: {branch: main}}
`

func kustomization(spec string) string {
	return "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: shop, namespace: apps}\nspec: " + spec + "\n"
}

func TestFlux_EveryFieldOfAKustomizationThatChangesWhatIsAppliedCounts(t *testing.T) {
	app := one(t, map[string]string{"a.yaml": kustomization(`
  path: ./deploy
  sourceRef: {kind: GitRepository, name: fleet}
  targetNamespace: shop
  namePrefix: a-
  nameSuffix: -z
  commonMetadata: {labels: {team: team-a}, annotations: {note: x}}
  patches: [{patch: "kind: Deployment", target: {kind: Deployment, name: web}}]
  images: [{name: web, newName: registry.example.com/web, newTag: "2", digest: d}]
  components: [../part]
  ignoreMissingComponents: true
  postBuild: {substitute: {zone: "a\nb"}, substituteStrategy: Always}
`) + ownSource})
	want := plugin.Parameters{Kind: "flux", Flux: plugin.FluxParameters{
		TargetNamespace: "shop", NamePrefix: "a-", NameSuffix: "-z",
		CommonMetadata: plugin.FluxMetadata{Labels: map[string]string{"team": "team-a"}, Annotations: map[string]string{"note": "x"}},
		Patches:        []plugin.FluxPatch{{Patch: "kind: Deployment", Target: &plugin.FluxSelector{Kind: "Deployment", Name: "web"}}},
		Images:         []plugin.FluxImage{{Name: "web", NewName: "registry.example.com/web", NewTag: "2", Digest: "d"}},
		Components:     []string{"../part"}, IgnoreMissingComponents: true,
		PostBuild: &plugin.FluxPostBuild{Substitute: map[string]string{"zone": "ab"}, Always: true}, Checkout: &plugin.FluxCheckout{},
	}}
	if len(app.Parts) != 1 || app.Kind != "Kustomization" {
		t.Fatalf("parts %+v", app.Parts)
	}
	part := app.Parts[0]
	same(t, "parameters", part.Parameters, want)
	same(t, "source", []string{part.Repository, part.Revision, part.Path}, []string{fleet, "main", "deploy"})
	same(t, "identity", app.Identity, plugin.Application{Name: "shop", SourceNamespace: "apps", Namespace: "shop", Repository: fleet})
	same(t, "origin", app.Origin, plugin.Origin{File: "a.yaml", Line: 1})
	same(t, "parents", app.Parents, []string{"Kustomization flux-system/all"})
	same(t, "unseen", len(app.Unseen), 0)
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func TestFlux_TheOlderPatchesOfV1Beta2Count(t *testing.T) {
	text := strings.Replace(kustomization(`
  sourceRef: {kind: GitRepository, name: fleet}
  patchesStrategicMerge: [{kind: Deployment, metadata: {name: web}}]
  patchesJson6902: [{patch: [{op: remove, path: /spec}], target: {kind: Service}}]
`), "/v1\n", "/v1beta2\n", 1)
	patches := one(t, map[string]string{"a.yaml": text + ownSource}).Parts[0].Parameters.Flux.Patches
	if len(patches) != 2 || !strings.Contains(patches[0].Patch, "name: web") || patches[1].Target.Kind != "Service" || !strings.Contains(patches[1].Patch, `"op":"remove"`) {
		t.Errorf("got %+v", patches)
	}
}

const variables = `
---
apiVersion: v1
kind: ConfigMap
metadata: {name: plain, namespace: apps}
data: {zone: a, size: small}
---
apiVersion: v1
kind: Secret
metadata: {name: hidden, namespace: apps}
stringData: {size: large, token: s3cret}
`

func TestFlux_VariablesComeFromObjectsOfTheRenderingAndOfTheTree(t *testing.T) {
	const spec = `{sourceRef: {kind: GitRepository, name: fleet}, postBuild: {substitute: {zone: b}, substituteFrom: [{kind: ConfigMap, name: plain}, {kind: Secret, name: hidden}]}}`
	for name, files := range map[string]map[string]string{
		"beside it": {"a.yaml": kustomization(spec) + ownSource + variables},
		"elsewhere": {"a.yaml": kustomization(spec) + ownSource, "vars/all.yaml": variables},
	} {
		app := one(t, files)
		post := app.Parts[0].Parameters.Flux.PostBuild
		same(t, name, post.Substitute, map[string]string{"size": "large", "token": "s3cret", "zone": "b"})
		same(t, name+", secret", post.Secret, []string{"size", "token"})
		same(t, name+", hidden", app.Parts[0].Hidden, []string{"large", "s3cret"})
		same(t, name+", unseen", len(app.Unseen), 0)
	}
}

func TestFlux_VariablesThatAreNotInSightAreTold(t *testing.T) {
	for name, c := range map[string]struct{ from, beside, reason string }{
		"missing":   {"{kind: ConfigMap, name: other}", variables, "no file"},
		"optional":  {"{kind: ConfigMap, name: other, optional: true}", variables, "no file"},
		"encrypted": {"{kind: Secret, name: hidden}", strings.ReplaceAll(variables, "s3cret", `"ENC[AES256_GCM,data:x]"`), "encrypted"},
		"broken":    {"{kind: Secret, name: hidden}", strings.ReplaceAll(variables, "stringData", "data"), "cannot be read"},
	} {
		app := one(t, map[string]string{"a.yaml": kustomization("{sourceRef: {kind: GitRepository, name: fleet}, postBuild: {substituteFrom: ["+c.from+"]}}") + ownSource + c.beside})
		if len(app.Unseen) != 1 || !strings.Contains(app.Unseen[0].Reason, c.reason) || len(app.Parts) != 1 || strings.Contains(fmt.Sprint(app.Unseen), "s3cret") {
			t.Errorf("%s: %+v", name, app)
		}
	}
}

func TestFlux_OfSeveralConfigMapsTheNearestCounts(t *testing.T) {
	vars := func(zone string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: vars, namespace: apps}\ndata: {zone: " + zone + "}\n"
	}
	const spec = "{sourceRef: {kind: GitRepository, name: fleet}, postBuild: {substituteFrom: [{kind: ConfigMap, name: vars}]}}"
	tree := treeWith(t, map[string]string{
		"east/apps.yaml": kustomization(spec), "east/vars.yaml": vars("east"), "west/apps.yaml": kustomization(spec), "west/vars.yaml": vars("west"),
		"north.yaml": kustomization(spec), "fleet.yaml": ownSource,
	})
	for file, want := range map[string]string{"east/apps.yaml": "east", "west/apps.yaml": "west"} {
		app := Flux(t.Context(), tree, inFile(t, tree, file), nil).Applications[0]
		same(t, file, app.Parts[0].Parameters.Flux.PostBuild.Substitute, map[string]string{"zone": want})
	}
	app := Flux(t.Context(), tree, inFile(t, tree, "north.yaml"), nil).Applications[0]
	if len(app.Unseen) != 1 || !strings.Contains(app.Unseen[0].Reason, "none of them is nearest") {
		t.Errorf("unseen %+v", app.Unseen)
	}
}

func TestFlux_WhatASourceGives(t *testing.T) {
	source := func(kind, name, spec string) string {
		return "\n---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: " + kind + "\nmetadata: {name: " + name + ", namespace: apps}\nspec: " + spec + "\n"
	}
	for name, c := range map[string]struct {
		ref, beside          string
		repository, revision string
		unseen, note         string
	}{
		"a branch":            {"{kind: GitRepository, name: fleet}", ownSource, fleet, "main", "", ""},
		"a commit, not a tag": {"{kind: GitRepository, name: x}", source("GitRepository", "x", "{url: "+fleet+", ref: {tag: v1, commit: abc}}"), fleet, "abc", "", ""},
		"another repository":  {"{kind: GitRepository, name: x}", source("GitRepository", "x", "{url: https://git.example.com/other, ref: {tag: v1}}"), "https://git.example.com/other", "v1", "", ""},
		"a registry":          {"{kind: OCIRepository, name: x}", source("OCIRepository", "x", "{url: oci://registry.example.com/x}"), "", "", "not in this repository", ""},
		"a bucket":            {"{kind: Bucket, name: x}", source("Bucket", "x", "{bucketName: x}"), "", "", "not in this repository", ""},
		"no source":           {"{kind: OCIRepository, name: x}", "", "", "", "no file of this repository", ""},
		"no Git source":       {"{kind: GitRepository, name: x}", "", "", "", "", "deploy is a folder of it"},
		"the bootstrap":       {"{kind: GitRepository, name: flux-system, namespace: flux-system}", "", "", "", "", "the bootstrap"},
		"a registry of the bootstrap": {
			"{kind: OCIRepository, name: flux-system, namespace: flux-system}", "", "", "", "", "the bootstrap",
		},
		"what is not published": {"{kind: ExternalArtifact, name: assay-shop}", "", "", "", "no file of this repository", ""},
		"another artifact":      {"{kind: ExternalArtifact, name: other}", "", "", "", "no file of this repository", ""},
		"included": {
			"{kind: GitRepository, name: x}", source("GitRepository", "x", "{url: "+fleet+", include: [{repository: {name: other}}]}"), fleet, "", "included repositories", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			app := one(t, map[string]string{"a.yaml": kustomization("{path: /deploy/, sourceRef: "+c.ref+"}") + c.beside, "deploy/a.yaml": ""})
			same(t, "unseen", len(app.Unseen), min(len(c.unseen), 1))
			if text := fmt.Sprint(app.Unseen, app.Notes); !strings.Contains(text, c.unseen) || !strings.Contains(text, c.note) {
				t.Errorf("got %s", text)
			}
			if len(app.Parts) == 0 {
				same(t, "seen", c.unseen != "", true)
				return
			}
			same(t, "part", []string{app.Parts[0].Repository, app.Parts[0].Revision, app.Parts[0].Path}, []string{c.repository, c.revision, "deploy"})
		})
	}
}

// What source-controller leaves out of a repository stands in no artifact.
func TestFlux_FilesThatNoArtifactHasAreLeftOut(t *testing.T) {
	const manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	for name, c := range map[string]struct {
		source string
		files  map[string]string
		want   int
	}{
		"by default":          {"", map[string]string{".github/ci.yaml": "on: push", ".gitlab-ci.yml": "test: {}"}, 3},
		"by a file":           {"", map[string]string{".sourceignore": "/drafts\n", "drafts/a.yaml": manifest}, 3},
		"by a file below":     {"", map[string]string{"apps/.sourceignore": "/drafts\n", "apps/drafts/a.yaml": manifest, "drafts/a.yaml": strings.ReplaceAll(manifest, "name: a", "name: b")}, 4},
		"by the source":       {", ignore: \"/drafts\"", map[string]string{"drafts/a.yaml": manifest}, 3},
		"but for one of them": {", ignore: \"/drafts/*\\n!/drafts/b.yaml\"", map[string]string{"drafts/a.yaml": "broken: [", "drafts/b.yaml": strings.ReplaceAll(manifest, "name: a", "name: b")}, 4},
		"not without a word":  {"", map[string]string{"drafts/a.yaml": strings.ReplaceAll(manifest, "name: a", "name: b")}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			c.files["a.yaml"] = kustomization("{sourceRef: {kind: GitRepository, name: fleet}}") + strings.Replace(ownSource, "spec: {", "spec: {interval: 1m"+c.source+", ", 1)
			c.files["config.yaml"] = manifest
			tree := treeWith(t, c.files)
			app := Flux(t.Context(), tree, inFile(t, tree, "a.yaml"), nil).Applications[0]
			same(t, "objects", len(rendered(t, tree, app.Parts[0])), c.want)
		})
	}
}

func TestFlux_APathThatIsNotThereIsToldByItsRendering(t *testing.T) {
	tree := treeWith(t, map[string]string{"a.yaml": kustomization("{path: ./deplyo, sourceRef: {kind: GitRepository, name: fleet}}") + ownSource, "deploy/a.yaml": ""})
	part := Flux(t.Context(), tree, inFile(t, tree, "a.yaml"), nil).Applications[0].Parts[0]
	_, err := render.New(render.Options{Limits: tree.Limits}).Render(t.Context(), plugin.Source{Root: tree.Root, Path: part.Path, Parameters: part.Parameters})
	var refusal *plugin.Refusal
	if !errors.As(err, &refusal) || refusal.Rule != "render/missing" || !strings.Contains(refusal.Hint, "deploy") {
		t.Errorf("got %v", err)
	}
}

func TestFlux_WhatIsSuspendedIsToldAndRendered(t *testing.T) {
	app := one(t, map[string]string{"a.yaml": kustomization("{suspend: true, sourceRef: {kind: GitRepository, name: fleet}}") + ownSource})
	if len(app.Parts) != 1 || len(app.Notes) != 1 || !strings.Contains(app.Notes[0], "suspended") {
		t.Errorf("got %+v", app)
	}
}

func TestFlux_WhatRendersItselfIsFoundOnce(t *testing.T) {
	tree := treeWith(t, map[string]string{"a.yaml": kustomization("{path: ./, sourceRef: {kind: GitRepository, name: fleet}}") + ownSource})
	app := Flux(t.Context(), tree, inFile(t, tree, "a.yaml"), nil).Applications[0]
	same(t, "path", app.Parts[0].Path, ".")
	objects := rendered(t, tree, app.Parts[0])
	if found := Flux(t.Context(), tree, objects, []string{"Kustomization apps/shop"}); len(found.Applications)+len(found.Unseen) > 0 || len(objects) != 2 {
		t.Errorf("found %+v in %d objects", found, len(objects))
	}
}

func TestFlux_DepthAndNumberAreBounded(t *testing.T) {
	tree := treeWith(t, map[string]string{"a.yaml": kustomization("{sourceRef: {kind: GitRepository, name: flux-system, namespace: flux-system}}")})
	object := inFile(t, tree, "a.yaml")[0]
	if found := Flux(t.Context(), tree, []plugin.Object{object}, slices.Repeat([]string{"Kustomization a/b"}, deepestParents)); len(found.Applications) != 0 || len(found.Unseen) != 1 {
		t.Errorf("deep: %+v", found)
	}
	if found := Flux(t.Context(), tree, slices.Repeat([]plugin.Object{object}, mostDefinitions+5), nil); len(found.Applications) != mostDefinitions || len(found.Unseen) != 1 {
		t.Errorf("many: %d applications, %+v", len(found.Applications), found.Unseen)
	}
}

func TestFlux_ASpecThatCannotBeReadIsUnseen(t *testing.T) {
	tree := treeWith(t, map[string]string{"a.yaml": kustomization("{path: [a]}")})
	found := Flux(t.Context(), tree, inFile(t, tree, "a.yaml"), nil)
	if len(found.Applications) != 0 || len(found.Unseen) != 1 || !strings.Contains(found.Unseen[0].Reason, "path") || found.Unseen[0].Origin.Line != 1 {
		t.Errorf("found %+v", found)
	}
}
