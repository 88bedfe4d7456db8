package apiserver

import (
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/assay-gitops/assay/plugin"
)

// ResourceNameWarnings are about rules that name a kind where a resource
// belongs. The API server takes them and matches nothing by them, so that a
// policy that everybody believes in force is not.
func ResourceNameWarnings(policies []Policy, bindings []Binding) []plugin.Finding {
	var matches []Match
	for _, policy := range policies {
		matches = append(matches, Match{fmt.Sprintf("policy %q", policy.Name), policy.At, policy.Match})
	}
	for _, binding := range bindings {
		matches = append(matches, Match{fmt.Sprintf("binding %q", binding.Name), binding.At, binding.Match})
	}
	var warnings []plugin.Finding
	for _, file := range matches {
		if file.Resources == nil {
			continue
		}
		var warned []string
		for _, rule := range append(slices.Clone(file.Resources.ResourceRules), file.Resources.ExcludeResourceRules...) {
			for _, named := range rule.Resources {
				meant, wrong := resourceMeant(rule, named)
				if !wrong || slices.Contains(warned, named) {
					continue
				}
				warned = append(warned, named)
				warnings = append(warnings, plugin.Finding{
					Rule: RuleResourceName, Level: plugin.Warn, Origin: file.At,
					Message: fmt.Sprintf("%s names the resource %q, which matches nothing", file.Who, named),
					Why:     "the API server compares the text with the name of the resource, not with the kind",
					Hint:    "resources are plural and lower case: " + meant,
				})
			}
		}
	}
	return warnings
}

// resourceMeant is the resource that a name stands for that is none: one with
// capitals, or the singular of a kind that the API server has in the group.
func resourceMeant(rule admissionv1.NamedRuleWithOperations, named string) (meant string, wrong bool) {
	base, sub, isSub := strings.Cut(named, "/")
	lower := strings.ToLower(base)
	meant = lower
	for kind := range scheme.Scheme.AllKnownTypes() {
		if kind.Version == "__internal" || !strings.EqualFold(kind.Kind, base) || !slices.Contains(rule.APIGroups, kind.Group) && !slices.Contains(rule.APIGroups, "*") {
			continue
		}
		meant = PluralOf(kind)
		wrong = true
		break
	}
	switch {
	case base != lower && !wrong:
		if !isResource(rule, lower) {
			meant = PluralOf(schema.GroupVersionKind{Kind: base})
		}
		wrong = true
	case base == meant:
		wrong = false
	}
	if isSub {
		meant += "/" + sub
	}
	return meant, wrong
}

// isResource reports whether the API server has a resource of that name.
func isResource(rule admissionv1.NamedRuleWithOperations, name string) bool {
	for kind := range scheme.Scheme.AllKnownTypes() {
		if (slices.Contains(rule.APIGroups, kind.Group) || slices.Contains(rule.APIGroups, "*")) && PluralOf(kind) == name {
			return true
		}
	}
	return false
}

// PluralOf is the resource of a kind.
func PluralOf(kind schema.GroupVersionKind) string {
	plural, _ := meta.UnsafeGuessKindToResource(kind)
	return plural.Resource
}
