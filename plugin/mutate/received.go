package mutate

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	schemadefaulting "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "k8s.io/apimachinery/pkg/util/json"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

// reading is how objects of one kind, in one place, become what mutating
// admission sees.
type reading struct {
	kind  schema.GroupVersionKind
	place apiserver.Place
	// custom is set for a custom resource with a definition.
	custom   *customKind
	defaults apiserver.Defaulting
	source   plugin.Source
}

// receive decodes a copy of the fields, with defaults, in its namespace. Strict
// decoding errors are the judge's business.
func (r reading) receive(fields map[string]any) (runtime.Object, error) {
	object, err := apiserver.Decode(r.kind, plugin.Object{Fields: fields}.DeepCopy().Fields)
	if object == nil {
		return nil, fmt.Errorf("reading %s: %w", r.kind.Kind, err)
	}
	r.fillIn(object)
	written := plugin.Object{Fields: fields}.ID().Namespace
	if namespace := apiserver.EffectiveNamespace(written, r.source); r.place.Namespaced && written == "" && namespace != "" {
		object = apiserver.InNamespace(object, namespace)
	}
	if secret, ok := object.(*corev1.Secret); ok {
		apiserver.StoreStrings(secret)
	}
	r.admit(object)
	return object, nil
}

// fillIn fills in the defaults, in place.
func (r reading) fillIn(object runtime.Object) {
	if custom, ok := object.(*unstructured.Unstructured); ok {
		if r.custom != nil {
			schemadefaulting.Default(custom.Object, r.custom.structural)
		}
		return
	}
	r.defaults.Object(object)
}

// admit does what the API server's own mutating plugins do before policies are
// asked, in place.
func (r reading) admit(object runtime.Object) {
	if pod, ok := object.(*corev1.Pod); ok {
		apiserver.AdmitPod(&pod.Spec)
	}
}

// equal compares two objects as the API server does.
func equal(a, b runtime.Object) bool { return apiequality.Semantic.DeepEqual(a, b) }

// fieldsOf are an object's fields in JSON's types. They may be shared with it.
func fieldsOf(object runtime.Object) (map[string]any, error) {
	if custom, ok := object.(*unstructured.Unstructured); ok {
		return custom.Object, nil
	}
	return runtime.DefaultUnstructuredConverter.ToUnstructured(object)
}

// plainJSON has no type but JSON's: expressions make others.
func plainJSON(fields map[string]any) (map[string]any, error) {
	encoded, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	var plain map[string]any
	return plain, kjson.Unmarshal(encoded, &plain)
}

// withoutStrings takes out of a Secret's stringData, in place, what would write
// over a change of its data: the API server stores one as the other, and
// stringData wins.
func withoutStrings(authored map[string]any, current runtime.Object) {
	secret, ok := current.(*corev1.Secret)
	written, _ := authored["stringData"].(map[string]any)
	if !ok || written == nil {
		return
	}
	left := map[string]any{}
	for key, text := range written {
		if text, ok := text.(string); ok && string(secret.Data[key]) == text && secret.Data[key] != nil {
			left[key] = text
		}
	}
	if authored["stringData"] = left; len(left) == 0 {
		delete(authored, "stringData")
	}
}
