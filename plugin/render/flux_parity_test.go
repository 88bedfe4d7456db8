package render

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	fluxkustomize "github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/resmap"

	"github.com/assay-gitops/assay/plugin"
)

// fluxTree is a source tree and the folder in it that is rendered.
type fluxTree struct {
	name, path string
	files      map[string]string
	// refused is set for a tree that is refused whatever the fields are.
	refused bool
}

// fieldsFor are the fields that a tree is rendered with: two cases are enough
// for one that neither renders.
func fieldsFor(tree fluxTree) map[string]plugin.FluxParameters {
	fields := fluxFields()
	if !tree.refused {
		return fields
	}
	return map[string]plugin.FluxParameters{"nothing": fields["nothing"], "everything": fields["everything"]}
}

// fluxOracle is kustomize-controller's build (kustomization_controller.go,
// reconcile, build and apply) from its own packages, up to what it applies.
func fluxOracle(t *testing.T, tree fluxTree, parameters plugin.FluxParameters) ([]map[string]any, error) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range tree.files {
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	object := fluxKustomization(t, parameters)
	path := filepath.Join(folder, tree.path)
	if _, err := fluxkustomize.NewGenerator(folder, object).WriteFile(path); err != nil {
		return nil, err
	}
	built, err := fluxkustomize.SecureBuild(folder, path, false)
	if err != nil {
		return nil, err
	}
	if err := substituteAsFlux(t, object, built, parameters.PostBuild); err != nil {
		return nil, err
	}
	text, err := built.AsYaml()
	if err != nil {
		return nil, err
	}
	return appliedByFlux(t, string(text), parameters.CommonMetadata)
}

// fluxKustomization is the Kustomization that has the parameters.
func fluxKustomization(t *testing.T, parameters plugin.FluxParameters) unstructured.Unstructured {
	t.Helper()
	postBuild := parameters.PostBuild
	parameters.PostBuild = nil
	data, err := json.Marshal(parameters)
	if err != nil {
		t.Fatal(err)
	}
	spec := map[string]any{}
	if err := json.Unmarshal(data, &spec); err != nil {
		t.Fatal(err)
	}
	if postBuild != nil {
		values := map[string]any{}
		for name, value := range postBuild.Substitute {
			values[name] = value
		}
		spec["postBuild"] = map[string]any{"substitute": values}
	}
	return unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": "app", "namespace": "team-a"}, "spec": spec}}
}

func substituteAsFlux(t *testing.T, object unstructured.Unstructured, built resmap.ResMap, asked *plugin.FluxPostBuild) error {
	t.Helper()
	for _, resource := range built.Resources() {
		if resource.GetName() == "" || resource.GetKind() == "" || resource.GetApiVersion() == "" {
			return fmt.Errorf("no object: %s", resource)
		}
		if asked == nil {
			continue
		}
		changed, err := fluxkustomize.SubstituteVariables(t.Context(), nil, object, resource,
			fluxkustomize.SubstituteWithStrict(asked.Strict), fluxkustomize.SubstituteWithAlways(asked.Always))
		if err != nil {
			return err
		}
		if changed == nil {
			continue
		}
		if _, err := built.Replace(resource); err != nil {
			return err
		}
	}
	return nil
}

// appliedByFlux reads a stream as fluxcd/pkg/ssa/utils does (ReadObjects,
// SetCommonMetadata).
func appliedByFlux(t *testing.T, text string, common plugin.FluxMetadata) ([]map[string]any, error) {
	t.Helper()
	var objects []map[string]any
	for _, fields := range readStream(t, text) {
		object := unstructured.Unstructured{Object: fields}
		if object.IsList() {
			items, _ := fields["items"].([]any)
			for _, item := range items {
				fields, _ := item.(map[string]any)
				objects = append(objects, fields)
			}
			continue
		}
		if object.GetName() == "" || object.GetKind() == "" || strings.EqualFold(object.GetKind(), "kustomization") && strings.HasPrefix(object.GetAPIVersion(), "kustomize.config.k8s.io/") {
			continue
		}
		objects = append(objects, fields)
	}
	if reflect.ValueOf(common).IsZero() { // nil in the Kustomization
		return objects, nil
	}
	for _, fields := range objects {
		object := unstructured.Unstructured{Object: fields}
		labels, annotations := object.GetLabels(), object.GetAnnotations()
		if labels == nil {
			labels = map[string]string{}
		}
		if annotations == nil {
			annotations = map[string]string{}
		}
		for name, value := range common.Labels {
			labels[name] = value
		}
		for name, value := range common.Annotations {
			annotations[name] = value
		}
		if len(labels) > 0 {
			object.SetLabels(labels)
		}
		if len(annotations) > 0 {
			object.SetAnnotations(annotations)
		}
	}
	return objects, nil
}

// renderedAsFlux is our answer.
func renderedAsFlux(t *testing.T, tree fluxTree, parameters plugin.FluxParameters) (plugin.Rendering, error) {
	t.Helper()
	source := plugin.Source{Root: writeTree(t, tree.files), Path: tree.path, Parameters: plugin.Parameters{Kind: KindFlux, Flux: parameters}}
	return newRenderer().Render(t.Context(), source)
}

func TestFlux_EqualsKustomizeControllersOwnPackages(t *testing.T) {
	compared, refusedByBoth := 0, 0
	for _, tree := range fluxTrees() {
		for name, parameters := range fieldsFor(tree) {
			t.Run(tree.name+"/"+name, func(t *testing.T) {
				want, wantErr := fluxOracle(t, tree, parameters)
				got, err := renderedAsFlux(t, tree, parameters)
				switch {
				case tree.refused && (wantErr == nil || err == nil):
					t.Fatalf("the controller says %v, we say %v, want two refusals", wantErr, err)
				case wantErr != nil && err != nil:
					refusedByBoth++
					return
				case err != nil && len(want) == 0 && strings.Contains(err.Error(), "renders to no objects"):
					return // listed: nothing is not an answer
				case (err == nil) != (wantErr == nil):
					t.Fatalf("the controller says %v, we say %v", wantErr, err)
				}
				compared++
				compareFlux(t, withoutOrigins(want), got.Objects)
			})
		}
	}
	t.Logf("%d renderings equal, %d refused by both", compared, refusedByBoth)
	if compared < 200 {
		t.Errorf("%d renderings were compared, want 200 at least", compared)
	}
}

// withoutOrigins leaves out what is listed: the annotation that the controller
// asks kustomize for where a kustomization has no resources. The Kustomization
// that consumes what is published takes it away.
func withoutOrigins(objects []map[string]any) []map[string]any {
	for _, fields := range objects {
		object := unstructured.Unstructured{Object: fields}
		annotations := object.GetAnnotations()
		if _, has := annotations["config.kubernetes.io/origin"]; !has {
			continue
		}
		delete(annotations, "config.kubernetes.io/origin")
		if object.SetAnnotations(annotations); len(annotations) == 0 {
			unstructured.RemoveNestedField(fields, "metadata", "annotations")
		}
	}
	return objects
}

func compareFlux(t *testing.T, want []map[string]any, got []plugin.Object) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("the controller has %d objects, the renderer %d", len(want), len(got))
	}
	for i := range want {
		if !reflect.DeepEqual(want[i], got[i].Fields) {
			t.Errorf("object %d differs:\n controller %v\n renderer   %v", i, want[i], got[i].Fields)
		}
	}
}
