package report

import (
	"cmp"
	"fmt"
	"io"

	"github.com/assay-gitops/assay/plugin"
)

// Compared is what two sides of a change say, for a SARIF log.
type Compared struct {
	// Version and Rule are as in [Options].
	Version string
	Rule    func(id string) (Rule, bool)
	// ID names the series of results (3.17.3).
	ID string
	// Results are in the order of the log, what matters first.
	Results []ComparedResult
	// Answered is false when something that the change brings has no answer.
	Answered bool
	ExitCode int
	// Notes are what no result can say: what was not looked at.
	Notes []string
	// Properties are further facts about the run.
	Properties map[string]any
}

// The states of a result on both sides (3.27.24).
const (
	BaselineNew       = "new"
	BaselineUnchanged = "unchanged"
	BaselineAbsent    = "absent"
)

// ComparedResult is one finding of a comparison.
type ComparedResult struct {
	plugin.Finding
	// Baseline is one of the states.
	Baseline string
	// Application is the name of the application that the finding is in, and Place
	// where that is defined: for findings that name no file.
	Application string
	Place       plugin.Origin
}

// WriteComparedSARIF writes a log in which each result says on which side it
// stands. Notes (level info) are no results.
func WriteComparedSARIF(w io.Writer, c Compared) error {
	var results []ComparedResult
	var findings []plugin.Finding
	omitted := 0
	for _, each := range c.Results {
		switch {
		case each.Level == plugin.Info:
		case len(results) == mostSarifResults:
			omitted++
		default:
			results = append(results, each)
			findings = append(findings, each.Finding)
		}
	}
	reporter := sarifReporter{Options{Rule: c.Rule, Version: c.Version}}
	rules, index := reporter.rules(findings)
	invocation := sarifInvocation{Successful: c.Answered, ExitCode: c.ExitCode}
	for _, note := range c.Notes {
		invocation.Notifications = append(invocation.Notifications, sarifNotification{"warning", sarifText{Text: plainMessage(note)}})
	}
	if omitted > 0 {
		note := fmt.Sprintf("%s more, not in this log: it holds the first %d", plural(omitted, "finding"), mostSarifResults)
		invocation.Notifications = append(invocation.Notifications, sarifNotification{"warning", sarifText{Text: note}})
	}
	return writeSarif(w, sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "assay", Version: c.Version, InformationURI: home, Rules: rules}},
		Automation:  sarifAutomation{neutral(c.ID) + "/"},
		Invocations: []sarifInvocation{invocation}, Bases: sarifBases(), ColumnKind: "utf16CodeUnits",
		Results: comparedResults(results, index), Properties: c.Properties,
	})
}

func comparedResults(all []ComparedResult, index map[string]int) []sarifResult {
	seen := map[string]int{}
	results := make([]sarifResult, 0, len(all))
	for _, each := range all {
		finding := each.Finding
		result := sarifResult{
			RuleID: neutral(finding.Rule), RuleIndex: index[finding.Rule], Kind: "fail", Level: sarifLevel(finding), Baseline: each.Baseline,
			Message:      sarifText{Text: plainMessage(each.Application + ": " + sarifMessage(finding))},
			Suppressions: suppressions(finding), Properties: sarifDetails(finding),
		}
		place := each.Origin
		if place.File == "" {
			place = each.Place
		}
		result.Locations = []sarifLocation{newSarifLocation("", place, logical(finding.Object, finding.Field))}
		result.Properties["application"] = neutral(each.Application)
		// The same object may be in several applications of one log.
		print := fingerprint(finding) + ":" + neutral(cmp.Or(each.Application, "-"))
		seen[print]++
		result.Fingerprints = map[string]string{"assay/diff/v1": fmt.Sprintf("%s:%d", print, seen[print])}
		results = append(results, result)
	}
	return results
}
