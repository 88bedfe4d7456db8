package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// kyvernoExpression is a compiled CEL expression and what it reads.
type kyvernoExpression struct {
	name    string
	program cel.Program
	refs    apiserver.References
}

// kyvernoValidation is one validation; message is nil without an expression
// for it.
type kyvernoValidation struct {
	kyvernoExpression
	message *kyvernoExpression
	static  string
}

// kyvernoPolicy is a compiled ValidatingPolicy. It holds no state of a run and
// is shared by gates.
type kyvernoPolicy struct {
	file        kyvernoFile
	conditions  []kyvernoExpression
	variables   []kyvernoExpression
	validations []kyvernoValidation
	audits      []kyvernoExpression
	// operationMatters is set when an expression may answer otherwise for an
	// update than for a creation.
	operationMatters bool
}

// ignore reports whether matchConditions that cannot be evaluated let the
// object pass. Nothing else follows failurePolicy: Kyverno's handler answers an
// error of a validation by the actions.
func (p *kyvernoPolicy) ignore() bool {
	failure := p.file.Spec.FailurePolicy
	return failure != nil && *failure == admissionv1.Ignore
}

// kyvernoCompiler keeps the environments and the policies that were compiled.
type kyvernoCompiler struct {
	envs     map[string]*cel.Env
	policies map[string]*kyvernoPolicy
}

// env is the environment of a policy's namespace, made when it is first needed.
func (c *kyvernoCompiler) env(namespace string) (*cel.Env, error) {
	if known := c.envs[namespace]; known != nil {
		return known, nil
	}
	env, err := kyvernoEnv(namespace)
	if err != nil {
		return nil, err
	}
	if c.envs == nil {
		c.envs = map[string]*cel.Env{}
	}
	c.envs[namespace] = env
	return env, nil
}

// policy checks and compiles a policy, or takes it from an earlier gate.
func (c *kyvernoCompiler) policy(file kyvernoFile, trustLabels bool) (*kyvernoPolicy, error) {
	if err := file.check(trustLabels); err != nil {
		return nil, err
	}
	compiled := c.policies[file.raw]
	if compiled == nil {
		var err error
		if compiled, err = c.compile(file); err != nil {
			return nil, err
		}
		if c.policies == nil {
			c.policies = map[string]*kyvernoPolicy{}
		}
		c.policies[file.raw] = compiled
	}
	for _, condition := range compiled.conditions {
		if condition.refs.ObjectLabels && !trustLabels {
			return nil, apiserver.Refuse(file.at, "policy %q: matchCondition %q reads labels that the application writes, so the application could leave the policy; "+
				"move it into a validation, or set spec.judge.trustObjectLabels in the gate", file.Name, condition.name)
		}
	}
	return compiled, nil
}

// compile compiles every expression as Kyverno does: matchConditions see no
// variables, a variable those before it. All expressions that do not compile
// are reported together.
func (c *kyvernoCompiler) compile(file kyvernoFile) (*kyvernoPolicy, error) {
	env, err := c.env(file.Namespace)
	if err != nil {
		return nil, apiserver.Refuse(file.at, "policy %q: %v", file.Name, err)
	}
	build := kyvernoBuilder{who: fmt.Sprintf("policy %q", file.Name), at: file.at, env: env, variables: newVariableTypes(env), refs: map[string]apiserver.References{}}
	if build.env, err = env.Extend(cel.CustomTypeProvider(build.variables)); err != nil {
		return nil, apiserver.Refuse(file.at, "policy %q: preparing CEL: %v", file.Name, err)
	}
	policy := &kyvernoPolicy{file: file, conditions: build.conditions(file.Spec.MatchConditions)}
	for _, variable := range file.Spec.Variables {
		compiled := build.expression("variable "+variable.Name, variable.Expression)
		compiled.name = variable.Name
		policy.variables = append(policy.variables, compiled)
		build.refs[variable.Name] = compiled.refs
	}
	for i, validation := range file.Spec.Validations {
		policy.validations = append(policy.validations, build.validation(i, validation))
	}
	for _, audit := range file.Spec.AuditAnnotations {
		compiled := build.expression("auditAnnotation "+audit.Key, audit.ValueExpression, types.StringType, types.NullType)
		compiled.name = audit.Key
		policy.audits = append(policy.audits, compiled)
	}
	policy.operationMatters = build.operationMatters
	return policy, errors.Join(build.problems...)
}

// kyvernoBuilder compiles the expressions of one document and collects what is
// wrong with them.
type kyvernoBuilder struct {
	who              string
	at               plugin.Origin
	env              *cel.Env
	variables        *variableTypes
	refs             map[string]apiserver.References
	operationMatters bool
	problems         []error
}

func (b *kyvernoBuilder) conditions(written []admissionv1.MatchCondition) []kyvernoExpression {
	var compiled []kyvernoExpression
	for _, condition := range written {
		each := b.expression("matchCondition "+condition.Name, condition.Expression, types.BoolType)
		each.name = condition.Name
		compiled = append(compiled, each)
	}
	return compiled
}

func (b *kyvernoBuilder) validation(i int, written admissionv1.Validation) kyvernoValidation {
	part := fmt.Sprintf("validations[%d]", i)
	compiled := kyvernoValidation{kyvernoExpression: b.expression(part, written.Expression, types.BoolType), static: strings.TrimSpace(written.Message)}
	if compiled.static == "" {
		compiled.static = "failed expression: " + strings.TrimSpace(written.Expression)
	}
	if written.MessageExpression != "" {
		message := b.expression(part+".messageExpression", written.MessageExpression, types.StringType)
		compiled.message = &message
	}
	return compiled
}

// expression compiles one expression; without types a variable's, which may
// have any, and whose type is learnt.
func (b *kyvernoBuilder) expression(part, text string, wanted ...*types.Type) kyvernoExpression {
	isVariable := len(wanted) == 0
	fail := func(format string, args ...any) kyvernoExpression {
		if isVariable { // so that what reads it is not told as well
			b.variables.add(strings.TrimPrefix(part, "variable "), types.DynType)
		}
		b.problems = append(b.problems, apiserver.Refuse(b.at, "%s: %s "+format, append([]any{b.who, part}, args...)...))
		return kyvernoExpression{}
	}
	compiled, issues := b.env.Compile(text)
	if err := issues.Err(); err != nil {
		return fail("does not compile: %v", err)
	}
	output := compiled.OutputType()
	if !isVariable && !slices.ContainsFunc(wanted, output.IsExactType) {
		return fail("does not compile: it gives a value of the type %s, not %s", output, wanted[0])
	}
	if called := sideEffect(compiled); called != "" {
		return fail("calls %s, which acts on something outside; a judge has no side effects, so write the rule without it", called)
	}
	refs, err := apiserver.ExpressionReferences(b.env, text, b.refs)
	if err != nil {
		return fail("does not compile: %v", err)
	}
	program, err := b.env.Program(compiled, cel.InterruptCheckFrequency(celconfig.CheckFrequency))
	if err != nil {
		return fail("does not compile: %v", err)
	}
	if isVariable {
		b.variables.add(strings.TrimPrefix(part, "variable "), output)
	}
	b.operationMatters = b.operationMatters || refs.Operation || refs.OldObject
	return kyvernoExpression{name: part, program: program, refs: refs}
}

// sideEffect names a function of the expression that does more than answer:
// those that post. Only http and resource declare them.
func sideEffect(compiled *cel.Ast) string {
	called := ""
	celast.PreOrderVisit(compiled.NativeRep().Expr(), celast.NewExprVisitor(func(expr celast.Expr) {
		if expr.Kind() != celast.CallKind {
			return
		}
		call := expr.AsCall()
		if name := call.FunctionName(); call.IsMemberFunction() && strings.EqualFold(name, "post") {
			called = name
			if call.Target().Kind() == celast.IdentKind {
				called = call.Target().AsIdent() + "." + name
			}
		}
	}))
	return called
}

// kyvernoFormat compiles what the configuration holds of Kyverno.
func (c *Compiler) kyvernoFormat(config Config, documents []gate.Document) (ownPolicies, error) {
	judge := config.Gate.Spec.Judge
	files, err := readKyverno(documents)
	if err != nil {
		return ownPolicies{}, err
	}
	exceptions, err := c.kyverno.exceptions(files, judge.TrustObjectLabels)
	problems := []error{err}
	engine := &kyvernoPolicies{trustLabels: judge.TrustObjectLabels, terms: config.WaiverTerms}
	engine.indeterminate, err = indeterminateLevel(judge.Indeterminate)
	problems = append(problems, err)
	own := ownPolicies{engine: engine}
	for _, file := range files.policies {
		own.names = append(own.names, ownName{file.Name, file.at})
		if len(judge.Policies) > 0 && !slices.Contains(judge.Policies, file.Name) {
			continue
		}
		compiled, err := c.kyverno.policy(file, judge.TrustObjectLabels)
		problems = append(problems, err)
		if err != nil {
			continue
		}
		bound := boundKyverno{kyvernoPolicy: compiled, rule: kyvernoRule(file)}
		for _, exception := range exceptions {
			if exception.names(file) {
				bound.exceptions = append(bound.exceptions, exception)
			}
		}
		engine.policies = append(engine.policies, bound)
		own.rules = append(own.rules, bound.rule)
	}
	return own, errors.Join(problems...)
}
