package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// boundKyverno is a policy and the exceptions from it.
type boundKyverno struct {
	*kyvernoPolicy
	rule       Rule
	exceptions []*kyvernoException
}

/*
kyvernoPolicies judges by Kyverno's ValidatingPolicy (CEL), on Kyverno's own
CEL libraries and the API server's CEL.

A sync creates or updates, so a policy is asked about both. What only the
cluster, the network or a registry knows (resource, globalContext, http,
image.GetMetadata, request.userInfo, a namespace that the gate does not
describe, oldObject unless the live object is given) is an unknown value in the
evaluation, and makes the answer indeterminate where the answer depends on it.

A policy for Pods is asked about the Pods that workloads make, in place of
Kyverno's rewriting of the policy's text for each kind of workload: the answer
is the one that the Pods get when they are created.
*/
type kyvernoPolicies struct {
	policies    []boundKyverno
	trustLabels bool
	// indeterminate is the level of what cannot be decided.
	indeterminate plugin.Level
	// terms bound the exceptions.
	terms gate.WaiverTerms
}

func (k *kyvernoPolicies) judge(ctx context.Context, v *view) []plugin.Finding {
	findings := make([][]plugin.Finding, len(v.subjects))
	sideBySide(len(v.subjects), func(s int) {
		if v.subjects[s].template.partial {
			return
		}
		for _, each := range append([]*subject{v.subjects[s]}, v.subjects[s].others...) {
			asked := &kyvernoSubject{view: v, subject: each}
			for i := range k.policies {
				if ctx.Err() != nil || rules.IsExemptAdmissionConfigurationResource(each.request(admission.Create).versioned.Attributes) {
					return
				}
				for _, finding := range k.judgeSubject(ctx, asked, &k.policies[i]) {
					findings[s] = appendNew(findings[s], finding)
				}
			}
		}
	})
	return slices.Concat(findings...)
}

// judgeSubject asks one policy about a creation, and about an update where its
// answer could differ.
func (k *kyvernoPolicies) judgeSubject(ctx context.Context, asked *kyvernoSubject, policy *boundKyverno) []plugin.Finding {
	var findings []plugin.Finding
	answered := false
	for _, operation := range operations() {
		match := k.match(asked, policy, operation)
		if !match.Applies || answered && !policy.operationMatters && asked.subject.old == nil {
			continue
		}
		answered = true
		run, err := k.evaluation(asked, policy, match, operation)
		if err != nil {
			return []plugin.Finding{asked.subject.finding(policy.rule.ID, plugin.Deny, "the policy could not be evaluated: "+err.Error())}
		}
		if failures := run.run(ctx); len(failures) > 0 {
			for _, finding := range k.findings(run.except(ctx, exceptionsFrom{policy.exceptions, policy.rule.ID, k.terms}, failures), asked, policy) {
				findings = appendNew(findings, finding)
			}
		}
	}
	return findings
}

// evaluation is the policy and the object in the version that it asks for.
func (k *kyvernoPolicies) evaluation(asked *kyvernoSubject, policy *boundKyverno, match apiserver.Matched, operation admission.Operation) (*kyvernoEvaluation, error) {
	versioned, err := asked.as(match.Version)
	if err != nil {
		return nil, err
	}
	run, err := newKyvernoEvaluation(policy.kyvernoPolicy, versioned, operation)
	if err != nil {
		return nil, err
	}
	run.applies = match.Unknown
	return run, nil
}

// match asks the policy's constraints; a namespaced policy is in force in its
// own namespace only.
func (k *kyvernoPolicies) match(asked *kyvernoSubject, policy *boundKyverno, operation admission.Operation) apiserver.Matched {
	s := asked.subject
	result := apiserver.Matched{Applies: true}
	if policy.file.namespaced() {
		switch namespace := s.asked().AdmissionNamespace(); {
		case namespace == "" && s.namespaced:
			result.Unknown = []string{unknownNamespace.String()}
		case namespace != policy.file.Namespace:
			return apiserver.Matched{}
		}
	}
	if !named(policy.file.Spec.MatchConstraints.ResourceRules, s.resource.Resource) {
		return apiserver.Matched{}
	}
	m := asked.view.matcher(s, k.trustLabels).of(operation)
	return result.And(m.Matches(policy.file.Spec.MatchConstraints))
}

// findings turns failures into findings: warnings when an exception covers
// them, and a note about each exception that is, or would be, used.
func (k *kyvernoPolicies) findings(answer excepted, asked *kyvernoSubject, policy *boundKyverno) []plugin.Finding {
	at := asked.view.sealed.At
	var findings []plugin.Finding
	for _, each := range answer.failures {
		finding := k.finding(each, asked, policy)
		finding.Details = append(finding.Details, answer.notes...)
		if answer.by != nil {
			finding.Level = max(finding.Level, plugin.Warn)
			finding.Waiver = answer.by.waived()
			finding.Details = append(finding.Details, fmt.Sprintf("covered by %s %q (%s)", answer.by.file.Kind, answer.by.file.Name, answer.by.file.at))
		}
		findings = append(findings, finding)
	}
	met := answer.spent
	if answer.by != nil {
		met = []*kyvernoException{answer.by}
	}
	for _, exception := range met {
		if note, say := exception.note(findings[0], k.terms, at); say {
			findings = append(findings, note)
		}
	}
	return findings
}

func (k *kyvernoPolicies) finding(failed failure, asked *kyvernoSubject, policy *boundKyverno) plugin.Finding {
	finding := asked.subject.finding(policy.rule.ID, kyvernoLevel(policy.file), failed.message)
	finding.Why, finding.Hint = policy.rule.Why, policy.rule.Fix
	if at := policy.file.at.String(); at != "" {
		finding.Details = append(finding.Details, fmt.Sprintf("policy %q (%s)", policy.file.Name, at))
	}
	if asked.subject.made && asked.askedAs(policy.file) == nil {
		finding.Details = append(finding.Details, rejectedLater)
	}
	if failed.erred {
		finding.Message = "the policy could not be evaluated: " + oneLine(failed.message)
	}
	if len(failed.unknown) > 0 {
		finding.Indeterminate = true
		finding.Message = "cannot be decided offline: " + oneLine(failed.message)
		if finding.Level.Blocks() {
			finding.Level = k.indeterminate
		}
		for _, unknown := range failed.unknown {
			finding.Details = append(finding.Details, "depends on "+unknown)
		}
	}
	return finding
}

// kyvernoLevel is the strictest of the policy's actions; a policy that is not
// asked at admission only reports.
func kyvernoLevel(file kyvernoFile) plugin.Level {
	level := plugin.Info // Audit: recorded, and let in
	if !file.Spec.AdmissionEnabled() {
		return level
	}
	for _, action := range file.Spec.ValidationActions() {
		switch action {
		case admissionv1.Audit:
		case admissionv1.Warn:
			level = min(level, plugin.Warn)
		default:
			level = plugin.Deny
		}
	}
	return level
}

// named reports whether a rule names the resource at all, which rules out most
// policies at little cost.
func named(rulesOf []admissionv1.NamedRuleWithOperations, resource string) bool {
	return slices.ContainsFunc(rulesOf, func(rule admissionv1.NamedRuleWithOperations) bool {
		return slices.ContainsFunc(rule.Resources, func(name string) bool {
			base, _, _ := strings.Cut(name, "/")
			return base == "*" || base == resource
		})
	})
}
