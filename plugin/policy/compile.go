package policy

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/confined"
	"github.com/assay-gitops/assay/plugin/gate"
)

// Config is what the judges of one gate are made of.
type Config struct {
	// Gate names packs, rules, levels and namespaces.
	Gate gate.Gate
	// Documents are all ValidatingAdmissionPolicies and bindings of the
	// configuration.
	Documents []gate.Document
	// WaiverTerms are those of all gates that apply; exceptions that a policy's
	// own language has are bound by them too.
	WaiverTerms gate.WaiverTerms
}

// Compiled are the judges of one gate.
type Compiled struct {
	// Judges is never empty.
	Judges []plugin.Judge
	// Warnings are about the configuration: a policy without a binding, which is
	// not in force, a binding without its policy, a rule for a resource that
	// there is not, an expression that does not fit the kinds that it is about.
	Warnings []plugin.Finding
}

// Compiler turns gates into judges and keeps what it compiled, so that gates
// share it. It may be used by many goroutines.
type Compiler struct {
	mutex    sync.Mutex
	policies map[string]*admissionPolicy
	shared   map[string]apiserver.Variables
	// typed is what the types of kinds say against policies.
	typed   map[string][]typeWarning
	kyverno kyvernoCompiler
	// constraintTemplates are Gatekeeper's, by their text.
	constraintTemplates map[string]*constraintTemplate
	regoCapabilities    func() *ast.Capabilities
	// plain is plain Rego, by all that it is made of.
	plain map[string]ownPolicies
}

// NewCompiler returns an empty compiler.
func NewCompiler() *Compiler {
	return &Compiler{
		policies: map[string]*admissionPolicy{}, shared: map[string]apiserver.Variables{}, typed: map[string][]typeWarning{},
		constraintTemplates: map[string]*constraintTemplate{}, regoCapabilities: confined.NewCapabilities(), plain: map[string]ownPolicies{},
	}
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
	podSecurity, err := newPodSecurity(judge)
	problems = append(problems, err)
	own, others, err := c.own(config)
	problems = append(problems, err)
	config.Documents = others
	plain, err := c.plainRego(config.Gate)
	problems, own = append(problems, err), append(own, plain)
	bound, warnings, err := c.bind(config, own)
	problems = append(problems, err)
	packs, err := c.packs(judge.Packs, config.Gate)
	problems = append(problems, err)
	levels, err := ruleLevels(judge.Rules, ownRules(bound, own))
	problems = append(problems, err)
	schemas, err := newSchemas(config.Documents, levels)
	problems = append(problems, err)
	if err := errors.Join(problems...); err != nil {
		return Compiled{}, fmt.Errorf("compiling the rules of gate %q: %w", config.Gate.Metadata.Name, err)
	}
	warnings = append(warnings, c.typeWarnings(config, schemas.given)...)
	engines := append([]engine{podSecurity, schemas}, packs.engines...)
	if most := time.Duration(config.Gate.Spec.Lock.MaxBuildAge); most > 0 {
		engines = append(engines, lockAge{fields: imageFields(config.Gate), most: most})
	}
	if policies := slices.Concat(bound, packs.policies); len(policies) > 0 {
		engines = append(engines, &admissionPolicies{policies: policies, trustLabels: judge.TrustObjectLabels, indeterminate: indeterminate})
	}
	for _, each := range own {
		if each.engine != nil {
			engines = append(engines, each.engine)
		}
		warnings = append(warnings, each.warnings...)
	}
	return Compiled{
		Judges: []plugin.Judge{&gateJudge{
			engines: engines, levels: levels, packs: packs.rules, named: judge.Packs, platform: config.Gate.Spec.Platform,
			namespaces: config.Gate.Spec.Namespaces, deployer: apiserver.NewDeployer(judge.Deployer), indeterminate: indeterminate,
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

// shippedPolicy is a policy of a pack. The packs' own tests compile all of
// them, so it is compiled when an object asks for it: compiling is most of what
// a process does before its first rendering, and few applications hold every
// kind.
func (c *Compiler) shippedPolicy(file policyFile) *admissionPolicy {
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
	return known
}
