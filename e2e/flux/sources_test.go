//go:build e2e

package flux_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/assay-gitops/assay/e2e/origin"
)

// TestOCIRepository_IsGated has the manifests in a registry, as `flux push
// artifact` puts them there.
func TestOCIRepository_IsGated(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.pushManifests("team-a/manifests:1", map[string]string{"web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))})
	w.apply(fmt.Sprintf(`
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: app, namespace: $namespace}
spec: {interval: 1h, url: "oci://%s", insecure: true, ref: {tag: "1"}}
`, w.registry.Image("team-a/manifests")))
	w.serve()
	w.gated("app", "  interval: 1h\n  sourceRef: {kind: OCIRepository, name: app}\n  kustomize: {targetNamespace: $namespace}\n")
	w.consume("app", "assay-app")
	w.condition(kustomizations, "app", "Ready=True", "1@sha256:")
	w.runs("web", digest.DigestStr())
}

// pushManifests puts an artifact of Flux's kind into the registry.
func (w *world) pushManifests(reference string, files map[string]string) {
	w.t.Helper()
	tag, err := name.NewTag(w.registry.Image(reference))
	must(w.t, err)
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/vnd.cncf.flux.config.v1+json")
	made, err := mutate.AppendLayers(base, static.NewLayer(origin.Archive(w.t, files), "application/vnd.cncf.flux.content.v1.tar+gzip"))
	must(w.t, err)
	must(w.t, remote.Write(tag, made, append(w.registry.Remote(), remote.WithContext(w.t.Context()))...))
}

// TestExternalArtifact_IsGated chains assay behind another controller.
func TestExternalArtifact_IsGated(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.externalArtifact("generated", map[string]string{"web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))}, "latest@sha256:"+strings.Repeat("a", 64))
	w.serve()
	w.gated("app", "  interval: 1h\n  sourceRef: {kind: ExternalArtifact, name: generated}\n  kustomize: {targetNamespace: $namespace}\n")
	w.consume("app", "assay-app")
	w.condition(kustomizations, "app", "Ready=True", "")
	w.runs("web", digest.DigestStr())
}

// TestHelmChart_IsGated has the chart come from a HelmRepository.
func TestHelmChart_IsGated(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	files := map[string]string{}
	for path, text := range w.chart("1.0.0") {
		files[strings.Replace(path, "chart/", "web/", 1)] = text
	}
	charts := http.NewServeMux()
	charts.HandleFunc("/index.yaml", func(out http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(out, "apiVersion: v1\nentries: {web: [{apiVersion: v2, name: web, version: 1.0.0, urls: [web-1.0.0.tgz]}]}\n")
	})
	packed := origin.Archive(t, files)
	charts.HandleFunc("/web-1.0.0.tgz", func(out http.ResponseWriter, _ *http.Request) { _, _ = out.Write(packed) })
	server := httptest.NewServer(charts)
	t.Cleanup(server.Close)
	w.apply(fmt.Sprintf(`
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: $namespace}
spec: {interval: 1h, url: %q}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmChart
metadata: {name: app, namespace: $namespace}
spec: {interval: 1h, chart: web, version: 1.0.0, sourceRef: {kind: HelmRepository, name: charts}}
`, server.URL))
	w.serve()
	w.gated("app", "  interval: 1h\n  sourceRef: {kind: HelmChart, name: app}\n  helm: {values: {tag: \"1\"}}\n")
	w.release("")
	w.condition(helmReleases, "app", "Ready=True", "InstallSucceeded")
	w.runs("web", digest.DigestStr())
}

// TestSourceThatIsMissing_IsWaitedFor and is judged once it is there.
func TestSourceThatIsMissing_IsWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	w.serve()
	w.gatedSource(hourly, inFolder)
	w.condition(gatedSources, "app", "Ready=False", "GitRepository")
	commit := w.commit(w.web("team-a/app:1"))
	w.deployed(commit)
}

// TestSourceOfAnotherNamespace_IsRefusedWhereThePlatformSaysSo has a twin in a
// controller without the flag.
func TestSourceOfAnotherNamespace_IsRefusedWhereThePlatformSaysSo(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	c := w.serve("--no-cross-namespace-refs")
	commit := w.commit(w.web("team-a/app:1"))
	there := newWorldIn(t, platformFor(t)) // which may name a source of elsewhere
	there.apply(fmt.Sprintf(`
apiVersion: assay.dev/v1alpha1
kind: GatedSource
metadata: {name: app, namespace: $namespace, labels: {e2e.assay.dev/test: %[1]s}}
spec: {interval: 2s, paths: [app], sourceRef: {kind: GitRepository, name: app, namespace: %[1]s}}
`, w.name))
	there.condition(gatedSources, "app", "Ready=False", "AccessDenied")
	c.process.Stop()

	w.files["gate.yaml"] = strings.ReplaceAll(w.files["gate.yaml"], "namespaces: ["+w.name+"]", "namespaces: ["+there.name+"]")
	w.serve()
	there.published(commit)
}

// TestNamespaceWithoutAGate_IsDenied is the zero value.
func TestNamespaceWithoutAGate_IsDenied(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	w.gate("")
	w.files["gate.yaml"] = strings.ReplaceAll(w.files["gate.yaml"], "namespaces: ["+w.name+"]", "namespaces: [elsewhere]")
	c := w.serve()
	commit := w.commit(w.web("team-a/app:1"))
	w.gatedSource(hourly, inFolder)
	w.condition(gatedSources, "app", "Ready=False", "gate")
	c.process.Stop()
	w.gate("")
	w.serve()
	w.deployed(commit)
}
