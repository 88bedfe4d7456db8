package live

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// kept are the members of metadata that an author writes.
func kept() []string { return []string{"name", "namespace", "labels", "annotations", "finalizers"} }

// added are annotations that tools write: kubectl apply's copy of what was
// applied, what Argo CD tracks an object by, and requests that are done once.
func added() []string {
	return []string{
		"kubectl.kubernetes.io/last-applied-configuration", "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/installation-id",
		"argocd.argoproj.io/refresh", "argocd.argoproj.io/hydrate",
	}
}

// written is an object as its author would have written it: without status and
// operation, and without what the API server and tools add.
func written(resource schema.GroupVersionResource, object *unstructured.Unstructured) (Object, error) {
	out := Object{Name: object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName(), Owner: owner(object), resource: resource, object: object}
	metadata, _, _ := unstructured.NestedMap(object.Object, "metadata") // the API server has no object without one
	for name := range metadata {
		if !slices.Contains(kept(), name) {
			delete(metadata, name)
		}
	}
	if annotations, has := metadata["annotations"].(map[string]any); has {
		for _, name := range added() {
			delete(annotations, name)
		}
		if len(annotations) == 0 {
			delete(metadata, "annotations")
		}
	}
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": object.GetAPIVersion(), "kind": object.GetKind(), "metadata": metadata, "spec": object.Object["spec"],
	})
	if err != nil {
		return out, fmt.Errorf("writing %s: %w", out.Name, err)
	}
	out.Text = text
	return out, nil
}

// owner is what made an object: the controller that owns it, or the Application
// that Argo CD tracks it for.
func owner(object *unstructured.Unstructured) string {
	for _, reference := range object.GetOwnerReferences() {
		if reference.Controller != nil && *reference.Controller {
			return reference.Kind + " " + object.GetNamespace() + "/" + reference.Name
		}
	}
	return ""
}

// Tracked is the Application that Argo CD keeps an object for: what is changed
// in the cluster alone, it takes back. Empty for none, or where Argo CD tracks by
// a label.
func (o Object) Tracked() string {
	id := o.object.GetAnnotations()["argocd.argoproj.io/tracking-id"]
	for i := range len(id) {
		if id[i] == ':' {
			return id[:i]
		}
	}
	return ""
}
