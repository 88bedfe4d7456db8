//go:build e2e

package flux_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/e2e/origin"
)

// TestFlux_AppliesACommit shows that what the other tests stand on works
// without assay.
func TestFlux_AppliesACommit(t *testing.T) {
	w := newPlatform(t)
	commit := w.commit(map[string]string{"app/config.yaml": origin.ConfigMap("web", "hello")})
	w.kustomization("app", "GitRepository", "app", "./app")
	w.applied("app", "main@sha1:"+commit)
	if said := field(w.read(configMaps, "web"), "data", "greeting"); said != "hello" {
		t.Errorf("the ConfigMap says %q", said)
	}
}

// TestFlux_ImpersonatesAnAccount has the API server refuse what the account may
// not do.
func TestFlux_ImpersonatesAnAccount(t *testing.T) {
	w := newPlatform(t)
	w.account("applier", `[{apiGroups: [""], resources: [secrets], verbs: ["*"]}]`)
	commit := w.commit(map[string]string{"app/config.yaml": origin.ConfigMap("web", "hello")})
	w.kustomization("app", "GitRepository", "app", "./app")
	w.applied("app", "main@sha1:"+commit)
	must(t, w.Merge(t.Context(), w.object(kustomizations, "app"), `{"spec":{"serviceAccountName":"applier"}}`))
	w.condition(kustomizations, "app", "Ready=False", "forbidden")
}

// TestFlux_AppliesAnExternalArtifact writes one by hand.
func TestFlux_AppliesAnExternalArtifact(t *testing.T) {
	w := newPlatform(t)
	w.externalArtifact("by-hand", map[string]string{"config.yaml": origin.ConfigMap("web", "first")}, "1")
	w.kustomization("app", "ExternalArtifact", "by-hand", "./")
	w.applied("app", "1")
	w.externalArtifact("by-hand", map[string]string{"config.yaml": origin.ConfigMap("web", "second")}, "2")
	w.applied("app", "2")
	if said := field(w.read(configMaps, "web"), "data", "greeting"); said != "second" {
		t.Errorf("the ConfigMap says %q", said)
	}
}

// TestFlux_InstallsAChartOfAnExternalArtifact does so with a chart by hand.
func TestFlux_InstallsAChartOfAnExternalArtifact(t *testing.T) {
	w := newPlatform(t)
	w.externalArtifact("by-hand", map[string]string{
		"web/Chart.yaml":            "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"web/templates/config.yaml": origin.ConfigMap("web", "{{ .Release.Name }}"),
	}, "1.0.0@sha256:"+strings.Repeat("a", 64))
	w.helmRelease("app", "by-hand")
	w.condition(helmReleases, "app", "Ready=True", "InstallSucceeded")
	if said := field(w.read(configMaps, "web"), "data", "greeting"); said != "app" {
		t.Errorf("the ConfigMap says %q", said)
	}
	if kind := field(w.read("Secret.v1.", "sh.helm.release.v1.app.v1"), "type"); kind != "helm.sh/release.v1" {
		t.Errorf("the release is a Secret of the type %q", kind)
	}
}

// helmRelease makes a HelmRelease of the chart that an ExternalArtifact has. It
// does not wait for what nobody runs here.
func (w *world) helmRelease(name, artifact string) {
	w.t.Helper()
	w.apply(fmt.Sprintf(`
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: %s, namespace: $namespace}
spec:
  interval: 1h
  chartRef: {kind: ExternalArtifact, name: %s}
  install: {disableWait: true}
  upgrade: {disableWait: true}
  rollback: {disableWait: true}
`, name, artifact))
}

// externalArtifact publishes files as an ExternalArtifact without assay.
func (w *world) externalArtifact(name string, files map[string]string, revision string) {
	w.t.Helper()
	data := origin.Archive(w.t, files)
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { _, _ = out.Write(data) }))
	w.t.Cleanup(server.Close)
	w.apply(fmt.Sprintf(`
apiVersion: source.toolkit.fluxcd.io/v1
kind: ExternalArtifact
metadata: {name: %s, namespace: $namespace}
spec: {sourceRef: {apiVersion: v1, kind: ConfigMap, name: by-hand}}
`, name))
	must(w.t, w.Merge(w.t.Context(), w.object(externalArtifacts, name), fmt.Sprintf(
		`{"status":{"artifact":{"digest":"sha256:%x","lastUpdateTime":%q,"path":"a.tar.gz","revision":%q,"size":%d,"url":%q}}}`,
		sha256.Sum256(data), time.Now().UTC().Format(time.RFC3339), revision, len(data), server.URL+"/a.tar.gz"), "status"))
}

// TestFlux_KeepsWhatWasAppliedWhenAnArtifactIsNotItsDigest is what makes a
// stored file that was changed harmless.
func TestFlux_KeepsWhatWasAppliedWhenAnArtifactIsNotItsDigest(t *testing.T) {
	w := newPlatform(t)
	w.externalArtifact("by-hand", map[string]string{"config.yaml": origin.ConfigMap("web", "first")}, "1")
	w.kustomization("app", "ExternalArtifact", "by-hand", "./")
	w.applied("app", "1")
	must(t, w.Merge(t.Context(), w.object(externalArtifacts, "by-hand"), fmt.Sprintf(`{"status":{"artifact":{"digest":"sha256:%s","revision":"2"}}}`, strings.Repeat("0", 64)), "status"))
	w.condition(kustomizations, "app", "Ready=False", "digest")
	w.until(kustomizations, "app", func(object *unstructured.Unstructured) error {
		if last := field(object, "status", "lastAppliedRevision"); last != "1" {
			t.Errorf("it has applied %q", last)
		}
		return nil
	})
}
