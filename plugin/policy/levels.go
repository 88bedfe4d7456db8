package policy

import (
	"errors"
	"fmt"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// ruleLevels reads the gate's levels for single rules. A rule that does not
// exist, one that no gate may change and an unknown level are errors.
func ruleLevels(written []gate.RuleLevel, own []Rule) (map[string]ruleLevel, error) {
	levels := map[string]ruleLevel{}
	if len(written) == 0 {
		return levels, nil
	}
	var problems []error
	for _, each := range written {
		level, err := parseLevel(each.Level)
		rule, found := adjustedRule(each.Rule, own)
		_, twice := levels[each.Rule]
		switch {
		case !found:
			err = fmt.Errorf("there is no rule %q%s", each.Rule, plugin.Nearest(each.Rule, ruleIDs(own)))
		case !rule.Adjustable:
			err = fmt.Errorf("the level of rule %q cannot be set here; `assay explain %s` says what decides it", each.Rule, each.Rule)
		case twice:
			err = fmt.Errorf("rule %q is there twice", each.Rule)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("reading judge.rules: %w", err))
			continue
		}
		levels[each.Rule] = level
	}
	return levels, errors.Join(problems...)
}

// adjustedRule is the rule of that id. Reading a page costs a part of a
// millisecond, and there are many, so only the one that is asked for is read.
func adjustedRule(id string, own []Rule) (Rule, bool) {
	if rule, found := findRule(own, id); found {
		return rule, true
	}
	if rule, shipped := shippedPage(id); shipped {
		return rule, true
	}
	return findRule(builtinRules(), id)
}

// ruleIDs are all that a gate could mean.
func ruleIDs(own []Rule) []string {
	var ids []string
	for _, rule := range Rules() {
		ids = append(ids, rule.ID)
	}
	for _, rule := range own {
		ids = append(ids, rule.ID)
	}
	return ids
}

func parseLevel(written string) (ruleLevel, error) {
	switch written {
	case "Deny":
		return levelDeny, nil
	case "Warn":
		return levelWarn, nil
	case "Off":
		return levelOff, nil
	}
	return levelShipped, fmt.Errorf("level %q is none of Deny, Warn, Off", written)
}
