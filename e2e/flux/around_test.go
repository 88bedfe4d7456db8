//go:build e2e

package flux_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// The specs that pass, in the test's namespace, without their braces.
const (
	gatedKustomization = "interval: 1h, prune: true, sourceRef: {kind: ExternalArtifact, name: assay-app}"
	gatedRelease       = "interval: 1h, chartRef: {kind: ExternalArtifact, name: assay-app}"
)

func kustomizationOf(spec string) string {
	return "{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: app, namespace: $namespace}, spec: {" + spec + "}}"
}

func releaseOf(spec string) string {
	return "{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: app, namespace: $namespace}, spec: {" + spec + "}}"
}

func gatedSourceOf(sourceRef string) string {
	return "{apiVersion: assay.dev/v1alpha1, kind: GatedSource, metadata: {name: app, namespace: $namespace}, spec: {interval: 1h, sourceRef: {" + sourceRef + "}}}"
}

// as is the API in the hands of a service account.
func (w *world) as(namespace, account string) *controlplane.API {
	w.t.Helper()
	token, err := w.Token(w.t.Context(), namespace, account)
	must(w.t, err)
	api, err := w.As(token)
	must(w.t, err)
	return api
}

// refusedEach has the tenant write each of the objects, which the policy refuses
// with the words, and then the one that passes.
func (w *world) refusedEach(policy string, objects map[string]string, passes string) {
	w.t.Helper()
	tenant := w.tenant()
	for _, object := range slices.Sorted(maps.Keys(objects)) {
		refused(w.t, tenant.Apply(w.t.Context(), w.text(object)), policy, objects[object])
	}
	must(w.t, tenant.Apply(w.t.Context(), w.text(passes)))
	for _, object := range slices.Sorted(maps.Keys(objects)) { // and so does no update of it
		refused(w.t, tenant.Apply(w.t.Context(), w.text(object)), policy, objects[object])
	}
}

func TestTenant_CannotHaveAKustomizationApplyAGitRepository(t *testing.T) {
	w := newWorld(t)
	good := kustomizationOf(gatedKustomization)
	w.refusedEach("assay-flux-kustomizations", map[string]string{
		strings.ReplaceAll(good, "ExternalArtifact", "GitRepository"):              `spec.sourceRef names the GitRepository "assay-app"`,
		strings.ReplaceAll(good, "ExternalArtifact", "OCIRepository"):              "names the OCIRepository",
		strings.ReplaceAll(good, "ExternalArtifact", "Bucket"):                     "names the Bucket",
		strings.ReplaceAll(good, "assay-app", "mine"):                              `names the ExternalArtifact "mine"`,
		strings.ReplaceAll(good, "assay-app", "assay-app, namespace: flux-system"): `spec.sourceRef.namespace is "flux-system"`,
	}, good)
}

func TestTenant_CannotHaveAKustomizationChangeImages(t *testing.T) {
	w := newWorld(t)
	objects := map[string]string{}
	for field, value := range map[string]string{
		"images":          "[{name: app, newTag: evil}]",
		"patches":         "[{patch: '- {op: remove, path: /spec}', target: {kind: Deployment}}]",
		"components":      "[../more]",
		"postBuild":       "{substitute: {tag: evil}}",
		"targetNamespace": "flux-system",
		"namePrefix":      "a-",
		"nameSuffix":      "-a",
		"commonMetadata":  "{labels: {a: b}}",
		"buildMetadata":   "[originAnnotations]",
		"ignore":          "[{paths: [/spec/template/spec/containers/0/image]}]",
	} {
		objects[kustomizationOf(gatedKustomization+", "+field+": "+value)] = "spec." + field + " "
	}
	w.refusedEach("assay-flux-kustomizations", objects, kustomizationOf(gatedKustomization+", path: ./app, serviceAccountName: deployer, "+
		"decryption: {provider: sops}, force: true, wait: true, ignore: [{paths: [/spec/replicas]}]"))
}

func TestTenant_CannotInstallAHelmReleaseOfAHelmRepository(t *testing.T) {
	w := newWorld(t)
	good := releaseOf(gatedRelease)
	w.refusedEach("assay-flux-helmreleases", map[string]string{
		releaseOf("interval: 1h, chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: charts}}}"): `spec.chart takes a chart from the HelmRepository "charts"`,
		releaseOf("interval: 1h, chart: {spec: {chart: ./web, sourceRef: {kind: GitRepository, name: app}}}"):   `from the GitRepository "app"`,
		strings.ReplaceAll(good, "assay-app", "mine"):                                                           `spec.chartRef names the ExternalArtifact "mine"`,
		strings.ReplaceAll(good, "ExternalArtifact", "HelmChart"):                                               "spec.chartRef names the HelmChart",
		strings.ReplaceAll(good, "assay-app", "assay-app, namespace: flux-system"):                              `spec.chartRef.namespace is "flux-system"`,
	}, good)
}

func TestTenant_CannotInstallAHelmReleaseOfAnOCIRepository(t *testing.T) {
	w := newWorld(t)
	good := releaseOf(gatedRelease)
	w.refusedEach("assay-flux-helmreleases", map[string]string{
		strings.ReplaceAll(good, "ExternalArtifact", "OCIRepository"): `spec.chartRef names the OCIRepository "assay-app"`,
	}, good)
}

func TestTenant_CannotGiveValuesToAFrozenChart(t *testing.T) {
	w := newWorld(t)
	objects := map[string]string{}
	for field, value := range map[string]string{
		"values":             "{image: {tag: evil}}",
		"valuesFrom":         "[{kind: ConfigMap, name: values}]",
		"postRenderers":      "[{kustomize: {images: [{name: app, newTag: evil}]}}]",
		"postRenderStrategy": "combined",
		"commonMetadata":     "{labels: {a: b}}",
		"upgrade":            "{preserveValues: true}",
	} {
		objects[releaseOf(gatedRelease+", "+field+": "+value)] = "spec." + field
	}
	w.refusedEach("assay-flux-helmreleases", objects, releaseOf(gatedRelease+", upgrade: {force: true}, targetNamespace: $namespace, "+
		"serviceAccountName: deployer, test: {enable: true}, driftDetection: {mode: enabled}"))
}

// TestTenant_CannotPassOnSomebodyElsesSource is about a GatedSource, whose source
// anybody could then read.
func TestTenant_CannotPassOnSomebodyElsesSource(t *testing.T) {
	w := newWorld(t)
	w.refusedEach("assay-flux-gatedsources", map[string]string{
		gatedSourceOf("kind: GitRepository, name: app, namespace: flux-system"): `spec.sourceRef.namespace is "flux-system"`,
	}, gatedSourceOf("kind: GitRepository, name: app, namespace: $namespace"))
}

func TestTenant_CannotWriteTheStatusOfAGatedSource(t *testing.T) {
	w := newWorld(t)
	tenant := w.tenant()
	must(t, tenant.Apply(t.Context(), w.text(gatedSourceOf("kind: GitRepository, name: app"))))
	const said = `{"status":{"publishedRevision":"1"}}`
	refused(t, tenant.Merge(t.Context(), w.object(gatedSources, "app"), said, "status"), "assay-flux-gatedsource-status", "only assay writes it")
	must(t, w.as(controllerNamespace, controllerAccount).Merge(t.Context(), w.object(gatedSources, "app"), said, "status"))
	must(t, tenant.Merge(t.Context(), w.object(gatedSources, "app"), `{"metadata":{"annotations":{"reconcile.fluxcd.io/requestedAt":"now"}}}`))
}

// resourceSets stand for those of flux-operator and of the Tofu controller, whose
// definitions are not here.
const resourceSets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[1]ss.%[3]s}
spec:
  group: %[3]s
  scope: Namespaced
  names: {kind: %[2]s, plural: %[1]ss, singular: %[1]s}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

func TestTenant_CannotHaveOtherKindsApply(t *testing.T) {
	w := newWorld(t)
	own := platformFor(t)
	w.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: " + own + "}\n")
	for kind, group := range map[string]string{"ResourceSet": "fluxcd.controlplane.io", "FluxInstance": "fluxcd.controlplane.io", "Terraform": "infra.contrib.fluxcd.io"} {
		w.apply(fmt.Sprintf(resourceSets, strings.ToLower(kind), kind, group))
		object := "{apiVersion: " + group + "/v1, kind: " + kind + ", metadata: {name: app, namespace: $namespace}, spec: {resources: []}}"
		must(t, controlplane.Until(w.slowly(), func(ctx context.Context) error { // until it is served
			return w.Apply(ctx, strings.ReplaceAll(object, "$namespace", own))
		}))
		refused(t, w.Apply(t.Context(), w.text(object)), "assay-flux-other-appliers", "spec of a "+kind+" would be applied without the gate")
	}
}
