package discover

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

func helmRelease(spec string) string {
	return "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: shop, namespace: apps}\nspec: " + spec + "\n"
}

const chartOfTree = "{sourceRef: {kind: GitRepository, name: fleet}, chart: ./charts/web}"

func TestFlux_AHelmReleaseIsFoundInRenderingsAlone(t *testing.T) {
	tree := treeWith(t, map[string]string{"a.yaml": helmRelease("{chart: {spec: "+chartOfTree+"}}") + ownSource})
	objects := inFile(t, tree, "a.yaml")
	if found := Flux(t.Context(), tree, objects, nil); len(found.Applications) != 0 {
		t.Errorf("in a file: %+v", found)
	}
	if found := Flux(t.Context(), tree, objects, []string{"directory apps"}); len(found.Applications) != 1 {
		t.Errorf("in a rendering: %+v", found)
	}
}

// What was found renders, wherever in the tree its parts stand.
func TestFlux_TheFoundHelmReleaseIsWhatFluxInstalls(t *testing.T) {
	tree := treeWith(t, map[string]string{
		"a.yaml":                       helmRelease("{targetNamespace: shop, valuesFrom: [{kind: ConfigMap, name: values}, {kind: Secret, name: more, optional: true}], chart: {spec: " + chartOfTree + "}}"),
		"clusters/source.yaml":         ownSource,
		"clusters/values.yaml":         values,
		"charts/web/Chart.yaml":        "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"charts/web/templates/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}\"}\ndata: {size: \"{{ .Values.size }}\"}\n",
	})
	app := Flux(t.Context(), tree, inFile(t, tree, "a.yaml"), []string{"Kustomization apps/all"}).Applications[0]
	if len(app.Parts) != 1 || len(app.Unseen) != 1 || !strings.Contains(app.Unseen[0].Hint, "optional") {
		t.Fatalf("found %+v", app)
	}
	same(t, "identity", app.Identity, plugin.Application{Name: "shop", SourceNamespace: "apps", Namespace: "shop", Repository: fleet})
	part := app.Parts[0]
	found, err := render.FindRelease(t.Context(), render.ReleaseOptions{
		Release: *part.Release, Objects: part.Objects, Source: plugin.Source{Root: tree.Root, Path: ".", Application: app.Identity}, Limits: tree.Limits,
	})
	check(t, err)
	rendering, err := found.Render(t.Context(), render.New(render.Options{Limits: tree.Limits}), false)
	check(t, err)
	same(t, "rendered", fmt.Sprint(rendering.Objects[0].Fields["metadata"], rendering.Objects[0].Fields["data"]), "map[name:shop-shop] map[size:small]")
}

func TestFlux_TheSourcesOfAHelmReleaseAreCollected(t *testing.T) {
	repository := fluxSource("HelmRepository", "charts", helmRepository)
	for name, c := range map[string]struct {
		spec, beside string
		objects      string
		unseen       string
	}{
		"a chart of a repository": {
			"{chart: {spec: {chart: web, version: 1.2.3, sourceRef: {kind: HelmRepository, name: charts}}}}", repository, "[helmrepository/apps/charts]", "",
		},
		"a HelmChart": {
			"{chartRef: {kind: HelmChart, name: web}}", repository + fluxSource("HelmChart", "web", "{chart: web, version: 1.2.3, sourceRef: {kind: HelmRepository, name: charts}}"),
			"[helmchart/apps/web helmrepository/apps/charts]", "",
		},
		"an OCIRepository": {"{chartRef: {kind: OCIRepository, name: web}}", fluxSource("OCIRepository", "web", "{url: oci://registry.example.com/web}"), "[ocirepository/apps/web]", ""},
		"nothing":          {"{}", "", "[]", ""},
		"no repository":    {"{chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: charts}}}}", "", "", "no file of this repository"},
		"a HelmChart without a repository": {
			"{chartRef: {kind: HelmChart, name: web}}", fluxSource("HelmChart", "web", "{chart: web, sourceRef: {kind: HelmRepository, name: charts}}"), "", "no file of this repository",
		},
		"another Git repository": {
			"{chart: {spec: {chart: web, sourceRef: {kind: GitRepository, name: x}}}}", fluxSource("GitRepository", "x", "{url: https://git.example.com/other}"), "", "not in this repository",
		},
		"no values": {"{chartRef: {kind: OCIRepository, name: web}, valuesFrom: [{kind: Secret, name: x}]}", fluxSource("OCIRepository", "web", "{}"), "", "no file of this repository"},
	} {
		t.Run(name, func(t *testing.T) {
			app := one(t, map[string]string{"a.yaml": helmRelease(c.spec), "b.yaml": c.beside})
			if c.unseen != "" {
				if len(app.Parts) != 0 || len(app.Unseen) != 1 || !strings.Contains(app.Unseen[0].Reason, c.unseen) {
					t.Errorf("found %+v", app)
				}
				return
			}
			if len(app.Parts) != 1 || len(app.Unseen) != 0 {
				t.Fatalf("found %+v", app)
			}
			var ids []string
			for _, object := range app.Parts[0].Objects {
				ids = append(ids, object.ID().String())
			}
			same(t, "objects", fmt.Sprint(ids), c.objects)
		})
	}
}

func TestFlux_ASuspendedHelmReleaseIsTold(t *testing.T) {
	app := one(t, map[string]string{"a.yaml": helmRelease("{suspend: true}")})
	if len(app.Notes) != 2 || !strings.Contains(app.Notes[0], "suspended") || len(app.Parts) != 1 {
		t.Errorf("found %+v", app)
	}
}
