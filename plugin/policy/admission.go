package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apiserver/pkg/admission"

	"github.com/assay-gitops/assay/plugin"
)

// policyRule prefixes the rule id of a policy of the gate's own:
// policy/<metadata.name>.
const policyRule = "policy/"

// boundPolicy is a policy and the bindings that put it in force.
type boundPolicy struct {
	*admissionPolicy
	rule     Rule
	bindings []bindingFile
}

/*
admissionPolicies judges by ValidatingAdmissionPolicy (CEL), evaluated by the
API server's own code.

A sync creates or updates, so a policy is asked about both. What cannot be
known before the cluster is asked (authorizer, request.userInfo, oldObject, the
labels of a namespace that the gate does not describe) makes the answer
indeterminate, unless it would be the same either way. Policies that match Pods
are also asked about the Pods that workloads make.
*/
type admissionPolicies struct {
	policies    []boundPolicy
	trustLabels bool
	// indeterminate is the level of what cannot be decided.
	indeterminate plugin.Level
}

func (a *admissionPolicies) judge(ctx context.Context, v *view) []plugin.Finding {
	findings := make([][]plugin.Finding, len(v.subjects))
	sideBySide(len(v.subjects), func(s int) {
		if exempt(v.subjects[s]) || v.subjects[s].template.partial || ctx.Err() != nil {
			return
		}
		for i := range a.policies {
			findings[s] = append(findings[s], a.judgePlaces(ctx, v, v.subjects[s], &a.policies[i])...)
		}
	})
	return slices.Concat(findings...)
}

// judgePlaces asks one policy about the subject in every place that it may
// have.
func (a *admissionPolicies) judgePlaces(ctx context.Context, v *view, s *subject, policy *boundPolicy) []plugin.Finding {
	var findings []plugin.Finding
	for _, each := range append([]*subject{s}, s.others...) {
		if !policy.names(each.resource.Resource) {
			continue
		}
		if err := policy.ready(); err != nil {
			return []plugin.Finding{s.finding(policy.rule.ID, plugin.Deny, "the policy does not compile: "+err.Error())}
		}
		for _, finding := range a.judgeSubject(ctx, v, each, policy) {
			findings = appendNew(findings, finding)
		}
	}
	return findings
}

// ready compiles the policy, once, where loading the gate has not.
func (p *admissionPolicy) ready() error {
	if p.compile == nil {
		return nil
	}
	return p.compile()
}

// exempt reports whether admission never asks policies about the kind, as they
// could lock their own repair out (webhook/predicates/rules,
// IsExemptAdmissionConfigurationResource). The rule self/admission covers them.
func exempt(s *subject) bool {
	return s.kind.Group == "admissionregistration.k8s.io" &&
		(strings.HasSuffix(s.kind.Kind, "WebhookConfiguration") || strings.Contains(s.kind.Kind, "AdmissionPolicy"))
}

// judgeSubject asks one policy about a creation, and about an update where its
// answer could differ.
func (a *admissionPolicies) judgeSubject(ctx context.Context, v *view, s *subject, policy *boundPolicy) []plugin.Finding {
	var findings []plugin.Finding
	asked, failed := false, false
	for _, operation := range operations() {
		match := a.match(v, s, policy, operation)
		if !match.applies {
			continue
		}
		if operation == admission.Update && policy.readsOldObject {
			if !failed {
				match.unknown = append(match.unknown, "oldObject (the object as it is in the cluster)")
				findings = append(findings, a.undecidedUpdate(s, policy, match))
			}
			continue
		}
		if asked && !policy.operationMatters {
			continue
		}
		asked = true
		run := evaluation{policy: policy.admissionPolicy, subject: s, request: s.request(operation), namespace: v.namespaces[s.namespace], unknown: match.unknown}
		for _, each := range run.run(ctx) {
			failed = true
			findings = appendNew(findings, a.finding(s, policy, match.bindings, each))
		}
	}
	return findings
}

// appliesBy is a match and the bindings that apply.
type appliesBy struct {
	matched
	bindings []*bindingFile
}

// match applies when the policy's own constraints do and those of at least one
// binding; without a binding a policy is not in force.
func (a *admissionPolicies) match(v *view, s *subject, policy *boundPolicy, operation admission.Operation) appliesBy {
	m := matcher{view: v, subject: s, attributes: s.request(operation).versioned.Attributes, trustLabels: a.trustLabels}
	definition := m.matches(policy.match)
	if !definition.applies {
		return appliesBy{}
	}
	result := appliesBy{}
	certain := false
	for i := range policy.bindings {
		binding := &policy.bindings[i]
		bound := m.matches(binding.Spec.MatchResources)
		if !bound.applies {
			continue
		}
		result.applies = true
		result.bindings = append(result.bindings, binding)
		certain = certain || len(bound.unknown) == 0
		result.unknown = append(result.unknown, bound.unknown...)
	}
	if certain {
		result.unknown = nil
	}
	result.unknown = append(slices.Clone(definition.unknown), result.unknown...)
	return result
}

// undecidedUpdate says that an update might be refused.
func (a *admissionPolicies) undecidedUpdate(s *subject, policy *boundPolicy, match appliesBy) plugin.Finding {
	return a.finding(s, policy, match.bindings, failure{message: "whether an update passes cannot be decided before the sync", unknown: match.unknown})
}

func (a *admissionPolicies) finding(s *subject, policy *boundPolicy, bindings []*bindingFile, failed failure) plugin.Finding {
	finding := s.finding(policy.rule.ID, bindingLevel(bindings), failed.message)
	finding.Why, finding.Hint = policy.rule.Why, policy.rule.Fix
	for _, binding := range bindings {
		if at := binding.at.String(); at != "" {
			finding.Details = append(finding.Details, fmt.Sprintf("policy %q, binding %q (%s)", policy.file.Name, binding.Name, at))
		}
	}
	if failed.erred {
		finding.Message = "the policy could not be evaluated: " + failed.message
		if policy.ignore {
			finding.Level = plugin.Warn
			finding.Details = append(finding.Details, "failurePolicy: Ignore lets it pass")
		}
	}
	if len(failed.unknown) > 0 {
		finding.Indeterminate = true
		finding.Message = "cannot be decided offline: " + failed.message
		if finding.Level.Blocks() {
			finding.Level = a.indeterminate
		}
		for _, unknown := range failed.unknown {
			finding.Details = append(finding.Details, "depends on "+unknown)
		}
	}
	return finding
}

// bindingLevel is the strictest action of the bindings.
func bindingLevel(bindings []*bindingFile) plugin.Level {
	level := plugin.Info // Audit: recorded, and let in
	for _, binding := range bindings {
		for _, action := range binding.Spec.ValidationActions {
			switch action {
			case admissionv1.Audit:
			case admissionv1.Warn:
				level = min(level, plugin.Warn)
			default:
				level = plugin.Deny
			}
		}
	}
	return level
}

// appendNew leaves out what was said already about the same object.
func appendNew(findings []plugin.Finding, finding plugin.Finding) []plugin.Finding {
	for _, other := range findings {
		if other.Rule == finding.Rule && other.Message == finding.Message && other.Field == finding.Field {
			return findings
		}
	}
	return append(findings, finding)
}
