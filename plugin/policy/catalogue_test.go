package policy

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const docsRoot = "../../docs/rules"

// pageName is the file of a rule's page.
func pageName(id string) string {
	return strings.ReplaceAll(strings.ReplaceAll(id, "/", "-"), "*", "any") + ".md"
}

func TestDocs_EveryRuleHasItsCurrentPage(t *testing.T) {
	index := "# Rules\n\nGenerated from the code: `go test ./plugin/policy/ -update`.\n\n| rule | what it says | severity | as shipped | pack |\n|---|---|---|---|---|\n"
	pages := map[string]bool{"README.md": true}
	for _, rule := range Rules() {
		pages[pageName(rule.ID)] = true
		checkPage(t, filepath.Join(docsRoot, pageName(rule.ID)), rule.Markdown())
		index += "| [" + rule.ID + "](" + pageName(rule.ID) + ") | " + rule.Title + " | " + rule.Severity + " | " + rule.Level + " | " + rule.Pack + " |\n"
	}
	checkPage(t, filepath.Join(docsRoot, "README.md"), index)
	entries, err := os.ReadDir(docsRoot)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !pages[entry.Name()] {
			t.Errorf("docs/rules/%s belongs to no rule", entry.Name())
		}
	}
}

func TestRules_PagesAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, rule := range Rules() {
		if seen[rule.ID] {
			t.Errorf("rule %s is there twice", rule.ID)
		}
		seen[rule.ID] = true
		if rule.Title == "" || rule.Why == "" || rule.Fix == "" {
			t.Errorf("rule %s: title, why or fix is missing", rule.ID)
		}
		if !slices.Contains([]string{"critical", "high", "medium", "low", "info"}, rule.Severity) {
			t.Errorf("rule %s: severity %q", rule.ID, rule.Severity)
		}
		if !slices.Contains([]string{"Deny", "Undetermined", "Warn", "Info"}, rule.Level) {
			t.Errorf("rule %s: level %q", rule.ID, rule.Level)
		}
	}
}

// ruleLiteral finds rule ids in source: Rule: "a/b", ruleX = "a/b".
var ruleLiteral = regexp.MustCompile(`(?:\bRule:\s*|\b[rR]ule[A-Za-z]*\s*:?=\s*|\b[a-zA-Z]*Rule\s*:?=\s*)"([a-z0-9-]+/[A-Za-z0-9_-]+)"`)

func TestRules_EveryRuleInTheSourceHasAPage(t *testing.T) {
	found := 0
	for _, root := range []string{"../../plugin", "../../cmd"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, match := range ruleLiteral.FindAllStringSubmatch(string(source), -1) {
				found++
				if _, explained := Explain(match[1]); !explained {
					t.Errorf("%s: rule %s has no page in plugin/policy/catalogue*.go", path, match[1])
				}
			}
			return nil
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if found < 20 {
		t.Errorf("only %d rules found in the source; has the way they are written changed?", found)
	}
}

func TestExplain_KnowsPoliciesOfTheGateAndNothingElse(t *testing.T) {
	for id, want := range map[string]bool{
		"pss/runAsNonRoot": true, "pss/restricted": true, "policy/my-policy": true, "workload/memory-limit": true, "self/rbac": true,
		"image/not-found": true, "registry/not-found": true, "registry/no-answer": true, "inspect/no-answer": true, "gate/failed": true,
		"policy/": false, "pss/nothing": false, "": false, "self": false,
	} {
		if _, found := Explain(id); found != want {
			t.Errorf("Explain(%q) found %v, want %v", id, found, want)
		}
	}
}

func TestSuggest_NamesTheNearestRule(t *testing.T) {
	if got := Suggest("pss/runasnonroot"); !strings.Contains(got, "pss/runAsNonRoot") {
		t.Errorf("got %q", got)
	}
	if got := Suggest("zzzzzzzzzzzzzzzzzzzz"); got != "" {
		t.Errorf("got %q for what is near to nothing", got)
	}
}
