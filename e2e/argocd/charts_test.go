//go:build e2e

package argocd_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/origin"
)

// chart is the archive of a chart named web, whose ConfigMap tells what it was
// rendered with.
func (w *world) chart(version, dependencies string, more map[string]string) []byte {
	w.t.Helper()
	files := map[string]string{
		"web/Chart.yaml":            "apiVersion: v2\nname: web\nversion: " + version + "\n" + dependencies,
		"web/values.yaml":           fmt.Sprintf("image: %s\ntag: none\ngreeting: hi\n", w.registry.Image("team-a/app")),
		"web/templates/web.yaml":    origin.Deployment("{{ .Release.Name }}", "{{ .Values.image }}:{{ .Values.tag }}"),
		"web/templates/config.yaml": origin.ConfigMap("{{ .Release.Name }}", "{{ .Values.greeting }}"),
	}
	maps.Copy(files, more)
	return origin.Archive(w.t, files)
}

// helmRepository serves charts by "name-version" over HTTP, with an index.
func helmRepository(t *testing.T, charts map[string][]byte) *httptest.Server {
	t.Helper()
	served := http.NewServeMux()
	entries := map[string]string{}
	for _, archive := range slices.Sorted(maps.Keys(charts)) {
		called, version, _ := strings.Cut(archive, "-")
		entries[called] += fmt.Sprintf("  - {apiVersion: v2, name: %s, version: %s, urls: [%s.tgz]}\n", called, version, archive)
		served.HandleFunc("/charts/"+archive+".tgz", func(out http.ResponseWriter, _ *http.Request) { _, _ = out.Write(charts[archive]) })
	}
	index := "apiVersion: v1\nentries:\n"
	for _, called := range slices.Sorted(maps.Keys(entries)) {
		index += " " + called + ":\n" + entries[called]
	}
	served.HandleFunc("/charts/index.yaml", func(out http.ResponseWriter, _ *http.Request) { fmt.Fprint(out, index) })
	server := httptest.NewServer(served)
	t.Cleanup(server.Close)
	return server
}

// pushChart puts a chart into the registry, as helm push does.
func (w *world) pushChart(reference string, archive []byte) {
	w.t.Helper()
	tag, err := name.NewTag(w.registry.Image(reference))
	must(w.t, err)
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/vnd.cncf.helm.config.v1+json")
	image, err = mutate.AppendLayers(image, static.NewLayer(archive, "application/vnd.cncf.helm.chart.content.v1.tar+gzip"))
	must(w.t, err)
	must(w.t, remote.Write(tag, image, append(w.registry.Remote(), remote.WithContext(w.t.Context()))...))
}

// connect gives Argo CD a repository that is reached over plain HTTP.
func (w *world) connect(kind, url string) {
	w.t.Helper()
	secret := controlplane.Object{Kind: "Secret.v1.", Namespace: controlplane.Namespace, Name: w.name + "-" + kind}
	must(w.t, w.Apply(w.t.Context(), fmt.Sprintf(`
apiVersion: v1
kind: Secret
metadata: {name: %s, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository}}
stringData: {type: %s, name: %s, url: %q, enableOCI: "true", insecureOCIForceHttp: "true"}
`, secret.Name, kind, kind, url)))
	w.t.Cleanup(func() { must(w.t, w.Delete(context.WithoutCancel(w.t.Context()), secret)) })
}

// TestPublishedCharts_AreJudged has charts be the source itself: of a Helm
// repository, of a registry as a Helm repository, and as an OCI source. Each tells
// what Argo CD said of it.
func TestPublishedCharts_AreJudged(t *testing.T) {
	w := newWorld(t)
	w.since3("reaches no registry over plain HTTP")
	w.tools()
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.registry.Push("team-a/app:2", "second")
	repository := helmRepository(t, map[string][]byte{"web-1.0.0": w.chart("1.0.0", "", nil), "web-1.1.0": w.chart("1.1.0", "", nil), "web-2.0.0": w.chart("2.0.0", "", nil)})
	w.pushChart("charts/web:1.1.0", w.chart("1.1.0", "", nil))
	w.connect("helm", w.registry.Image("charts"))
	w.connect("oci", "oci://"+w.registry.Image("charts/web"))
	w.serve()
	for called, source := range map[string]struct{ repository, rest, path, target, revision string }{
		"helm":     {repository.URL + "/charts", "chart: web", "", "1.x", "1.1.0"},
		"registry": {w.registry.Image("charts"), "chart: web", "", "1.1.0", "1.1.0"},
		"oci":      {"oci://" + w.registry.Image("charts/web"), "path: .", ".", "1.1.0", "sha256:"},
	} {
		t.Run(called, func(t *testing.T) {
			a := w.app()
			a.t = t
			a.name, a.published = w.name+"-"+called, fmt.Sprintf("repoURL: %q, %s, targetRevision: %s", source.repository, source.rest, source.target)
			const told = "$ARGOCD_APP_SOURCE_REPO_URL|$ARGOCD_APP_SOURCE_PATH|$ARGOCD_APP_SOURCE_TARGET_REVISION|$ARGOCD_ENV_STAGE|$ARGOCD_APP_REVISION"
			a.plugin = fmt.Sprintf("{name: assay, env: [{name: STAGE, value: of-$ARGOCD_APP_NAME}], parameters: [{name: helm-string-parameters, map: {tag: \"1\", greeting: %q}}]}", told)
			a.create()
			a.synced()
			w.runs(a.name, digest.DigestStr())
			data, _ := w.read(configMaps, a.name).Object["data"].(map[string]any)
			if want := strings.Join([]string{source.repository, source.path, source.target, "of-" + a.name, source.revision}, "|"); !strings.HasPrefix(fmt.Sprint(data["greeting"]), want) {
				t.Errorf("it was told %v, want %s", data, want)
			}
			a.plugin = "{name: assay, parameters: [{name: helm-string-parameters, map: {tag: \"2\"}}]}"
			a.create()
			if s := a.refresh(); !strings.Contains(s.said(), "not signed") {
				t.Errorf("the unsigned twin: %v", s.conditions)
			}
			w.runs(a.name, digest.DigestStr())
		})
	}
}

// TestPublishedChart_BringsItsDependencies: those in its archive are rendered, as
// helm package puts them there. One that is left out is not looked for.
func TestPublishedChart_BringsItsDependencies(t *testing.T) {
	w := newWorld(t)
	w.since3("fetches charts with another Helm")
	w.tools()
	digest := w.registry.PushSigned("team-a/app:1", "first")
	inner := origin.Archive(t, map[string]string{"inner/Chart.yaml": "apiVersion: v2\nname: inner\nversion: 0.1.0\n", "inner/templates/config.yaml": origin.ConfigMap("inner", "{{ .Release.Name }}")})
	const dependencies = "dependencies: [{name: inner, version: 0.1.0, repository: \"https://charts.example.com\"}]\n"
	repository := helmRepository(t, map[string][]byte{
		"web-1.0.0": w.chart("1.0.0", dependencies, map[string]string{"web/charts/inner-0.1.0.tgz": string(inner)}),
		"web-1.1.0": w.chart("1.1.0", dependencies, nil),
	})
	w.serve()
	a := w.app()
	a.published = fmt.Sprintf("repoURL: %q, chart: web, targetRevision: 1.0.0", repository.URL+"/charts")
	a.plugin = "{name: assay, parameters: [{name: helm-parameters, map: {tag: \"1\"}}]}"
	a.create()
	a.synced()
	w.runs(a.name, digest.DigestStr())
	w.read(configMaps, "inner")

	a.published = strings.ReplaceAll(a.published, "1.0.0", "1.1.0")
	a.create()
	if s := a.refresh(); !strings.Contains(s.said(), "the chart depends on inner 0.1.0 from https://charts.example.com, which is not in charts/") {
		t.Errorf("its twin without: %v", s.conditions)
	}
}

// TestValuesOfAnotherSource_AreRefusedByThatName: Argo CD gives a plugin its own
// source alone. Its twin has them in the parameters.
func TestValuesOfAnotherSource_AreRefusedByThatName(t *testing.T) {
	w := newWorld(t)
	w.since3("fetches charts with another Helm")
	w.tools()
	digest := w.registry.PushSigned("team-a/app:1", "first")
	repository := helmRepository(t, map[string][]byte{"web-1.0.0": w.chart("1.0.0", "", nil)})
	w.git.Commit(map[string]string{"values.yaml": "tag: \"1\"\n"})
	w.serve()
	a := w.app()
	a.published = fmt.Sprintf("repoURL: %q, chart: web, targetRevision: 1.0.0", repository.URL+"/charts")
	a.reference = fmt.Sprintf("{repoURL: %q, targetRevision: main, ref: values}", w.git.URL())
	a.plugin = "{name: assay, parameters: [{name: helm-value-files, array: [$values/values.yaml]}]}"
	a.create()
	if s := a.refresh(); !strings.Contains(s.said(), `"$values/values.yaml", a file of another source`) {
		t.Errorf("the condition does not say so: %v", s.conditions)
	}
	a.plugin = "{name: assay, parameters: [{name: helm-values, string: \"tag: '1'\"}]}"
	a.create()
	a.refresh()
	a.synced()
	w.runs(a.name, digest.DigestStr())
}
