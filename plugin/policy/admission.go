package policy

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"k8s.io/apiserver/pkg/admission"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

// policyRule prefixes the rule id of a policy of the gate's own:
// policy/<metadata.name>.
const policyRule = "policy/"

// boundPolicy is a policy and the bindings that put it in force.
type boundPolicy struct {
	*admissionPolicy
	rule     Rule
	bindings []bindingFile
	params   apiserver.Params
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
		if v.subjects[s].template.partial || ctx.Err() != nil {
			return
		}
		for i := range a.policies {
			findings[s] = append(findings[s], a.judgePlaces(ctx, v, v.subjects[s], &a.policies[i])...)
		}
	})
	return slices.Concat(saidOnce(v.subjects, findings)...)
}

// saidOnce leaves out what is said of the Pods that a workload makes and, in
// the same words, of the workload: one change mends both.
func saidOnce(subjects []*subject, findings [][]plugin.Finding) [][]plugin.Finding {
	owners := map[int][]plugin.Finding{}
	for i, s := range subjects {
		if !s.made {
			owners[s.index] = findings[i]
			continue
		}
		findings[i] = slices.DeleteFunc(findings[i], func(finding plugin.Finding) bool {
			finding.Field = ""
			return slices.ContainsFunc(owners[s.index], func(other plugin.Finding) bool { return reflect.DeepEqual(finding, other) })
		})
	}
	return findings
}

// judgePlaces asks one policy about the subject in every place that it may
// have.
func (a *admissionPolicies) judgePlaces(ctx context.Context, v *view, s *subject, policy *boundPolicy) []plugin.Finding {
	var findings []plugin.Finding
	for _, each := range append([]*subject{s}, s.others...) {
		if !apiserver.Names(policy.match, each.resource.Resource) || apiserver.Exempt(each.resource.GroupResource(), policy.file.Name) {
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

// judgeSubject asks one policy about a creation, and about an update where its
// answer could differ.
func (a *admissionPolicies) judgeSubject(ctx context.Context, v *view, s *subject, policy *boundPolicy) []plugin.Finding {
	asked := verdicts{evaluated: map[question][]failure{}}
	for _, operation := range operations() {
		m := v.matcher(s, a.trustLabels).of(operation)
		definition := m.Matches(policy.match)
		if !definition.Applies {
			continue
		}
		for i := range policy.bindings {
			bound := m.Matches(policy.bindings[i].Spec.MatchResources)
			if bound.Applies {
				applies := inForce{binding: &policy.bindings[i], operation: operation, version: definition.Version, unknown: slices.Concat(definition.Unknown, bound.Unknown)}
				a.ask(ctx, policy, evaluation{policy: policy.admissionPolicy, subject: s, namespace: v.namespaces[s.namespace]}, applies, &asked)
			}
		}
	}
	var findings []plugin.Finding
	for _, each := range asked.said {
		findings = appendNew(findings, a.finding(s, policy, each))
	}
	return findings
}

// inForce is a binding that puts the policy in force for a request.
type inForce struct {
	binding   *bindingFile
	operation admission.Operation
	// version is the one that the policy asks for; empty for the object's own.
	version string
	// unknown lists why that cannot be known offline.
	unknown []string
}

// ask evaluates the policy for one binding, with each of its params.
func (a *admissionPolicies) ask(ctx context.Context, policy *boundPolicy, run evaluation, by inForce, asked *verdicts) {
	params, err := policy.params.Of(by.binding.Spec.ParamRef, run.subject.asked())
	if err != nil {
		asked.add(said{failure: failure{message: err.Error(), erred: true, config: true, unknown: by.unknown}, by: []source{{binding: by.binding}}, of: []admission.Operation{by.operation}})
		return
	}
	if len(params.Unknown) > 0 {
		asked.add(said{failure: failure{message: undecidedParams, unknown: slices.Concat(by.unknown, params.Unknown)}, by: []source{{binding: by.binding}}, of: []admission.Operation{by.operation}})
		return
	}
	for _, param := range params.Params {
		from := source{binding: by.binding, param: param}
		if by.operation == admission.Update && policy.readsOldObject && run.subject.old == nil {
			asked.addUpdate(said{failure: failure{message: undecidedUpdate, unknown: append(slices.Clone(by.unknown), oldObjectUnknown)}, by: []source{from}, of: []admission.Operation{by.operation}})
			continue
		}
		for _, failed := range asked.of(ctx, run, question{operation: by.operation, version: by.version, param: param}) {
			failed.unknown = slices.Concat(failed.unknown, by.unknown)
			asked.add(said{failure: failed, by: []source{from}, of: []admission.Operation{by.operation}})
		}
	}
}

const (
	undecidedUpdate  = "whether an update passes cannot be decided before the sync"
	undecidedParams  = "which params apply cannot be decided before the sync"
	oldObjectUnknown = "oldObject (the object as it is in the cluster)"
)

// finding is what one policy says of a subject, at the level of the bindings
// that make it say so.
func (a *admissionPolicies) finding(s *subject, policy *boundPolicy, each said) plugin.Finding {
	finding := s.finding(policy.rule.ID, each.level(policy.ignore), each.message)
	finding.Why, finding.Hint = policy.rule.Why, policy.rule.Fix
	for _, from := range each.by {
		if at := from.binding.at.String(); at != "" {
			finding.Details = append(finding.Details, fmt.Sprintf("policy %q, binding %q%s (%s)", policy.file.Name, from.binding.Name, from.withParam(), at))
		}
	}
	if len(each.of) == 1 {
		finding.Details = append(finding.Details, operationDetail(each.of[0]))
	}
	if each.erred {
		finding.Message = "the policy could not be evaluated: " + each.message
		if policy.ignore {
			finding.Details = append(finding.Details, "failurePolicy: Ignore lets it pass")
		}
	}
	if len(each.unknown) > 0 {
		finding.Indeterminate = true
		finding.Message = "cannot be decided offline: " + each.message
		if finding.Level.Blocks() {
			finding.Level = a.indeterminate
		}
		for _, unknown := range each.unknown {
			finding.Details = append(finding.Details, "depends on "+unknown)
		}
	}
	return finding
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
