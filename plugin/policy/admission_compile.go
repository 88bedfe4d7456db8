package policy

import (
	"errors"
	"fmt"

	"github.com/google/cel-go/cel"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/cel/environment"

	"github.com/assay-gitops/assay/plugin/apiserver"
)

// admissionPolicy is a compiled ValidatingAdmissionPolicy. It holds no state of
// a run and is shared by gates.
type admissionPolicy struct {
	// compile fills in what follows match, at the first object that the policy
	// may be about; nil when that was done when the gate was loaded.
	compile     func() error
	file        policyFile
	match       *admissionv1.MatchResources
	ignore      bool // failurePolicy: Ignore
	conditions  plugincel.ConditionEvaluator
	validations plugincel.ConditionEvaluator
	messages    plugincel.ConditionEvaluator
	audits      plugincel.ConditionEvaluator
	// These have one entry for each expression.
	conditionRefs, validationRefs, auditRefs []apiserver.References
	// operationMatters is set when an expression may answer otherwise for an
	// update than for a creation.
	operationMatters, readsOldObject bool
}

func newAdmissionPolicy(file policyFile) *admissionPolicy {
	failure := file.Spec.FailurePolicy
	return &admissionPolicy{file: file, match: file.Spec.MatchConstraints, ignore: failure != nil && *failure == admissionv1.Ignore}
}

// compilePolicy compiles every expression as the API server does: the same
// environment, the same cost limits. All expressions that do not compile are
// reported together.
func (c *Compiler) compilePolicy(policy *admissionPolicy) error {
	file, spec := policy.file, policy.file.Spec
	variables, err := c.variables(file)
	if err != nil {
		return err
	}
	conditions, validations, messages, audits := policyExpressions(spec)
	build := conditionBuilder{compiler: variables.Compiler, file: file}
	params := spec.ParamKind != nil
	withAuthorizer := plugincel.OptionalVariableDeclarations{HasAuthorizer: true, HasParams: params}
	policy.conditions = build.compile("matchConditions", conditions, withAuthorizer)
	policy.validations = build.compile("validations", validations, withAuthorizer)
	policy.messages = build.compile("messageExpression", messages, plugincel.OptionalVariableDeclarations{HasParams: params})
	policy.audits = build.compile("auditAnnotations", audits, withAuthorizer)
	policy.conditionRefs = build.references(variables, conditions)
	policy.validationRefs = build.references(variables, validations)
	policy.auditRefs = build.references(variables, audits)
	for _, refs := range append(append([]apiserver.References{}, policy.conditionRefs...), policy.validationRefs...) {
		policy.operationMatters = policy.operationMatters || refs.Operation
		policy.readsOldObject = policy.readsOldObject || refs.OldObject
	}
	return errors.Join(build.problems...)
}

func policyExpressions(spec admissionv1.ValidatingAdmissionPolicySpec) (conditions, validations, messages, audits []plugincel.ExpressionAccessor) {
	for _, condition := range spec.MatchConditions {
		conditions = append(conditions, apiserver.NewExpression(condition.Name, condition.Expression, cel.BoolType))
	}
	for _, validation := range spec.Validations {
		validations = append(validations, apiserver.NewExpression("", validation.Expression, cel.BoolType))
		var message plugincel.ExpressionAccessor // nil keeps the place
		if validation.MessageExpression != "" {
			message = apiserver.NewExpression("", validation.MessageExpression, cel.StringType)
		}
		messages = append(messages, message)
	}
	for _, audit := range spec.AuditAnnotations {
		audits = append(audits, apiserver.NewExpression(audit.Key, audit.ValueExpression, cel.StringType, cel.NullType))
	}
	return conditions, validations, messages, audits
}

// conditionBuilder compiles the expressions of one policy and collects what is
// wrong with them.
type conditionBuilder struct {
	compiler *plugincel.CompositedCompiler
	file     policyFile
	problems []error
}

func (b *conditionBuilder) compile(part string, expressions []plugincel.ExpressionAccessor, declared plugincel.OptionalVariableDeclarations) plugincel.ConditionEvaluator {
	evaluator := b.compiler.CompileCondition(expressions, declared, environment.StoredExpressions)
	for _, err := range evaluator.CompilationErrors() {
		b.problems = append(b.problems, apiserver.Refuse(b.file.at, "policy %q: %s does not compile: %v", b.file.Name, part, err))
	}
	return evaluator
}

func (b *conditionBuilder) references(variables apiserver.Variables, expressions []plugincel.ExpressionAccessor) []apiserver.References {
	all := make([]apiserver.References, len(expressions))
	for i, each := range expressions {
		refs, err := apiserver.ExpressionReferences(variables.Env, each.GetExpression(), variables.References)
		if err != nil {
			b.problems = append(b.problems, apiserver.Refuse(b.file.at, "policy %q: %v", b.file.Name, err))
		}
		all[i] = refs
	}
	return all
}

// variables compiles the policy's variables, or takes those of an earlier
// policy that declares the same ones: a compiler costs milliseconds.
func (c *Compiler) variables(file policyFile) (apiserver.Variables, error) {
	key := fmt.Sprintf("%t %q", file.Spec.ParamKind != nil, file.Spec.Variables)
	if shared, found := c.shared[key]; found {
		return shared, nil
	}
	compiled, err := apiserver.CompileVariables(file.head())
	if err != nil {
		return apiserver.Variables{}, err
	}
	c.shared[key] = compiled
	return compiled, nil
}
