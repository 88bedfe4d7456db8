package policy

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// upstreamCaseCount is the number of pod-security-admission's own cases in
// release 0.37.2; a file that no test reads is missed by the count.
const upstreamCaseCount = 4537

func TestPodSecurity_AgreesWithUpstreamsOwnCases(t *testing.T) {
	folder := filepath.Join(moduleFolder(t, "k8s.io/pod-security-admission"), "test", "testdata")
	judges := map[[2]string]plugin.Judge{}
	cases := 0
	for _, path := range filesBelow(t, folder) {
		name, _ := filepath.Rel(folder, path)
		parts := strings.Split(filepath.ToSlash(name), "/") // level/version/pass/name.yaml
		if len(parts) != 4 || filepath.Ext(name) != ".yaml" || parts[2] != "pass" && parts[2] != "fail" {
			if name != "README.md" {
				t.Errorf("%s is no case as this test knows them", name)
			}
			continue
		}
		cases++
		standard := [2]string{parts[0], parts[1]}
		if judges[standard] == nil {
			judges[standard] = judgeOf(t, Config{Gate: gateWith(gate.Judge{PodSecurity: &gate.PodSecurity{Level: parts[0], Version: parts[1]}})})
		}
		var findings []plugin.Finding // some names in the cases are none that a server takes
		for _, finding := range blocking(judges[standard].Judge(t.Context(), sealed(t, readFile(t, path)))) {
			if strings.HasPrefix(finding.Rule, pssRule) {
				findings = append(findings, finding)
			}
		}
		if (len(findings) > 0) != (parts[2] == "fail") {
			t.Errorf("%s: %+v", name, findings)
		}
	}
	if cases != upstreamCaseCount {
		t.Errorf("%d cases, want %d", cases, upstreamCaseCount)
	}
}

func restrictedGate() Config {
	return Config{Gate: gateWith(gate.Judge{PodSecurity: &gate.PodSecurity{Level: "restricted"}})}
}

const goodContainer = `{name: web, image: "registry.example.com/web:1", securityContext: {allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}}`

// podOf wraps a Pod's spec into a kind.
func podOf(kind, spec string) string {
	head := "metadata: {name: web, namespace: team-a}\n"
	switch kind {
	case "Pod":
		return "apiVersion: v1\nkind: Pod\n" + head + "spec: " + spec
	case "CronJob":
		return "apiVersion: batch/v1\nkind: CronJob\n" + head + "spec: {schedule: '0 0 * * *', jobTemplate: {spec: {template: {spec: " + spec + "}}}}"
	case "PodTemplate":
		return "apiVersion: v1\nkind: PodTemplate\n" + head + "template: {spec: " + spec + "}"
	case "ReplicationController":
		return "apiVersion: v1\nkind: ReplicationController\n" + head + "spec: {template: {spec: " + spec + "}}"
	case "Job":
		return "apiVersion: batch/v1\nkind: Job\n" + head + "spec: {template: {spec: " + spec + "}}"
	case "Rollout":
		return "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n" + head + "spec: {template: {spec: " + spec + "}}"
	case "JobSet":
		return "apiVersion: jobset.x-k8s.io/v1alpha2\nkind: JobSet\n" + head + "spec: {replicatedJobs: [{name: a, template: {spec: {template: {spec: " + spec + "}}}}]}"
	case "Operator":
		return "apiVersion: example.com/v1\nkind: Widget\n" + head + "spec: {podSpec: " + spec + "}"
	}
	return "apiVersion: apps/v1\nkind: " + kind + "\n" + head + "spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: " + spec + "}}"
}

func TestPodSecurity_EveryKindThatMakesPodsIsJudged(t *testing.T) {
	for kind, field := range map[string]string{
		"Pod":                   "spec.containers[0].securityContext.privileged",
		"Deployment":            "spec.template.spec.containers[0].securityContext.privileged",
		"ReplicaSet":            "spec.template.spec.containers[0].securityContext.privileged",
		"StatefulSet":           "spec.template.spec.containers[0].securityContext.privileged",
		"DaemonSet":             "spec.template.spec.containers[0].securityContext.privileged",
		"Job":                   "spec.template.spec.containers[0].securityContext.privileged",
		"CronJob":               "spec.jobTemplate.spec.template.spec.containers[0].securityContext.privileged",
		"PodTemplate":           "template.spec.containers[0].securityContext.privileged",
		"ReplicationController": "spec.template.spec.containers[0].securityContext.privileged",
		"Rollout":               "spec.template.spec.containers[0].securityContext.privileged",
		"JobSet":                "spec.replicatedJobs[0].template.spec.template.spec.containers[0].securityContext.privileged",
		"Operator":              "spec.podSpec.containers[0].securityContext.privileged",
	} {
		t.Run(kind, func(t *testing.T) {
			config := Config{Gate: gateWith(gate.Judge{PodSecurity: &gate.PodSecurity{Level: "baseline", Version: "v1.35"}})}
			bad := podOf(kind, `{containers: [{name: web, image: "registry.example.com/web:1", securityContext: {privileged: true}}]}`)
			finding := one(t, judgeWith(t, config, sealed(t, bad)))
			if finding.Rule != "pss/privileged" || finding.Field != field || finding.Level != plugin.Deny || finding.Hint == "" || finding.Origin.File != "app.yaml" {
				t.Errorf("finding %+v, want field %s", finding, field)
			}
			if twin := judgeWith(t, restrictedGate(), sealed(t, podOf(kind, "{containers: ["+goodContainer+"]}"))); len(twin) != 0 {
				t.Errorf("twin: %+v", twin)
			}
		})
	}
}

func TestPodSecurity_FindsTheOneContainer(t *testing.T) {
	bad := podOf("Deployment", `{initContainers: [{name: init, image: "registry.example.com/init:1", securityContext: {privileged: true}}], containers: [`+goodContainer+`]}`)
	found := withRule(judgeWith(t, restrictedGate(), sealed(t, bad)), "pss/privileged")
	if field := one(t, found).Field; field != "spec.template.spec.initContainers[0].securityContext.privileged" {
		t.Errorf("field %s", field)
	}
}

func TestPodSecurity_EachContainerThatFailsACheckHasItsOwnFinding(t *testing.T) {
	bare := func(name string) string { return `{name: ` + name + `, image: "registry.example.com/web:1"}` }
	rootPod := "securityContext: {runAsNonRoot: false}, "
	for name, test := range map[string]struct {
		spec   string
		fields []string
	}{
		"three of four": {
			"{initContainers: [" + bare("init") + "], containers: [" + bare("web") + ", " + goodContainer + ", " + bare("log") + "]}",
			[]string{"spec.template.spec.initContainers[0].securityContext.runAsNonRoot", "spec.template.spec.containers[0].securityContext.runAsNonRoot", "spec.template.spec.containers[2].securityContext.runAsNonRoot"},
		},
		"the Pod itself": {"{" + rootPod + "containers: [" + goodContainer + ", " + goodContainer + "]}", []string{"spec.template.spec"}},
		"none":           {"{containers: [" + goodContainer + ", " + goodContainer + "]}", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var fields []string
			for _, finding := range withRule(judgeWith(t, restrictedGate(), sealed(t, podOf("Deployment", test.spec))), "pss/runAsNonRoot") {
				fields = append(fields, finding.Field)
				if strings.Contains(finding.Message, "web") && strings.Contains(finding.Message, "log") {
					t.Errorf("one message names two containers: %s", finding.Message)
				}
			}
			if !slices.Equal(fields, test.fields) {
				t.Errorf("fields %v, want %v", fields, test.fields)
			}
		})
	}
}

func TestPodSecurity_VolumeWithoutASourceIsAnEmptyDir(t *testing.T) {
	config := restrictedGate()
	if found := judgeWith(t, config, sealed(t, podOf("Deployment", "{volumes: [{name: tmp}], containers: ["+goodContainer+"]}"))); len(found) != 0 {
		t.Errorf("%+v", found)
	}
	twin := judgeWith(t, config, sealed(t, podOf("Deployment", "{volumes: [{name: tmp, hostPath: {path: /}}], containers: ["+goodContainer+"]}")))
	if len(withRule(twin, "pss/restrictedVolumes")) != 1 {
		t.Errorf("twin: %+v", twin)
	}
}

func TestPodSecurity_EveryUpstreamCheckHasAPage(t *testing.T) {
	known := map[string]bool{}
	for _, check := range podChecks() {
		known[check.id] = true
	}
	for _, check := range defaultCheckIDs() {
		if !known[check] {
			t.Errorf("check %s has no page", check)
		}
		delete(known, check)
	}
	for check := range known {
		t.Errorf("page %s belongs to no check", check)
	}
}

func TestPodSecurity_UnknownLevelOrVersionIsAnError(t *testing.T) {
	for _, minimum := range []gate.PodSecurity{{Level: "strict"}, {Level: ""}, {Level: "baseline", Version: "1.31"}} {
		if _, err := NewCompiler().Compile(Config{Gate: gateWith(gate.Judge{PodSecurity: &minimum})}); err == nil {
			t.Errorf("%+v is accepted", minimum)
		}
	}
	if _, err := NewCompiler().Compile(Config{Gate: gateWith(gate.Judge{PodSecurity: &gate.PodSecurity{Level: "baseline", Version: "v1.31"}})}); err != nil {
		t.Errorf("twin: %v", err)
	}
}

func TestView_WhatTheAPICannotReadIsDenied(t *testing.T) {
	bad := podOf("Deployment", "{hostNetwork: 'yes', containers: ["+goodContainer+"]}")
	finding := one(t, judgeWith(t, restrictedGate(), sealed(t, bad)))
	if finding.Rule != ruleInvalidObject || finding.Level != plugin.Deny {
		t.Errorf("%+v", finding)
	}
	twin := podOf("Deployment", "{hostNetwork: false, containers: ["+goodContainer+"]}")
	if found := judgeWith(t, restrictedGate(), sealed(t, twin)); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestView_UnknownFieldIsAWarningAndDoesNotCount(t *testing.T) {
	bad := podOf("Deployment", strings.Replace("{containers: ["+goodContainer+"]}", "securityContext", "securityContxt", 1))
	found := judgeWith(t, restrictedGate(), sealed(t, bad))
	if unknown := one(t, withRule(found, ruleUnknownField)); unknown.Level != plugin.Warn || !strings.Contains(unknown.Message, "securityContxt") {
		t.Errorf("%+v", unknown)
	}
	if len(withRule(found, "pss/runAsNonRoot")) != 1 {
		t.Errorf("the misspelt field counted: %+v", found)
	}
}

func TestView_ASecretThatCannotBeReadIsNotQuoted(t *testing.T) {
	bad := "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\ndata: {password: not-base64-secret}\n"
	for _, finding := range judgeWith(t, Config{Gate: gateWith(gate.Judge{Packs: []string{"pack/supply-chain@1"}})}, sealed(t, bad)) {
		if strings.Contains(fmt.Sprintf("%+v", finding), "not-base64-secret") {
			t.Errorf("%+v", finding)
		}
	}
}
