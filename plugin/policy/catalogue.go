package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
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
	// Controls are the controls of published lists that ask for the same:
	// "CIS Kubernetes Benchmark 5.1.3".
	Controls []string
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
	rules := slices.Concat(builtinRules(), shippedRules())
	slices.SortFunc(rules, func(a, b Rule) int { return cmp.Compare(a.ID, b.ID) })
	return rules
}

// builtinRules are those that no pack brings, and self's.
func builtinRules() []Rule {
	return slices.Concat(
		podSecurityRules(), selfRules(), objectRules(), schemaRules(),
		trustRules(), evidenceRules(), contentRules(), imageRules(), registryRules(), confinementRules(), renderRules(),
		gateRules(), adviceRules(), trustAdviceRules(), waiverRules(), hardenRules(), runRules(), answerRules(), stageRules(), doorRules(), helmReleaseRules(), diffRules(),
	)
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
	return plugin.Nearest(id, ids)
}

func findRule(rules []Rule, id string) (Rule, bool) {
	at := slices.IndexFunc(rules, func(rule Rule) bool { return rule.ID == id })
	if at < 0 {
		return Rule{}, false
	}
	return rules[at], true
}

// shippedRules are those of the packs. They are embedded, so that reading them
// cannot fail once their test has passed.
func shippedRules() []Rule {
	var rules []Rule
	seen := map[string]bool{}
	for _, pack := range packs() {
		for _, id := range pack.rules {
			if !seen[id] {
				seen[id] = true
				rule, _ := shippedPage(id)
				rules = append(rules, rule)
			}
		}
	}
	return rules
}

// shippedPage is the page of a rule of a pack. It reads that rule alone.
func shippedPage(id string) (rule Rule, found bool) {
	if packs := packsOf(id); packs != "" {
		rule.Pack = packs
	} else {
		return Rule{}, false
	}
	if code, inGo := findCodeRule(id); inGo {
		code.page.Pack = rule.Pack
		return code.page, true
	}
	file, err := readPackFile(id)
	if err != nil {
		panic(err)
	}
	file.rule.Pack = rule.Pack
	return file.rule, true
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
	if len(r.Controls) > 0 {
		b.WriteString("\n**Controls**\n\n")
		for _, control := range r.Controls {
			fmt.Fprintf(&b, "- %s\n", control)
		}
	}
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
