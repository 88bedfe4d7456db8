package report

import (
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// changes sums up what the author did not write, what was held back, and the
// notes.
func (d *markdown) changes(findings []plugin.Finding) {
	filled, mutated := collectEdits(findings)
	d.edits("filled in by assay", filled)
	d.edits("changed by the platform's policies", mutated)
	if rollouts := Rollouts(d.v); len(rollouts) > 0 {
		lines := make([]string, len(rollouts))
		for i, each := range rollouts {
			lines[i] = "- " + code(each.Object.String()) + " " + prose(each.Effect.Says()+": "+each.reasons()) + "\n"
		}
		d.section(rolling(rollouts), lines)
	}
	d.heldBack(findings)
	var notes []string
	for _, finding := range findings {
		if isNote(finding) {
			notes = append(notes, bulletOf(finding))
		}
	}
	d.section(plural(len(notes), "note"), notes)
}

func (d *markdown) edits(title string, made edits) {
	lines := make([]string, len(made.kinds))
	for i, e := range made.kinds {
		lines[i] = "- " + code(e.field) + " " + prose(e.change) + ": " + prose(named(e.objects)) + "\n"
		if e.why != "" {
			lines[i] += "  - why: " + prose(e.why) + "\n"
		}
	}
	d.section(plural(made.places, "field")+" "+title, lines)
}

func (d *markdown) heldBack(findings []plugin.Finding) {
	all, places := collectHeldBack(findings)
	lines := make([]string, len(all))
	for i, h := range all {
		lines[i] = fmt.Sprintf("- %s: %s: %s\n", code(strings.Join(h.fields, ", ")), prose(named(h.objects)), prose(h.reason))
		if h.instead != "" {
			lines[i] += "  - instead: " + prose(h.instead) + "\n"
		}
	}
	d.section(plural(places, "field")+" held back", lines)
}
