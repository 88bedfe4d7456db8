package examples_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/harden"
	"github.com/assay-gitops/assay/plugin/policy"
)

// denied are the rules by which the starter gate's judges and self deny what a
// folder renders, without hardening and without a registry.
func denied(t *testing.T, folder string) []string {
	t.Helper()
	rendering, err := renderExample(t, folder, recursive(folder))
	if err != nil {
		t.Fatal(err)
	}
	return judge(t, rendering.Objects, plugin.Level.Blocks)
}

// hardened are the rules that still have something of these levels to say after
// hardening.
func hardened(t *testing.T, folder string, levels func(plugin.Level) bool) []string {
	t.Helper()
	rendering, err := renderExample(t, folder, recursive(folder))
	if err != nil {
		t.Fatal(err)
	}
	images, _ := plugin.ImageFinder{}.Find(rendering.Objects)
	for i := range images {
		images[i].Config = &plugin.ImageConfig{User: userOf(images[i].Written), OS: "linux", Architecture: "amd64"}
	}
	hardener, err := harden.New(harden.Config{Profile: "profile/restricted@1"})
	if err != nil {
		t.Fatal(err)
	}
	objects, _ := hardener.Harden(t.Context(), plugin.Unhardened{Objects: rendering.Objects, Images: plugin.NewImageIndex(images)})
	return judge(t, objects, levels)
}

func recursive(folder string) plugin.Parameters {
	return plugin.Parameters{Directory: plugin.DirectoryParameters{Recurse: folder == "shop-plain"}}
}

// userOf is what the README's table says of the image's config.
func userOf(written string) string {
	if strings.Contains(written, "/shop/cache:") {
		return ""
	}
	return "65532:65532"
}

func judge(t *testing.T, objects []plugin.Object, levels func(plugin.Level) bool) []string {
	t.Helper()
	config, err := gate.Load("gates/starter")
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := policy.NewCompiler().Compile(policy.Config{Gate: config.Gates[0]})
	if err != nil {
		t.Fatal(err)
	}
	images, _ := plugin.ImageFinder{}.Find(objects)
	sealed := plugin.Sealed{Objects: objects, Images: plugin.NewImageIndex(images), At: time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)}
	rules := map[string]bool{}
	for _, judge := range append(compiled.Judges, policy.NewSelf(policy.SelfConfig{})) {
		for _, finding := range judge.Judge(t.Context(), sealed) {
			if levels(finding.Level) {
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
		"five-reasons":        {"pss/restrictedVolumes", "pss/runAsNonRoot", "secret/plaintext", "self/gitops-kind"},
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
	filled := []string{"pss/allowPrivilegeEscalation", "pss/capabilities_restricted", "pss/runAsNonRoot", "pss/seccompProfile_restricted", "pss/admission"}
	for _, folder := range shops() {
		rules := denied(t, folder)
		if len(rules) == 0 {
			t.Errorf("%s leaves nothing to fill in", folder)
		}
		for _, rule := range rules {
			if !slices.Contains(filled, rule) {
				t.Errorf("%s is denied by %s", folder, rule)
			}
		}
	}
}

func shops() []string {
	return []string{"shop-kustomize/overlays/dev", "shop-kustomize/overlays/prod", "shop-chart", "shop-plain", "platform-umbrella"}
}

func TestExamples_HardeningMakesTheShopPass(t *testing.T) {
	for _, folder := range shops() {
		if rules := hardened(t, folder, plugin.Level.Blocks); len(rules) > 0 {
			t.Errorf("%s is still denied by %v", folder, rules)
		}
	}
}

func TestExamples_TheCarefulOnesHaveNoWarning(t *testing.T) {
	warns := func(level plugin.Level) bool { return level != plugin.Info }
	for folder, careful := range map[string]bool{
		"shop-kustomize/overlays/dev": true, "shop-kustomize/overlays/prod": true, "shop-chart": true,
		"shop-plain": false, "platform-umbrella": false,
	} {
		if rules := hardened(t, folder, warns); (len(rules) == 0) != careful {
			t.Errorf("%s: %v", folder, rules)
		}
	}
}

// What an author asked for, and an image that runs as root, are not hardened
// away.
func TestExamples_HardeningSavesNoHostileFolder(t *testing.T) {
	for folder, rule := range map[string]string{"privileged": "pss/privileged", "five-reasons": "pss/runAsNonRoot"} {
		if rules := hardened(t, "hostile/"+folder, plugin.Level.Blocks); !slices.Contains(rules, rule) {
			t.Errorf("%s is denied by %v, not by %s", folder, rules, rule)
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
