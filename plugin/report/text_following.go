package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// following is one line for what only follows from something else.
func (t *teller) following(finding plugin.Finding, reason string) {
	about := finding.Rule + " " + finding.Field
	if finding.Image != "" {
		about = finding.Rule + ": " + finding.Image
	}
	mark, markStyle := levelMark(finding)
	t.hang(2, len(mark)+2, span{markStyle, mark}, span{text: fmt.Sprintf("%s: %s (%s says why)", about, finding.Message, reason)})
}

// waiting are the places of the findings that have no answer for want of
// another one.
func (t *teller) waiting(findings []plugin.Finding) []int {
	var places []int
	for i, finding := range findings {
		if finding.Level == plugin.Undetermined && t.reasons.of(finding) != "" {
			places = append(places, i)
		}
	}
	return places
}

// together is one line for several of them; what is remarked about them is told
// once in the whole report.
func (t *teller) together(findings []plugin.Finding, waiting []int) {
	t.folded += len(waiting)
	var rules, images, reasons, details []string
	counts := map[string]int{}
	for _, place := range waiting {
		finding, why := findings[place], t.reasons.why(findings[place])
		counts[finding.Rule]++
		rules, images, reasons = once(rules, finding.Rule), once(images, why.Image), once(reasons, why.Rule)
		for _, detail := range finding.Details {
			if finding.Image == "" { // those of an image are the other places that use it
				details = once(details, detail)
			}
		}
	}
	for i, rule := range rules {
		if counts[rule] > 1 {
			rules[i] = fmt.Sprintf("%s (%d)", rule, counts[rule])
		}
	}
	says := "says"
	if len(reasons) > 1 {
		says = "say"
	}
	mark, markStyle := levelMark(findings[waiting[0]])
	t.hang(2, len(mark)+2, span{markStyle, mark}, span{text: fmt.Sprintf("%s: there is no answer about %s (%s %s why)",
		strings.Join(rules, ", "), strings.Join(images, ", "), strings.Join(reasons, " and "), says)})
	for _, detail := range details {
		if !slices.Contains(t.remarks, detail) {
			t.bullet(6, span{text: detail})
		}
		t.remarks = once(t.remarks, detail)
	}
}

// once adds a text to those of a list unless it is there.
func once(list []string, text string) []string {
	if slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}
