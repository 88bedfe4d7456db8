package mutate

import (
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

// updatesAlone warns of what is about updates and no creation: here it never
// runs, as Git has one state, and in the cluster it changes what was handed on.
func (b *boundPolicy) updatesAlone() []plugin.Finding {
	var warnings []plugin.Finding
	warn := func(who string, at plugin.Origin, match *admissionv1.MatchResources) {
		if match == nil || len(match.ResourceRules) == 0 || slices.ContainsFunc(match.ResourceRules, creates) {
			return
		}
		warnings = append(warnings, plugin.Finding{
			Rule: apiserver.RuleUpdatesAlone, Level: plugin.Warn, Origin: at,
			Message: who + " is about updates alone, so it never runs here: objects are decided as at creation",
			Why:     "in the cluster it changes what was handed on, so the object there differs from Git",
			Hint:    "write operations: [CREATE, UPDATE]",
		})
	}
	warn(fmt.Sprintf("policy %q", b.file.Name), b.file.at, b.file.Spec.MatchConstraints)
	for _, binding := range b.bindings {
		warn(fmt.Sprintf("binding %q", binding.Name), binding.At, binding.Match)
	}
	return warnings
}

func creates(rule admissionv1.NamedRuleWithOperations) bool {
	return slices.Contains(rule.Operations, admissionv1.Create) || slices.Contains(rule.Operations, admissionv1.OperationAll)
}
