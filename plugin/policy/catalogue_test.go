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

// ruleLiterals find rule ids in source: Rule: "a/b", ruleX = "a/b" and
// finding.Rule, finding.Level = "a/b", level; what a function answers,
// return "a/b"; and what is handed over, apiserver.Refuse("a/b".
var ruleLiterals = []*regexp.Regexp{
	regexp.MustCompile(`(?:\bRule:\s*|\b[rR]ule[A-Za-z]*(?:,[^="\n]*)?\s*:?=\s*|\b[a-zA-Z]*Rule\s*:?=\s*)"([a-z0-9-]+/[A-Za-z0-9_-]+)"`),
	regexp.MustCompile(`\breturn "([a-z0-9-]+/[A-Za-z0-9_-]+)"`),
	regexp.MustCompile(`\b[a-zA-Z]*(?:[rR]efus|[rR]ule|[fF]inding|[dD]en[iy])[a-zA-Z]*\("([a-z0-9-]+/[A-Za-z0-9_-]+)"`),
}

// rulesIn are the rule ids that a source text makes.
func rulesIn(source string) []string {
	var ids []string
	for _, literal := range ruleLiterals {
		for _, match := range literal.FindAllStringSubmatch(source, -1) {
			ids = append(ids, match[1])
		}
	}
	return ids
}

func TestRules_AreFoundInTheSourceHoweverTheyAreWritten(t *testing.T) {
	for _, source := range []string{
		`Rule: "a/b",`, `Rule:    "a/b"`, `const ruleX = "a/b"`, "ruleX\t= \"a/b\"", `note.Rule = "a/b"`, `note.Rule, note.Level = "a/b", plugin.Info`,
		`rule := "a/b"`, `return "a/b"`, `return refusal("a/b", err)`, `newFinding("a/b")`, `missingRule = "a/b"`,
	} {
		if got := rulesIn(source); !slices.Contains(got, "a/b") {
			t.Errorf("%s: found %q", source, got)
		}
	}
	for _, source := range []string{`return "/"`, `tokenPath = "/token"`, `path.Join("a/b")`, `return "text/plain; charset"`, `if rule == "a/b" {`} {
		if got := rulesIn(source); len(got) != 0 {
			t.Errorf("twin: %s: found %q", source, got)
		}
	}
}

// sources reads every source file of the product but its tests.
func sources(t *testing.T, read func(path, source string)) {
	t.Helper()
	for _, root := range []string{"../../plugin", "../../cmd"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			read(path, string(source))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRules_EveryRuleInTheSourceHasAPage(t *testing.T) {
	found := 0
	sources(t, func(path, source string) {
		for _, id := range rulesIn(source) {
			found++
			if _, explained := Explain(id); !explained {
				t.Errorf("%s: rule %s has no page in plugin/policy/catalogue*.go", path, id)
			}
		}
	})
	if found < 90 {
		t.Errorf("only %d rules found in the source; has the way they are written changed?", found)
	}
}

// Rules that are put together from a stage's name stand nowhere in the source.
func TestRules_WhatAStageSaysOfItselfHasAPage(t *testing.T) {
	unseen := []string{
		"vendor/no-answer", "vendor/failed", // the command takes the hints alone
		"attest/no-answer",                // the command takes the error alone
		"lock/no-answer",                  // a file is read, or not
		"assay/failed", "assay/no-answer", // the command takes the levels alone
	}
	found := 0
	sources(t, func(path, source string) {
		for _, each := range []struct {
			stage *regexp.Regexp
			says  []string
		}{
			{regexp.MustCompile(`\{"([a-z]+)", r\.[a-zA-Z]+\},\n`), []string{"panic", "no-answer"}},
			{regexp.MustCompile(`\bpanicFinding\("([a-z]+)"`), []string{"panic"}},
			{regexp.MustCompile(`\b(?:FindingsFromError|r\.fail)\("([a-z]+)"`), []string{"failed", "no-answer"}},
			{regexp.MustCompile(`\b(?:Stage:|stage[A-Z][a-z]*\s*=)\s*"([a-z]+)"`), []string{"no-answer"}},
		} {
			for _, match := range each.stage.FindAllStringSubmatch(source, -1) {
				for _, said := range each.says {
					found++
					id := match[1] + "/" + said
					if _, explained := Explain(id); !explained && !slices.Contains(unseen, id) {
						t.Errorf("%s: rule %s has no page in plugin/policy/catalogue*.go", path, id)
					}
				}
			}
		}
	})
	if found < 50 {
		t.Errorf("only %d rules of stages found in the source; has the way they are written changed?", found)
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
