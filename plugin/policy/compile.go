package policy

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// Config is what the judges of one gate are made of.
type Config struct {
	// Gate names packs, rules, levels and namespaces.
	Gate gate.Gate
	// Documents are all ValidatingAdmissionPolicies and bindings of the
	// configuration.
	Documents []gate.Document
}

// Compiled are the judges of one gate.
type Compiled struct {
	// Judges is never empty.
	Judges []plugin.Judge
	// Warnings are about the configuration: a policy without a binding, which is
	// not in force, a binding without its policy, and a rule for a resource that
	// there is not.
	Warnings []plugin.Finding
}

// Compiler turns gates into judges and keeps what it compiled, so that gates
// share it. It may be used by many goroutines.
type Compiler struct {
	mutex    sync.Mutex
	policies map[string]*admissionPolicy
	shared   map[string]sharedVariables
}

// NewCompiler returns an empty compiler.
func NewCompiler() *Compiler {
	return &Compiler{policies: map[string]*admissionPolicy{}, shared: map[string]sharedVariables{}}
}

// Compile makes the judges of one gate. Everything that is wrong with the
// configuration is in the error: unknown packs, rules, levels and policies,
// documents that are not supported, expressions that do not compile.
func (c *Compiler) Compile(config Config) (Compiled, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	judge := config.Gate.Spec.Judge
	indeterminate, err := indeterminateLevel(judge.Indeterminate)
	problems := []error{err}
	podSecurity, err := newPodSecurity(judge.PodSecurity)
	problems = append(problems, err)
	bound, warnings, err := c.bind(config)
	problems = append(problems, err)
	packs, err := c.packs(judge.Packs, config.Gate)
	problems = append(problems, err)
	levels, err := ruleLevels(judge.Rules, bound)
	problems = append(problems, err)
	if err := errors.Join(problems...); err != nil {
		return Compiled{}, fmt.Errorf("compiling the rules of gate %q: %w", config.Gate.Metadata.Name, err)
	}
	engines := append([]engine{podSecurity}, packs.engines...)
	if most := time.Duration(config.Gate.Spec.Lock.MaxBuildAge); most > 0 {
		engines = append(engines, lockAge{fields: imageFields(config.Gate), most: most})
	}
	if policies := slices.Concat(bound, packs.policies); len(policies) > 0 {
		engines = append(engines, &admissionPolicies{policies: policies, trustLabels: judge.TrustObjectLabels, indeterminate: indeterminate})
	}
	return Compiled{
		Judges: []plugin.Judge{&gateJudge{
			engines: engines, levels: levels, packs: packs.rules,
			namespaces: config.Gate.Spec.Namespaces, indeterminate: indeterminate,
		}},
		Warnings: warnings,
	}, nil
}

func indeterminateLevel(written string) (plugin.Level, error) {
	switch written {
	case "", "Deny":
		return plugin.Deny, nil
	case "Warn":
		return plugin.Warn, nil
	}
	return plugin.Deny, fmt.Errorf("reading judge.indeterminate: %q is neither Deny nor Warn", written)
}

// bind pairs the gate's policies with their bindings.
func (c *Compiler) bind(config Config) ([]boundPolicy, []plugin.Finding, error) {
	files, err := readAdmission(config.Documents)
	if err != nil {
		return nil, nil, err
	}
	judge := config.Gate.Spec.Judge
	problems := []error{unknownPolicies(judge.Policies, files.policies)}
	bindings := map[string][]bindingFile{}
	for _, binding := range files.bindings {
		problems = append(problems, checkBinding(binding, judge.TrustObjectLabels))
		bindings[binding.Spec.PolicyName] = append(bindings[binding.Spec.PolicyName], binding)
	}
	var bound []boundPolicy
	for _, file := range files.policies {
		if len(judge.Policies) > 0 && !slices.Contains(judge.Policies, file.Name) {
			continue
		}
		compiled, err := c.policy(file, judge.TrustObjectLabels)
		problems = append(problems, err)
		if err == nil && len(bindings[file.Name]) > 0 {
			bound = append(bound, boundPolicy{admissionPolicy: compiled, rule: ownPolicyRule(file), bindings: bindings[file.Name]})
		}
	}
	return bound, append(bindingWarnings(files), resourceNameWarnings(files)...), errors.Join(problems...)
}

func unknownPolicies(names []string, files []policyFile) error {
	var problems []error
	var known []string
	for _, file := range files {
		if slices.Contains(known, file.Name) {
			problems = append(problems, refuse(file.at, "policy %q is there twice", file.Name))
		}
		known = append(known, file.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			problems = append(problems, fmt.Errorf("reading judge.policies: there is no policy %q%s", name, nearest(name, known)))
		}
	}
	return errors.Join(problems...)
}

// policy checks and compiles a policy, or takes it from an earlier gate.
func (c *Compiler) policy(file policyFile, trustLabels bool) (*admissionPolicy, error) {
	if err := checkPolicy(file, trustLabels); err != nil {
		return nil, err
	}
	compiled := c.policies[file.raw]
	if compiled == nil {
		compiled = newAdmissionPolicy(file)
		if err := c.compilePolicy(compiled); err != nil {
			return nil, err
		}
		c.policies[file.raw] = compiled
	}
	for i, refs := range compiled.conditionRefs {
		if refs.objectLabels && !trustLabels {
			return nil, refuse(file.at, "policy %q: matchCondition %q reads labels that the application writes, so the application could leave the policy; "+
				"move it into a validation, or set spec.judge.trustObjectLabels in the gate", file.Name, file.Spec.MatchConditions[i].Name)
		}
	}
	return compiled, nil
}

// shippedPolicy is a policy of a pack. The packs' own tests compile all of
// them, so it is compiled when an object asks for it: compiling is most of what
// a process does before its first rendering, and few applications hold every
// kind.
func (c *Compiler) shippedPolicy(file policyFile) (*admissionPolicy, error) {
	if err := checkPolicy(file, false); err != nil {
		return nil, err
	}
	key := "shipped " + file.raw // a gate's own policies are compiled when it is loaded
	known := c.policies[key]
	if known == nil {
		known = newAdmissionPolicy(file)
		known.compile = sync.OnceValue(func() error {
			c.mutex.Lock()
			defer c.mutex.Unlock()
			return c.compilePolicy(known)
		})
		c.policies[key] = known
	}
	return known, nil
}

func bindingWarnings(files admissionFiles) []plugin.Finding {
	var warnings []plugin.Finding
	policies, bindings := map[string]bool{}, map[string]bool{}
	for _, file := range files.policies {
		policies[file.Name] = true
	}
	for _, file := range files.bindings {
		bindings[file.Spec.PolicyName] = true
		if !policies[file.Spec.PolicyName] {
			warnings = append(warnings, plugin.Finding{
				Rule: ruleBindingWithoutPolicy, Level: plugin.Warn, Origin: file.at,
				Message: fmt.Sprintf("binding %q names policy %q, which the configuration does not hold", file.Name, file.Spec.PolicyName),
				Hint:    "add the policy's file, or remove the binding",
			})
		}
	}
	for _, file := range files.policies {
		if !bindings[file.Name] {
			warnings = append(warnings, plugin.Finding{
				Rule: rulePolicyWithoutBinding, Level: plugin.Warn, Origin: file.at,
				Message: fmt.Sprintf("policy %q has no binding, so it is not in force, as in the cluster", file.Name),
				Hint:    "add a ValidatingAdmissionPolicyBinding, or remove the policy",
			})
		}
	}
	return warnings
}

// ownPolicyRule is the page of a policy that the platform team wrote.
func ownPolicyRule(file policyFile) Rule {
	return Rule{
		ID: policyRule + file.Name, Title: file.Name, Adjustable: true,
		Why: file.Annotations["description"], Fix: "change the object so that the policy " + file.Name + " accepts it",
	}
}
