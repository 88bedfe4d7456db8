package discover

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

func gatedSource(spec string) string {
	return "apiVersion: assay.dev/v1alpha1\nkind: GatedSource\nmetadata: {name: shop, namespace: apps}\nspec: " + spec + "\n"
}

func fluxSource(kind, name, spec string) string {
	return "\n---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: " + kind + "\nmetadata: {name: " + name + ", namespace: apps}\nspec: " + spec + "\n"
}

func TestFlux_EachPathOfAGatedSourceIsAPart(t *testing.T) {
	app := one(t, map[string]string{"a.yaml": gatedSource(`
  sourceRef: {kind: GitRepository, name: fleet}
  paths: [/deploy/web, ./deploy/api/]
  kustomize: {targetNamespace: shop, namePrefix: a-, postBuild: {substituteFrom: [{kind: Secret, name: hidden}]}}
`) + ownSource + variables})
	same(t, "identity", app.Identity, plugin.Application{Name: "shop", SourceNamespace: "apps", Namespace: "shop", Repository: fleet})
	if len(app.Parts) != 2 || app.Kind != "GatedSource" {
		t.Fatalf("found %+v", app)
	}
	for i, path := range []string{"deploy/web", "deploy/api"} {
		part := app.Parts[i]
		same(t, "source", []string{part.Repository, part.Revision, part.Path}, []string{fleet, "main", path})
		same(t, "flux", fmt.Sprint(part.Parameters.Kind, part.Parameters.Flux.NamePrefix, part.Parameters.Flux.DefaultNamespace), "fluxa-shop")
		same(t, "hidden", part.Hidden, []string{"large", "s3cret"})
	}
}

func TestFlux_AGatedSourceWithoutPathsIsTheWholeSource(t *testing.T) {
	app := one(t, map[string]string{"a.yaml": gatedSource("{suspend: true, sourceRef: {kind: GitRepository, name: fleet}}") + ownSource})
	if len(app.Parts) != 1 || app.Parts[0].Path != "." || app.Parts[0].Parameters.Flux.DefaultNamespace != "apps" || len(app.Notes) != 1 {
		t.Errorf("found %+v", app)
	}
}

const helmRepository = `{url: "https://charts.example.com/"}`

func TestFlux_TheChartOfAGatedSourceIsFound(t *testing.T) {
	fromRepository := func(chart string) string {
		return fluxSource("HelmChart", "web", chart) + fluxSource("HelmRepository", "charts", helmRepository)
	}
	for name, c := range map[string]struct {
		spec, beside string
		chart        render.ChartReference
		path, digest string
		files        string
		unseen       string
	}{
		"of a repository": {
			"{sourceRef: {kind: HelmChart, name: web}}", fromRepository("{chart: web, version: 1.2.3, valuesFiles: [values-prod.yaml], sourceRef: {kind: HelmRepository, name: charts}}"),
			render.ChartReference{Repository: "https://charts.example.com", Name: "web", Version: "1.2.3"}, "", "", "[values-prod.yaml]", "",
		},
		"of a repository, in a range": {
			"{sourceRef: {kind: HelmChart, name: web}}", fromRepository("{chart: web, version: 1.x, sourceRef: {kind: HelmRepository, name: charts}}"),
			render.ChartReference{}, "", "", "", `"1.x" is a range`,
		},
		"of a repository that is missing": {
			"{sourceRef: {kind: HelmChart, name: web}}", fluxSource("HelmChart", "web", "{chart: web, version: 1.2.3, sourceRef: {kind: HelmRepository, name: charts}}"),
			render.ChartReference{}, "", "", "", "no file of this repository",
		},
		"of this tree": {
			"{sourceRef: {kind: HelmChart, name: web}}", fluxSource("HelmChart", "web", "{chart: ./charts/web, valuesFiles: [charts/web/values-prod.yaml], sourceRef: {kind: GitRepository, name: fleet}}") + ownSource,
			render.ChartReference{}, "charts/web", "", "[/charts/web/values-prod.yaml]", "",
		},
		"of this tree, by itself": {
			"{sourceRef: {kind: GitRepository, name: fleet}, paths: [charts/web], helm: {valuesFiles: [values-prod.yaml]}}", ownSource,
			render.ChartReference{}, "charts/web", "", "[values-prod.yaml]", "",
		},
		"of a registry": {
			"{sourceRef: {kind: OCIRepository, name: web}, helm: {}}", fluxSource("OCIRepository", "web", "{url: oci://registry.example.com/charts/web, ref: {tag: 1.2.3, digest: sha256:abc}}"),
			render.ChartReference{Repository: "oci://registry.example.com/charts", Name: "web", Version: "1.2.3"}, "", "sha256:abc", "[]", "",
		},
		"of a registry, without a tag": {
			"{sourceRef: {kind: OCIRepository, name: web}, helm: {}}", fluxSource("OCIRepository", "web", "{url: oci://registry.example.com/charts/web}"),
			render.ChartReference{}, "", "", "", "no one version",
		},
		"of no registry": {
			"{sourceRef: {kind: OCIRepository, name: web}, helm: {}}", fluxSource("OCIRepository", "web", "{url: https://registry.example.com}"),
			render.ChartReference{}, "", "", "", "no address",
		},
	} {
		t.Run(name, func(t *testing.T) {
			app := one(t, map[string]string{"a.yaml": gatedSource(c.spec) + c.beside})
			if c.unseen != "" {
				if len(app.Parts) != 0 || len(app.Unseen) != 1 || !strings.Contains(app.Unseen[0].Reason, c.unseen) {
					t.Errorf("found %+v", app)
				}
				return
			}
			if len(app.Parts) != 1 || len(app.Unseen) != 0 {
				t.Fatalf("found %+v", app)
			}
			part := app.Parts[0]
			same(t, "chart", part.Chart != nil, c.chart.Name != "")
			if part.Chart != nil {
				same(t, "chart", *part.Chart, c.chart)
			}
			helm := part.Parameters.Helm
			same(t, "rest", fmt.Sprint(part.Path, part.Digest, helm.ChartValueFiles, helm.ReleaseName, helm.Namespace, helm.Packaged), fmt.Sprint(c.path, c.digest, c.files, "shop", "apps", part.Chart != nil))
		})
	}
}

const values = `
---
apiVersion: v1
kind: ConfigMap
metadata: {name: values, namespace: apps}
data: {values.yaml: "replicas: 2\nsize: small"}
---
apiVersion: v1
kind: Secret
metadata: {name: hidden, namespace: apps}
stringData: {token: s3cret}
`

func TestFlux_TheValuesOfAGatedSourceComeFromTheTree(t *testing.T) {
	app := one(t, map[string]string{"a.yaml": gatedSource(`
  sourceRef: {kind: GitRepository, name: fleet}
  helm:
    releaseName: web
    targetNamespace: shop
    values: {size: large}
    valuesFrom: [{kind: ConfigMap, name: values}, {kind: Secret, name: hidden, valuesKey: token, targetPath: auth.token}, {kind: ConfigMap, name: other, optional: true}]
`) + ownSource, "values/all.yaml": values})
	if len(app.Parts) != 1 || len(app.Unseen) != 1 {
		t.Fatalf("found %+v", app)
	}
	helm := app.Parts[0].Parameters.Helm
	for _, part := range []string{`"replicas":2`, `"size":"large"`, `"token":"s3cret"`} {
		if !strings.Contains(helm.ReleaseValues, part) {
			t.Errorf("values %s without %s", helm.ReleaseValues, part)
		}
	}
	same(t, "rest", fmt.Sprint(helm.ReleaseName, helm.Namespace, app.Identity.Namespace, app.Parts[0].Hidden), "webshopshop[s3cret s3cret]")
}

func TestFlux_ValuesThatAreNotInSightHideTheChart(t *testing.T) {
	const spec = "{sourceRef: {kind: GitRepository, name: fleet}, helm: {valuesFrom: [{kind: ConfigMap, name: values}]}}"
	for name, c := range map[string]struct{ beside, reason string }{
		"missing":   {"", "no file"},
		"encrypted": {strings.ReplaceAll(values, "replicas: 2", "replicas: ENC[AES256_GCM,data:x]"), "encrypted"},
		"no values": {strings.ReplaceAll(values, `"replicas: 2\nsize: small"`, `"[1"`), "no values"},
	} {
		app := one(t, map[string]string{"a.yaml": gatedSource(spec) + ownSource + c.beside})
		if len(app.Parts) != 0 || len(app.Unseen) != 1 || !strings.Contains(app.Unseen[0].Reason, c.reason) {
			t.Errorf("%s: %+v", name, app)
		}
	}
	if app := one(t, map[string]string{"a.yaml": gatedSource(spec) + ownSource + values}); len(app.Parts) != 1 || len(app.Unseen) != 0 {
		t.Errorf("found %+v", app)
	}
}

func TestFlux_WhatConsumesAGatedSourceIsJudgedThereAlone(t *testing.T) {
	const release = "\n---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: shop, namespace: apps}\nspec: {chartRef: {kind: ExternalArtifact, name: assay-shop}}\n"
	files := map[string]string{"a.yaml": kustomization("{sourceRef: {kind: ExternalArtifact, name: assay-shop}}") + release, "gates/a.yaml": gatedSource("{}")}
	for _, gated := range []bool{true, false} {
		if !gated {
			delete(files, "gates/a.yaml")
		}
		tree := treeWith(t, files)
		found := Flux(t.Context(), tree, inFile(t, tree, "a.yaml"), []string{"Kustomization apps/all"})
		if gated && len(found.Applications) != 0 || !gated && (len(found.Applications) != 2 || len(found.Applications[1].Unseen) != 1) {
			t.Errorf("gated %v: %+v", gated, found)
		}
	}
}
