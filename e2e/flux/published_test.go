//go:build e2e

package flux_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// What a service account of assay's could publish.
const (
	artifactOfOurs = "{apiVersion: source.toolkit.fluxcd.io/v1, kind: ExternalArtifact, metadata: {name: assay-app, namespace: $namespace}, spec: {}}"
	artifactStatus = `{"status":{"artifact":{"digest":"sha256:$hash","lastUpdateTime":"2026-01-01T00:00:00Z","path":"a.tar.gz","revision":"1","size":1,"url":"$url/a.tar.gz"}}}`
)

// statusAt says that the file is served there.
func statusAt(url string) string {
	return strings.NewReplacer("$hash", strings.Repeat("a", 64), "$url", url).Replace(artifactStatus)
}

const onlyAssay = "only assay writes it"

func TestTenant_CannotMakeAnExternalArtifactNamedAssay(t *testing.T) {
	w := newWorld(t)
	tenant := w.tenant()
	refused(t, tenant.Apply(t.Context(), w.text(artifactOfOurs)), "assay-flux-externalartifacts", onlyAssay)
	must(t, tenant.Apply(t.Context(), w.text(strings.ReplaceAll(artifactOfOurs, "assay-app", "app"))))
	must(t, tenant.Merge(t.Context(), w.object(externalArtifacts, "app"), statusAt("http://elsewhere"), "status"))

	generated := &unstructured.Unstructured{}
	must(t, yaml.Unmarshal([]byte(w.text(strings.ReplaceAll(artifactOfOurs, "name: assay-app", "generateName: assay-"))), &generated.Object))
	artifacts := w.artifacts(tenant.Config)
	_, err := artifacts.Create(t.Context(), generated, metav1.CreateOptions{})
	refused(t, err, "assay-flux-externalartifacts", onlyAssay)
	generated.SetGenerateName("app-")
	_, err = artifacts.Create(t.Context(), generated, metav1.CreateOptions{})
	must(t, err)
}

func TestTenant_CannotWriteTheStatusOfAnExternalArtifactNamedAssay(t *testing.T) {
	w := newWorld(t)
	tenant, assay := w.tenant(), w.as(controllerNamespace, controllerAccount)
	must(t, assay.Apply(t.Context(), w.text(artifactOfOurs)))
	good := statusAt("http://" + address(storagePorts, 1))
	refused(t, tenant.Merge(t.Context(), w.object(externalArtifacts, "assay-app"), good, "status"), onlyAssay)
	for _, elsewhere := range []string{"http://elsewhere", "http://" + address(storagePorts, 1) + ".elsewhere", "http://" + address(storagePorts, 1) + "@elsewhere"} {
		refused(t, assay.Merge(t.Context(), w.object(externalArtifacts, "assay-app"), statusAt(elsewhere), "status"), "status.artifact.url")
	}
	must(t, assay.Merge(t.Context(), w.object(externalArtifacts, "assay-app"), good, "status"))
	refused(t, tenant.Merge(t.Context(), w.object(externalArtifacts, "assay-app"), `{"status":null}`, "status"), onlyAssay)
	must(t, assay.Merge(t.Context(), w.object(externalArtifacts, "assay-app"), `{"status":{"artifact":null}}`, "status"))
}

func TestTenant_CannotChangeOrDeleteAnExternalArtifactNamedAssay(t *testing.T) {
	w := newWorld(t)
	tenant, assay := w.tenant(), w.as(controllerNamespace, controllerAccount)
	ours := w.object(externalArtifacts, "assay-app")
	must(t, assay.Apply(t.Context(), w.text(artifactOfOurs)))
	must(t, assay.Merge(t.Context(), ours, statusAt("http://"+address(storagePorts, 1)), "status"))
	for _, change := range []string{`{"metadata":{"labels":{"a":"b"}}}`, `{"metadata":{"finalizers":["example.com/kept"]}}`, `{"spec":{"sourceRef":{"apiVersion":"v1","kind":"ConfigMap","name":"a"}}}`} {
		refused(t, tenant.Merge(t.Context(), ours, change), onlyAssay)
	}
	refused(t, tenant.Delete(t.Context(), ours), onlyAssay)
	refused(t, w.artifacts(tenant.Config).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}), onlyAssay)

	// What the API server's own controllers do in the place of an owner passes.
	cleaner := w.artifacts(w.collector())
	patch := func(text string, subresources ...string) error {
		_, err := cleaner.Patch(t.Context(), "assay-app", types.MergePatchType, []byte(text), metav1.PatchOptions{}, subresources...)
		return err
	}
	must(t, assay.Merge(t.Context(), ours, `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"a","uid":"1"}]}}`))
	must(t, patch(`{"metadata":{"ownerReferences":null}}`))
	refused(t, patch(statusAt("http://"+address(storagePorts, 2)), "status"), onlyAssay)
	must(t, cleaner.Delete(t.Context(), "assay-app", metav1.DeleteOptions{}))
}

// TestFluxsOwnControllers_CannotPublishInAssaysName has one with every right make
// what somebody wrote into a Kustomization or an ArtifactGenerator.
func TestFluxsOwnControllers_CannotPublishInAssaysName(t *testing.T) {
	w := newWorld(t)
	for _, api := range []*controlplane.API{w.as(controlplane.FluxNamespace, "kustomize-controller"), w.as(controlplane.FluxNamespace, "source-controller"), w.API} {
		refused(t, api.Apply(t.Context(), w.text(artifactOfOurs)), "assay-flux-externalartifacts", onlyAssay)
	}
	must(t, w.Apply(t.Context(), w.text(strings.ReplaceAll(artifactOfOurs, "assay-app", "app"))))
}

// artifacts are the ExternalArtifacts of the test's namespace, as somebody.
func (w *world) artifacts(config *rest.Config) dynamic.ResourceInterface {
	w.t.Helper()
	client, err := dynamic.NewForConfig(config)
	must(w.t, err)
	return client.Resource(schema.GroupVersionResource{Group: "source.toolkit.fluxcd.io", Version: "v1", Resource: "externalartifacts"}).Namespace(w.name)
}

// collector is the API server's garbage collector, with every right.
func (w *world) collector() *rest.Config {
	config := rest.CopyConfig(w.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:kube-system:generic-garbage-collector", Groups: []string{"system:masters"}}
	return config
}
