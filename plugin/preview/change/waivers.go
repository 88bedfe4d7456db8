package change

import (
	"cmp"
	"regexp"
	"slices"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// The uses of a waiver.
const (
	waiverUsed      = "used"
	waiverRequested = "requested"
	waiverEnded     = "ended"
)

// waivers says which exceptions are used, asked for or ended, and on which
// sides.
func (c *comparison) waivers() []Waiver {
	was, now := c.exceptions(c.base, c.headOf()), c.exceptions(c.head, nil)
	before := map[string]bool{}
	for _, each := range was {
		before[each.key] = true
	}
	after := map[string]bool{}
	var out []Waiver
	for _, each := range now {
		each.State = New
		if before[each.key] {
			each.State = Still
		}
		if !after[each.key] {
			out = append(out, each.Waiver)
		}
		after[each.key] = true
	}
	for _, each := range was {
		if !after[each.key] {
			each.State = Fixed
			out = append(out, each.Waiver)
			after[each.key] = true
		}
	}
	rank := func(w Waiver) int { return slices.Index([]State{New, Still, Fixed}, w.State) }
	slices.SortStableFunc(out, func(a, b Waiver) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Use, b.Use), a.Until.Compare(b.Until), cmp.Compare(a.Rule, b.Rule),
			compareIDs(a.Object, b.Object), cmp.Compare(a.Image, b.Image), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}

// exception is a waiver and what makes it the same on the other side.
type exception struct {
	Waiver
	key string
}

var (
	// requestedRule is the rule in what a run says of a request
	// (plugin.RuleWaiverRequested).
	requestedRule = regexp.MustCompile(`^a waiver of (\S+) (?:is|was) requested`)
	// ended has the rule and the day in what a gate says of a waiver past it
	// (waiver/expired): "the waiver for rule of image ended on 2026-12-31".
	ended = regexp.MustCompile(`^the (?:waiver|\S+ ".*") for (\S+) (?:of .*)?ended (?:on|at) (\d{4}-\d{2}-\d{2})`)
)

func (c *comparison) exceptions(of *side, renamed map[identity]identity) []exception {
	var out []exception
	for _, judged := range c.judgements(of, renamed) {
		finding := c.display.mask.Finding(judged.finding)
		waiver := Waiver{Rule: finding.Rule, Gate: finding.Gate, Object: finding.Object, Image: finding.Image}
		switch {
		case finding.Waiver != nil:
			waiver.Use, waiver.Waived = waiverUsed, *finding.Waiver
		case finding.Rule == plugin.RuleWaiverRequested:
			waiver.Use, waiver.Reason, waiver.Kind = waiverRequested, finding.Message, "waiver"
			if match := requestedRule.FindStringSubmatch(finding.Message); match != nil {
				waiver.Rule = match[1]
			}
		case finding.Rule == "waiver/expired":
			waiver.Use, waiver.Reason, waiver.Kind = waiverEnded, finding.Message, "waiver"
			if match := ended.FindStringSubmatch(finding.Message); match != nil {
				waiver.Rule, waiver.Until = match[1], dayOf(match[2])
			}
		default:
			continue
		}
		judged.about.rule = waiver.Rule
		key := waiver.Use + judged.about.text()
		if waiver.Use != waiverUsed {
			key += waiver.Reason
		}
		out = append(out, exception{waiver, key})
	}
	return out
}

// dayOf is the beginning of a day, UTC; zero when the text is none.
func dayOf(text string) time.Time {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}
	}
	return day
}
