//go:build e2e

package flux_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/previews"
)

// installsTheSame compares what Helm has stored of a release with what the
// preview renders.
func (w *world) installsTheSame(t *testing.T, application previews.Application, commit string) {
	ours, theirs := map[string]any{}, map[string]any{}
	release, err := w.Get(t.Context(), controlplane.Object{Kind: helmReleases, Namespace: application.Namespace, Name: application.Name})
	must(t, err)
	for _, object := range application.Objects {
		rendered := unstructuredOf(t, object)
		ours[rendered.GetKind()+" "+rendered.GetName()] = rendered.Object
	}
	for document := range strings.SplitSeq(w.manifest(t, release), "\n---\n") {
		object := &unstructured.Unstructured{}
		must(t, yaml.Unmarshal([]byte(document), &object.Object))
		if len(object.Object) == 0 {
			continue
		}
		asRendered(t, object, release, commit)
		theirs[object.GetKind()+" "+object.GetName()] = object.Object
	}
	if !reflect.DeepEqual(ours, theirs) || len(ours) == 0 {
		t.Errorf("the preview renders\n%s\nand Helm has installed\n%s", shown(ours), shown(theirs))
	}
}

// asRendered takes away what docs/parity.md lists: the labels that helm-controller
// writes, and what source-controller adds to the version of a chart that it packs
// anew.
func asRendered(t *testing.T, object, release *unstructured.Unstructured, commit string) {
	t.Helper()
	labels := object.GetLabels()
	if labels["helm.toolkit.fluxcd.io/name"] != release.GetName() || labels["helm.toolkit.fluxcd.io/namespace"] != release.GetNamespace() {
		t.Errorf("%s has the labels %q, and none of helm-controller's", object.GetKind(), labels)
	}
	delete(labels, "helm.toolkit.fluxcd.io/name")
	delete(labels, "helm.toolkit.fluxcd.io/namespace")
	// A chart that has merged values is packed for the first generation of its HelmChart.
	packedFor := "1"
	if field(release, "spec", "chart", "spec", "reconcileStrategy") == "Revision" {
		packedFor = commit[:12]
	}
	if chart, has := labels["helm.sh/chart"]; has {
		version, packed := strings.CutSuffix(chart, "_"+packedFor)
		if !packed {
			t.Errorf("%s is of chart %s, which is not packed for %s", object.GetKind(), chart, packedFor)
		}
		labels["helm.sh/chart"] = version
	}
	if len(labels) == 0 {
		labels = nil
	}
	object.SetLabels(labels)
}

// manifest is what Helm installed as the first revision of a release.
func (w *world) manifest(t *testing.T, of *unstructured.Unstructured) string {
	t.Helper()
	stored, err := w.Get(t.Context(), controlplane.Object{
		Kind: "Secret.v1.", Namespace: field(of, "status", "storageNamespace"), Name: "sh.helm.release.v1." + field(of, "spec", "releaseName") + ".v1",
	})
	must(t, err)
	outer, err := base64.StdEncoding.DecodeString(field(stored, "data", "release"))
	must(t, err)
	inner, err := base64.StdEncoding.DecodeString(string(outer))
	must(t, err)
	packed, err := gzip.NewReader(bytes.NewReader(inner))
	must(t, err)
	var release struct {
		Manifest string
		Hooks    []any
	}
	must(t, json.NewDecoder(packed).Decode(&release))
	if release.Manifest == "" || len(release.Hooks) > 0 {
		t.Fatalf("the release has %d hooks and the manifest %q", len(release.Hooks), release.Manifest)
	}
	return release.Manifest
}
