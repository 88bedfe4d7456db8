package mutate

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/google/cel-go/cel"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	"k8s.io/apiserver/pkg/cel/environment"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// Config is what the mutator of an application is made of.
type Config struct {
	// Gates are what the gates of the application mean together.
	Gates gate.Effective
	// Documents are those of the whole configuration.
	Documents []gate.Document
}

// Compiled is the mutator of an application.
type Compiled struct {
	// Mutator is nil where no policy is in force.
	Mutator *Mutator
	// Warnings are about the configuration: a policy without a binding, a rule
	// for a resource that there is not, params that are not there.
	Warnings []plugin.Finding
}

// Compiler turns configurations into mutators and keeps what it compiled, so
// that gates share it. It may be used by many goroutines.
type Compiler struct {
	mutex      sync.Mutex
	policies   map[string]*policy
	converters *converters
}

// NewCompiler returns an empty compiler.
func NewCompiler() *Compiler {
	boundCopies()
	return &Compiler{policies: map[string]*policy{}, converters: newConverters()}
}

// Compile makes the mutator. Everything that is wrong with the policies that a
// gate chooses is in the error.
func (c *Compiler) Compile(config Config) (Compiled, error) {
	if !slices.ContainsFunc(config.Documents, gate.Document.IsMutation) {
		return Compiled{}, nil
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	all, err := read(config.Documents)
	if err != nil {
		return Compiled{}, fmt.Errorf("reading the gate's mutations: %w", err)
	}
	heads := all.heads()
	warnings := append(apiserver.Unbound(heads, all.bindings), apiserver.ResourceNameWarnings(heads, all.bindings)...)
	problems := apiserver.CheckStatic(heads, all.bindings)
	var policies []*boundPolicy
	for _, file := range all.policies {
		together := config.Gates.Mutation(file.Name)
		if len(together.Gates) == 0 {
			continue
		}
		bound, err := c.bind(file, all, together)
		problems = append(problems, err)
		if err == nil && len(bound.bindings) > 0 {
			policies = append(policies, bound)
			warnings = append(warnings, bound.warnings()...)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return Compiled{}, fmt.Errorf("compiling the gate's mutations: %w", err)
	}
	compiled := Compiled{Warnings: warnings}
	if len(policies) > 0 {
		compiled.Mutator = &Mutator{
			policies: policies, converters: c.converters, namespaces: apiserver.Namespaces(config.Gates.Namespaces),
			given: givenDefinitions(config.Documents),
		}
	}
	return compiled, nil
}

// policy is a compiled MutatingAdmissionPolicy. It holds no state of a run and
// is shared by gates.
type policy struct {
	file       policyFile
	compiler   *plugincel.CompositedCompiler
	conditions plugincel.ConditionEvaluator
	patchers   []patch.Patcher
	// These have one entry for each expression.
	conditionRefs, mutationRefs []apiserver.References
}

// boundPolicy is a policy, what puts it in force, and what the gates that choose
// it say.
type boundPolicy struct {
	*policy
	bindings []apiserver.Binding
	params   apiserver.Params
	together gate.Mutation
	// indeterminate is the level of what cannot be decided.
	indeterminate plugin.Level
}

func (c *Compiler) bind(file policyFile, all files, together gate.Mutation) (*boundPolicy, error) {
	if err := file.check(together.TrustLabels); err != nil {
		return nil, err
	}
	compiled, err := c.policy(file)
	if err != nil {
		return nil, err
	}
	params, err := apiserver.NewParams(file.Spec.ParamKind, all.params)
	problems := []error{err, file.head().CheckConditions(compiled.conditionRefs, together.TrustLabels)}
	bound := &boundPolicy{policy: compiled, params: params, together: together, indeterminate: plugin.Deny}
	if together.Indeterminate == "Warn" {
		bound.indeterminate = plugin.Warn
	}
	for _, binding := range all.bindings {
		if binding.PolicyName == file.Name {
			bound.bindings = append(bound.bindings, binding)
			problems = append(problems, checkBinding(binding, together.TrustLabels), params.Check(binding))
		}
	}
	return bound, errors.Join(problems...)
}

// warnings are what its author may not expect of the policy.
func (b *boundPolicy) warnings() []plugin.Finding {
	warnings := append(apiserver.OptOuts(b.file.head(), b.conditionRefs, b.bindings), b.updatesAlone()...)
	for _, binding := range b.bindings {
		warnings = append(warnings, b.params.Warnings(binding)...)
	}
	return warnings
}

// policy compiles every expression as the API server does: the same
// environment, the same limits. All that do not compile are reported together.
func (c *Compiler) policy(file policyFile) (*policy, error) {
	if known := c.policies[file.raw]; known != nil {
		return known, nil
	}
	head := file.head()
	variables, err := apiserver.CompileVariables(head)
	if err != nil {
		return nil, err
	}
	compiled := &policy{file: file, compiler: variables.Compiler}
	declared := plugincel.OptionalVariableDeclarations{HasAuthorizer: true, HasParams: head.ParamKind != nil}
	var problems []error
	reads := func(expression string) apiserver.References {
		refs, err := apiserver.ExpressionReferences(variables.Env, expression, variables.References)
		if err != nil {
			problems = append(problems, apiserver.Refuse(file.at, "policy %q: %v", file.Name, err))
		}
		return refs
	}
	var conditions []plugincel.ExpressionAccessor
	for _, condition := range file.Spec.MatchConditions {
		conditions = append(conditions, apiserver.NewExpression(condition.Name, condition.Expression, cel.BoolType))
		compiled.conditionRefs = append(compiled.conditionRefs, reads(condition.Expression))
	}
	compiled.conditions = variables.Compiler.CompileCondition(conditions, declared, environment.StoredExpressions)
	for _, err := range compiled.conditions.CompilationErrors() {
		problems = append(problems, apiserver.Refuse(file.at, "policy %q: matchConditions does not compile: %v", file.Name, err))
	}
	declared.HasPatchTypes = true
	for i, mutation := range file.Spec.Mutations {
		evaluator := variables.Compiler.CompileMutatingEvaluator(accessorOf(mutation), declared, environment.StoredExpressions)
		for _, err := range evaluator.CompilationErrors() {
			problems = append(problems, apiserver.Refuse(file.at, "policy %q: mutations[%d] does not compile: %v", file.Name, i, err))
		}
		compiled.mutationRefs = append(compiled.mutationRefs, reads(expressionOf(mutation)))
		compiled.patchers = append(compiled.patchers, patcherOf(mutation, evaluator))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	c.policies[file.raw] = compiled
	return compiled, nil
}

func accessorOf(mutation admissionv1.Mutation) plugincel.ExpressionAccessor {
	if mutation.PatchType == admissionv1.PatchTypeJSONPatch {
		return &patch.JSONPatchCondition{Expression: mutation.JSONPatch.Expression}
	}
	return &patch.ApplyConfigurationCondition{Expression: mutation.ApplyConfiguration.Expression}
}

func patcherOf(mutation admissionv1.Mutation, evaluator plugincel.MutatingEvaluator) patch.Patcher {
	if mutation.PatchType == admissionv1.PatchTypeJSONPatch {
		return patch.NewJSONPatcher(evaluator)
	}
	return patch.NewApplyConfigurationPatcher(evaluator)
}
