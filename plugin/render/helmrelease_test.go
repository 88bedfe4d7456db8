package render

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// oneChart has one chart, in one version.
type oneChart struct {
	chart   ChartReference
	archive string
}

// FetchChart implements ChartFetcher.
func (s oneChart) FetchChart(_ context.Context, chart ChartReference) (PublishedChart, error) {
	if chart != s.chart {
		return PublishedChart{}, &plugin.StageError{Stage: "chart", Subject: chart.Name, Cause: errors.New("host is down")}
	}
	reference := plugin.Reference{Repository: "charts.example.com/" + chart.Name, Tag: chart.Version}
	return PublishedChart{Archive: []byte(s.archive), Manifest: "sha256:" + strings.Repeat("1", 64), Reference: reference}, nil
}

// packed is a packaged chart with files that a folder would have ignored.
func packed() map[string]string {
	return map[string]string{
		"web/Chart.yaml":        "apiVersion: v2\nname: web\nversion: 1.2.3\n",
		"web/values.yaml":       "who: chart\nkept: chart\n",
		"web/more.yaml":         "who: more\n",
		"web/.helmignore":       "templates/b.yaml\n",
		"web/templates/a.yaml":  goodConfigMap + "data: {who: {{ quote .Values.who }}, kept: {{ quote .Values.kept }}, release: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}\n",
		"web/templates/b.yaml":  strings.Replace(goodConfigMap, "name: a", "name: b", 1),
		"web/templates/.c.yaml": strings.Replace(goodConfigMap, "name: a", "name: c", 1),
	}
}

func aRelease(spec string) string {
	return "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: prod}\nspec:\n" + spec
}

const fromHelmRepository = "  chart: {spec: {chart: web, version: 1.2.3, sourceRef: {kind: HelmRepository, name: charts}}}\n"

func helmRepository(namespace, url string) string {
	return fmt.Sprintf("---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: charts, namespace: %s}\nspec: {url: %q}\n", namespace, url)
}

func ociRepository(ref string) string {
	return "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: charts, namespace: prod}\nspec: {url: oci://charts.example.com/team-a/web, ref: " + ref + "}\n"
}

// releaseScene is a tree whose plain manifests hold the release.
func releaseScene(t *testing.T, manifests string, files map[string]string) ReleaseOptions {
	t.Helper()
	all := map[string]string{"all.yaml": manifests}
	for name, text := range files {
		all[name] = text
	}
	source := plugin.Source{Root: writeTree(t, all), Path: ".", Application: plugin.Application{Name: "cluster", Namespace: "flux-system", Repository: "https://git.example.com/platform/cluster"}}
	rendering := mustRender(t, source)
	return ReleaseOptions{
		Release: rendering.Objects[0], Objects: rendering.Objects, Source: source, Limits: plugin.DefaultLimits(),
		Charts: oneChart{ChartReference{"https://charts.example.com", "web", "1.2.3"}, tarball(packed())},
	}
}

// renderedBy renders what was found.
func renderedBy(t *testing.T, options ReleaseOptions) plugin.Rendering {
	t.Helper()
	found, err := FindRelease(t.Context(), options)
	if err != nil {
		t.Fatalf("finding the release: %v", err)
	}
	rendering, err := found.Render(t.Context(), newRenderer(), false)
	check(t, err)
	return rendering
}

func TestHelmRelease_IsRenderedFromItsChartAndValues(t *testing.T) {
	values := "---\napiVersion: v1\nkind: Secret\nmetadata: {name: values, namespace: prod}\nstringData: {values.yaml: \"kept: secret\"}\n"
	for _, test := range []struct {
		name, spec, more, want string
	}{
		{"chart's own values", fromHelmRepository, "", "map[kept:chart namespace:prod release:web who:chart]"},
		{"inline values", fromHelmRepository + "  values: {who: inline}\n", "", "map[kept:chart namespace:prod release:web who:inline]"},
		{"a Secret", fromHelmRepository + "  valuesFrom: [{kind: Secret, name: values}]\n", values, "map[kept:secret namespace:prod release:web who:chart]"},
		{"its data", fromHelmRepository + "  valuesFrom: [{kind: Secret, name: values}]\n", strings.Replace(values, "stringData: {values.yaml: \"kept: secret\"}", "data: {values.yaml: a2VwdDogc2VjcmV0}", 1), "map[kept:secret namespace:prod release:web who:chart]"},
		{"files in the place of the chart's values", strings.Replace(fromHelmRepository, "version:", "valuesFiles: [more.yaml], version:", 1), "", "map[kept:<nil> namespace:prod release:web who:more]"},
		{"names", fromHelmRepository + "  targetNamespace: other\n", "", "map[kept:chart namespace:other release:other-web who:chart]"},
		{"a long name", fromHelmRepository + "  releaseName: " + strings.Repeat("a", 54) + "\n", "", "map[kept:chart namespace:prod release:" + strings.Repeat("a", 40) + "-a3f01b693925 who:chart]"},
		{"common metadata and patches", fromHelmRepository + "  postRenderers: [{kustomize: {patches: [{patch: '[{\"op\": \"replace\", \"path\": \"/data/who\", \"value\": \"patch\"}]', target: {kind: ConfigMap, name: a}}]}}]\n", "", "map[kept:chart namespace:prod release:web who:patch]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rendering := renderedBy(t, releaseScene(t, aRelease(test.spec)+helmRepository("prod", "https://charts.example.com/")+test.more, nil))
			if len(rendering.Objects) != 3 {
				t.Fatalf("%d objects, want all that an archive holds", len(rendering.Objects))
			}
			for _, object := range rendering.Objects {
				if object.Origin != (plugin.Origin{File: "all.yaml", Line: 1}) {
					t.Errorf("%s comes from %v", object.ID(), object.Origin)
				}
				if object.ID().Name == "a" && fmt.Sprint(object.Fields["data"]) != test.want {
					t.Errorf("got %v, want %s", object.Fields["data"], test.want)
				}
			}
			if len(rendering.Charts) != 1 || !rendering.Charts[0].Chart {
				t.Errorf("nobody is asked to vouch for the chart: %v", rendering.Charts)
			}
		})
	}
}

func TestHelmRelease_ChartsByReference(t *testing.T) {
	manifest := "sha256:" + strings.Repeat("1", 64)
	for _, test := range []struct {
		name, ref, sealed string
	}{
		{"tag", ociRepository("{tag: 1.2.3}"), ""}, {"tag and digest", ociRepository("{tag: 1.2.3, digest: \"" + manifest + "\"}"), ""},
	} {
		options := releaseScene(t, aRelease("  chartRef: {kind: OCIRepository, name: charts}\n")+test.ref, nil)
		options.Charts = oneChart{ChartReference{"oci://charts.example.com/team-a", "web", "1.2.3"}, tarball(packed())}
		if got := len(renderedBy(t, options).Objects); got != 3 {
			t.Errorf("%s: %d objects", test.name, got)
		}
	}
	chart := "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmChart\nmetadata: {name: web, namespace: prod}\nspec: {chart: web, version: 1.2.3, sourceRef: {kind: HelmRepository, name: charts}}\n"
	if got := len(renderedBy(t, releaseScene(t, aRelease("  chartRef: {kind: HelmChart, name: web}\n")+chart+helmRepository("prod", "https://charts.example.com"), nil)).Objects); got != 3 {
		t.Errorf("a HelmChart: %d objects", got)
	}
	found, err := FindRelease(t.Context(), releaseScene(t, aRelease("  chartRef: {kind: ExternalArtifact, name: assay-web}\n"), nil))
	if err != nil || !found.Sealed {
		t.Errorf("what assay published is looked for: %+v, %v", found, err)
	}
}

func TestHelmRelease_ChartOfTheOwnRepository(t *testing.T) {
	files := map[string]string{
		"charts/web/Chart.yaml": goodChart, "charts/web/values.yaml": "who: chart\n", "charts/web/templates/a.yaml": goodConfigMap + "data: {who: {{ quote .Values.who }}}\n",
		"envs/prod.yaml": "who: prod\n",
	}
	spec := aRelease("  chart: {spec: {chart: ./charts/web, valuesFiles: [envs/prod.yaml], sourceRef: {kind: GitRepository, name: cluster, namespace: flux-system}}}\n")
	source := "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: cluster}\nspec: {url: %s}\n"
	for _, url := range []string{"https://git.example.com/platform/cluster.git", "ssh://git@git.example.com/platform/cluster", "git@git.example.com:platform/cluster.git"} {
		rendering := renderedBy(t, releaseScene(t, spec+fmt.Sprintf(source, url), files))
		if got := fmt.Sprint(rendering.Objects[0].Fields["data"]); got != "map[who:prod]" {
			t.Errorf("%s: got %s", url, got)
		}
	}
	for _, url := range []string{"https://git.example.com/platform/other", "https://example.com/platform/cluster"} {
		_, err := FindRelease(t.Context(), releaseScene(t, spec+fmt.Sprintf(source, url), files))
		unseen(t, err, "another repository")
	}
	_, err := FindRelease(t.Context(), releaseScene(t, strings.Replace(spec, "./charts/web", "../web", 1)+fmt.Sprintf(source, "https://git.example.com/platform/cluster"), files))
	refused(t, err, ruleEscape, "leads out")
}

// unseen demands no answer that lasts.
func unseen(t *testing.T, err error, part string) {
	t.Helper()
	var none *plugin.StageError
	if !errors.As(err, &none) || !none.Lasting || none.Stage != stageRelease || !strings.Contains(none.Error(), part) {
		t.Errorf("got %v, want no answer about %q", err, part)
	}
}

func TestHelmRelease_WhatCannotBeSeenIsNoAnswer(t *testing.T) {
	repository := helmRepository("prod", "https://charts.example.com")
	sops := "---\napiVersion: v1\nkind: Secret\nmetadata: {name: v, namespace: prod}\nstringData: {values.yaml: \"ENC[AES256_GCM,data:x]\"}\n"
	for _, test := range []struct{ spec, more, part string }{
		{fromHelmRepository, "", "HelmRepository prod/charts"},
		{fromHelmRepository, helmRepository("elsewhere", "https://charts.example.com"), "HelmRepository prod/charts"},
		{"  chartRef: {kind: OCIRepository, name: charts, namespace: elsewhere}\n", ociRepository("{tag: 1.2.3}"), "OCIRepository elsewhere/charts"},
		{"  chartRef: {kind: ExternalArtifact, name: web}\n", "", "ExternalArtifact prod/web"},
		{fromHelmRepository + "  valuesFrom: [{kind: Secret, name: v}]\n", repository, "Secret prod/v"},
		{fromHelmRepository + "  valuesFrom: [{kind: ConfigMap, name: v, optional: true}]\n", repository, "ConfigMap prod/v"},
		{fromHelmRepository + "  valuesFrom: [{kind: Secret, name: v}]\n", repository + sops, "plain text of Secret prod/v"},
	} {
		_, err := FindRelease(t.Context(), releaseScene(t, aRelease(test.spec)+test.more, nil))
		unseen(t, err, test.part)
	}
	options := releaseScene(t, aRelease(fromHelmRepository)+helmRepository("prod", "https://down.example.com"), nil)
	_, err := FindRelease(t.Context(), options)
	var none *plugin.StageError
	if !errors.As(err, &none) || none.Lasting {
		t.Errorf("a host that is down: %v", err)
	}
}

func TestHelmRelease_WhatNamesNoOneChartIsRefused(t *testing.T) {
	repository := helmRepository("prod", "https://charts.example.com")
	other := "sha256:" + strings.Repeat("2", 64)
	for _, test := range []struct{ spec, more, part string }{
		{"  interval: 1h\n", "", "names no chart"},
		{fromHelmRepository + "  chartRef: {kind: OCIRepository, name: charts}\n", repository, "both chart and chartRef"},
		{strings.Replace(fromHelmRepository, "version: 1.2.3, ", "", 1), repository, `"*" of its chart is a range`},
		{strings.Replace(fromHelmRepository, "1.2.3", "'1.2'", 1), repository, "is a range"},
		{strings.Replace(fromHelmRepository, "1.2.3", "'>=1.2.3'", 1), repository, "is a range"},
		{strings.Replace(fromHelmRepository, "HelmRepository", "Bucket", 1), strings.Replace(repository, "HelmRepository", "Bucket", 1), "Bucket is not looked at"},
		{"  chartRef: {kind: OCIRepository, name: charts}\n", ociRepository("{semver: 1.x}"), "range of versions"},
		{"  chartRef: {kind: ExternalArtifact, name: assay-web}\n  postRenderers: [{kustomize: {images: [{name: a, newName: b}]}}]\n", "", "change what was judged"},
		{"  chartRef: {kind: OCIRepository, name: charts}\n", ociRepository("{digest: \"" + other + "\"}"), "names no tag"},
		{"  chartRef: {kind: OCIRepository, name: charts}\n", ociRepository("{tag: 1.2.3, digest: \"" + other + "\"}"), "the digest that is written is"},
		{"  chartRef: {kind: OCIRepository, name: charts}\n", strings.Replace(ociRepository("{tag: 1.2.3}"), "oci://charts.example.com/team-a/web", "https://x", 1), "no address"},
	} {
		options := releaseScene(t, aRelease(test.spec)+test.more, nil)
		if strings.Contains(test.more, "OCIRepository") {
			options.Charts = oneChart{ChartReference{"oci://charts.example.com/team-a", "web", "1.2.3"}, tarball(packed())}
		}
		_, err := FindRelease(t.Context(), options)
		if refusal := refused(t, err, ruleReleaseSource, test.part); refusal.Origin.File != "all.yaml" || refusal.Hint == "" {
			t.Errorf("the refusal does not help: %+v", refusal)
		}
	}
	options := releaseScene(t, aRelease(fromHelmRepository)+repository, nil)
	options.Charts = nil
	_, err := FindRelease(t.Context(), options)
	refused(t, err, ruleReleaseSource, "nothing is allowed to fetch")
}

func TestHelmRelease_LockFileDecidesItsChartsDigest(t *testing.T) {
	manifests := aRelease(fromHelmRepository) + helmRepository("prod", "https://charts.example.com")
	digest := "sha256:" + hashOf([]byte(tarball(packed())))
	lock := func(digest string) map[string]string {
		return map[string]string{plugin.LockFile: "apiVersion: assay.dev/v1alpha1\nkind: ImagesLock\nimages: []\ncharts:\n- {chart: https://charts.example.com/web, version: 1.2.3, digest: \"" + digest + "\"}\n"}
	}
	options := releaseScene(t, manifests, nil)
	options.Locked = true
	_, err := FindRelease(t.Context(), options)
	if refusal := refused(t, err, ruleReleaseSource, "has no digest for its chart"); !strings.Contains(refusal.Hint, digest) {
		t.Errorf("the hint does not say what to write: %s", refusal.Hint)
	}
	options = releaseScene(t, manifests, lock(digest))
	options.Locked = true
	renderedBy(t, options)
	_, err = FindRelease(t.Context(), releaseScene(t, manifests, lock("sha256:"+strings.Repeat("3", 64))))
	refused(t, err, ruleReleaseSource, "pins sha256:333")
}

func TestHelm_WhatAFluxReleaseMayRenderOtherwiseIsAFinding(t *testing.T) {
	for _, test := range []struct{ template, want string }{
		{goodConfigMap, ""},
		{goodConfigMap + `data: {found: {{ lookup "v1" "Secret" "a" "b" | toJson | quote }}}`, "warn helmrelease/lookup Chart.yaml"},
		{goodConfigMap + `data: {new: {{ quote .Release.IsInstall }}}`, "warn helmrelease/upgrade Chart.yaml"},
		{goodConfigMap + `{{ if .Release.IsUpgrade }}{{ fail "no" }}{{ end }}`, "warn helmrelease/upgrade Chart.yaml"},
	} {
		source := plugin.Source{Root: writeTree(t, map[string]string{"Chart.yaml": goodChart, "templates/a.yaml": test.template}), Path: "."}
		if got := rules(mustRender(t, source).Findings); got != "" {
			t.Errorf("without Flux: %s", got)
		}
		source.Parameters.Helm.Flux = true
		if got := rules(mustRender(t, source).Findings); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
