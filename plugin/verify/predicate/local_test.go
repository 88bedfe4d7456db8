package predicate_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
)

// localScanner stands in for the user's own.
type localScanner struct {
	name   string
	report []byte
	err    error
}

func (l localScanner) Name() string { return l.name }

func (l localScanner) Scan(_ context.Context, _, digest string) ([]byte, error) {
	if digest != thisImage {
		return nil, errors.New("asked about another image")
	}
	return l.report, l.err
}

func with(local predicate.Local) predicate.Subject {
	about := subject()
	about.Local = local
	return about
}

func TestLocalScan_MeetsTheDemandOnlyWhereTheGateAllowsIt(t *testing.T) {
	clean := localScanner{name: "trivy", report: sample(t, "trivy.json", `"CRITICAL"`, `"LOW"`, `"HIGH"`, `"LOW"`)}
	answer := judge(t, newScan(t, gate.Scan{Local: true}, nil), with(clean))
	if !answer.Unsigned || len(answer.Met) > 0 || blocks(answer) || !strings.Contains(told(answer), "warn evidence/scan: scan by trivy 0.68.1 of 2026-11-19T06:00:00Z: it is signed by nobody, and the gate lets it meet the demand") {
		t.Errorf("got %+v", answer)
	}
	answer = judge(t, newScan(t, gate.Scan{}, nil), with(clean))
	if answer.Unsigned || len(answer.Met) > 0 || !strings.Contains(told(answer), "so it meets no demand") {
		t.Errorf("got %+v", answer)
	}
}

func TestLocalScan_WhatItFindsCounts(t *testing.T) {
	bad := localScanner{name: "trivy", report: sample(t, "trivy.json")}
	for _, declared := range []gate.Scan{{}, {Local: true}} {
		answer := judge(t, newScan(t, declared, nil), with(bad), grypeScan(t, `"Critical"`, `"Low"`))
		notMet(t, answer, "deny evidence/vulnerability: 2 vulnerabilities of severity CRITICAL or HIGH: CVE-2024-0001")
		if answer.Unsigned {
			t.Errorf("it meets the demand: %+v", answer)
		}
	}
	clean := localScanner{name: "trivy", report: sample(t, "trivy.json", `"CRITICAL"`, `"LOW"`, `"HIGH"`, `"LOW"`)}
	met(t, judge(t, newScan(t, gate.Scan{}, nil), with(clean), grypeScan(t, `"Critical"`, `"Low"`)))
	notMet(t, judge(t, newScan(t, gate.Scan{Local: true}, nil), with(clean), grypeScan(t)), "GHSA-aaaa-bbbb-cccc")
}

func TestLocalScan_WithoutAReportItIsUndetermined(t *testing.T) {
	report := sample(t, "grype.json", `"Critical"`, `"Low"`)
	for _, test := range []struct {
		name  string
		local localScanner
		why   string
	}{
		{"it fails", localScanner{name: "grype", err: errors.New("exit status 1")}, "no scan by your own grype: exit status 1"},
		{"garbage", localScanner{name: "grype", report: []byte("no vulnerabilities found")}, "cannot be read"},
		{"nothing", localScanner{name: "grype"}, "it is empty"},
		{"another format", localScanner{name: "grype", report: []byte(`{"vulnerabilities": []}`)}, "of no format that is read"},
		{"another scanner's report", localScanner{name: "trivy", report: report}, "its report is one of grype"},
		{"of another image", localScanner{name: "grype", report: sample(t, "grype.json", strings.Repeat("1", 64), strings.Repeat("2", 64))}, "about another image"},
		{"without a time", localScanner{name: "grype", report: sample(t, "grype.json", "2026-11-19T07:00:00Z", "")}, "does not say when it was made"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := judge(t, newScan(t, gate.Scan{Local: true}, nil), with(test.local))
			if answer.Unsigned || len(answer.Findings) != 1 || answer.Findings[0].Level != plugin.Undetermined || !strings.Contains(told(answer), test.why) {
				t.Errorf("got %+v, want no answer because of %q", answer, test.why)
			}
		})
	}
	if answer := judge(t, newScan(t, gate.Scan{Local: true}, nil), with(localScanner{name: "grype", report: report})); !answer.Unsigned {
		t.Errorf("the twin does not meet the demand: %+v", answer)
	}
}

func TestLocalScan_IsAcceptedLikeAnAttestedOne(t *testing.T) {
	local := localScanner{name: "grype", report: sample(t, "grype.json", `"Critical"`, `"Low"`)}
	old := gate.Scan{Local: true, Scanners: []gate.Scanner{{Name: "grype", MinVersion: "0.88"}}}
	notMet(t, judge(t, newScan(t, old, nil), with(local)), "the scan by your own grype: it is by grype")
	young := gate.Scan{Local: true, Scanners: []gate.Scanner{{Name: "grype", MinVersion: "0.87"}}}
	if answer := judge(t, newScan(t, young, nil), with(local)); !answer.Unsigned {
		t.Errorf("got %+v", answer)
	}
}
