package report

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// The structs below are the part of SARIF 2.1.0 (OASIS, errata 01) that a
// verdict needs; the numbers are the sections of that document.

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// sourceRoot is the symbol for the root of the source tree (3.14.14), to which
// all files are relative; code scanning services know it by this name.
const sourceRoot = "%SRCROOT%"

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

// sarifRun is one application's verdict (3.14).
type sarifRun struct {
	Tool        sarifTool             `json:"tool"`
	Automation  sarifAutomation       `json:"automationDetails"`
	Invocations []sarifInvocation     `json:"invocations"`
	Bases       map[string]sarifBase  `json:"originalUriBaseIds"`
	Provenance  []sarifVersionControl `json:"versionControlProvenance,omitempty"`
	ColumnKind  string                `json:"columnKind"`
	Results     []sarifResult         `json:"results"`
	Properties  map[string]any        `json:"properties"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

// sarifRule is a rule's page (3.49).
type sarifRule struct {
	ID               string             `json:"id"`
	ShortDescription *sarifText         `json:"shortDescription,omitempty"`
	FullDescription  *sarifText         `json:"fullDescription,omitempty"`
	Help             *sarifText         `json:"help,omitempty"`
	HelpURI          string             `json:"helpUri,omitempty"`
	Default          sarifConfiguration `json:"defaultConfiguration"`
	Properties       sarifProperties    `json:"properties"`
}

type sarifConfiguration struct {
	Level string `json:"level"`
}

// sarifProperties are those that code scanning services read.
type sarifProperties struct {
	Tags             []string `json:"tags"`
	SecuritySeverity string   `json:"security-severity,omitempty"`
	Precision        string   `json:"precision"`
}

type sarifText struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type sarifAutomation struct {
	ID string `json:"id"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	ExitCode      int                 `json:"exitCode"`
	Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

type sarifBase struct {
	Description sarifText `json:"description"`
}

type sarifVersionControl struct {
	RepositoryURI string `json:"repositoryUri"`
	RevisionID    string `json:"revisionId,omitempty"`
}

// sarifResult is one finding (3.27).
type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Kind         string             `json:"kind"`
	Level        string             `json:"level"`
	Baseline     string             `json:"baselineState,omitempty"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	Properties   map[string]any     `json:"properties"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI       string `json:"uri"`
	URIBaseID string `json:"uriBaseId"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

// sarifLogical is an object, or a field of it (3.33).
type sarifLogical struct {
	Name     string `json:"name,omitempty"`
	FullName string `json:"fullyQualifiedName"`
	Kind     string `json:"kind"`
}

// sarifReporter writes a SARIF log for code scanning services. Problems and
// warnings are results; changes that assay made are none.
type sarifReporter struct{ Options }

func (s sarifReporter) Report(w io.Writer, v *plugin.Verdict) error {
	if v == nil {
		return errors.New("writing the sarif report: there is no verdict")
	}
	return writeSarif(w, s.run(v))
}

// writeSarif writes a log of one run.
func writeSarif(w io.Writer, run sarifRun) error {
	if err := WriteJSON(w, sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}}); err != nil {
		return fmt.Errorf("writing the sarif report: %w", err)
	}
	return nil
}

func (s sarifReporter) run(v *plugin.Verdict) sarifRun {
	findings, omitted := s.results(v)
	rules, index := s.rules(findings)
	run := sarifRun{
		Tool: sarifTool{sarifDriver{
			Name: "assay", Version: s.Version, InformationURI: home, Rules: rules,
		}},
		Automation:  sarifAutomation{automationID(v)},
		Invocations: []sarifInvocation{s.invocation(v, omitted)},
		Bases:       sarifBases(),
		ColumnKind:  "utf16CodeUnits",
		Results:     newSarifResults(v, findings, index),
		Properties: map[string]any{
			"outcome": v.Outcome(), "gates": append([]string{}, v.Gates...), "judgedAt": v.At.UTC().Format(time.RFC3339),
			"counts": Count(v, omitted),
		},
	}
	if repository := repositoryURI(v.Application.Repository); repository != "" {
		run.Provenance = []sarifVersionControl{{RepositoryURI: repository, RevisionID: neutral(v.Revision)}}
	}
	return run
}

func sarifBases() map[string]sarifBase {
	return map[string]sarifBase{sourceRoot: {sarifText{Text: "the root of the source tree"}}}
}

// home is the project's page.
const home = "https://github.com/assay-gitops/assay"

// invocation says whether the run came to an answer, and what no result can
// say: under which exception it passed, and what was left out.
func (s sarifReporter) invocation(v *plugin.Verdict, omitted int) sarifInvocation {
	out := sarifInvocation{Successful: v.Outcome() != plugin.Unanswered, ExitCode: ExitCode(v)}
	note := func(level, text string) {
		out.Notifications = append(out.Notifications, sarifNotification{level, sarifText{Text: plainMessage(text)}})
	}
	if v.Banner != "" {
		note("warning", v.Banner)
	}
	if !v.Allowed() && len(v.Findings) == 0 {
		note("error", "the run stopped before it had an answer")
	}
	if omitted > 0 {
		note("warning", fmt.Sprintf("%s more, not in this log: it holds the worst %d", plural(omitted, "finding"), s.most()))
	}
	return out
}
