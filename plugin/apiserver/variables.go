package apiserver

import (
	"errors"

	"github.com/google/cel-go/cel"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// Expression is one CEL expression of a policy, as the compiler wants it.
type Expression struct {
	name, text string
	types      []*cel.Type
}

// NewExpression is an expression that has one of the types. The name, such as
// that of a condition, may be empty.
func NewExpression(name, text string, types ...*cel.Type) Expression {
	return Expression{name: name, text: text, types: types}
}

// GetName implements plugincel.NamedExpressionAccessor.
func (e Expression) GetName() string { return e.name }

// GetExpression implements plugincel.ExpressionAccessor.
func (e Expression) GetExpression() string { return e.text }

// ReturnTypes implements plugincel.ExpressionAccessor.
func (e Expression) ReturnTypes() []*cel.Type { return e.types }

// Variables is a compiler with a policy's variables in it. Making one costs
// milliseconds, so policies that declare the same variables may share it.
type Variables struct {
	Compiler *plugincel.CompositedCompiler
	Env      *cel.Env
	// References is what each variable reads.
	References map[string]References
}

// CompileVariables compiles the policy's variables as the API server does: the
// same environment, the same limits. All that do not compile are reported
// together.
func CompileVariables(policy Policy) (Variables, error) {
	compiler, err := plugincel.NewCompositedCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	if err != nil {
		return Variables{}, Refuse(policy.At, "policy %q: preparing CEL: %v", policy.Name, err)
	}
	env, err := compiler.Env(environment.StoredExpressions)
	if err != nil {
		return Variables{}, Refuse(policy.At, "policy %q: preparing CEL: %v", policy.Name, err)
	}
	variables := Variables{Compiler: compiler, Env: env, References: map[string]References{}}
	var problems []error
	for _, variable := range policy.Variables {
		each := Expression{variable.Name, variable.Expression, []*cel.Type{cel.AnyType, cel.DynType}}
		declared := plugincel.OptionalVariableDeclarations{HasAuthorizer: true, HasParams: policy.ParamKind != nil}
		result := compiler.CompileAndStoreVariable(each, declared, environment.StoredExpressions)
		if result.Error != nil {
			problems = append(problems, Refuse(policy.At, "policy %q: variable %q does not compile: %v", policy.Name, variable.Name, result.Error))
			continue
		}
		if variables.References[variable.Name], err = ExpressionReferences(env, variable.Expression, variables.References); err != nil {
			problems = append(problems, Refuse(policy.At, "policy %q: variable %q: %v", policy.Name, variable.Name, err))
		}
	}
	return variables, errors.Join(problems...)
}
