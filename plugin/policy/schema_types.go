package policy

import (
	"slices"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// schemaTypes are those that a schema of a CustomResourceDefinition may name
// (k8s.io/apiextensions-apiserver pkg/apis/apiextensions/validation,
// openapiV3Types). A value of another type would be judged by nothing.
func schemaTypes() []string {
	return []string{"array", "boolean", "integer", "number", "object", "string"}
}

// unknownTypes are the places of a schema whose type there is not.
func unknownTypes(at *field.Path, s *structuralschema.Structural) field.ErrorList {
	var problems field.ErrorList
	if s.Type != "" && !slices.Contains(schemaTypes(), s.Type) {
		problems = append(problems, field.NotSupported(at.Child("type"), s.Type, schemaTypes()))
	}
	for _, name := range sortedKeys(s.Properties) {
		property := s.Properties[name]
		problems = append(problems, unknownTypes(at.Child("properties").Key(name), &property)...)
	}
	if s.Items != nil {
		problems = append(problems, unknownTypes(at.Child("items"), s.Items)...)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Structural != nil {
		problems = append(problems, unknownTypes(at.Child("additionalProperties"), s.AdditionalProperties.Structural)...)
	}
	return problems
}
