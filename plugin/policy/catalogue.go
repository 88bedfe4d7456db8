package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rule is the page of one rule: what `assay explain` prints and docs/rules
// holds.
type Rule struct {
	// ID is "area/name"; a "*" at its end stands for any name.
	ID    string
	Title string
	// Severity is "critical", "high", "medium", "low" or "info".
	Severity string
	// Level is what the rule does as shipped: "Deny", "Undetermined", "Warn" or
	// "Info".
	Level string
	// Pack is the shipped pack that brings it; empty when no pack does.
	Pack string
	// EffectiveOn is the day, 2006-01-02 in UTC, from which the rule denies; it
	// warns until then. Empty is from the beginning.
	EffectiveOn string
	// Why says why it matters, Fix what to do.
	Why, Fix string
	// References are URLs.
	References []string
	// Adjustable rules take their level from spec.judge.rules of a gate.
	Adjustable bool
}

// effective is the day from which the rule denies; zero without one.
func (r Rule) effective() (time.Time, error) {
	if r.EffectiveOn == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, r.EffectiveOn)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading effectiveOn of rule %s: %w", r.ID, err)
	}
	return day, nil
}

// pending reports whether the rule does not deny yet. A day that cannot be
// read was refused when the pack was loaded; here it denies.
func (r Rule) pending(at time.Time) bool {
	day, err := r.effective()
	return err == nil && at.Before(day)
}

// Rules is the page of every rule of the product, sorted by id.
func Rules() []Rule {
	rules := slices.Concat(
		podSecurityRules(), selfRules(), objectRules(), shippedRules(),
		trustRules(), imageRules(), registryRules(), confinementRules(), renderRules(),
		gateRules(), adviceRules(), waiverRules(), hardenRules(), runRules(), answerRules(), stageRules(), doorRules(),
	)
	slices.SortFunc(rules, func(a, b Rule) int { return cmp.Compare(a.ID, b.ID) })
	return rules
}

// Explain is the page of a rule. An id that no page has is looked up among
// those that stand for many: policy/my-policy is explained by policy/*.
func Explain(id string) (Rule, bool) {
	rules := Rules()
	if rule, found := findRule(rules, id); found {
		return rule, true
	}
	for _, rule := range rules {
		if prefix, wild := strings.CutSuffix(rule.ID, "*"); wild && strings.HasPrefix(id, prefix) && len(id) > len(prefix) {
			return rule, true
		}
	}
	return Rule{}, false
}

// Suggest is the id of the rule nearest to one that does not exist, for
// messages; empty when none is close.
func Suggest(id string) string {
	var ids []string
	for _, rule := range Rules() {
		ids = append(ids, rule.ID)
	}
	return nearest(id, ids)
}

func findRule(rules []Rule, id string) (Rule, bool) {
	at := slices.IndexFunc(rules, func(rule Rule) bool { return rule.ID == id })
	if at < 0 {
		return Rule{}, false
	}
	return rules[at], true
}

// shippedRules are those of the packs that are policies. The packs are
// embedded, so that reading them cannot fail once their test has passed.
func shippedRules() []Rule {
	var rules []Rule
	for _, pack := range packs() {
		files, err := packFiles(pack)
		if err != nil {
			panic(err)
		}
		for _, file := range files {
			rules = append(rules, file.rule)
		}
	}
	return rules
}

// Markdown is the page as docs/rules has it.
func (r Rule) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s.\n\n", r.ID, r.Title)
	fmt.Fprintf(&b, "| severity | level as shipped | pack | level can be set in a gate |\n|---|---|---|---|\n| %s | %s | %s | %s |\n\n",
		r.Severity, r.Level, cmp.Or(r.Pack, "none"), yesNo(r.Adjustable))
	if r.EffectiveOn != "" {
		fmt.Fprintf(&b, "Denies from %s on; warns until then.\n\n", r.EffectiveOn)
	}
	fmt.Fprintf(&b, "**Why it matters.** %s.\n\n**What to do.** %s.\n", sentence(r.Why), sentence(r.Fix))
	if len(r.References) > 0 {
		b.WriteString("\n**References**\n\n")
		for _, reference := range r.References {
			fmt.Fprintf(&b, "- <%s>\n", reference)
		}
	}
	return b.String()
}

func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".")
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
