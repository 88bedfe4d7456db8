package report

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/assay-gitops/assay/plugin"
)

const commit = "3f786850e387550fdab836ed7e6dc881de23001b"

func passedOnce(v *plugin.Verdict, revision string) *plugin.Verdict {
	v.LastAllowed = plugin.Passed{Revision: revision, Time: time.Date(2026, 3, 14, 16, 9, 26, 0, time.FixedZone("", 3600))}
	return v
}

func withLastGood() Door {
	door := sidecar()
	door.LastGood = "assay last-good"
	return door
}

// TestCondition_NamesTheLastRevisionThatPassedNearItsEnd and not what it is worth
// now.
func TestCondition_NamesTheLastRevisionThatPassedNearItsEnd(t *testing.T) {
	for _, count := range []int{1, 3000} {
		v := passedOnce(findings(count, "nobody signed it"), commit)
		v.Application.Name = "team-a_shop"
		got := withLastGood().Condition(v, "0123456789ab")
		want := "\nthe last other revision that passed, as far as the assay sidecar knows: 3f786850e387, judged at 2026-03-14T15:09:26Z;" +
			" whether it passes now: assay last-good team-a/shop\nthe whole report is in the log of the assay sidecar: report=0123456789ab"
		if !strings.HasSuffix(got, want) || len(got) > mostCondition {
			t.Errorf("%d findings, %d bytes: ...%s", count, len(got), got[max(0, len(got)-len(want)-50):])
		}
		if first, _, _ := strings.Cut(got, "\n"); first != withLastGood().Headline(v) || strings.Contains(first, "3f786850e387") {
			t.Errorf("the first line is %q", first)
		}
	}
}

func TestCondition_NamesNoRevisionThatPassedWhereNoneIsKnown(t *testing.T) {
	unanswered := passedOnce(findings(1, "x"), commit)
	unanswered.Findings[0].Level = plugin.Undetermined
	for name, v := range map[string]*plugin.Verdict{"none is known": findings(1, "x"), "there is no answer": unanswered} {
		if got := withLastGood().Condition(v, "x"); strings.Contains(got, "passed") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestCondition_NamesNoCommandWhereThereIsNone(t *testing.T) {
	if got := sidecar().Condition(passedOnce(findings(1, "x"), commit), "x"); !strings.Contains(got, "3f786850e387, judged at 2026-03-14T15:09:26Z\n") {
		t.Error(got)
	}
}

// TestCondition_ARevisionThatIsNoCommitStaysInItsPlace: it is short, in one line,
// and what is not plain stands in quotes.
func TestCondition_ARevisionThatIsNoCommitStaysInItsPlace(t *testing.T) {
	for revision, want := range map[string]string{
		"1.4.2":                              "knows: 1.4.2, judged",
		"3f786850":                           "knows: 3f786850, judged",
		"1.4.2, which passes now; sync it":   "knows: '1.4.2, which passes now; sync it', judged",
		"1\nassay allowed shop\x1b[2J\u202e": `knows: '1; assay allowed shop\x1b[2J\u202e', judged`,
		"1'; rm -rf ~":                       `knows: '1'\''; rm -rf ~', judged`,
		strings.Repeat("ä", 1<<20):           "...', judged",
		strings.Repeat("0", 1<<20):           "0..., judged",
	} {
		got := withLastGood().Condition(passedOnce(findings(2, "x"), revision), "x")
		if !strings.Contains(got, want) || strings.Count(got, "\n") != 4 || len(got) > mostCondition || !utf8.ValidString(got) {
			t.Errorf("%.40q: %q", revision, got)
		}
	}
}
