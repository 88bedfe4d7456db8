package predicate

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// The bounds of rules in CEL: of one rule for one component, and of all rules
// for all components of an image, in CEL's units of cost.
const (
	ruleCost  = 100_000
	billCost  = 100_000_000
	ruleCheck = 100 // iterations of a comprehension between looks at the deadline
)

// componentRules are what a gate says about components.
type componentRules struct {
	packages []packageRule
	licenses globs
	rules    []celRule
}

type packageRule struct {
	declared gate.DeniedPackage
	purl     glob
	bounds   []bound
}

type celRule struct {
	declared gate.ComponentRule
	program  cel.Program
}

// newComponentRules compiles the rules. All that do not compile are reported
// together, each with its file and line.
func newComponentRules(declared gate.SBOM) (componentRules, error) {
	rules := componentRules{licenses: newGlobs(declared.DenyLicenses)}
	var problems []error
	for _, each := range declared.DenyPackages {
		rule, err := newPackageRule(each)
		problems = append(problems, err)
		rules.packages = append(rules.packages, rule)
	}
	if len(declared.Deny) == 0 {
		return rules, errors.Join(problems...)
	}
	env, err := componentEnv()
	if err != nil {
		return rules, err
	}
	for _, each := range declared.Deny {
		rule, err := newCELRule(env, each)
		problems = append(problems, err)
		rules.rules = append(rules.rules, rule)
	}
	return rules, errors.Join(problems...)
}

func newPackageRule(declared gate.DeniedPackage) (packageRule, error) {
	rule := packageRule{declared: declared, purl: newGlob(declared.PURL)}
	if parsed := parsePURL(declared.PURL); parsed.kind == "" || parsed.version != "" || len(parsed.qualifiers) > 0 {
		return rule, refuse(declared.At, "denyPackages: %q is no package URL without version and qualifiers; write pkg:deb/debian/openssl", declared.PURL)
	}
	if declared.Versions == "" {
		return rule, nil
	}
	var err error
	if rule.bounds, err = parseRange(declared.Versions); err != nil {
		return rule, refuse(declared.At, "denyPackages: versions of %s: %w; write \">=2.0.0, <2.17.1\"", declared.PURL, err)
	}
	return rule, nil
}

// componentEnv is CEL with its standard library, text functions, typed
// components and older().
func componentEnv() (*cel.Env, error) {
	env, err := cel.NewEnv(
		ext.NativeTypes(reflect.TypeFor[Component](), ext.ParseStructTags(true)),
		cel.Variable("component", cel.ObjectType("predicate.Component")),
		ext.Strings(ext.StringsVersion(4)), //nolint:mnd // a version of the library
		cel.Function("older", cel.Overload("older_string_string", []*cel.Type{cel.StringType, cel.StringType}, cel.BoolType, cel.BinaryBinding(older))),
	)
	if err != nil {
		return nil, fmt.Errorf("preparing CEL for rules over components: %w", err)
	}
	return env, nil
}

// older compares two versions. One that cannot be compared is an error, which
// denies.
func older(one, two ref.Val) ref.Val {
	versions := make([]version, 2)
	for i, each := range []ref.Val{one, two} {
		text, isText := each.Value().(string)
		parsed, ok := parseVersion(text)
		if !isText || !ok {
			return types.NewErr("%q is no version that can be compared", shorten(text))
		}
		versions[i] = parsed
	}
	return types.Bool(versions[0].compare(versions[1]) < 0)
}

func newCELRule(env *cel.Env, declared gate.ComponentRule) (celRule, error) {
	compiled, issues := env.Compile(declared.When)
	if err := issues.Err(); err != nil {
		return celRule{}, refuse(declared.At, "rule %q does not compile: %w", declared.Name, err)
	}
	if output := compiled.OutputType(); !output.IsExactType(types.BoolType) {
		return celRule{}, refuse(declared.At, "rule %q gives a value of the type %s, not bool", declared.Name, output)
	}
	program, err := env.Program(compiled, cel.CostLimit(ruleCost), cel.InterruptCheckFrequency(ruleCheck), cel.EvalOptions(cel.OptTrackCost))
	if err != nil {
		return celRule{}, refuse(declared.At, "rule %q does not compile: %w", declared.Name, err)
	}
	return celRule{declared, program}, nil
}

func refuse(at plugin.Origin, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if where := at.String(); where != "" {
		return fmt.Errorf("%s: %w", where, err)
	}
	return err
}

// judge says for each denied component why; the rest of the bill is still
// looked at. An error is no answer: the deadline passed.
func (r componentRules) judge(ctx context.Context, components []Component) ([]string, error) {
	var denied []string
	budget := uint64(billCost)
	for _, component := range components {
		denied = append(denied, r.plain(component)...)
		for _, rule := range r.rules {
			why, err := rule.judge(ctx, component, &budget)
			if err != nil {
				return denied, err
			}
			if why != "" {
				denied = append(denied, fmt.Sprintf("%s: %s", component, why))
			}
		}
	}
	slices.Sort(denied)
	return slices.Compact(denied), nil
}

// plain judges by packages and licences.
func (r componentRules) plain(component Component) []string {
	var denied []string
	url := parsePURL(component.PURL)
	for _, rule := range r.packages {
		if url.kind == "" || !rule.purl.matches(url.base()) {
			continue
		}
		version := component.Version
		if url.version != "" {
			version = url.version
		}
		inRange, err := within(rule.bounds, version)
		if !inRange && err == nil {
			continue
		}
		why := fmt.Sprintf("%s is denied: %s", component, rule.declared.PURL)
		if rule.declared.Versions != "" {
			why += " " + rule.declared.Versions
		}
		if err != nil {
			why += " (" + err.Error() + ")"
		}
		denied = append(denied, withMessage(why, rule.declared.Message))
	}
	for _, license := range component.Licenses {
		if found := deniedLicense(license, r.licenses); found != "" {
			denied = append(denied, fmt.Sprintf("%s has the denied licence %s", component, shorten(found)))
		}
	}
	return denied
}

func withMessage(text, message string) string {
	if message == "" {
		return text
	}
	return text + ": " + message
}

// judge is why the rule denies the component; empty when it does not. A rule
// that cannot be evaluated denies.
func (r celRule) judge(ctx context.Context, component Component, budget *uint64) (string, error) {
	if *budget == 0 {
		return fmt.Sprintf("rule %s was not asked, as the rules cost too much for this image (CEL cost budget)", r.declared.Name), nil
	}
	value, details, err := r.program.ContextEval(ctx, map[string]any{"component": component})
	if ctx.Err() != nil {
		return "", fmt.Errorf("judging components by the rule %s: %w", r.declared.Name, ctx.Err())
	}
	if details != nil && details.ActualCost() != nil {
		*budget -= min(*budget, *details.ActualCost())
	}
	switch {
	case err != nil:
		return fmt.Sprintf("rule %s cannot be evaluated: %s", r.declared.Name, shorten(err.Error())), nil
	case value == types.False:
		return "", nil
	case r.declared.Message != "":
		return r.declared.Message, nil
	}
	return "denied by the rule " + r.declared.Name, nil
}
