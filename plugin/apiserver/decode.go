package apiserver

import (
	"errors"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	kjson "sigs.k8s.io/json"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// Decode reads the object into the API's own type; custom resources stay as
// they are. A nil object cannot be read at all. An error beside an object is a
// strict decoding error: what the API server would drop.
func Decode(kind schema.GroupVersionKind, fields map[string]any) (runtime.Object, error) {
	if !scheme.Scheme.Recognizes(kind) {
		return &unstructured.Unstructured{Object: fields}, nil
	}
	typed, err := scheme.Scheme.New(kind)
	if err != nil {
		return nil, fmt.Errorf("decoding %s: %w", kind, err)
	}
	err = runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(fields, typed, true)
	if err != nil && !runtime.IsStrictDecodingError(err) {
		return nil, err
	}
	return typed, err
}

// EffectiveNamespace is where an object without a namespace of its own goes.
func EffectiveNamespace(written string, source plugin.Source) string {
	if written != "" {
		return written
	}
	return source.Application.Namespace
}

// InNamespace is the object with a namespace, as admission sees it. Typed
// objects are changed in place; of others it is a copy, as they share the
// rendering's fields.
func InNamespace(object runtime.Object, namespace string) runtime.Object {
	if custom, ok := object.(*unstructured.Unstructured); ok {
		fields := maps.Clone(custom.Object)
		metadata := maps.Clone(mapAt(fields, "metadata"))
		if metadata == nil {
			metadata = map[string]any{}
		}
		metadata["namespace"], fields["metadata"] = namespace, metadata
		return &unstructured.Unstructured{Object: fields}
	}
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetNamespace(namespace)
	}
	return object
}

// Namespaces are the namespaces that a gate describes, by name, with the label
// that the API server gives each.
func Namespaces(described []gate.Namespace) map[string]*corev1.Namespace {
	namespaces := map[string]*corev1.Namespace{}
	for _, namespace := range described {
		labels := map[string]string{corev1.LabelMetadataName: namespace.Name}
		maps.Copy(labels, namespace.Labels)
		namespaces[namespace.Name] = &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace.Name, Labels: labels}}
	}
	return namespaces
}

// DecodeStrictly refuses unknown and duplicate fields, as the API server does
// under strict field validation.
func DecodeStrictly(document gate.Document, into any) error {
	unknown, err := kjson.UnmarshalStrict(document.JSON, into)
	if err = errors.Join(append(unknown, err)...); err != nil {
		return Refuse(document.At, "reading %s %q: %v", document.Kind, document.Name, err)
	}
	return nil
}

// Refuse is an error about a line of the configuration.
func Refuse(at plugin.Origin, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if place := at.String(); place != "" {
		return errors.New(place + ": " + text)
	}
	return errors.New(text)
}
