package policy

import (
	"context"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

var update = flag.Bool("update", false, "write generated pages")

const packRoot = "../../policies"

// shippedIDs are all rules of packs, self among them. Each has the folder of
// its name.
func shippedIDs() []string {
	var ids []string
	for _, rule := range append(shippedRules(), selfRules()...) {
		ids = append(ids, rule.ID)
	}
	return ids
}

// caseGate is the gate under which cases are judged: what a rule takes from
// the gate stands here.
func caseGate(packs ...string) gate.Gate {
	of := gateWith(gate.Judge{Packs: packs})
	of.Spec.Images.Allowed = []string{"registry.example.com", "registry.example.com:5000", "ghcr.io/team-a/**", "docker.io/library/*"}
	return of
}

// packJudges are a judge for each pack, by its name.
func packJudges(t testing.TB) map[string]plugin.Judge {
	t.Helper()
	compiler := NewCompiler()
	judges := map[string]plugin.Judge{SelfPack: NewSelf(SelfConfig{PodSecurity: &gate.PodSecurity{Level: "restricted"}})}
	for _, pack := range packs() {
		if pack.name == SelfPack {
			continue
		}
		compiled, err := compiler.Compile(Config{Gate: caseGate(pack.name)})
		if err != nil {
			t.Fatal(err)
		}
		judges[pack.name] = compiled.Judges[0]
	}
	return judges
}

// casesOf are the files of a rule's cases; none fails the test.
func casesOf(t testing.TB, id, want string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(packRoot, id, want, "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Errorf("%s has no %s cases (%v)", id, want, err)
	}
	return paths
}

func TestPacks_EveryRuleFailsItsFailCasesAndPassesItsPassCases(t *testing.T) {
	judges := packJudges(t)
	for _, id := range shippedIDs() {
		rule, _ := Explain(id)
		for _, want := range []string{"pass", "fail"} {
			for _, path := range casesOf(t, id, want) {
				t.Run(strings.TrimPrefix(path, packRoot+"/"), func(t *testing.T) {
					for pack := range strings.SplitSeq(rule.Pack, ", ") {
						found := judgeCase(t, judges[pack], path, id)
						if failed := len(found) > 0; failed != (want == "fail") {
							t.Fatalf("findings of %s under %s: %+v, want a case that is to %s", id, pack, found, want)
						}
					}
				})
			}
		}
	}
}

// judgeCase are the findings of the rule about a case.
func judgeCase(t testing.TB, judge plugin.Judge, path, rule string) []plugin.Finding {
	t.Helper()
	var found []plugin.Finding
	for _, finding := range judge.Judge(context.Background(), sealed(t, readFile(t, path))) {
		if finding.Rule == ruleInvalidObject || finding.Rule == ruleUnknownField || strings.HasPrefix(finding.Message, "the policy could not be evaluated") {
			t.Fatalf("the case itself is wrong: %+v", finding)
		}
		if finding.Level != plugin.Info {
			found = append(found, withRule([]plugin.Finding{finding}, rule)...)
		}
	}
	return found
}

func TestPacks_EveryFolderOfPoliciesIsARule(t *testing.T) {
	known := shippedIDs()
	paths, err := fs.Glob(os.DirFS(packRoot), "*/*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no folders (%v)", err)
	}
	for _, path := range paths {
		if !slices.Contains(known, path) {
			t.Errorf("policies/%s belongs to no rule", path)
		}
	}
}

func TestPacks_ReadmesAreTheRulesPages(t *testing.T) {
	for _, id := range shippedIDs() {
		rule, _ := Explain(id)
		checkPage(t, filepath.Join(packRoot, id, "README.md"), rule.Markdown())
	}
}

func TestPacks_TwoVersionsOfOnePackAreRefused(t *testing.T) {
	for _, packs := range [][]string{{"pack/workload@1", "pack/workload@2"}, {"pack/workload@1", "pack/workload@1"}} {
		if _, err := NewCompiler().Compile(Config{Gate: gateWith(gate.Judge{Packs: packs})}); err == nil {
			t.Errorf("%q: no error", packs)
		}
	}
	if _, err := NewCompiler().Compile(Config{Gate: gateWith(gate.Judge{Packs: []string{"pack/workload@2", "pack/supply-chain@1"}})}); err != nil {
		t.Errorf("twin: %v", err)
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

// What Pod Security denies, its own rules say: a pack that said it again would
// have everybody read, and waive, everything twice.
func TestPacks_SayNothingThatPodSecuritySays(t *testing.T) {
	restricted := judgeOf(t, Config{Gate: gateWith(gate.Judge{PodSecurity: &gate.PodSecurity{Level: "restricted"}})})
	said := func(path string) []string {
		var rules []string
		for _, finding := range restricted.Judge(t.Context(), sealed(t, readFile(t, path))) {
			if strings.HasPrefix(finding.Rule, pssRule) {
				rules = append(rules, finding.Rule)
			}
		}
		return rules
	}
	for _, rule := range shippedRules() {
		var allowed []string
		for _, path := range casesOf(t, rule.ID, "pass") {
			allowed = append(allowed, said(path)...)
		}
		if len(allowed) == 0 {
			continue // its cases hold no Pod
		}
		for _, path := range casesOf(t, rule.ID, "fail") {
			for _, each := range said(path) {
				if !slices.Contains(allowed, each) {
					t.Errorf("%s: %s says it too", path, each)
				}
			}
		}
	}
}
