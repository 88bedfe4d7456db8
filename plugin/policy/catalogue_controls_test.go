package policy

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// withoutControls are the rules over objects, or whole folders of them, of which
// no published list of security controls speaks, with the reason. A rule that
// gets a control leaves this list.
func withoutControls() map[string]string {
	return map[string]string{
		"references/*":             "an object that names what is not there fails to run; the lists are about what runs",
		"reliability/*":            "it is about staying available when nobody attacks; the pages refer to Kubernetes' own advice",
		"workload/readiness-probe": "as reliability/*, where it stands too",
		"network/duplicate-host":   "two teams that claim one host are a mistake first; no list has it",
		"gitops/validation-off":    "the lists know no GitOps tool's options",
	}
}

// knownControls are the lists that pages name, with the form of their numbers.
var knownControls = []*regexp.Regexp{
	regexp.MustCompile(`^Pod Security Standards: (baseline|restricted)$`),
	regexp.MustCompile(`^Pod Security Admission: [a-z ]+$`),
	regexp.MustCompile(`^CIS Kubernetes Benchmark 5\.[1-7]\.[1-9][0-9]?$`),
	regexp.MustCompile(`^NSA/CISA Kubernetes Hardening Guide: [a-zA-Z -]+$`),
	regexp.MustCompile(`^MITRE ATT&CK T1[0-9]{3}(\.[0-9]{3})?$`),
	regexp.MustCompile(`^SLSA Build L[1-3]$`),
}

// rulesOverObjects are those of packs, of self and of the Pod Security
// Standards.
func rulesOverObjects() []Rule {
	return slices.DeleteFunc(Rules(), func(rule Rule) bool { return rule.Pack == "" && !strings.HasPrefix(rule.ID, pssRule) })
}

func TestRules_EveryRuleOverObjectsNamesItsControls(t *testing.T) {
	rules, used := rulesOverObjects(), map[string]bool{}
	if len(rules) < 150 {
		t.Errorf("only %d rules over objects", len(rules))
	}
	for _, rule := range rules {
		folder, _, _ := strings.Cut(rule.ID, "/")
		for _, listed := range []string{rule.ID, folder + "/*"} {
			if withoutControls()[listed] == "" {
				continue
			}
			used[listed] = used[listed] || len(rule.Controls) == 0
			if listed == rule.ID && len(rule.Controls) > 0 {
				t.Errorf("rule %s has controls and stands among those without", rule.ID)
			}
			if len(rule.References) == 0 {
				t.Errorf("rule %s has neither controls nor references", rule.ID)
			}
		}
		if len(rule.Controls) == 0 && withoutControls()[rule.ID] == "" && withoutControls()[folder+"/*"] == "" {
			t.Errorf("rule %s names no control; add it, or the rule to withoutControls with the reason", rule.ID)
		}
	}
	for listed := range withoutControls() {
		if !used[listed] {
			t.Errorf("%s is listed among the rules without controls and is none of them", listed)
		}
	}
}

func TestRules_ControlsAreThoseOfKnownLists(t *testing.T) {
	known := func(control string) bool {
		return slices.ContainsFunc(knownControls, func(list *regexp.Regexp) bool { return list.MatchString(control) })
	}
	for _, rule := range Rules() {
		for i, control := range rule.Controls {
			if !known(control) || slices.Contains(rule.Controls[:i], control) {
				t.Errorf("rule %s: control %q is of no list, or there twice", rule.ID, control)
			}
		}
	}
	for _, wrong := range []string{"", "CIS", "CIS Kubernetes Benchmark 4.1.1", "MITRE ATT&CK TA0004 ", "Pod Security Standards: privileged"} {
		if known(wrong) {
			t.Errorf("%q is taken for a control", wrong)
		}
	}
}

// A check that upstream adds gets its level at the least, and one that has more
// is not left at that.
func TestPodSecurity_EveryCheckNamesItsLevelAndWhatElseAsksForIt(t *testing.T) {
	only := []string{"hostProbesAndHostLifecycle", "procMount", "procMount_restricted", "restrictedVolumes", "sysctls"}
	for _, check := range podChecks() {
		controls := podSecurityControls(check)
		if controls[0] != "Pod Security Standards: "+check.level || (len(controls) == 1) != slices.Contains(only, check.id) {
			t.Errorf("%s: %q", check.id, controls)
		}
	}
}
