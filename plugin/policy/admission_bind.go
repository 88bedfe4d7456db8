package policy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// bind pairs the gate's policies with their bindings and params.
func (c *Compiler) bind(config Config, own []ownPolicies) ([]boundPolicy, []plugin.Finding, error) {
	files, err := readAdmission(config.Documents)
	if err != nil {
		return nil, nil, err
	}
	judge := config.Gate.Spec.Judge
	problems := append(checkStatic(files), unknownPolicies(judge.Policies, policyNames(files, own)))
	bindings := map[string][]bindingFile{}
	for _, binding := range files.bindings {
		problems = append(problems, checkBinding(binding, judge.TrustObjectLabels))
		bindings[binding.Spec.PolicyName] = append(bindings[binding.Spec.PolicyName], binding)
	}
	warnings := append(bindingWarnings(files), resourceNameWarnings(files)...)
	var bound []boundPolicy
	for _, file := range files.policies {
		if len(judge.Policies) > 0 && !slices.Contains(judge.Policies, file.Name) {
			continue
		}
		policy := boundPolicy{rule: ownPolicyRule(file), bindings: bindings[file.Name]}
		policy.admissionPolicy, err = c.policy(file, judge.TrustObjectLabels)
		problems = append(problems, err)
		policy.params, err = newPolicyParams(file.Spec.ParamKind, files.params)
		problems = append(problems, err)
		for _, binding := range policy.bindings {
			problems = append(problems, policy.params.check(binding))
		}
		if errors.Join(problems...) == nil && len(policy.bindings) > 0 {
			bound = append(bound, policy)
			warnings = append(warnings, policy.paramWarnings()...)
			warnings = append(warnings, policy.optOuts()...)
		}
	}
	return bound, warnings, errors.Join(problems...)
}

func (b boundPolicy) paramWarnings() []plugin.Finding {
	var warnings []plugin.Finding
	for _, binding := range b.bindings {
		warnings = append(warnings, b.params.warnings(binding)...)
	}
	return warnings
}

// policy checks and compiles a policy, or takes it from an earlier gate.
func (c *Compiler) policy(file policyFile, trustLabels bool) (*admissionPolicy, error) {
	if err := checkPolicy(file, trustLabels); err != nil {
		return nil, err
	}
	compiled := c.policies[file.raw]
	if compiled == nil {
		compiled = newAdmissionPolicy(file)
		if err := c.compilePolicy(compiled); err != nil {
			return nil, err
		}
		c.policies[file.raw] = compiled
	}
	for i, refs := range compiled.conditionRefs {
		if refs.variables {
			return nil, refuse(file.at, "policy %q: matchCondition %q reads variables, which the API server refuses; write the expression out", file.Name, file.Spec.MatchConditions[i].Name)
		}
		if refs.objectLabels && !trustLabels {
			return nil, refuse(file.at, "policy %q: matchCondition %q reads labels that the application writes, so the application could leave the policy; "+
				"move it into a validation, or set spec.judge.trustObjectLabels in the gate", file.Name, file.Spec.MatchConditions[i].Name)
		}
	}
	return compiled, nil
}

func bindingWarnings(files admissionFiles) []plugin.Finding {
	var warnings []plugin.Finding
	policies, bindings := map[string]bool{}, map[string]bool{}
	for _, file := range files.policies {
		policies[file.Name] = true
	}
	for _, file := range files.bindings {
		bindings[file.Spec.PolicyName] = true
		if !policies[file.Spec.PolicyName] {
			warnings = append(warnings, plugin.Finding{
				Rule: ruleBindingWithoutPolicy, Level: plugin.Warn, Origin: file.at,
				Message: fmt.Sprintf("binding %q names policy %q, which the configuration does not hold", file.Name, file.Spec.PolicyName),
				Hint:    "add the policy's file, or remove the binding",
			})
		}
	}
	for _, file := range files.policies {
		if !bindings[file.Name] {
			warnings = append(warnings, plugin.Finding{
				Rule: rulePolicyWithoutBinding, Level: plugin.Warn, Origin: file.at,
				Message: fmt.Sprintf("policy %q has no binding, so it is not in force, as in the cluster", file.Name),
				Hint:    "add a ValidatingAdmissionPolicyBinding, or remove the policy",
			})
		}
	}
	return warnings
}

// ownPolicyRule is the page of a policy that the platform team wrote.
func ownPolicyRule(file policyFile) Rule {
	return Rule{
		ID: policyRule + file.Name, Title: file.Name, Adjustable: true,
		Why: file.Annotations["description"], Fix: "change the object so that the policy " + file.Name + " accepts it",
	}
}
