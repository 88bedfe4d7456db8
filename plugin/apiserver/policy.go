package apiserver

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/assay-gitops/assay/plugin"
)

// The rules about policies and bindings of either kind, validating and
// mutating.
const (
	RuleBindingWithoutPolicy = "gate/binding-without-policy"
	RulePolicyWithoutBinding = "gate/policy-without-binding"
	RuleParams               = "gate/params"
	RuleUpdatesAlone         = "gate/updates-alone"
	RuleResourceName         = "gate/resource-name"
	RuleOptOut               = "gate/opt-out-by-label"
)

// Policy is what a ValidatingAdmissionPolicy and a MutatingAdmissionPolicy have
// in common, and where it was read.
type Policy struct {
	Kind, Name    string
	At            plugin.Origin
	ParamKind     *admissionv1.ParamKind
	Match         *admissionv1.MatchResources
	FailurePolicy *admissionv1.FailurePolicyType
	Variables     []admissionv1.Variable
	Conditions    []admissionv1.MatchCondition
}

// Binding is what the bindings of both kinds have in common.
type Binding struct {
	Name, PolicyName string
	At               plugin.Origin
	ParamRef         *admissionv1.ParamRef
	Match            *admissionv1.MatchResources
}

// Check refuses what the API server refuses, what is not implemented, and what
// would mean less than the policy's author may think. trustLabels is the gate's
// trustObjectLabels.
func (p Policy) Check(trustLabels bool) []error {
	var problems []error
	if kind := p.ParamKind; kind != nil && (kind.APIVersion == "" || kind.Kind == "") {
		problems = append(problems, Refuse(p.At, "policy %q: spec.paramKind needs an apiVersion and a kind", p.Name))
	}
	if p.Match == nil || len(p.Match.ResourceRules) == 0 {
		problems = append(problems, Refuse(p.At, "policy %q has no matchConstraints.resourceRules, so it would match nothing; add one", p.Name))
	}
	if policy := p.FailurePolicy; policy != nil && *policy != admissionv1.Fail && *policy != admissionv1.Ignore {
		problems = append(problems, Refuse(p.At, "policy %q: failurePolicy %q is neither Fail nor Ignore", p.Name, *policy))
	}
	problems = append(problems, p.checkNames()...)
	return append(problems, Match{"policy " + p.Name, p.At, p.Match}.Check(trustLabels))
}

// Check is that of a binding: its match alone, as the params are checked beside
// the policy ([Params.Check]).
func (b Binding) Check(trustLabels bool) error {
	return Match{"binding " + b.Name, b.At, b.Match}.Check(trustLabels)
}

// Match is what a policy or a binding is about, with its name for messages.
type Match struct {
	Who       string
	At        plugin.Origin
	Resources *admissionv1.MatchResources
}

// Check refuses selectors that cannot be read, and those by labels that the
// application writes unless the gate trusts them.
func (m Match) Check(trustLabels bool) error {
	match := m.Resources
	if match == nil {
		return nil
	}
	var problems []error
	if !EmptySelector(match.ObjectSelector) && !trustLabels {
		problems = append(problems, Refuse(m.At, "%s: objectSelector reads labels that the application writes, so the application could leave the policy; "+
			"select by namespace, or set spec.judge.trustObjectLabels in the gate", m.Who))
	}
	for field, selector := range map[string]*metav1.LabelSelector{"objectSelector": match.ObjectSelector, "namespaceSelector": match.NamespaceSelector} {
		if selector == nil {
			continue
		}
		if _, err := metav1.LabelSelectorAsSelector(selector); err != nil {
			problems = append(problems, Refuse(m.At, "%s: reading %s: %v", m.Who, field, err))
		}
	}
	if policy := match.MatchPolicy; policy != nil && *policy != admissionv1.Exact && *policy != admissionv1.Equivalent {
		problems = append(problems, Refuse(m.At, "%s: matchPolicy %q is neither Exact nor Equivalent", m.Who, *policy))
	}
	for _, rule := range append(slices.Clone(match.ResourceRules), match.ExcludeResourceRules...) {
		if scope := rule.Scope; scope != nil && !slices.Contains([]admissionv1.ScopeType{admissionv1.AllScopes, admissionv1.ClusterScope, admissionv1.NamespacedScope}, *scope) {
			problems = append(problems, Refuse(m.At, "%s: scope %q is none of *, Cluster, Namespaced", m.Who, *scope))
		}
		if len(rule.Operations) == 0 || len(rule.APIGroups) == 0 || len(rule.APIVersions) == 0 || len(rule.Resources) == 0 {
			problems = append(problems, Refuse(m.At, "%s: a resource rule needs operations, apiGroups, apiVersions and resources", m.Who))
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(problems...)
}

// EmptySelector reports whether a selector chooses everything.
func EmptySelector(selector *metav1.LabelSelector) bool {
	return selector == nil || len(selector.MatchLabels) == 0 && len(selector.MatchExpressions) == 0
}

// Unbound warns about bindings without their policy, and policies that no
// binding puts in force.
func Unbound(policies []Policy, bindings []Binding) []plugin.Finding {
	var warnings []plugin.Finding
	named, bound := map[string]bool{}, map[string]bool{}
	for _, policy := range policies {
		named[policy.Name] = true
	}
	for _, binding := range bindings {
		bound[binding.PolicyName] = true
		if !named[binding.PolicyName] {
			warnings = append(warnings, plugin.Finding{
				Rule: RuleBindingWithoutPolicy, Level: plugin.Warn, Origin: binding.At,
				Message: fmt.Sprintf("binding %q names policy %q, which the configuration does not hold", binding.Name, binding.PolicyName),
				Hint:    "add the policy's file, or remove the binding",
			})
		}
	}
	for _, policy := range policies {
		if !bound[policy.Name] {
			warnings = append(warnings, plugin.Finding{
				Rule: RulePolicyWithoutBinding, Level: plugin.Warn, Origin: policy.At,
				Message: fmt.Sprintf("policy %q has no binding, so it is not in force, as in the cluster", policy.Name),
				Hint:    fmt.Sprintf("add a %sBinding, or remove the policy", policy.Kind),
			})
		}
	}
	return warnings
}
