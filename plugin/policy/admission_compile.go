package policy

import (
	"errors"
	"fmt"

	"github.com/google/cel-go/cel"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// expression is one CEL expression of a policy, as the compiler wants it.
type expression struct {
	name, text string
	types      []*cel.Type
}

func (e expression) GetName() string          { return e.name }
func (e expression) GetExpression() string    { return e.text }
func (e expression) ReturnTypes() []*cel.Type { return e.types }

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
	conditionRefs, validationRefs, auditRefs []references
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
	build := conditionBuilder{compiler: variables.compiler, file: file}
	params := spec.ParamKind != nil
	withAuthorizer := plugincel.OptionalVariableDeclarations{HasAuthorizer: true, HasParams: params}
	policy.conditions = build.compile("matchConditions", conditions, withAuthorizer)
	policy.validations = build.compile("validations", validations, withAuthorizer)
	policy.messages = build.compile("messageExpression", messages, plugincel.OptionalVariableDeclarations{HasParams: params})
	policy.audits = build.compile("auditAnnotations", audits, withAuthorizer)
	policy.conditionRefs = build.references(variables, conditions)
	policy.validationRefs = build.references(variables, validations)
	policy.auditRefs = build.references(variables, audits)
	for _, refs := range append(append([]references{}, policy.conditionRefs...), policy.validationRefs...) {
		policy.operationMatters = policy.operationMatters || refs.operation
		policy.readsOldObject = policy.readsOldObject || refs.oldObject
	}
	return errors.Join(build.problems...)
}

func policyExpressions(spec admissionv1.ValidatingAdmissionPolicySpec) (conditions, validations, messages, audits []plugincel.ExpressionAccessor) {
	for _, condition := range spec.MatchConditions {
		conditions = append(conditions, expression{condition.Name, condition.Expression, []*cel.Type{cel.BoolType}})
	}
	for _, validation := range spec.Validations {
		validations = append(validations, expression{"", validation.Expression, []*cel.Type{cel.BoolType}})
		var message plugincel.ExpressionAccessor // nil keeps the place
		if validation.MessageExpression != "" {
			message = expression{"", validation.MessageExpression, []*cel.Type{cel.StringType}}
		}
		messages = append(messages, message)
	}
	for _, audit := range spec.AuditAnnotations {
		audits = append(audits, expression{audit.Key, audit.ValueExpression, []*cel.Type{cel.StringType, cel.NullType}})
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
		b.problems = append(b.problems, refuse(b.file.at, "policy %q: %s does not compile: %v", b.file.Name, part, err))
	}
	return evaluator
}

func (b *conditionBuilder) references(variables sharedVariables, expressions []plugincel.ExpressionAccessor) []references {
	all := make([]references, len(expressions))
	for i, each := range expressions {
		refs, err := expressionReferences(variables.env, each.GetExpression(), variables.refs)
		if err != nil {
			b.problems = append(b.problems, refuse(b.file.at, "policy %q: %v", b.file.Name, err))
		}
		all[i] = refs
	}
	return all
}

// sharedVariables is a compiler with a policy's variables in it. Making one
// costs milliseconds, so policies that declare the same variables share it.
type sharedVariables struct {
	compiler *plugincel.CompositedCompiler
	env      *cel.Env
	refs     map[string]references
}

// variables compiles the policy's variables, or takes those of an earlier
// policy that declares the same ones.
func (c *Compiler) variables(file policyFile) (sharedVariables, error) {
	params := file.Spec.ParamKind != nil
	key := fmt.Sprintf("%t %q", params, file.Spec.Variables)
	if shared, found := c.shared[key]; found {
		return shared, nil
	}
	compiler, err := plugincel.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	if err != nil {
		return sharedVariables{}, refuse(file.at, "policy %q: preparing CEL: %v", file.Name, err)
	}
	env, err := compiler.Env(environment.StoredExpressions)
	if err != nil {
		return sharedVariables{}, refuse(file.at, "policy %q: preparing CEL: %v", file.Name, err)
	}
	shared := sharedVariables{compiler: compiler, env: env, refs: map[string]references{}}
	var problems []error
	for _, variable := range file.Spec.Variables {
		each := expression{variable.Name, variable.Expression, []*cel.Type{cel.AnyType, cel.DynType}}
		declared := plugincel.OptionalVariableDeclarations{HasAuthorizer: true, HasParams: params}
		result := compiler.CompileAndStoreVariable(each, declared, environment.StoredExpressions)
		if result.Error != nil {
			problems = append(problems, refuse(file.at, "policy %q: variable %q does not compile: %v", file.Name, variable.Name, result.Error))
			continue
		}
		if shared.refs[variable.Name], err = expressionReferences(env, variable.Expression, shared.refs); err != nil {
			problems = append(problems, refuse(file.at, "policy %q: variable %q: %v", file.Name, variable.Name, err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return sharedVariables{}, err
	}
	c.shared[key] = shared
	return shared, nil
}
