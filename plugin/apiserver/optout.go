package apiserver

import (
	"fmt"

	"github.com/assay-gitops/assay/plugin"
)

// CheckConditions refuses matchConditions that the API server refuses, and those
// by which an application could leave the policy. refs is what each reads.
func (p Policy) CheckConditions(refs []References, trustLabels bool) error {
	for i, each := range refs {
		if each.Variables {
			return Refuse(p.At, "policy %q: matchCondition %q reads variables, which the API server refuses; write the expression out", p.Name, p.Conditions[i].Name)
		}
		if each.ObjectLabels && !trustLabels {
			return Refuse(p.At, "policy %q: matchCondition %q reads labels that the application writes, so the application could leave the policy; "+
				"move it into the policy's other expressions, or set spec.judge.trustObjectLabels in the gate", p.Name, p.Conditions[i].Name)
		}
	}
	return nil
}

// OptOuts says by which of its parts an application can leave the policy: what
// reads labels that the application writes. Such a policy is refused unless the
// gate sets trustObjectLabels; then it is admission's answer alone that a label
// can change, as in the cluster, and each part is told. The gate's minimum
// (judge.podSecurity, packs, self) reads no label. refs is what each
// matchCondition reads.
func OptOuts(policy Policy, refs []References, bindings []Binding) []plugin.Finding {
	var warnings []plugin.Finding
	warn := func(at plugin.Origin, who, part string) {
		warnings = append(warnings, plugin.Finding{
			Rule: RuleOptOut, Level: plugin.Warn, Origin: at,
			Message: fmt.Sprintf("%s: %s reads labels that the application writes, so the application can leave the policy", who, part),
			Hint:    "select by namespace, or put a rule that everybody has to keep into a policy without it",
		})
	}
	who := fmt.Sprintf("policy %q", policy.Name)
	if policy.Match != nil && !EmptySelector(policy.Match.ObjectSelector) {
		warn(policy.At, who, "objectSelector")
	}
	for i, each := range refs {
		if each.ObjectLabels {
			warn(policy.At, who, fmt.Sprintf("matchCondition %q", policy.Conditions[i].Name))
		}
	}
	for _, binding := range bindings {
		if match := binding.Match; match != nil && !EmptySelector(match.ObjectSelector) {
			warn(binding.At, fmt.Sprintf("binding %q", binding.Name), "objectSelector")
		}
	}
	return warnings
}
