package policy

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

const (
	barePod    = `{containers: [{name: web, image: "registry.example.com/web:1"}]}`
	classedPod = `{runtimeClassName: kata, containers: [{name: web, image: "registry.example.com/web:1"}]}`
	rootPod    = `{containers: [{name: web, image: "registry.example.com/web:1", securityContext: {privileged: true}}]}`
	wellPod    = "{containers: [" + goodContainer + "]}"
)

// namespaceWith is a rendered Namespace team-a with Pod Security labels,
// written mode=value.
func namespaceWith(labels ...string) string {
	text := "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: team-a\n  labels:\n    app: web\n"
	for key, value := range podSecurityLabels(labels...) {
		text += fmt.Sprintf("    %s: %q\n", key, value)
	}
	return text
}

func podSecurityLabels(labels ...string) map[string]string {
	written := map[string]string{}
	for _, label := range labels {
		mode, value, _ := strings.Cut(label, "=")
		written["pod-security.kubernetes.io/"+mode] = value
	}
	return written
}

// inTeamA is a gate that describes the namespace team-a and judges as told.
func inTeamA(judge gate.Judge, labels ...string) Config {
	config := Config{Gate: gateWith(judge)}
	config.Gate.Spec.Namespaces = []gate.Namespace{{Name: "team-a", Labels: podSecurityLabels(labels...)}}
	return config
}

// TestPodSecurity_AdmissionAnswersByTheNamespacesLabels has the words of the
// admission plugin.
func TestPodSecurity_AdmissionAnswersByTheNamespacesLabels(t *testing.T) {
	const noRoot = `PodSecurity "restricted:v1.24": allowPrivilegeEscalation != false (container "web" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "web" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "web" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "web" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`
	const noPrivilege = `PodSecurity "baseline:latest": privileged (container "web" must not set securityContext.privileged=true)`
	for name, test := range map[string]struct {
		labels     []string
		kind, spec string
		want       []string // level: message
	}{
		"nothing asks":             {nil, "Pod", rootPod, nil},
		"a Pod is refused":         {[]string{"enforce=restricted", "enforce-version=v1.24"}, "Pod", barePod, []string{"deny: violates " + noRoot}},
		"a workload's are later":   {[]string{"enforce=restricted", "enforce-version=v1.24"}, "Deployment", barePod, []string{"deny: would be rejected at Pod creation: violates " + noRoot}},
		"a Pod that is well":       {[]string{"enforce=restricted", "enforce-version=v1.24"}, "Pod", wellPod, nil},
		"latest":                   {[]string{"enforce=baseline"}, "Pod", rootPod, []string{"deny: violates " + noPrivilege}},
		"a warning":                {[]string{"warn=baseline"}, "Deployment", rootPod, []string{"warn: would violate " + noPrivilege}},
		"a record":                 {[]string{"audit=baseline"}, "Deployment", rootPod, []string{"info: would violate " + noPrivilege}},
		"a record of a refusal":    {[]string{"enforce=baseline", "audit=restricted", "audit-version=v1.24"}, "Pod", rootPod, []string{"deny: violates " + noPrivilege, "info: would violate " + noRoot[:30]}},
		"no warning of a refusal":  {[]string{"enforce=baseline", "warn=restricted"}, "Pod", rootPod, []string{"deny: violates " + noPrivilege}},
		"a warning above":          {[]string{"enforce=baseline", "warn=restricted", "warn-version=v1.24"}, "Pod", barePod, []string{"warn: would violate " + noRoot}},
		"one level is said once":   {[]string{"warn=baseline", "audit=baseline"}, "Pod", rootPod, []string{"warn: would violate " + noPrivilege}},
		"an old version knew less": {[]string{"enforce=restricted", "enforce-version=v1.0"}, "Pod", `{containers: [{name: web, image: a, securityContext: {runAsNonRoot: true}}]}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			found := withRule(judgeWith(t, inTeamA(gate.Judge{}, test.labels...), sealed(t, podOf(test.kind, test.spec))), rulePodSecurityAdmission)
			if len(found) != len(test.want) {
				t.Fatalf("%d findings, want %q: %+v", len(found), test.want, found)
			}
			for i, finding := range found {
				if got := finding.Level.String() + ": " + finding.Message; !strings.HasPrefix(got, test.want[i]) {
					t.Errorf("got  %s\nwant %s", got, test.want[i])
				}
				if finding.Field == "" || finding.Hint == "" || !strings.Contains(strings.Join(finding.Details, " "), "the labels of namespace team-a") {
					t.Errorf("%+v", finding)
				}
			}
		})
	}
}

// TestPodSecurity_TwoAnswersBothMustPass: neither the labels lower the gate's
// minimum, nor does the minimum's level lower what the labels ask for.
func TestPodSecurity_TwoAnswersBothMustPass(t *testing.T) {
	minimum := func(level string) gate.Judge { return gate.Judge{PodSecurity: &gate.PodSecurity{Level: level}} }
	const gates, clusters = "pss/privileged", rulePodSecurityAdmission
	for name, test := range map[string]struct {
		config   Config
		rendered string
		want     string
	}{
		"the gate alone":                   {inTeamA(minimum("baseline"), "enforce=privileged"), "", gates},
		"the labels alone":                 {inTeamA(minimum("privileged"), "enforce=baseline"), "", clusters},
		"both":                             {inTeamA(minimum("baseline"), "enforce=baseline"), "", gates + " " + clusters},
		"neither":                          {inTeamA(minimum("privileged"), "enforce=privileged"), "", ""},
		"a rendered one asks":              {inTeamA(minimum("privileged")), namespaceWith("enforce=baseline"), clusters},
		"a rendered one does not loosen":   {inTeamA(minimum("baseline"), "enforce=baseline"), namespaceWith("enforce=privileged"), gates + " " + clusters},
		"a rendered one cannot be read":    {inTeamA(minimum("privileged")), namespaceWith("enforce=strict"), ruleInvalidPodSecurity + " " + clusters},
		"the server's default":             {Config{Gate: gateWith(gate.Judge{PodSecurityAdmission: &gate.PodSecurityAdmission{Defaults: gate.PodSecurityModes{Enforce: "baseline"}}})}, "", clusters},
		"a label instead of the default":   {inTeamA(gate.Judge{PodSecurityAdmission: &gate.PodSecurityAdmission{Defaults: gate.PodSecurityModes{Enforce: "baseline"}}}, "enforce=privileged"), "", ""},
		"the default's warning is its own": {Config{Gate: gateWith(gate.Judge{PodSecurityAdmission: &gate.PodSecurityAdmission{Defaults: gate.PodSecurityModes{Warn: "baseline"}}})}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := podOf("Deployment", rootPod)
			if test.rendered != "" {
				text = test.rendered + "---\n" + text
			}
			var rules []string
			for _, finding := range blocking(judgeWith(t, test.config, sealed(t, text))) {
				rules = append(rules, finding.Rule)
			}
			if got := strings.Join(rules, " "); !sameWords(got, test.want) {
				t.Errorf("denied by %q, want %q", got, test.want)
			}
		})
	}
}

func sameWords(a, b string) bool {
	count := map[string]int{}
	for _, word := range strings.Fields(a) {
		count[word]++
	}
	for _, word := range strings.Fields(b) {
		count[word]--
	}
	for _, left := range count {
		if left != 0 {
			return false
		}
	}
	return true
}

// TestPodSecurity_ARenderedNamespaceThatEnforcesPrivilegedLowersNothing: the
// application switches the standard off for itself, which is denied by itself
// and changes neither answer.
func TestPodSecurity_ARenderedNamespaceThatEnforcesPrivilegedLowersNothing(t *testing.T) {
	minimum := &gate.PodSecurity{Level: "restricted", Version: "latest"}
	config := inTeamA(gate.Judge{PodSecurity: minimum}, "enforce=baseline")
	input := sealed(t, namespaceWith("enforce=privileged", "warn=privileged", "audit=privileged")+"---\n"+podOf("Deployment", rootPod))
	found := judgeWith(t, config, input)
	for rule, want := range map[string]int{"pss/privileged": 1, rulePodSecurityAdmission: 1} {
		if denials := blocking(withRule(found, rule)); len(denials) != want {
			t.Errorf("%s: %+v", rule, found)
		}
	}
	self := NewSelf(SelfConfig{PodSecurity: minimum, Namespaces: config.Gate.Spec.Namespaces})
	denied := withRule(self.Judge(t.Context(), input), ruleSelfNamespaceLabels)
	if len(denied) != 2 || !denied[0].Unwaivable || denied[0].Level != plugin.Deny { // below the gate's, and below what the namespace has
		t.Errorf("%+v", denied)
	}
	twin := sealed(t, namespaceWith("enforce=restricted")+"---\n"+podOf("Deployment", wellPod))
	if found := append(judgeWith(t, config, twin), self.Judge(t.Context(), twin)...); len(blocking(found)) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

// TestPodSecurity_ExemptionsAreTheClustersAlone: they exempt from admission's
// verdict, and from the gate's minimum only where the gate honours them.
func TestPodSecurity_ExemptionsAreTheClustersAlone(t *testing.T) {
	const argo, replicas = "system:serviceaccount:argocd:controller", "system:serviceaccount:kube-system:replicaset-controller"
	for name, test := range map[string]struct {
		exempt     gate.PodSecurityExemptions
		deployer   string
		kind, spec string
		want       bool
	}{
		"a namespace":                        {gate.PodSecurityExemptions{Namespaces: []string{"team-a"}}, "", "Deployment", barePod, true},
		"another namespace":                  {gate.PodSecurityExemptions{Namespaces: []string{"team-b"}}, "", "Deployment", barePod, false},
		"a runtime class":                    {gate.PodSecurityExemptions{RuntimeClasses: []string{"kata"}}, "", "Deployment", classedPod, true},
		"another runtime class":              {gate.PodSecurityExemptions{RuntimeClasses: []string{"gvisor"}}, "", "Deployment", classedPod, false},
		"no runtime class":                   {gate.PodSecurityExemptions{RuntimeClasses: []string{"kata"}}, "", "Deployment", barePod, false},
		"the deployer's own Pod":             {gate.PodSecurityExemptions{Usernames: []string{argo}}, argo, "Pod", barePod, true},
		"another deployer's":                 {gate.PodSecurityExemptions{Usernames: []string{argo}}, "ci", "Pod", barePod, false},
		"a deployer whom nobody knows":       {gate.PodSecurityExemptions{Usernames: []string{argo}}, "", "Pod", barePod, false},
		"not the Pods of its workloads":      {gate.PodSecurityExemptions{Usernames: []string{argo}}, argo, "Deployment", barePod, false},
		"those of a workload's controller":   {gate.PodSecurityExemptions{Usernames: []string{replicas}}, argo, "Deployment", barePod, true},
		"not those of another controller":    {gate.PodSecurityExemptions{Usernames: []string{replicas}}, argo, "StatefulSet", barePod, false},
		"not those of an unknown controller": {gate.PodSecurityExemptions{Usernames: []string{replicas, ""}}, argo, "Rollout", barePod, false},
	} {
		for _, honour := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, honoured %v", name, honour), func(t *testing.T) {
				judge := gate.Judge{PodSecurity: &gate.PodSecurity{Level: "restricted", HonourExemptions: honour}, PodSecurityAdmission: &gate.PodSecurityAdmission{Exemptions: test.exempt}}
				if test.deployer != "" {
					judge.Deployer = &gate.Deployer{Username: test.deployer}
				}
				found := blocking(judgeWith(t, inTeamA(judge, "enforce=restricted"), sealed(t, podOf(test.kind, test.spec))))
				if got := len(withRule(found, rulePodSecurityAdmission)) == 0; got != test.want {
					t.Errorf("exempt from admission's verdict: %v, want %v", got, test.want)
				}
				if got := len(withRule(found, "pss/runAsNonRoot")) == 0; got != (test.want && honour) {
					t.Errorf("exempt from the gate's minimum: %v, want %v", got, test.want && honour)
				}
			})
		}
	}
}

func TestPodSecurity_ALevelOrAWaiverOfTheGatesLeavesAdmissionsVerdict(t *testing.T) {
	judge := gate.Judge{PodSecurity: &gate.PodSecurity{Level: "restricted"}}
	for _, check := range podChecks() {
		judge.Rules = append(judge.Rules, gate.RuleLevel{Rule: pssRule + check.id, Level: "Off"})
	}
	found := judgeWith(t, inTeamA(judge, "enforce=restricted"), sealed(t, podOf("Deployment", barePod)))
	if finding := one(t, found); finding.Rule != rulePodSecurityAdmission || finding.Level != plugin.Deny || finding.Details[1] != rejectedLater {
		t.Errorf("%+v", finding)
	}
}

func TestPodSecurity_TheLabelsOfAnExemptNamespaceAreIgnoredAloud(t *testing.T) {
	judge := gate.Judge{PodSecurityAdmission: &gate.PodSecurityAdmission{Exemptions: gate.PodSecurityExemptions{Namespaces: []string{"team-a"}}}}
	for labels, want := range map[string]int{"enforce=baseline": 1, "enforce=privileged": 0} {
		found := withRule(judgeWith(t, Config{Gate: gateWith(judge)}, sealed(t, namespaceWith(labels))), rulePodSecurityAdmission)
		if len(found) != want || want > 0 && (found[0].Level != plugin.Warn || !strings.Contains(found[0].Message, `namespace "team-a" is exempt`)) {
			t.Errorf("%s: %+v", labels, found)
		}
	}
}

func TestPodSecurity_DefaultsThatCannotBeReadAreAnError(t *testing.T) {
	for level, good := range map[string]bool{"strict": false, "baseline": true} {
		judge := gate.Judge{PodSecurityAdmission: &gate.PodSecurityAdmission{Defaults: gate.PodSecurityModes{Enforce: level}}}
		if _, err := NewCompiler().Compile(Config{Gate: gateWith(judge)}); (err == nil) != good {
			t.Errorf("%s: %v", cmp.Or(level, "empty"), err)
		}
	}
}
