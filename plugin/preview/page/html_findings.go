package page

import (
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
)

// findingGroup is the findings of one state and weight.
type findingGroup struct {
	Title, Class string
	Open         bool
	Findings     []findingView
}

type findingView struct {
	Rule, Page, Level, Subject, Kind, Field, Where, Gate, Image string
	Message, Why, Hint, Standing                                string
	Details                                                     []string
}

// findingGroups sorts an application's findings by what a reader does about
// them.
func findingGroups(a change.Application, o Options) []findingGroup {
	groups := []findingGroup{
		{Title: "New denials", Class: "deny", Open: true}, {Title: "New, and without an answer", Class: "undetermined", Open: true},
		{Title: "New warnings", Class: "warn", Open: true}, {Title: "New notes", Class: "info"},
		{Title: "Fixed", Class: "allowed"}, {Title: "Still there", Class: "still"},
	}
	for _, finding := range a.Findings {
		at := groupOf(finding)
		groups[at].Findings = append(groups[at].Findings, newFindingView(finding, a, o))
	}
	var out []findingGroup
	for _, group := range groups {
		if len(group.Findings) > 0 {
			out = append(out, group)
		}
	}
	return out
}

// groupOf is the index of a finding's group.
func groupOf(f change.Finding) int {
	switch {
	case f.State == change.Fixed:
		return 4
	case f.State == change.Still:
		return 5
	case isNewQuestion(f):
		return 1
	case f.Level == plugin.Warn:
		return 2
	case f.Level == plugin.Info:
		return 3
	}
	return 0
}

func newFindingView(f change.Finding, a change.Application, o Options) findingView {
	page := o.page(f.Rule)
	v := findingView{
		Rule: plain(f.Rule), Level: f.Level.String(), Subject: plain(f.Subject()), Kind: plain(f.Object.Kind), Field: plain(f.Field), Gate: plain(f.Gate),
		Where: plain(placeOf(located{f, &a})), Message: plain(f.Message), Why: plain(f.Why), Hint: plain(f.Hint), Details: plains(f.Details),
	}
	if strings.HasPrefix(page.Page, "https://") {
		v.Page = page.Page
	}
	if v.Hint == "" {
		v.Hint = page.Fix
	}
	if v.Why == "" {
		v.Why = page.Why
	}
	if !f.Object.IsZero() {
		v.Image = plain(f.Image)
	}
	switch {
	case f.Waiver != nil:
		v.Standing = "waived"
	case f.Audited:
		v.Standing = "not enforced (audit)"
	case f.Indeterminate:
		v.Standing = "cannot be decided offline"
	case f.BaseLevel != nil:
		v.Standing = "was " + f.BaseLevel.String()
	}
	return v
}
