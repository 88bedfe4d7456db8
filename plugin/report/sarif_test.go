package report_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

// sarifLog is what the tests read of a log.
type sarifLog struct {
	Runs []struct {
		Automation  struct{ ID string } `json:"automationDetails"`
		Invocations []struct {
			Successful    bool `json:"executionSuccessful"`
			Notifications []struct{ Message struct{ Text string } }
			Tool          []struct{ Message struct{ Text string } } `json:"toolExecutionNotifications"`
		}
		Results []sarifResult
	}
}

type sarifResult struct {
	RuleID, Level string
	Message       struct{ Text string }
	Fingerprints  map[string]string `json:"partialFingerprints"`
	Suppressions  []struct{ Kind, Status, Justification string }
	Locations     []struct {
		PhysicalLocation struct {
			ArtifactLocation struct{ URI, URIBaseID string }
		}
	}
}

func sarifOf(t *testing.T, options report.Options, v *plugin.Verdict) sarifLog {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal(write(t, "sarif", options, v), &log); err != nil || len(log.Runs) != 1 {
		t.Fatalf("%d runs, %v", len(log.Runs), err)
	}
	return log
}

func print1(t *testing.T, finding plugin.Finding) string {
	t.Helper()
	return sarifOf(t, report.Options{}, complete(t, []string{"starter"}, nil, finding)).Runs[0].Results[0].Fingerprints["assay/v1"]
}

func TestSARIF_FingerprintNamesTheProblemAndNotItsLine(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*plugin.Finding)
		same   bool
	}{
		"another line":    {func(f *plugin.Finding) { f.Origin.Line = 99 }, true},
		"another file":    {func(f *plugin.Finding) { f.Origin.File = "moved.yaml" }, true},
		"another message": {func(f *plugin.Finding) { f.Message = "said better" }, true},
		"another content": {func(f *plugin.Finding) { f.Content = digest("ab") }, true},
		"waived":          {func(f *plugin.Finding) { f.Level = plugin.Warn }, true},
		"another rule":    {func(f *plugin.Finding) { f.Rule = "pss/baseline" }, false},
		"another field":   {func(f *plugin.Finding) { f.Field = "spec.hostPID" }, false},
		"another name":    {func(f *plugin.Finding) { f.Object.Name = "web2" }, false},
		"another space":   {func(f *plugin.Finding) { f.Object.Namespace = "" }, false},
		"another kind":    {func(f *plugin.Finding) { f.Object.Kind = "DaemonSet" }, false},
		"another version": {func(f *plugin.Finding) { f.Object.APIVersion = "v1" }, false},
		"another gate":    {func(f *plugin.Finding) { f.Gate = "platform" }, false},
	} {
		changed := privileged()
		test.change(&changed)
		if same := print1(t, privileged()) == print1(t, changed); same != test.same {
			t.Errorf("%s: the same is %v, want %v", name, same, test.same)
		}
	}
}

func TestSARIF_FingerprintOfAnImageOutlivesItsTag(t *testing.T) {
	moved, other := unsigned(), unsigned()
	moved.Image, moved.Digest = "registry.example.com/tools/debug:0.4.0", digest("4d")
	other.Image = "registry.example.com/tools/debugger:0.3.0"
	if print1(t, unsigned()) != print1(t, moved) {
		t.Error("another tag makes another problem")
	}
	if print1(t, unsigned()) == print1(t, other) {
		t.Error("another image is the same problem")
	}
}

func TestSARIF_TwoProblemsInOnePlaceAreTwoResults(t *testing.T) {
	again := privileged()
	again.Message = "and that too"
	results := sarifOf(t, report.Options{}, complete(t, []string{"starter"}, nil, privileged(), again)).Runs[0].Results
	if len(results) != 2 || results[0].Fingerprints["assay/v1"] == results[1].Fingerprints["assay/v1"] {
		t.Errorf("%+v", results)
	}
}

func TestSARIF_WaivedIsSuppressedAndNothingElseIs(t *testing.T) {
	for name, want := range map[string]int{"allowed": 1, "breakglass": 1, "denied": 0, "audit": 0, "undetermined": 0} {
		count := 0
		for _, result := range sarifOf(t, report.Options{}, verdicts(t)[name]).Runs[0].Results {
			count += len(result.Suppressions)
			for _, each := range result.Suppressions {
				if each.Kind != "external" || each.Status != "accepted" || !strings.Contains(each.Justification, "approved by platform@example.com") {
					t.Errorf("%s: %+v", name, each)
				}
			}
		}
		if count != want {
			t.Errorf("%s: %d suppressions, want %d", name, count, want)
		}
	}
}

func TestSARIF_WhatIsLeftOutIsSaid(t *testing.T) {
	v := complete(t, []string{"starter"}, nil, unsigned(), privileged(), privilegedElsewhere())
	run := sarifOf(t, report.Options{Findings: 2}, v).Runs[0]
	if len(run.Results) != 2 || !strings.Contains(run.Invocations[0].Tool[0].Message.Text, "1 finding more") {
		t.Errorf("%+v", run)
	}
	run = sarifOf(t, report.Options{Findings: 3}, v).Runs[0]
	if len(run.Results) != 3 || len(run.Invocations[0].Tool) != 0 {
		t.Errorf("%+v", run)
	}
	many := make([]plugin.Finding, 6000)
	for i := range many {
		many[i] = privileged()
	}
	run = sarifOf(t, report.Options{Findings: 100_000}, complete(t, []string{"starter"}, nil, many...)).Runs[0]
	if len(run.Results) != 5000 || !strings.Contains(run.Invocations[0].Tool[0].Message.Text, "1000 findings more") {
		t.Errorf("%d results, %+v", len(run.Results), run.Invocations)
	}
}

func TestSARIF_OneSeriesOfResultsForEachApplication(t *testing.T) {
	for _, test := range []struct{ project, name, path, want string }{
		{"", "prod", "overlays/prod", "assay/overlays/prod/"},
		{"", "shop", "overlays/prod", "assay/shop/overlays/prod/"},
		{"team-a", "shop", "overlays/prod", "assay/team-a/shop/overlays/prod/"},
		{"", "shop", ".", "assay/shop/"},
		{"", "", "", "assay/"},
	} {
		v := complete(t, []string{"starter"}, nil)
		v.Application.Project, v.Application.Name, v.Path = test.project, test.name, test.path
		if got := sarifOf(t, report.Options{}, v).Runs[0].Automation.ID; got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

func TestSARIF_FileNamesAreRelativeReferences(t *testing.T) {
	for file, want := range map[string]string{
		"base/web.yaml":  "base/web.yaml",
		"a b/c#d?e.yaml": "a%20b/c%23d%3Fe.yaml",
		"x:y.yaml":       "./x:y.yaml",
		"/etc/passwd":    "etc/passwd",
		"":               "overlays/prod",
	} {
		finding := privileged()
		finding.Origin.File = file
		result := sarifOf(t, report.Options{}, complete(t, []string{"starter"}, nil, finding)).Runs[0].Results[0]
		if got := result.Locations[0].PhysicalLocation.ArtifactLocation; got.URI != want || got.URIBaseID != "%SRCROOT%" {
			t.Errorf("%s: %+v", file, got)
		}
	}
}

func TestSARIF_NoTextIsALink(t *testing.T) {
	for _, result := range sarifOf(t, report.Options{}, trickyVerdict(t)).Runs[0].Results {
		if strings.Contains(result.Message.Text, "](") || strings.ContainsAny(result.Message.Text, "\x1b\u202e\n") {
			t.Errorf("%q", result.Message.Text)
		}
	}
}
