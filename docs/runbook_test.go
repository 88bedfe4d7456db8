package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/argocd"
	"github.com/assay-gitops/assay/plugin/policy"
	"github.com/assay-gitops/assay/plugin/report"
)

var alertLine = regexp.MustCompile(`(?m)^ *- alert: (\w+)$`)

// TestRunbook_EveryAlertHasItsPageAndTheOtherWayRound: what fires leads to a
// page that says where to look and what to do, and the list of pages is whole.
func TestRunbook_EveryAlertHasItsPageAndTheOtherWayRound(t *testing.T) {
	rules, err := filepath.Glob("../manifests/monitoring/*/rules.yaml")
	if err != nil || len(rules) < 4 {
		t.Fatalf("%v: %v", rules, err)
	}
	var alerts []string
	for _, path := range rules {
		for _, match := range alertLine.FindAllStringSubmatch(read(t, path), -1) {
			alerts = append(alerts, match[1])
		}
	}
	paths, err := filepath.Glob("runbook/Assay*.md")
	if err != nil {
		t.Fatal(err)
	}
	list := read(t, "runbook/README.md")
	var pages []string
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".md")
		pages = append(pages, name)
		for _, part := range []string{"# " + name + "\n", "\n## Look\n\n- ", "\n## Do\n\n- "} {
			if !strings.Contains(read(t, path), part) {
				t.Errorf("%s has no %q", path, part)
			}
		}
		if !strings.Contains(list, "| ["+name+"]("+name+".md) |") {
			t.Errorf("runbook/README.md does not list %s", name)
		}
	}
	slices.Sort(alerts)
	slices.Sort(pages)
	if !slices.Equal(alerts, pages) {
		t.Errorf("alerts %v\npages %v", alerts, pages)
	}
}

// TestRunbook_EveryFirstLineIsThere: what the conditions begin with is in the
// table, and the rule that each ends with has a page that says what to do.
func TestRunbook_EveryFirstLineIsThere(t *testing.T) {
	list := read(t, "runbook/README.md")
	door := report.Door{Log: "the log", Again: "soon", Sharer: "AppProject"}
	deny := plugin.Finding{Rule: "image/not-signed", Level: plugin.Deny, Message: "no", Object: plugin.ObjectID{Kind: "Deployment", Name: "a"}}
	other := plugin.Finding{Rule: "image/not-pinned", Level: plugin.Deny, Message: "no", Object: plugin.ObjectID{Kind: "Deployment", Name: "b"}}
	silent := plugin.Finding{Rule: "resolve/no-answer", Level: plugin.Undetermined, Message: "no"}
	lasting := silent
	lasting.Lasting = true
	for _, test := range []struct {
		findings []plugin.Finding
		// starts is how the line begins, as the runbook writes it.
		starts string
	}{
		{[]plugin.Finding{deny}, "assay denied NAME: 1 problem: "},
		{[]plugin.Finding{deny, other}, "assay denied NAME: 2 problems: "},
		{nil, "assay denied NAME: the run stopped before it had an answer"},
		{[]plugin.Finding{silent}, "assay has no answer about NAME (transient: "},
		{[]plugin.Finding{lasting}, "assay has no answer about NAME (lasting: "},
	} {
		verdict := &plugin.Verdict{Findings: test.findings, Application: plugin.Application{Name: "NAME"}}
		first, _, _ := strings.Cut(door.Condition(verdict, "id"), "\n")
		if !strings.HasPrefix(first, test.starts) || !strings.Contains(list, "| `"+test.starts) {
			t.Errorf("the runbook has no first line that begins like %q", first)
		}
	}
	if start, _, _ := strings.Cut(argocd.PanicMessage, "please"); !strings.Contains(list, "| `"+start) {
		t.Errorf("the runbook has no first line that begins like %q", start)
	}
	for _, rule := range policy.Rules() {
		page := read(t, "rules/"+strings.NewReplacer("/", "-", "*", "any").Replace(rule.ID)+".md")
		if !strings.Contains(page, "**What to do.** ") {
			t.Errorf("the page of %s does not say what to do", rule.ID)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
