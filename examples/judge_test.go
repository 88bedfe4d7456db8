package examples_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/policy"
)

// denied are the rules by which the starter gate's judges and self deny what a
// folder renders, without hardening and without a registry.
func denied(t *testing.T, folder string) []string {
	t.Helper()
	rendering, err := renderExample(t, folder, plugin.Parameters{})
	if err != nil {
		t.Fatal(err)
	}
	config, err := gate.Load("gates/starter")
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := policy.NewCompiler().Compile(policy.Config{Gate: config.Gates[0]})
	if err != nil {
		t.Fatal(err)
	}
	images, _ := plugin.ImageFinder{}.Find(rendering.Objects)
	sealed := plugin.Sealed{Objects: rendering.Objects, Images: plugin.NewImageIndex(images), At: time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)}
	rules := map[string]bool{}
	for _, judge := range append(compiled.Judges, policy.NewSelf(policy.SelfConfig{})) {
		for _, finding := range judge.Judge(t.Context(), sealed) {
			if finding.Level.Blocks() {
				rules[finding.Rule] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(rules))
}

func TestExamples_HostileObjectsAreDeniedByTheRuleOfTheTable(t *testing.T) {
	for folder, want := range map[string][]string{
		"privileged":          {"pss/hostNamespaces", "pss/restrictedVolumes", "pss/privileged"},
		"plaintext-secret":    {"secret/plaintext"},
		"renders-application": {"self/gitops-kind"},
		"renders-gate":        {"self/admission", "self/gate", "self/rbac"},
		"five-reasons":        {"pss/privileged", "pss/runAsNonRoot", "secret/plaintext", "self/gitops-kind"},
	} {
		rules := denied(t, "hostile/"+folder)
		for _, rule := range want {
			if !slices.Contains(rules, rule) {
				t.Errorf("%s is denied by %v, not by %s", folder, rules, rule)
			}
		}
	}
}

// The shop is denied only for what hardening fills in: no other rule, and
// nothing of self.
func TestExamples_TheShopIsDeniedForNothingButWhatHardeningFillsIn(t *testing.T) {
	filled := []string{"pss/allowPrivilegeEscalation", "pss/capabilities_restricted", "pss/runAsNonRoot", "pss/seccompProfile_restricted"}
	for _, folder := range []string{"shop-kustomize/overlays/dev", "shop-kustomize/overlays/prod", "shop-chart", "shop-plain", "platform-umbrella"} {
		for _, rule := range denied(t, folder) {
			if !slices.Contains(filled, rule) {
				t.Errorf("%s is denied by %s", folder, rule)
			}
		}
	}
}

func TestExamples_EveryRuleOfTheTableIsExpectedByATest(t *testing.T) {
	tests := read(t, "judge_test.go") + read(t, "render_test.go")
	for _, rule := range ruleID.FindAllStringSubmatch(read(t, "hostile/README.md"), -1) {
		// Who signed what is asked of a registry; the demo's tests do that.
		if !strings.HasPrefix(rule[1], "image/no") && !strings.Contains(tests, rule[1]) {
			t.Errorf("no test expects %s", rule[1])
		}
	}
}
