package gate

import (
	"fmt"
	"strings"
	"testing"
)

func exempting(namespace string) *PodSecurityAdmission {
	return &PodSecurityAdmission{Exemptions: PodSecurityExemptions{Namespaces: []string{namespace}}}
}

// TestLoad_WhatTheGateSaysOfAdmissionIsChecked: each twin differs in one value.
func TestLoad_WhatTheGateSaysOfAdmissionIsChecked(t *testing.T) {
	for name, test := range map[string]struct{ bad, good, want string }{
		"a deployer without a name": {"judge: {deployer: {groups: [a]}}", "judge: {deployer: {username: a, groups: [a]}}", "spec.judge.deployer.username: is required"},
		"a deployer with a space":   {"judge: {deployer: {username: 'a b'}}", "judge: {deployer: {username: a}}", `spec.judge.deployer.username: "a b" has the wrong form`},
		"a group twice":             {"judge: {deployer: {username: a, groups: [a, a]}}", "judge: {deployer: {username: a, groups: [a, b]}}", `spec.judge.deployer.groups[1]: "a" is there twice`},
		"an unknown level":          {"judge: {podSecurityAdmission: {defaults: {enforce: strict}}}", "judge: {podSecurityAdmission: {defaults: {enforce: baseline}}}", `"strict" is none of its values`},
		"an unknown version":        {"judge: {podSecurityAdmission: {defaults: {warn-version: '1.31'}}}", "judge: {podSecurityAdmission: {defaults: {warn-version: v1.31}}}", `spec.judge.podSecurityAdmission.defaults.warn-version: "1.31" has the wrong form`},
		"a glob of namespaces":      {"judge: {podSecurityAdmission: {exemptions: {namespaces: ['team-*']}}}", "judge: {podSecurityAdmission: {exemptions: {namespaces: [team-a]}}}", `"team-*" has the wrong form`},
		"a glob of classes":         {"judge: {podSecurityAdmission: {exemptions: {runtimeClasses: ['*']}}}", "judge: {podSecurityAdmission: {exemptions: {runtimeClasses: [kata]}}}", `"*" has the wrong form`},
		"an empty user":             {"judge: {podSecurityAdmission: {exemptions: {usernames: ['']}}}", "judge: {podSecurityAdmission: {exemptions: {usernames: [a]}}}", "usernames[0]: is empty"},
		"nothing to honour":         {"judge: {podSecurity: {level: restricted, honourExemptions: true}}", "judge: {podSecurity: {level: restricted, honourExemptions: true}, podSecurityAdmission: {exemptions: {namespaces: [a]}}}", "there are no exemptions to honour"},
		"a label that is no level":  {"namespaces: [{name: a, labels: {pod-security.kubernetes.io/warn: strict}}]", "namespaces: [{name: a, labels: {pod-security.kubernetes.io/warn: baseline}}]", `pod-security.kubernetes.io/warn: "strict" is no level`},
		"a label without a version": {"namespaces: [{name: a, labels: {pod-security.kubernetes.io/audit-version: '1.31'}}]", "namespaces: [{name: a, labels: {pod-security.kubernetes.io/audit-version: v1.31}}]", `pod-security.kubernetes.io/audit-version: "1.31" is no version`},
	} {
		t.Run(name, func(t *testing.T) {
			text := func(field string) []byte {
				return fmt.Appendf(nil, "apiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata: {name: a}\nspec:\n  base: true\n  %s\n", field)
			}
			if _, err := Parse("gate.yaml", text(test.bad)); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "gate.yaml:6") {
				t.Errorf("want %q in: %v", test.want, err)
			}
			if _, err := Parse("gate.yaml", text(test.good)); err != nil {
				t.Errorf("twin: %v", err)
			}
		})
	}
}

func TestExplain_SaysWhatIsExemptAndFromWhat(t *testing.T) {
	judge := Judge{Deployer: &Deployer{Username: "system:serviceaccount:argocd:controller"}, PodSecurityAdmission: exempting("node-agents")}
	want := "applied by system:serviceaccount:argocd:controller|the cluster's Pod Security exempts namespaces node-agents"
	if got := strings.Join(judge.words(), "|"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	judge.PodSecurity = &PodSecurity{Level: "baseline", HonourExemptions: true}
	if got := strings.Join(judge.words(), "|"); got != want+", and so does this gate's own level" {
		t.Errorf("got %s", got)
	}
}
