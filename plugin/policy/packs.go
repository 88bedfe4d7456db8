package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/policies"
)

// compiledPacks are what a gate takes from its packs.
type compiledPacks struct {
	engines  []engine
	policies []boundPolicy
	rules    map[string]Rule
}

// packs compiles the named packs. The pack self is always on, so naming it
// changes nothing. A rule that several of them bring is asked once.
func (c *Compiler) packs(names []string, of gate.Gate) (compiledPacks, error) {
	compiled := compiledPacks{rules: map[string]Rule{}}
	known := packs()
	var problems []error
	for i, name := range names {
		at := slices.IndexFunc(known, func(each pack) bool { return each.name == name })
		if err := checkPackName(names[:i], name); err != nil || at < 0 {
			problems = append(problems, cmp.Or(err, unknownPack(name, known)))
			continue
		}
		for _, id := range known[at].rules {
			if _, twice := compiled.rules[id]; !twice {
				problems = append(problems, c.shippedRule(id, of, &compiled))
			}
		}
	}
	if _, known := compiled.rules[ruleRegistry]; !known && len(of.Spec.Images.Allowed) > 0 {
		problems = append(problems, c.shippedRule(ruleRegistry, of, &compiled))
	}
	return compiled, errors.Join(problems...)
}

func unknownPack(name string, known []pack) error {
	var names []string
	for _, each := range known {
		names = append(names, each.name)
	}
	return fmt.Errorf("reading judge.packs: there is no pack %q%s", name, plugin.Nearest(name, names))
}

// checkPackName refuses a pack that an earlier one is too, in the same version
// or another: two versions would say the same thing twice, at two levels.
func checkPackName(earlier []string, name string) error {
	base, _, _ := strings.Cut(name, "@")
	for _, other := range earlier {
		switch otherBase, _, _ := strings.Cut(other, "@"); {
		case other == name:
			return fmt.Errorf("reading judge.packs: %q is there twice", name)
		case otherBase == base:
			return fmt.Errorf("reading judge.packs: %q and %q are versions of one pack; keep one", other, name)
		}
	}
	return nil
}

func (c *Compiler) shippedRule(id string, of gate.Gate, into *compiledPacks) error {
	if rule, found := findCodeRule(id); found {
		into.engines = append(into.engines, rule.engine(of))
		into.rules[id] = rule.page
		return nil
	}
	file, err := readPackFile(id)
	if err != nil {
		return err
	}
	into.policies = append(into.policies, boundPolicy{admissionPolicy: c.shippedPolicy(file.policy), rule: file.rule, bindings: []bindingFile{file.binding}})
	into.rules[id] = file.rule
	return nil
}

func findCodeRule(id string) (codeRule, bool) {
	rules := codeRules()
	at := slices.IndexFunc(rules, func(rule codeRule) bool { return rule.page.ID == id })
	if at < 0 {
		return codeRule{}, false
	}
	return rules[at], true
}

// packsOf are the packs that bring the rule, for its page.
func packsOf(id string) string {
	var names []string
	for _, each := range packs() {
		if slices.Contains(each.rules, id) {
			names = append(names, each.name)
		}
	}
	return strings.Join(names, ", ")
}

// packFile is one shipped rule that is a ValidatingAdmissionPolicy.
type packFile struct {
	rule Rule
	shippedFile
}

// readPackFile reads the policy and binding of one rule.
func readPackFile(id string) (packFile, error) {
	read, err := readShipped(policies.Files, "policies", id+"/policy.yaml")
	if err != nil {
		return packFile{}, fmt.Errorf("reading the shipped rule %s: %w", id, err)
	}
	rule, err := packRule(read)
	if err == nil && rule.ID != id {
		err = fmt.Errorf("the rule's id is %q, and not that of its folder", rule.ID)
	}
	if err != nil {
		return packFile{}, fmt.Errorf("%s: %w", read.policy.at, err)
	}
	return packFile{rule: rule, shippedFile: read}, nil
}

// packRule reads the rule's page from the policy's annotations.
func packRule(file shippedFile) (Rule, error) {
	notes := file.policy.Annotations
	rule := Rule{
		ID: notes["assay.dev/rule"], Title: notes["assay.dev/title"], Severity: notes["assay.dev/severity"],
		Why: notes["assay.dev/why"], Fix: notes["assay.dev/fix"], EffectiveOn: notes["assay.dev/effective-on"],
		References: strings.Fields(notes["assay.dev/references"]), Controls: splitControls(notes["assay.dev/controls"]), Adjustable: true,
	}
	if rule.ID == "" || rule.Title == "" || rule.Severity == "" || rule.Why == "" || rule.Fix == "" {
		return Rule{}, errors.New("an annotation of the rule's page is missing: rule, title, severity, why or fix")
	}
	if _, err := rule.effective(); err != nil {
		return Rule{}, err
	}
	rule.Level = "Deny"
	if slices.Equal(file.binding.Spec.ValidationActions, []admissionv1.ValidationAction{admissionv1.Warn}) {
		rule.Level = "Warn"
	}
	return rule, nil
}

// splitControls reads "CIS Kubernetes Benchmark 5.1.3; MITRE ATT&CK T1078".
func splitControls(text string) []string {
	var controls []string
	for control := range strings.SplitSeq(text, ";") {
		if control = strings.TrimSpace(control); control != "" {
			controls = append(controls, control)
		}
	}
	return controls
}

func imageFields(g gate.Gate) []plugin.ImageField {
	var fields []plugin.ImageField
	for _, field := range g.Spec.Images.Fields {
		fields = append(fields, plugin.ImageField(field))
	}
	return fields
}
