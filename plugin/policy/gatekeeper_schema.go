package policy

import (
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	structuraldefaulting "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/assay-gitops/assay/plugin/apiserver"
)

// parameterSchema is what a template says of its constraints' parameters, by
// the API server's own code for custom resources.
type parameterSchema struct {
	structural *structuralschema.Structural
	validator  validation.SchemaValidator
}

// newParameterSchema reads the schema. A template without one takes no
// parameters, unless legacySchema takes any.
func newParameterSchema(file templateFile) (*parameterSchema, error) {
	written, legacy := &apiextensionsv1.JSONSchemaProps{Type: "object"}, strings.HasSuffix(file.APIVersion, "/v1beta1")
	if given := file.Spec.CRD.Spec.Validation; given != nil {
		if given.OpenAPIV3Schema != nil {
			written = given.OpenAPIV3Schema
		}
		if given.LegacySchema != nil {
			legacy = *given.LegacySchema
		}
	}
	if legacy {
		keepUnknown(written)
	}
	written = &apiextensionsv1.JSONSchemaProps{Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{"parameters": *written}}
	var schema apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(written, &schema, nil); err != nil {
		return nil, apiserver.Refuse(file.at, "template %q: reading openAPIV3Schema: %v", file.Name, err)
	}
	structural, err := structuralschema.NewStructural(&schema)
	if err != nil {
		return nil, apiserver.Refuse(file.at, "template %q: openAPIV3Schema is not structural: %v", file.Name, err)
	}
	if problems := structuralschema.ValidateStructural(field.NewPath("spec"), structural); len(problems) > 0 {
		return nil, apiserver.Refuse(file.at, "template %q: its schema is not structural, so the API server would refuse it: %s", file.Name, oneLine(problems.ToAggregate().Error()))
	}
	validator, _, err := validation.NewSchemaValidator(&schema)
	if err != nil {
		return nil, apiserver.Refuse(file.at, "template %q: reading openAPIV3Schema: %v", file.Name, err)
	}
	return &parameterSchema{structural: structural, validator: validator}, nil
}

// keepUnknown lets every object hold fields that the schema does not name, as
// legacySchema does.
func keepUnknown(schema *apiextensionsv1.JSONSchemaProps) {
	yes := true
	switch schema.Type {
	case "", "object":
		schema.XPreserveUnknownFields = &yes
	case "array":
		if schema.Items == nil || schema.Items.Schema == nil {
			schema.Items = &apiextensionsv1.JSONSchemaPropsOrArray{Schema: &apiextensionsv1.JSONSchemaProps{XPreserveUnknownFields: &yes}}
		}
	}
	for name, property := range schema.Properties {
		keepUnknown(&property)
		schema.Properties[name] = property
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		keepUnknown(schema.Items.Schema)
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		keepUnknown(schema.AdditionalProperties.Schema)
	}
}

// read fills in defaults and refuses what the schema does not allow. The
// parameters of the file become those that the API server would store.
func (s *parameterSchema) read(file *constraintFile) error {
	if file.Spec.Parameters == nil {
		file.Spec.Parameters = map[string]any{}
	}
	spec := map[string]any{"parameters": file.Spec.Parameters}
	options := structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true, ParentPath: []string{"spec"}}
	var wrong []string
	for _, unknown := range pruning.PruneWithOptions(spec, s.structural, false, options) {
		wrong = append(wrong, unknown+": the template's schema does not know this field")
	}
	structuraldefaulting.Default(spec, s.structural)
	for _, problem := range validation.ValidateCustomResource(field.NewPath("spec"), spec, s.validator) {
		wrong = append(wrong, problem.Error())
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return apiserver.Refuse(file.at, "constraint %s: %s", file.id(), strings.Join(wrong, "; "))
	}
	return nil
}
