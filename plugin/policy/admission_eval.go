package policy

import (
	"context"
	"errors"
	"strings"

	celtypes "github.com/google/cel-go/common/types"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"
)

// failure is what a policy says against a subject.
type failure struct {
	message string
	// erred marks an expression that could not be evaluated.
	erred bool
	// config marks what is wrong with the configuration; it denies whatever the
	// binding's actions are.
	config bool
	// unknown lists what the answer depends on and is not known offline.
	unknown []string
}

// evaluation is one policy, one subject and one operation.
type evaluation struct {
	policy    *admissionPolicy
	subject   *subject
	request   *attributes
	namespace *corev1.Namespace
	// params are what the policy takes from the platform; nil without any.
	params runtime.Object
	// unknown is set when the policy may or may not apply.
	unknown []string
}

// bindings are the variables beside the object and the request.
func (e evaluation) bindings() plugincel.OptionalVariableBindings {
	if e.params == nil {
		return plugincel.OptionalVariableBindings{}
	}
	return plugincel.OptionalVariableBindings{VersionedParams: e.params}
}

// run evaluates as the API server's validator does
// (k8s.io/apiserver pkg/admission/plugin/policy/validating), with the same
// cost budgets. What depends on something unknown is said to do so, unless the
// answer is the same either way.
func (e evaluation) run(ctx context.Context) []failure {
	applies, failures := e.conditions(ctx)
	if !applies {
		return failures
	}
	budget := int64(celconfig.RuntimeCELCostBudget)
	namespace := plugincel.CreateNamespaceObject(e.namespace)
	results, budget, err := e.policy.validations.ForInput(ctx, e.request.versioned, e.request.request, e.bindings(), namespace, budget)
	if err != nil {
		return []failure{{message: err.Error(), erred: true}}
	}
	audited, err := e.audits(ctx)
	if err != nil { // the API server drops its other answers then
		return []failure{{message: err.Error(), erred: true, unknown: e.unknown}}
	}
	messages := e.messages(ctx, results, budget)
	for i, result := range results {
		if failed, found := e.judge(i, result, messages); found {
			failures = append(failures, failed)
		}
	}
	return append(failures, audited...)
}

// conditions evaluates matchConditions: one that is false excludes the
// subject, whatever the others say. They are not given the namespace.
func (e *evaluation) conditions(ctx context.Context) (applies bool, failures []failure) {
	if len(e.policy.conditionRefs) == 0 {
		return true, nil
	}
	results, _, err := e.policy.conditions.ForInput(ctx, e.request.versioned, e.request.request, e.bindings(), nil, celconfig.RuntimeCELCostBudgetMatchConditions)
	if err != nil {
		return false, []failure{{message: err.Error(), erred: true}}
	}
	var erred []error
	for i, result := range results {
		unknown := e.policy.conditionRefs[i].Unknown(e.subject.asked(), true)
		switch {
		case len(unknown) > 0:
			e.unknown = append(e.unknown, unknown...)
		case result.Error != nil:
			erred = append(erred, result.Error)
		case result.EvalResult == celtypes.False:
			return false, nil
		}
	}
	if len(erred) > 0 {
		return false, []failure{{message: utilerrors.NewAggregate(erred).Error(), erred: true, unknown: e.unknown}}
	}
	return true, nil
}

// judge turns one result into a failure; found is false when it passed.
func (e evaluation) judge(i int, result plugincel.EvaluationResult, messages messageResults) (failed failure, found bool) {
	validation := e.policy.file.Spec.Validations[i]
	unknown := e.policy.validationRefs[i].Unknown(e.subject.asked(), e.namespace != nil)
	switch {
	case len(unknown) > 0:
		return failure{message: fallbackMessage(validation), unknown: append(unknown, e.unknown...)}, true
	case result.Error != nil:
		return failure{message: result.Error.Error(), erred: true, unknown: e.unknown}, true
	case messages.err != nil && (errors.Is(messages.err, apiservercel.ErrInternal) || errors.Is(messages.err, apiservercel.ErrOutOfBudget)):
		return failure{message: "failed messageExpression: " + messages.err.Error(), erred: true, unknown: e.unknown}, true
	case result.EvalResult == celtypes.True:
		return failure{}, false
	}
	message := messages.text(i)
	if message == "" {
		message = fallbackMessage(validation)
	}
	return failure{message: message, unknown: e.unknown}, true
}

func fallbackMessage(validation admissionv1.Validation) string {
	if message := strings.TrimSpace(validation.Message); message != "" {
		return message
	}
	return "failed expression: " + strings.TrimSpace(validation.Expression)
}

// messageResults are the evaluated messageExpressions.
type messageResults struct {
	results []plugincel.EvaluationResult
	err     error
}

// messages evaluates messageExpressions when a validation failed, and when they
// could cost more than what is left of the budget: then the API server refuses
// what passes, too. What they say of a Secret is not shown, as they could quote
// it.
func (e evaluation) messages(ctx context.Context, results []plugincel.EvaluationResult, budget int64) messageResults {
	failed := false
	for _, result := range results {
		failed = failed || result.Error != nil || result.EvalResult != celtypes.True
	}
	spec := e.policy.file.Spec
	if most := int64(len(spec.Validations)+len(spec.Variables)) * celconfig.PerCallLimit; !failed && most <= budget {
		return messageResults{}
	}
	evaluated, _, err := e.policy.messages.ForInput(ctx, e.request.versioned, e.request.request, e.bindings(), plugincel.CreateNamespaceObject(e.namespace), budget)
	if _, secret := e.subject.object.(*corev1.Secret); secret {
		evaluated = nil
	}
	return messageResults{results: evaluated, err: err}
}

// text is the message of one validation; empty when it has none that may be
// shown (the API server's limits: one line, 5 KiB).
func (m messageResults) text(i int) string {
	if i >= len(m.results) || m.results[i].Error != nil || m.results[i].EvalResult == nil {
		return ""
	}
	text, _ := m.results[i].EvalResult.Value().(string)
	text = strings.TrimSpace(text)
	if len(text) > celconfig.MaxEvaluatedMessageExpressionSizeBytes || strings.Contains(text, "\n") {
		return ""
	}
	return text
}

// audits evaluates auditAnnotations for their errors alone, which deny under
// failurePolicy Fail whatever the binding's actions are. They share no budget
// with the validations, and are not given the authorizer.
func (e evaluation) audits(ctx context.Context) ([]failure, error) {
	annotations := e.policy.file.Spec.AuditAnnotations
	if len(annotations) == 0 {
		return nil, nil
	}
	results, _, err := e.policy.audits.ForInput(ctx, e.request.versioned, e.request.request, e.bindings(), e.namespace, celconfig.RuntimeCELCostBudget)
	if err != nil {
		return nil, err
	}
	var failures []failure
	for i, result := range results {
		if result.Error != nil && !e.policy.ignore && len(e.policy.auditRefs[i].Unknown(e.subject.asked(), e.namespace != nil)) == 0 {
			failures = append(failures, failure{message: result.Error.Error(), erred: true, config: true, unknown: e.unknown})
		}
	}
	return failures, nil
}

// operations are those that a sync performs.
func operations() []admission.Operation {
	return []admission.Operation{admission.Create, admission.Update}
}
