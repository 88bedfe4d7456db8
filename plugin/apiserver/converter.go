package apiserver

import (
	"encoding/json"
	"fmt"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// ObjectMetaSchema is the metadata of every object.
const ObjectMetaSchema = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

// BuiltinConverter knows how values of one of the API server's own kinds are
// merged, from the schemas that it publishes, as its own does
// (k8s.io/apiserver pkg/admission/plugin/policy/mutating/patch).
func BuiltinConverter(kind schema.GroupVersionKind) (managedfields.TypeConverter, error) {
	table := BuiltinSchemas()
	name := table.Kind(kind)
	if name == "" {
		return nil, fmt.Errorf("looking for the schema of %s: Kubernetes %s has none", kind, KubernetesVersion())
	}
	models := map[string]*spec.Schema{}
	if err := table.model(name, models); err != nil {
		return nil, err
	}
	return newConverter(kind, models[name], models)
}

// CustomConverter is that of a custom resource.
func CustomConverter(kind schema.GroupVersionKind, structural *structuralschema.Structural) (managedfields.TypeConverter, error) {
	models := map[string]*spec.Schema{}
	if err := BuiltinSchemas().model(ObjectMetaSchema, models); err != nil {
		return nil, err
	}
	root := CustomSchema(structural, spec.Schema{SchemaProps: spec.SchemaProps{Ref: spec.MustCreateRef(ObjectMetaSchema)}})
	models[kind.String()] = root
	return newConverter(kind, root, models)
}

func newConverter(kind schema.GroupVersionKind, root *spec.Schema, models map[string]*spec.Schema) (managedfields.TypeConverter, error) {
	root.AddExtension("x-kubernetes-group-version-kind", []any{map[string]any{"group": kind.Group, "version": kind.Version, "kind": kind.Kind}})
	converter, err := managedfields.NewTypeConverter(models, false)
	if err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", kind, err)
	}
	return converter, nil
}

// model adds a schema and all that it refers to.
func (t *SchemaTable) model(name string, models map[string]*spec.Schema) error {
	if models[name] != nil {
		return nil
	}
	model := &spec.Schema{}
	if err := json.Unmarshal([]byte(t.texts[name]), model); err != nil {
		return fmt.Errorf("reading the built-in schema %q: %w", name, err) // a test reads all of them
	}
	models[name] = model
	for _, reference := range t.Schema(name).references() {
		if err := t.model(reference, models); err != nil {
			return err
		}
	}
	return nil
}

// references are the names of the schemas that the schema refers to.
func (s *OpenSchema) references() []string {
	if s == nil {
		return nil
	}
	var names []string
	if s.Ref != "" {
		names = append(names, s.Ref)
	}
	inner := append(append([]*OpenSchema{s.Items, s.AdditionalProperties}, s.AllOf...), s.OneOf...)
	for _, property := range s.Properties {
		inner = append(inner, property)
	}
	for _, each := range inner {
		names = append(names, each.references()...)
	}
	return names
}

// CustomSchema is the schema of a definition's version as the API server
// publishes it: with the fields that every object has. metadata is the schema of
// that field.
func CustomSchema(structural *structuralschema.Structural, metadata spec.Schema) *spec.Schema {
	full := structural.ToKubeOpenAPI()
	withObjectFields(full, metadata)
	embeddedFields(full, metadata)
	return full
}

func withObjectFields(full *spec.Schema, metadata spec.Schema) {
	full.SetProperty("metadata", metadata)
	full.SetProperty("apiVersion", *spec.StringProperty())
	full.SetProperty("kind", *spec.StringProperty())
}

// embeddedFields does the same for objects in the object
// (x-kubernetes-embedded-resource).
func embeddedFields(full *spec.Schema, metadata spec.Schema) {
	if full == nil {
		return
	}
	for name, property := range full.Properties {
		embeddedFields(&property, metadata)
		full.Properties[name] = property
	}
	if full.Items != nil {
		embeddedFields(full.Items.Schema, metadata)
	}
	if full.AdditionalProperties != nil {
		embeddedFields(full.AdditionalProperties.Schema, metadata)
	}
	if embedded, is := full.Extensions.GetBool("x-kubernetes-embedded-resource"); is && embedded {
		withObjectFields(full, metadata)
	}
}
