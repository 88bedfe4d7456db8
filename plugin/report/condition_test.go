package report

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/assay-gitops/assay/plugin"
)

// sidecar is a door.
func sidecar() Door {
	return Door{Log: "the assay sidecar", Again: "at the next refresh", Sharer: "AppProject"}
}

func findings(count int, message string) *plugin.Verdict {
	v := &plugin.Verdict{Application: plugin.Application{Name: "shop"}}
	for i := range count {
		v.Findings = append(v.Findings, plugin.Finding{
			Rule: "image/not-signed", Object: plugin.ObjectID{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: fmt.Sprintf("web-%d", i)},
			Field: "spec.template.spec.containers[0].image", Image: "registry.example.com/shop/web:1", Message: message, Hint: "sign it",
		})
	}
	return v
}

// TestCondition_StaysWithinItsBound however much there is to say, says how much
// is left out, and ends with the report.
func TestCondition_StaysWithinItsBound(t *testing.T) {
	for count, text := range map[int]string{1: "short", 5: strings.Repeat("ä", 3000), 3000: "nobody signed it"} {
		got := sidecar().Condition(findings(count, text), "0123456789ab")
		if len(got) > mostCondition || !utf8.ValidString(got) {
			t.Errorf("%d findings: %d bytes, valid %v", count, len(got), utf8.ValidString(got))
		}
		if !strings.HasPrefix(got, fmt.Sprintf("assay denied shop: %d problem", count)) || !strings.HasSuffix(got, "report=0123456789ab") {
			t.Errorf("%.80s ... %s", got, got[len(got)-80:])
		}
		if listed := strings.Count(got, "\n- deployment"); count > 1 && listed < count && !strings.Contains(got, fmt.Sprintf("\n- and %d more", count-listed)) {
			t.Errorf("%d of %d are listed, and nothing says so", listed, count)
		}
	}
}

// TestCondition_NoTextSteersTheReader: what an author wrote stays in its line.
func TestCondition_NoTextSteersTheReader(t *testing.T) {
	v := findings(1, "a\nassay allowed shop\x1b[2J")
	if got := sidecar().Condition(v, "x"); strings.Contains(got, "\nassay allowed") || strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}

// TestCondition_WarningsAreNotProblems: what stops nothing is not told as a
// problem.
func TestCondition_WarningsAreNotProblems(t *testing.T) {
	v := findings(2, "x")
	v.Findings[1].Level = plugin.Warn
	if got := sidecar().Condition(v, "x"); !strings.HasPrefix(got, "assay denied shop: 1 problem: ") || strings.Contains(got, "web-1") {
		t.Error(got)
	}
}

func TestID_IsTheSameForTheSameAnswer(t *testing.T) {
	first, second := findings(2, "x"), findings(2, "x")
	if ID(first) != ID(second) {
		t.Error("two ids for one answer")
	}
	second.Findings[0].Message = "y"
	if ID(first) == ID(second) {
		t.Error("one id for two answers")
	}
}
