package setup

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/policy"
)

// warnWaivers notes waivers of rules that do not exist: they load, cover
// nothing, and their author believes that they do. Levels under judge.rules
// are refused by the compiler, which reads them.
func (s *Setup) warnWaivers() {
	var warnings []plugin.Finding
	for _, each := range s.options.Config.Gates {
		for _, waiver := range each.Spec.Waivers {
			if s.isRule(waiver.Rule) {
				continue
			}
			warnings = append(warnings, plugin.Finding{
				Rule: "gate/unknown-rule", Level: plugin.Warn, Gate: each.Metadata.Name, Origin: waiver.At,
				Message: fmt.Sprintf("waiver names rule %q, which does not exist%s", waiver.Rule, policy.Suggest(waiver.Rule)),
				Why:     "a waiver compares the rule exactly, so this one covers nothing",
				Hint:    "write the rule as the report shows it; `assay explain` lists them",
			})
		}
	}
	s.warn(warnings)
}

// isRule reports whether a finding can have this rule. A rule of the gate's own
// exists when the configuration holds its policy.
func (s *Setup) isRule(rule string) bool {
	const own = "policy/"
	if name, isOwn := strings.CutPrefix(rule, own); isOwn {
		plain := func(g gate.Gate) bool { return g.Spec.Judge.Rego != nil && g.Spec.Judge.Rego.Has(name) }
		return slices.ContainsFunc(s.options.Config.Gates, plain) || slices.ContainsFunc(s.options.Config.Documents, func(d gate.Document) bool {
			return d.PolicyName() == name
		})
	}
	_, known := policy.Explain(rule)
	return known
}
