//go:build e2e

package flux_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/origin"
)

// TestPlatformsNamespaces_NeedNoGate has what is refused elsewhere pass, but for
// what only assay writes.
func TestPlatformsNamespaces_NeedNoGate(t *testing.T) {
	w := newPlatform(t)
	for _, object := range []string{
		kustomizationOf("interval: 1h, prune: true, suspend: true, sourceRef: {kind: GitRepository, name: app, namespace: flux-system}, images: [{name: a, newTag: b}]"),
		releaseOf("interval: 1h, suspend: true, chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: charts}}}, values: {a: b}"),
		gatedSourceOf("kind: GitRepository, name: app, namespace: flux-system"),
	} {
		w.apply(object)
	}
	refused(t, w.tenant().Apply(t.Context(), w.text(artifactOfOurs)), "assay-flux-externalartifacts", onlyAssay)
}

// unlisted takes the test's namespace off the platform's list, and waits until
// that is so.
func (w *world) unlisted() {
	w.t.Helper()
	list := controlplane.Object{Kind: configMaps, Namespace: controlplane.FluxNamespace, Name: "assay-flux"}
	now, err := w.Get(w.t.Context(), list)
	must(w.t, err)
	// The name stays a line of its own, as other lines are other tests' namespaces.
	left := strings.Replace("\n"+field(now, "data", "namespaces")+"\n", "\n"+w.name+"\n", "\n", 1)
	must(w.t, w.Merge(w.t.Context(), list, fmt.Sprintf(`{"data":{"namespaces":%q}}`, strings.TrimSpace(left))))
	must(w.t, controlplane.Until(w.slowly(), func(ctx context.Context) error {
		open := strings.Replace(kustomizationOf("interval: 1h, prune: true, suspend: true, sourceRef: {kind: GitRepository, name: app}"), "name: app,", "name: open,", 1)
		refusal := w.Apply(ctx, w.text(open))
		if refusal == nil {
			return errors.Join(errors.New("the namespace is still the platform's"), w.Delete(ctx, w.object(kustomizations, "open")))
		}
		if !strings.Contains(refusal.Error(), "assay-flux-kustomizations") {
			return refusal
		}
		return nil
	}))
}

// TestObjectsFromBefore_GoOnUntilSomebodyChangesThem has Flux reconcile, and
// remove its finalizers, where the policies came later.
func TestObjectsFromBefore_GoOnUntilSomebodyChangesThem(t *testing.T) {
	w := newPlatform(t)
	first := w.commit(map[string]string{"app/config.yaml": origin.ConfigMap("web", "first")})
	w.kustomization("app", "GitRepository", "app", "./app")
	w.applied("app", "main@sha1:"+first)
	w.externalArtifact("by-hand", map[string]string{
		"web/Chart.yaml":            "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"web/templates/config.yaml": origin.ConfigMap("chart", "first"),
	}, "1.0.0@sha256:"+strings.Repeat("a", 64))
	w.helmRelease("app", "by-hand")
	w.condition(helmReleases, "app", "Ready=True", "InstallSucceeded")
	w.unlisted()

	tenant := w.tenant()
	second := w.commit(map[string]string{"app/config.yaml": origin.ConfigMap("web", "second")})
	w.applied("app", "main@sha1:"+second)
	for kind, policy := range map[string]string{kustomizations: "assay-flux-kustomizations", helmReleases: "assay-flux-helmreleases"} {
		app := w.object(kind, "app")
		must(t, tenant.Merge(t.Context(), app, `{"metadata":{"annotations":{"reconcile.fluxcd.io/requestedAt":"now"}}}`))
		w.until(kind, "app", handled("now"))
		refused(t, tenant.Merge(t.Context(), app, `{"spec":{"interval":"2h"}}`), policy)
		refused(t, tenant.Merge(t.Context(), app, `{"spec":{"suspend":true,"interval":"2h"}}`), policy)
		must(t, tenant.Merge(t.Context(), app, `{"spec":{"suspend":true}}`))
		refused(t, tenant.Merge(t.Context(), app, `{"spec":{"suspend":false}}`), policy)
		must(t, tenant.Delete(t.Context(), app))
		must(t, controlplane.Until(w.slowly(), func(ctx context.Context) error {
			if _, err := w.Get(ctx, app); err == nil {
				return errors.New("its controller has not let go of it")
			}
			return nil
		}))
	}
}

// handled waits until a controller has answered a request.
func handled(request string) func(*unstructured.Unstructured) error {
	return func(object *unstructured.Unstructured) error {
		if last := field(object, "status", "lastHandledReconcileAt"); last != request {
			return fmt.Errorf("it has handled %q", last)
		}
		return nil
	}
}

// TestWithoutTheList_NothingPasses binds the policies once more, for one namespace,
// to a ConfigMap that is not there. The API server looks for it before it asks
// whose ExternalArtifact it is.
func TestWithoutTheList_NothingPasses(t *testing.T) {
	w := newWorld(t)
	objects := map[string]string{
		"kustomizations":    kustomizationOf(gatedKustomization),
		"helmreleases":      releaseOf(gatedRelease),
		"gatedsources":      gatedSourceOf("kind: GitRepository, name: app"),
		"externalartifacts": artifactOfOurs,
	}
	writers := map[string]*controlplane.API{"externalartifacts": w.as(controllerNamespace, controllerAccount)}
	for file, object := range objects {
		must(t, cmp.Or(writers[file], w.API).Apply(t.Context(), w.text(object)))
	}
	for file, object := range objects {
		text, err := os.ReadFile(filepath.Join(manifests, "admission", file+".yaml"))
		must(t, err)
		_, binding, _ := strings.Cut(string(text), "\n---\n")
		binding = strings.NewReplacer(
			"\n  name: assay-flux-"+file+"\n", "\n  name: no-list-"+file+"\n", "    name: assay-flux\n", "    name: no-list\n",
			"\n  paramRef:", "\n  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $namespace}}}\n  paramRef:",
		).Replace(binding)
		w.apply(binding)
		t.Cleanup(func() { // so that what is left can be stopped
			name := controlplane.Object{Kind: "ValidatingAdmissionPolicyBinding.v1.admissionregistration.k8s.io", Name: "no-list-" + file}
			if err := w.Delete(context.WithoutCancel(t.Context()), name); err != nil {
				t.Error(err)
			}
		})
		changed := strings.Replace(object, "metadata: {", "metadata: {labels: {again: $again}, ", 1)
		must(t, controlplane.Until(w.slowly(), func(ctx context.Context) error {
			err := cmp.Or(writers[file], w.API).Apply(ctx, strings.ReplaceAll(w.text(changed), "$again", fmt.Sprintf("a%d", time.Now().UnixNano())))
			if err == nil || !strings.Contains(err.Error(), "no params found") {
				return fmt.Errorf("%s are not refused for want of the list: %w", file, err)
			}
			return nil
		}))
	}
	refused(t, w.Apply(t.Context(), w.text(strings.ReplaceAll(artifactOfOurs, "assay-app", "app"))), "no params found")
}
