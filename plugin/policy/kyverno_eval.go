package policy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	celtypes "github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/lazy"
)

// kyvernoEvaluation is one policy, one subject and one operation.
type kyvernoEvaluation struct {
	policy    *kyvernoPolicy
	subject   *kyvernoSubject
	operation admission.Operation
	variables map[string]any
	// applies is why the policy may or may not match, and unknown that and what
	// its matchConditions depend on.
	applies, unknown []string
	// budget is the cost that is left to all expressions together, in CEL's
	// units; the API server's limit for a single expression holds beside it.
	budget int64
}

func newKyvernoEvaluation(policy *kyvernoPolicy, subject *kyvernoSubject, operation admission.Operation) (*kyvernoEvaluation, error) {
	variables, err := subject.variables(operation)
	if err != nil {
		return nil, err
	}
	return &kyvernoEvaluation{
		policy: policy, subject: subject, operation: operation, variables: maps.Clone(variables), budget: celconfig.RuntimeCELCostBudget,
	}, nil
}

// errKyvernoBudget is a policy that costs too much for one object.
var errKyvernoBudget = errors.New("the policy costs more than one object may (CEL cost budget)")

// eval evaluates one expression. Its value may be CEL's unknown.
func (e *kyvernoEvaluation) eval(ctx context.Context, expression kyvernoExpression, variables map[string]any) (ref.Val, error) {
	if e.budget <= 0 {
		return nil, errKyvernoBudget
	}
	value, details, err := expression.program.ContextEval(ctx, variables)
	if details != nil && details.ActualCost() != nil {
		e.budget -= int64(min(*details.ActualCost(), celconfig.RuntimeCELCostBudget))
	}
	if err != nil {
		return nil, err
	}
	if expression.refs.Authorizer && !celtypes.IsUnknown(value) {
		// The request was handed on whole, so what is unknown in it may have been
		// read by a function that does not pass the unknown on.
		return unknownUser.value(), nil
	}
	return value, nil
}

// run evaluates as Kyverno does (pkg/cel/policies/vpol/compiler), but for
// telling every validation that fails, not the first alone.
func (e *kyvernoEvaluation) run(ctx context.Context) []failure {
	applies, failures := e.conditions(ctx)
	if !applies {
		return failures
	}
	e.variables[plugincel.VariableVarName] = e.lazily(ctx, e.variables)
	for _, validation := range e.policy.validations {
		value, err := e.eval(ctx, validation.kyvernoExpression, e.variables)
		switch {
		case err != nil:
			failures = append(failures, failure{message: err.Error(), erred: true, unknown: e.unknown})
		case celtypes.IsUnknown(value):
			failures = append(failures, failure{message: validation.static, unknown: append(unknownsOf(value), e.unknown...)})
		case value != celtypes.True:
			failures = append(failures, failure{message: e.message(ctx, validation), unknown: e.unknown})
		}
	}
	return append(failures, e.audits(ctx)...)
}

// conditions evaluates matchConditions: one that is false excludes the
// subject, whatever the others say.
func (e *kyvernoEvaluation) conditions(ctx context.Context) (applies bool, failures []failure) {
	verdict := e.all(ctx, e.policy.conditions)
	switch {
	case verdict.excluded, verdict.err != nil && e.policy.ignore():
		return false, nil
	case verdict.err != nil:
		return false, []failure{{message: "matchConditions: " + verdict.err.Error(), erred: true, unknown: e.applies}}
	}
	e.unknown = slices.Concat(e.applies, verdict.unknown)
	return true, nil
}

// conjunction is what several conditions say together.
type conjunction struct {
	// excluded is set when one is false.
	excluded bool
	// err is set when none is false and one could not be evaluated.
	err error
	// unknown is what it depends on.
	unknown []string
}

func (e *kyvernoEvaluation) all(ctx context.Context, conditions []kyvernoExpression) conjunction {
	var erred []error
	var unknown []string
	for _, condition := range conditions {
		value, err := e.eval(ctx, condition, e.variables)
		switch {
		case err != nil:
			erred = append(erred, fmt.Errorf("%s: %w", condition.name, err))
		case celtypes.IsUnknown(value):
			unknown = append(unknown, unknownsOf(value)...)
		case value != celtypes.True:
			return conjunction{excluded: true}
		}
	}
	return conjunction{err: errors.Join(erred...), unknown: unknown}
}

// lazily declares the policy's variables. Each is evaluated when it is first
// read, and once.
func (e *kyvernoEvaluation) lazily(ctx context.Context, variables map[string]any) *lazy.MapValue {
	values := lazy.NewMapValue(variablesType())
	for _, variable := range e.policy.variables {
		values.Append(variable.name, func(*lazy.MapValue) ref.Val {
			value, err := e.eval(ctx, variable, variables)
			if err != nil {
				return celtypes.WrapErr(err)
			}
			return value
		})
	}
	return values
}

// message is what a failed validation says: its messageExpression, else its
// message. About a Secret an expression is left out, as it could quote it; so
// is one that cannot be evaluated, as the verdict stands.
func (e *kyvernoEvaluation) message(ctx context.Context, validation kyvernoValidation) string {
	if validation.message == nil || e.subject.secret() {
		return oneLine(validation.static)
	}
	variables := e.subject.named(e.variables)
	if e.subject.subject.made {
		variables = maps.Clone(variables)
		variables[plugincel.VariableVarName] = e.lazily(ctx, variables)
	}
	value, err := e.eval(ctx, *validation.message, variables)
	if err != nil {
		return oneLine(validation.static)
	}
	text, _ := value.Value().(string)
	if text = oneLine(text); text == "" {
		return oneLine(validation.static)
	}
	return text
}

// audits evaluates auditAnnotations for their errors alone, which Kyverno
// answers like those of a validation.
func (e *kyvernoEvaluation) audits(ctx context.Context) []failure {
	var failures []failure
	for _, audit := range e.policy.audits {
		if _, err := e.eval(ctx, audit, e.variables); err != nil {
			failures = append(failures, failure{message: fmt.Sprintf("auditAnnotation %q: %v", audit.name, err), erred: true, unknown: e.unknown})
		}
	}
	return failures
}
