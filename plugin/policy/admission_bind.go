package policy

import (
	"errors"
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

// bind pairs the gate's policies with their bindings and params.
func (c *Compiler) bind(config Config, own []ownPolicies) ([]boundPolicy, []plugin.Finding, error) {
	files, err := readAdmission(config.Documents)
	if err != nil {
		return nil, nil, err
	}
	judge := config.Gate.Spec.Judge
	heads, heldBindings := files.heads()
	problems := append(apiserver.CheckStatic(heads, heldBindings), unknownPolicies(judge.Policies, policyNames(files, own)))
	bindings := map[string][]bindingFile{}
	for _, binding := range files.bindings {
		problems = append(problems, checkBinding(binding, judge.TrustObjectLabels))
		bindings[binding.Spec.PolicyName] = append(bindings[binding.Spec.PolicyName], binding)
	}
	warnings := append(apiserver.Unbound(heads, heldBindings), apiserver.ResourceNameWarnings(heads, heldBindings)...)
	var bound []boundPolicy
	for _, file := range files.policies {
		if len(judge.Policies) > 0 && !slices.Contains(judge.Policies, file.Name) {
			continue
		}
		policy := boundPolicy{rule: ownPolicyRule(file), bindings: bindings[file.Name]}
		policy.admissionPolicy, err = c.policy(file, judge.TrustObjectLabels)
		problems = append(problems, err)
		policy.params, err = apiserver.NewParams(file.Spec.ParamKind, files.params)
		problems = append(problems, err)
		for _, binding := range policy.bindings {
			problems = append(problems, policy.params.Check(binding.head()))
		}
		if errors.Join(problems...) == nil && len(policy.bindings) > 0 {
			bound = append(bound, policy)
			warnings = append(warnings, policy.paramWarnings()...)
			warnings = append(warnings, apiserver.OptOuts(policy.file.head(), policy.conditionRefs, policy.bindingHeads())...)
		}
	}
	return bound, warnings, errors.Join(problems...)
}

func (b boundPolicy) paramWarnings() []plugin.Finding {
	var warnings []plugin.Finding
	for _, binding := range b.bindingHeads() {
		warnings = append(warnings, b.params.Warnings(binding)...)
	}
	return warnings
}

func (b boundPolicy) bindingHeads() []apiserver.Binding {
	var heads []apiserver.Binding
	for _, binding := range b.bindings {
		heads = append(heads, binding.head())
	}
	return heads
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
	if err := file.head().CheckConditions(compiled.conditionRefs, trustLabels); err != nil {
		return nil, err
	}
	return compiled, nil
}

// ownPolicyRule is the page of a policy that the platform team wrote.
func ownPolicyRule(file policyFile) Rule {
	return Rule{
		ID: policyRule + file.Name, Title: file.Name, Adjustable: true,
		Why: file.Annotations["description"], Fix: "change the object so that the policy " + file.Name + " accepts it",
	}
}
