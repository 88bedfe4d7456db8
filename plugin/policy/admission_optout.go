package policy

import (
	"fmt"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

// optOuts says by which of its parts an application can leave the policy: what
// reads labels that the application writes. Such a policy is refused unless the
// gate sets trustObjectLabels; then it is admission's verdict alone that a label
// can change, as in the cluster, and each part is told. The gate's minimum
// (judge.podSecurity, packs, self) reads no label.
func (b boundPolicy) optOuts() []plugin.Finding {
	var warnings []plugin.Finding
	warn := func(at plugin.Origin, who, part string) {
		warnings = append(warnings, plugin.Finding{
			Rule: ruleOptOut, Level: plugin.Warn, Origin: at,
			Message: fmt.Sprintf("%s: %s reads labels that the application writes, so the application can leave the policy", who, part),
			Hint:    "select by namespace, or put a rule that everybody has to keep into a policy without it",
		})
	}
	policy := fmt.Sprintf("policy %q", b.file.Name)
	if b.match != nil && !apiserver.EmptySelector(b.match.ObjectSelector) {
		warn(b.file.at, policy, "objectSelector")
	}
	for i, refs := range b.conditionRefs {
		if refs.ObjectLabels {
			warn(b.file.at, policy, fmt.Sprintf("matchCondition %q", b.file.Spec.MatchConditions[i].Name))
		}
	}
	for _, binding := range b.bindings {
		if match := binding.Spec.MatchResources; match != nil && !apiserver.EmptySelector(match.ObjectSelector) {
			warn(binding.at, fmt.Sprintf("binding %q", binding.Name), "objectSelector")
		}
	}
	return warnings
}
