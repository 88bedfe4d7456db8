package policy

import (
	"context"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

var update = flag.Bool("update", false, "write generated pages")

const packRoot = "../../policies"

// goRules are the folders whose rule is Go.
func goRules() map[string]string {
	rules := map[string]string{
		"supply-chain/plaintext-secret": rulePlaintextSecret,
		"supply-chain/not-pinned":       ruleNotPinned,
	}
	for _, rule := range selfRules() {
		rules[rule.ID] = rule.ID
	}
	return rules
}

// ruleFolders maps every folder of a rule to its rule.
func ruleFolders(t *testing.T) map[string]string {
	t.Helper()
	folders := goRules()
	for _, pack := range packs() {
		files, err := packFiles(pack)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			folder := strings.TrimPrefix(filepath.Dir(file.policy.at.File), "policies/")
			folders[folder] = file.rule.ID
		}
	}
	return folders
}

func packJudges(t *testing.T) []plugin.Judge {
	config := Config{Gate: gateWith(gate.Judge{Packs: []string{"pack/supply-chain@1", "pack/workload@1"}})}
	minimum := &gate.PodSecurity{Level: "restricted"}
	return []plugin.Judge{judgeOf(t, config), NewSelf(SelfConfig{PodSecurity: minimum})}
}

func TestPacks_EveryRuleFailsItsFailCasesAndPassesItsPassCases(t *testing.T) {
	judges := packJudges(t)
	for folder, rule := range ruleFolders(t) {
		for _, want := range []string{"pass", "fail"} {
			paths, err := filepath.Glob(filepath.Join(packRoot, folder, want, "*.yaml"))
			if err != nil || len(paths) == 0 {
				t.Errorf("%s has no %s cases (%v)", folder, want, err)
			}
			for _, path := range paths {
				t.Run(strings.TrimPrefix(path, packRoot+"/"), func(t *testing.T) {
					found := judgeCase(t, judges, path, rule)
					if failed := len(found) > 0; failed != (want == "fail") {
						t.Fatalf("findings of %s: %+v, want a case that is to %s", rule, found, want)
					}
				})
			}
		}
	}
}

func judgeCase(t *testing.T, judges []plugin.Judge, path, rule string) []plugin.Finding {
	t.Helper()
	input := sealed(t, readFile(t, path))
	var found []plugin.Finding
	for _, judge := range judges {
		findings := judge.Judge(context.Background(), input)
		for _, finding := range findings {
			if finding.Rule == ruleInvalidObject || finding.Rule == ruleUnknownField || strings.HasPrefix(finding.Message, "the policy could not be evaluated") {
				t.Fatalf("the case itself is wrong: %+v", finding)
			}
			if finding.Level != plugin.Info {
				found = append(found, withRule([]plugin.Finding{finding}, rule)...)
			}
		}
	}
	return found
}

func TestPacks_EveryFolderOfPoliciesIsARule(t *testing.T) {
	known := ruleFolders(t)
	paths, err := fs.Glob(os.DirFS(packRoot), "*/*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no folders (%v)", err)
	}
	for _, path := range paths {
		if known[path] == "" {
			t.Errorf("policies/%s belongs to no rule", path)
		}
	}
}

func TestPacks_ReadmesAreTheRulesPages(t *testing.T) {
	for folder, id := range ruleFolders(t) {
		rule, found := Explain(id)
		if !found {
			t.Errorf("rule %s has no page", id)
			continue
		}
		checkPage(t, filepath.Join(packRoot, folder, "README.md"), rule.Markdown())
	}
}

// checkPage compares a generated page, or writes it under -update.
func checkPage(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s is not current (%v); run: go test ./plugin/policy/ -update", path, err)
	}
}

func TestCompile_UnknownPackIsAnErrorWithTheNearestName(t *testing.T) {
	_, err := NewCompiler().Compile(Config{Gate: gateWith(gate.Judge{Packs: []string{"pack/workloads@1"}})})
	if err == nil || !strings.Contains(err.Error(), `did you mean "pack/workload@1"?`) {
		t.Fatalf("error %v", err)
	}
	if _, err := NewCompiler().Compile(Config{Gate: gateWith(gate.Judge{Packs: []string{"pack/workload@1"}})}); err != nil {
		t.Fatalf("twin: %v", err)
	}
}
