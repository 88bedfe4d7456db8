package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	policieskyvernoio "github.com/kyverno/api/api/policies.kyverno.io"
	kyvernov1 "github.com/kyverno/api/api/policies.kyverno.io/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// exceptionProperties are the properties of a PolicyException that say what a
// waiver must say. Kyverno knows no such fields, and names three of these in
// its own examples.
func exceptionProperties() []string { return []string{"owner", "reason", "ticket", "approved-by"} }

// kyvernoException is a compiled PolicyException.
type kyvernoException struct {
	file       exceptionFile
	conditions []kyvernoExpression
}

// names reports whether the exception is about the policy.
func (x *kyvernoException) names(policy kyvernoFile) bool {
	return slices.ContainsFunc(x.file.Spec.PolicyRefs, func(ref kyvernov1.PolicyRef) bool { return ref.Name == policy.Name && ref.Kind == policy.Kind })
}

// full reports whether the exception lets everything pass; one that lists
// images or values only hands them to the policy's expressions.
func (x *kyvernoException) full() bool {
	return len(x.file.Spec.Images) == 0 && len(x.file.Spec.AllowedValues) == 0
}

// inForce reports whether the exception holds: by its own end, and by the terms
// of the gates' waivers.
func (x *kyvernoException) inForce(at time.Time, terms gate.WaiverTerms) bool {
	until := x.file.Spec.ExpiresAt.Time
	return !at.After(until) && until.Sub(at) <= terms.Longest()
}

func (x *kyvernoException) waived() *plugin.Waived {
	properties := x.file.Spec.Properties
	return &plugin.Waived{
		Kind: "exception", Owner: properties["owner"], Approver: properties["approved-by"],
		Reason: properties["reason"] + " (" + properties["ticket"] + ")", Until: x.file.Spec.ExpiresAt.UTC(),
	}
}

// exceptions checks and compiles the PolicyExceptions of a configuration.
func (c *kyvernoCompiler) exceptions(files kyvernoFiles, trustLabels bool) ([]*kyvernoException, error) {
	var compiled []*kyvernoException
	var problems []error
	for _, file := range files.exceptions {
		if err := errors.Join(file.check(), file.checkRefs(files.policies)); err != nil {
			problems = append(problems, err)
			continue
		}
		env, err := c.env("")
		if err != nil {
			return nil, err
		}
		build := kyvernoBuilder{who: fmt.Sprintf("%s %q", file.Kind, file.Name), at: file.at, env: env}
		exception := &kyvernoException{file: file, conditions: build.conditions(file.Spec.MatchConditions)}
		for _, condition := range exception.conditions {
			if condition.refs.ObjectLabels && !trustLabels {
				build.problems = append(build.problems, apiserver.Refuse(file.at, "%s: matchCondition %q reads labels that the application writes, so the application could except itself; "+
					"name the object, or set spec.judge.trustObjectLabels in the gate", build.who, condition.name))
			}
		}
		problems = append(problems, build.problems...)
		compiled = append(compiled, exception)
	}
	return compiled, errors.Join(problems...)
}

// check asks of an exception what a gate asks of its waivers, as both do the
// same: an end, an owner, a reason, a reference and an approver.
func (f exceptionFile) check() error {
	var problems []error
	if f.Spec.ExpiresAt.IsZero() {
		problems = append(problems, apiserver.Refuse(f.at, "%s %q has no expiresAt; write when it ends, as for a waiver", f.Kind, f.Name))
	}
	var missing []string
	for _, property := range exceptionProperties() {
		if strings.TrimSpace(f.Spec.Properties[property]) == "" {
			missing = append(missing, property)
		}
	}
	if len(missing) > 0 {
		problems = append(problems, apiserver.Refuse(f.at, "%s %q: spec.properties lacks %s; an exception says what a waiver says", f.Kind, f.Name, strings.Join(missing, ", ")))
	}
	if mode := f.Spec.EvaluationMode; mode != "" && mode != policieskyvernoio.EvaluationModeKubernetes {
		problems = append(problems, apiserver.Refuse(f.at, "%s %q: evaluationMode %q is not supported; only Kubernetes objects are judged", f.Kind, f.Name, mode))
	}
	if result := f.Spec.ReportResult; result != "" && result != "skip" && result != "pass" {
		problems = append(problems, apiserver.Refuse(f.at, "%s %q: reportResult %q is neither skip nor pass", f.Kind, f.Name, result))
	}
	return errors.Join(problems...)
}

// checkRefs refuses an exception for a policy that nobody reads.
func (f exceptionFile) checkRefs(policies []kyvernoFile) error {
	if len(f.Spec.PolicyRefs) == 0 {
		return apiserver.Refuse(f.at, "%s %q has no policyRefs, so it is about nothing; name a policy", f.Kind, f.Name)
	}
	var problems []error
	for _, ref := range f.Spec.PolicyRefs {
		switch {
		case ref.Kind != kindKyvernoPolicy && ref.Kind != kindKyvernoNamespacedPolicy:
			problems = append(problems, apiserver.Refuse(f.at, "%s %q: policyRefs: policies of the kind %q are not read", f.Kind, f.Name, ref.Kind))
		case !slices.ContainsFunc(policies, func(policy kyvernoFile) bool { return policy.Name == ref.Name && policy.Kind == ref.Kind }):
			problems = append(problems, apiserver.Refuse(f.at, "%s %q: policyRefs: the configuration holds no %s %q", f.Kind, f.Name, ref.Kind, ref.Name))
		}
	}
	return errors.Join(problems...)
}

// exceptionsFrom are the exceptions from one policy, its rule, and the terms
// that bind them.
type exceptionsFrom struct {
	exceptions []*kyvernoException
	rule       string
	terms      gate.WaiverTerms
}

// excepted is what exceptions make of the failures of one evaluation.
type excepted struct {
	// by covers the failures; nil when no exception does.
	by *kyvernoException
	// failures are those that are left, with what exceptions allow.
	failures []failure
	// spent are exceptions that would apply, were they in force.
	spent []*kyvernoException
	// notes are about exceptions that cannot be decided.
	notes []string
}

// except asks the policy's exceptions about an object that it rejects. One
// that cannot be decided offline covers nothing.
func (e *kyvernoEvaluation) except(ctx context.Context, from exceptionsFrom, failures []failure) excepted {
	result := excepted{failures: failures}
	at := e.subject.view.sealed.At
	var images, values []string
	var partial *kyvernoException
	for _, exception := range from.exceptions {
		switch verdict := e.matches(ctx, exception); {
		case verdict.excluded:
		case from.terms.Forbids(from.rule), !exception.inForce(at, from.terms):
			result.spent = append(result.spent, exception)
		case verdict.err != nil:
			result.notes = append(result.notes, fmt.Sprintf("exception %q covers nothing, as its conditions cannot be evaluated: %v", exception.file.Name, verdict.err))
		case len(verdict.unknown) > 0:
			result.notes = append(result.notes, fmt.Sprintf("exception %q covers nothing, as it depends on %s", exception.file.Name, strings.Join(verdict.unknown, ", ")))
		case exception.full():
			result.by = exception
			return result
		default:
			partial = exception
			images = append(images, exception.file.Spec.Images...)
			values = append(values, exception.file.Spec.AllowedValues...)
		}
	}
	if partial == nil {
		return result
	}
	return e.allowing(ctx, result, partial, allowed(images, values))
}

// matches asks the conditions of an exception; for the Pods of a workload about
// the workload first, as Kyverno does when that is admitted.
func (e *kyvernoEvaluation) matches(ctx context.Context, exception *kyvernoException) conjunction {
	if workload := e.subject.askedAs(e.policy.file); workload != nil {
		if variables, err := workload.variables(e.operation); err == nil {
			about := &kyvernoEvaluation{policy: e.policy, subject: workload, operation: e.operation, variables: variables, budget: e.budget}
			if verdict := about.all(ctx, exception.conditions); !verdict.excluded && verdict.err == nil && len(verdict.unknown) == 0 {
				return verdict
			}
		}
	}
	return e.all(ctx, exception.conditions)
}

// allowing evaluates the policy again with what exceptions allow.
func (e *kyvernoEvaluation) allowing(ctx context.Context, result excepted, by *kyvernoException, exceptions map[string]any) excepted {
	again, err := newKyvernoEvaluation(e.policy, e.subject, e.operation)
	if err != nil {
		return result
	}
	again.applies = e.applies
	again.variables[kyvernoExceptions] = exceptions
	if left := again.run(ctx); len(left) > 0 {
		result.failures = left
		return result
	}
	result.by = by
	return result
}

// note is what a report says of an exception that a finding met.
func (x *kyvernoException) note(met plugin.Finding, terms gate.WaiverTerms, at time.Time) (plugin.Finding, bool) {
	until := x.file.Spec.ExpiresAt.UTC()
	note := plugin.Finding{Level: plugin.Warn, Origin: x.file.at, Object: met.Object, Field: met.Field}
	who := fmt.Sprintf("the %s %q for %s", x.file.Kind, x.file.Name, met.Rule)
	owner := x.file.Spec.Properties["owner"]
	const day = 24 * time.Hour
	left := int(until.Sub(at.UTC().Truncate(day)) / day)
	switch {
	case terms.Forbids(met.Rule):
		note.Rule = "waiver/not-allowed"
		note.Message = who + " does not hold: a gate that applies lets nobody waive the rule (spec.waiverTerms.never)"
		note.Why = "what gates require adds up"
		note.Hint = "mend what it is for, and take it out"
	case at.After(until):
		note.Rule = "waiver/expired"
		note.Message = fmt.Sprintf("%s ended at %s", who, until.Format(time.RFC3339))
		note.Why = "an exception past its day covers nothing"
		note.Hint = fmt.Sprintf("mend what it covered, or have a new day approved; then change or remove it (owner %s)", owner)
	case until.Sub(at) > terms.Longest():
		note.Rule = "waiver/too-long"
		note.Message = fmt.Sprintf("%s ends at %s, more than %d days ahead, so it does not hold", who, until.Format(time.RFC3339), terms.Longest()/day)
		note.Why = "an exception without an end in sight is a rule that nobody decided on"
		note.Hint = "write an earlier day and renew it"
	case gate.EndingWarning(left) != "":
		note.Rule = "waiver/ending"
		note.Why = gate.EndingWarning(left)
		note.Message = fmt.Sprintf("%s ends at %s", who, until.Format(time.RFC3339))
		note.Hint = fmt.Sprintf("mend what it covers before that day, or have another approved (owner %s)", owner)
	default:
		return plugin.Finding{}, false
	}
	return note, true
}
