package policy

import (
	"cmp"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/common"
	"k8s.io/apiserver/pkg/cel/openapi"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"github.com/assay-gitops/assay/plugin/apiserver"
)

// typesMost is how many kinds a policy is checked against at most
// (k8s.io/apiserver pkg/admission/plugin/policy/validating, maxTypesToCheck).
const typesMost = 10

// typeKinds are the kinds that the API server serves and the gate's own
// definitions. It is made for one run of checks and unpacks nothing until it is
// asked.
type typeKinds struct {
	given map[schema.GroupKind]*customDefinition
}

func knownKinds(given map[schema.GroupKind]*customDefinition) typeKinds {
	return typeKinds{given: given}
}

// matched are the kinds that rules name, sorted; a rule with a wildcard for its
// groups or versions names none, and so does a resource with one, or a
// subresource.
func (k typeKinds) matched(match *admissionv1.MatchResources) []schema.GroupVersionKind {
	var kinds []schema.GroupVersionKind
	if match == nil {
		return nil
	}
	for _, rule := range match.ResourceRules {
		found := 0
		for _, resource := range namedResources(rule.Rule) {
			for _, kind := range k.of(resource) {
				if !slices.Contains(kinds, kind) {
					kinds = append(kinds, kind)
				}
				if found++; found == typesMost { // the API server looks at no further rule then
					return sortKinds(kinds)
				}
			}
		}
	}
	return sortKinds(kinds)
}

// namedResources are those that a rule writes out, in the order in which the
// API server looks them up.
func namedResources(rule admissionv1.Rule) []schema.GroupVersionResource {
	wild := func(text string) bool { return strings.Contains(text, "*") }
	if slices.ContainsFunc(rule.APIGroups, wild) || slices.ContainsFunc(rule.APIVersions, wild) {
		return nil
	}
	var named []schema.GroupVersionResource
	for _, group := range slices.Sorted(slices.Values(rule.APIGroups)) {
		for _, version := range slices.Sorted(slices.Values(rule.APIVersions)) {
			for _, resource := range slices.Sorted(slices.Values(rule.Resources)) {
				if !strings.ContainsAny(resource, "*/") {
					named = append(named, schema.GroupVersionResource{Group: group, Version: version, Resource: strings.ToLower(resource)})
				}
			}
		}
	}
	return named
}

// of are the kinds of a resource, by its plural or its singular. The core group
// stands for every group, as in the RESTMapper that the API server's controller
// asks: events of v1 are those of events.k8s.io too.
func (k typeKinds) of(resource schema.GroupVersionResource) []schema.GroupVersionKind {
	var kinds []schema.GroupVersionKind
	asked := func(group, version string) bool {
		return version == resource.Version && (group == resource.Group || resource.Group == "")
	}
	for kind := range apiserver.BuiltinSchemas().Kinds {
		named := resource.Resource == strings.ToLower(kind.Kind) || resource.Resource == apiserver.PluralOf(kind)
		if asked(kind.Group, kind.Version) && named && slices.Contains(apiserver.ServedVersions(kind.Group), kind.Version) && !noResource(kind) {
			kinds = append(kinds, kind)
		}
	}
	for of, definition := range k.given {
		named := resource.Resource == definition.plural || resource.Resource == definition.singular
		if asked(of.Group, resource.Version) && named && definition.versions[resource.Version] != nil {
			kinds = append(kinds, of.WithVersion(resource.Version))
		}
	}
	return sortKinds(kinds)
}

// noResource reports whether the kind is that of a subresource or of an answer
// alone: no resource is named after it.
func noResource(kind schema.GroupVersionKind) bool {
	switch kind.GroupKind() {
	case schema.GroupKind{Group: "autoscaling", Kind: "Scale"}, schema.GroupKind{Group: "authentication.k8s.io", Kind: "TokenRequest"},
		schema.GroupKind{Group: "policy", Kind: "Eviction"}, schema.GroupKind{Kind: "Status"}:
		return true
	}
	return false
}

func sortKinds(kinds []schema.GroupVersionKind) []schema.GroupVersionKind {
	slices.SortFunc(kinds, func(a, b schema.GroupVersionKind) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Kind, b.Kind))
	})
	return kinds
}

// declared is the type of a kind under a name for the compiler; nil without a
// schema.
func (k typeKinds) declared(kind schema.GroupVersionKind, name string) *apiservercel.DeclType {
	var known *spec.Schema
	if reference := apiserver.BuiltinSchemas().Kind(kind); reference != "" {
		known = builtinType(reference)
	} else if definition := k.given[kind.GroupKind()]; definition != nil && definition.versions[kind.Version] != nil {
		known = customType(definition.versions[kind.Version])
	}
	if known == nil {
		return nil
	}
	declared := common.SchemaDeclType(&openapi.Schema{Schema: known}, true)
	if declared == nil {
		return nil
	}
	return declared.MaybeAssignTypeName(name)
}

// builtinType is a built-in schema with everything that it refers to in it.
// What only estimates of costs read is left out.
func builtinType(name string) *spec.Schema {
	return typePopulation{}.schema(&apiserver.OpenSchema{Ref: name})
}

// typePopulation are the references that lead to a place: one that leads back
// is an object without fields.
type typePopulation map[string]bool

func (p typePopulation) schema(open *apiserver.OpenSchema) *spec.Schema {
	if reference := referenceOf(open); reference != "" {
		resolved := apiserver.BuiltinSchemas().Schema(reference)
		if p[reference] || resolved == nil {
			return &spec.Schema{SchemaProps: spec.SchemaProps{Type: spec.StringOrArray{"object"}}}
		}
		p[reference] = true
		defer delete(p, reference)
		open = resolved
	}
	full := &spec.Schema{SchemaProps: spec.SchemaProps{Format: open.Format}}
	if open.Type != "" {
		full.Type = spec.StringOrArray{open.Type}
	}
	for name, property := range open.Properties {
		full.SetProperty(name, *p.schema(property))
	}
	if open.AdditionalProperties != nil {
		full.AdditionalProperties = &spec.SchemaOrBool{Allows: true, Schema: p.schema(open.AdditionalProperties)}
	}
	if open.Items != nil {
		full.Items = &spec.SchemaOrArray{Schema: p.schema(open.Items)}
	}
	return full
}

// referenceOf is the schema that stands in a place; a reference with a
// description is wrapped in allOf.
func referenceOf(open *apiserver.OpenSchema) string {
	if open.Ref != "" {
		return open.Ref
	}
	for _, each := range open.AllOf {
		if reference := referenceOf(each); reference != "" {
			return reference
		}
	}
	return ""
}

// customType is the schema of a definition's version as the API server
// publishes it.
func customType(version *customVersion) *spec.Schema {
	return apiserver.CustomSchema(version.structural, *builtinType(apiserver.ObjectMetaSchema))
}
