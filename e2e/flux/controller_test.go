//go:build e2e

package flux_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

const gatedSources = "GatedSource.v1alpha1.assay.dev"

// controller is one assay-source, which sees the GatedSources of its test only.
type controller struct {
	process *controlplane.Process
	// storage is its disk, and the addresses are where it listens.
	storage, address, metrics, health string
}

// gate is the gate of the test's namespace, as strict as it comes, but for its
// registry being in a private network. What a test adds is indented by two.
func (w *world) gate(more string) {
	w.files["gate.yaml"] = w.text(`apiVersion: assay.dev/v1alpha1
kind: Gate
metadata: {name: team-a}
spec:
  base: true
  selector: {namespaces: [$namespace]}
  lock: {mode: Resolve}
` + fmt.Sprintf("  registries: [{host: %q, private: true, plainHTTP: true}]\n", w.registry.Host()) + more)
}

// forgetful is the part of a gate that has the registry asked each time anew: by
// default what it said is believed for five minutes.
const forgetful = "  freshness: {freshFor: 1ms}\n"

// serve starts assay-source with the test's gate and waits until it is ready.
func (w *world) serve(flags ...string) *controller {
	w.t.Helper()
	c := w.launch(flags...)
	w.ready(c)
	return c
}

func (w *world) ready(c *controller) {
	w.t.Helper()
	must(w.t, c.process.Ready(w.slowly(), controlplane.Answers(http.DefaultClient, "http://"+c.health+"/readyz")))
}

// launch starts another assay-source.
func (w *world) launch(flags ...string) *controller {
	w.t.Helper()
	kubeconfig, err := w.KubeconfigOf(w.t.Context(), controllerNamespace, controllerAccount)
	must(w.t, err)
	return w.launchWith(kubeconfig, flags...)
}

func (w *world) launchWith(kubeconfig string, flags ...string) *controller {
	w.t.Helper()
	if w.told == nil {
		w.told = w.newSink()
		w.readable()
	}
	c := &controller{storage: filepath.Join(w.dir, fmt.Sprintf("storage-%d", len(w.controllers)))}
	n := int(w.started.Add(1))
	c.address, c.metrics, c.health = address(storagePorts, n), address(metricsPorts, n), address(healthPorts, n)
	must(w.t, os.MkdirAll(c.storage, 0o755))
	process, err := controlplane.Launch(controlplane.Command{
		Name: fmt.Sprintf("assay-source-%s-%d", w.name, len(w.controllers)), Logs: w.Logs(),
		Args: append([]string{
			w.source, "--gate", w.writeGate(), "--watch-label-selector", "e2e.assay.dev/test=" + w.name,
			"--storage-path", c.storage, "--storage-addr", c.address, "--storage-adv-addr", c.address, "--source-hosts", "127.0.0.1",
			"--requeue-dependency", "2s", "--min-interval", "1s", "--metrics-addr", c.metrics, "--health-addr", c.health, "--events-addr", w.told.url,
		}, flags...),
		Env: []string{"KUBECONFIG=" + kubeconfig, "RUNTIME_NAMESPACE=" + controllerNamespace, "XDG_CACHE_HOME=" + filepath.Join(w.dir, "cache")},
	})
	must(w.t, err)
	c.process = process
	w.controllers = append(w.controllers, c)
	w.t.Cleanup(process.Kill)
	return c
}

func (w *world) writeGate() string {
	w.t.Helper()
	if w.files["gate.yaml"] == "" {
		w.gate("")
	}
	folder := filepath.Join(w.dir, "gate")
	must(w.t, os.RemoveAll(folder))
	must(w.t, os.MkdirAll(folder, 0o755))
	files := w.registry.Trust()
	maps.Copy(files, w.files)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		must(w.t, os.WriteFile(filepath.Join(folder, name), []byte(files[name]), 0o600))
	}
	return folder
}

// gatedSource makes the GatedSource app of the GitRepository app, whose folder
// app it judges, unless the spec says otherwise: it is the rest of the spec,
// indented by two.
func (w *world) gatedSource(interval, spec string) {
	w.t.Helper()
	w.gated("app", fmt.Sprintf("  interval: %s\n  sourceRef: {kind: GitRepository, name: app}\n%s", interval, spec))
}

// gated makes a GatedSource that the test's controllers see.
func (w *world) gated(name, spec string) {
	w.t.Helper()
	w.apply(fmt.Sprintf(`
apiVersion: assay.dev/v1alpha1
kind: GatedSource
metadata: {name: %s, namespace: $namespace, labels: {e2e.assay.dev/test: $namespace}}
spec:
%s`, name, spec))
}

// inFolder is the usual rest of a GatedSource's spec.
const inFolder = "  paths: [app]\n  kustomize: {targetNamespace: $namespace}\n"

// hourly is an interval that no test lives to see the end of: what happens does
// so because something has changed.
const hourly = "1h"

// published waits until the ExternalArtifact assay-app is of a commit, and
// returns its revision.
func (w *world) published(commit string) string {
	w.t.Helper()
	object := w.until(externalArtifacts, "assay-app", func(object *unstructured.Unstructured) error {
		if made := madeOf(object); made != "main@sha1:"+commit {
			return fmt.Errorf("it is made of %q, not of %s; the GatedSource says %v", made, commit, entries(w.read(gatedSources, "app"), "status", "conditions"))
		}
		return nil
	})
	return field(object, "status", "artifact", "revision")
}

// madeOf is the revision of the source that an ExternalArtifact is made of.
func madeOf(artifact *unstructured.Unstructured) string {
	return field(artifact, "status", "artifact", "metadata", "org.opencontainers.image.revision")
}

// deployed waits until the Kustomization app, which is made when it is not
// there, has applied what assay made of a commit.
func (w *world) deployed(commit string) {
	w.t.Helper()
	revision := w.published(commit)
	w.consume("app", "assay-app")
	w.applied("app", revision)
}

// publishes judges a commit whose app is that image, and waits until it is
// published.
func (w *world) publishes(image string) (commit string) {
	w.t.Helper()
	commit = w.commit(w.web(image))
	w.gatedSource(hourly, inFolder)
	w.published(commit)
	return commit
}

// deploys waits until Flux has applied it, too.
func (w *world) deploys(image string) (commit string) {
	w.t.Helper()
	commit = w.publishes(image)
	w.deployed(commit)
	return commit
}

// handled waits until an object's controller has looked at it, as [world.reconcile]
// asked.
func (w *world) handled(kind, name string) {
	w.t.Helper()
	w.until(kind, name, func(object *unstructured.Unstructured) error {
		if asked, done := object.GetAnnotations()["reconcile.fluxcd.io/requestedAt"], field(object, "status", "lastHandledReconcileAt"); asked != done {
			return fmt.Errorf("it was asked at %s, and handled %q", asked, done)
		}
		return nil
	})
}

// consume makes a Kustomization of an ExternalArtifact, which looks for drift
// each second and changes nothing of what it applies.
func (w *world) consume(name, artifact string) {
	w.t.Helper()
	w.apply(fmt.Sprintf(`
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: %s, namespace: $namespace}
spec: {interval: 1s, retryInterval: 1s, prune: true, path: ./, sourceRef: {kind: ExternalArtifact, name: %s}}
`, name, artifact))
}

// denied waits until the GatedSource app is, with words in its message, and the
// ExternalArtifact too.
func (w *world) denied(words string) {
	w.t.Helper()
	w.condition(gatedSources, "app", "Ready=False", words)
	w.condition(externalArtifacts, "assay-app", "Ready=False", words)
}
