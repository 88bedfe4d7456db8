package gate

import (
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func someTerms() BaselineTerms {
	return BaselineTerms{Owner: "team-a", Approver: "platform@example.com", Reason: "before the gate", Reference: "https://tickets.example.com/17", Until: day("2026-12-31")}
}

func configOf(gates ...Gate) *Config { return &Config{Gates: gates} }

func gateNamed(name string, spec Spec) Gate { return Gate{Metadata: Metadata{Name: name}, Spec: spec} }

func TestBaseline_EveryDenialIsCoveredByItsWaiver(t *testing.T) {
	audited, ofNoGate, withImage := objectFinding(), objectFinding(), objectFinding()
	audited.Level, audited.Audited, audited.Field = plugin.Warn, true, "spec.hostPID"
	ofNoGate.Gate, ofNoGate.Rule, ofNoGate.Field = "", "render/duplicate", ""
	withImage.Image, withImage.Digest, withImage.Field = "registry.example.com/team-a/legacy:v1", someDigest, "spec.containers[0].securityContext"
	findings := []plugin.Finding{objectFinding(), imageFinding(), audited, ofNoGate, withImage}
	documents, left, err := configOf(gateNamed("h", Spec{}), gateNamed("g", Spec{})).Baseline(someTerms(), []Judged{{Gates: []string{"g", "h"}, Findings: findings}})
	if err != nil || len(left) > 0 || len(documents) != 2 || documents[0].Spec.Gate != "g" || documents[1].Spec.Gate != "h" {
		t.Fatalf("%+v, left %+v, %v", documents, left, err)
	}
	if len(documents[0].Spec.Waivers) != 5 || len(documents[1].Spec.Waivers) != 1 {
		t.Errorf("%d and %d waivers", len(documents[0].Spec.Waivers), len(documents[1].Spec.Waivers))
	}
	for _, document := range documents {
		decider := NewDecider(gateNamed(document.Spec.Gate, Spec{Waivers: document.Spec.Waivers}), WaiverTerms{})
		for _, finding := range findings {
			finding.Level, finding.Audited = plugin.Deny, false
			mine := finding.Gate == "" || finding.Gate == document.Spec.Gate
			for _, change := range []func(*plugin.Finding){
				func(*plugin.Finding) {},
				func(f *plugin.Finding) { f.Content, f.Digest = otherDigest, otherDigest },
			} {
				covered := finding
				change(&covered)
				want := mine && covered.Content == finding.Content && covered.Digest == finding.Digest
				if got := decider.Waive(someSource(), at("2026-11-23T12:00:00Z"), covered); (got != nil) != want {
					t.Errorf("gate %s, %s %s: %+v", document.Spec.Gate, covered.Rule, covered.Field, got)
				}
			}
		}
	}
}

func TestBaseline_WhatCannotBeWaivedIsLeft(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*plugin.Finding)
		why    string
	}{
		"self":              {func(f *plugin.Finding) { f.Rule = "self/rbac" }, "nothing waives it"},
		"unwaivable":        {func(f *plugin.Finding) { f.Unwaivable = true }, "nothing waives it"},
		"never":             {func(f *plugin.Finding) { f.Rule = "secret/plaintext" }, "spec.waiverTerms.never"},
		"no answer":         {func(f *plugin.Finding) { f.Level = plugin.Undetermined }, "never waived; run it again"},
		"break glass":       {func(f *plugin.Finding) { f.Level, f.Waiver = plugin.Warn, &plugin.Waived{Kind: "break-glass"} }, "under break glass"},
		"nothing in it":     {func(f *plugin.Finding) { f.Content = "" }, "no content"},
		"about nothing":     {func(f *plugin.Finding) { f.Object = plugin.ObjectID{} }, "no content"},
		"no name of a rule": {func(f *plugin.Finding) { f.Rule = "rule" }, "cannot be written into a waiver"},
	} {
		finding := objectFinding()
		test.change(&finding)
		config := configOf(gateNamed("g", Spec{}), gateNamed("h", Spec{WaiverTerms: WaiverTerms{Never: []string{"secret/*"}}}))
		documents, left, err := config.Baseline(someTerms(), []Judged{{Gates: []string{"g", "h"}, Findings: []plugin.Finding{finding}}})
		if err != nil || len(documents) != 0 || len(left) != 1 || !strings.Contains(left[0].Why, test.why) {
			t.Errorf("%s: %+v, left %+v, %v", name, documents, left, err)
		}
	}
	waived, warned := objectFinding(), objectFinding()
	waived.Level, waived.Waiver, warned.Level = plugin.Warn, &plugin.Waived{Kind: "waiver"}, plugin.Warn
	documents, left, err := configOf(gateNamed("g", Spec{})).Baseline(someTerms(), []Judged{{Gates: []string{"g"}, Findings: []plugin.Finding{waived, warned}}})
	if err != nil || len(documents)+len(left) != 0 {
		t.Errorf("what passes: %+v, left %+v, %v", documents, left, err)
	}
}

func TestBaseline_OfAGateThatIsNotLoadedIsRefused(t *testing.T) {
	_, _, err := configOf(gateNamed("g", Spec{})).Baseline(someTerms(), []Judged{{Gates: []string{"g", "other"}}})
	if err == nil || !strings.Contains(err.Error(), `gate "other" judged and is not loaded`) {
		t.Errorf("got %v", err)
	}
}

func TestBaseline_IsSortedOnceAndLoadsBesideItsGate(t *testing.T) {
	full := fullText(t)
	findings := []plugin.Finding{objectFinding(), imageFinding(), objectFinding()}
	findings[2].Object.Name = "another: name"
	for i := range findings {
		findings[i].Gate = "team-a"
	}
	text := func() string {
		config := mustParse(t, full)
		documents, _, err := config.Baseline(someTerms(), []Judged{{[]string{"team-a"}, findings}, {[]string{"team-a"}, findings[:1]}})
		if err != nil || len(documents) != 1 || len(documents[0].Spec.Waivers) != 3 {
			t.Fatalf("%+v, %v", documents, err)
		}
		data, err := documents[0].YAML()
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	first := text()
	slices.Reverse(findings)
	if second := text(); second != first {
		t.Errorf("another order gives another file:\n%s\n%s", first, second)
	}
	config := mustParse(t, full+"---\n"+first)
	waivers := config.Gates[0].Spec.Waivers
	if len(waivers) != 5 || waivers[2].Rule != "image/not-signed" || waivers[3].Object.Name != "agent" || waivers[4].Object.Name != "another: name" || waivers[4].Until.String() != "2026-12-31" {
		t.Errorf("%+v", waivers)
	}
}

func TestBaseline_DayThatNoWaiverHoldsOnIsRefused(t *testing.T) {
	config := configOf(gateNamed("g", Spec{}), gateNamed("h", Spec{WaiverTerms: WaiverTerms{MaxDays: 30}}))
	for until, want := range map[string]string{
		"2026-11-22": "is past", "2026-11-23": "", "2026-12-23": "", "2026-12-24": "the last day that does is 2026-12-23",
	} {
		err := config.CheckUntil(day(until), day("2026-11-23"))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", until, err)
		}
	}
}
