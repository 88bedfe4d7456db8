package policy

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

func baselineGate() Config {
	return Config{Gate: gateWith(gate.Judge{PodSecurity: &gate.PodSecurity{Level: "baseline", Version: "v1.35"}})}
}

// custom is an object of a custom kind with the given spec.
func custom(apiVersion, kind, spec string) string {
	return "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: {name: web, namespace: team-a}\nspec: " + spec + "\n"
}

const (
	workflow = "argoproj.io/v1alpha1 Workflow"
	task     = "tekton.dev/v1 Task"
	widgets  = "example.com/v1 Widget"
)

// Each twin differs in one thing.
func TestPodSecurity_PodsOfCustomResourcesAreJudgedInEveryShape(t *testing.T) {
	const privileged, plain = "securityContext: {privileged: true}", "securityContext: {privileged: false}"
	swap := func(text string) string { return strings.ReplaceAll(text, privileged, plain) }
	for name, test := range map[string]struct{ kind, spec, twin, rule, field string }{
		"workflow container":     {kind: workflow, spec: "{templates: [{container: {image: web, " + privileged + "}}]}", rule: "pss/privileged", field: "spec.templates[0].container.securityContext.privileged"},
		"workflow script":        {kind: workflow, spec: "{templates: [{script: {image: web, source: x, " + privileged + "}}]}", rule: "pss/privileged", field: "spec.templates[0].script.securityContext.privileged"},
		"workflow sidecar":       {kind: workflow, spec: "{templates: [{container: {image: web}, sidecars: [{name: a, image: web, " + privileged + "}]}]}", rule: "pss/privileged", field: "spec.templates[0].sidecars[0].securityContext.privileged"},
		"beside a false list":    {kind: workflow, spec: "{templates: [{containers: [{name: a}], container: {image: web, " + privileged + "}}]}", rule: "pss/privileged", field: "spec.templates[0].container.securityContext.privileged"},
		"workflow container set": {kind: workflow, spec: "{templates: [{containerSet: {containers: [{name: a, image: web, " + privileged + "}]}}]}", rule: "pss/privileged", field: "spec.templates[0].containerSet.containers[0].securityContext.privileged"},
		"workflow host":          {kind: workflow, spec: "{hostNetwork: true, templates: []}", twin: "{hostNetwork: false, templates: []}", rule: "pss/hostNamespaces", field: "spec"},
		"workflow volume":        {kind: workflow, spec: "{volumes: [{name: a, hostPath: {path: /}}]}", twin: "{volumes: [{name: a, emptyDir: {}}]}", rule: "pss/hostPathVolumes", field: "spec.volumes"},
		"workflow patch":         {kind: workflow, spec: `{podSpecPatch: '{"hostPID": true}'}`, twin: `{podSpecPatch: '{"hostPID": false}'}`, rule: "pss/hostNamespaces", field: "spec.podSpecPatch"},
		"patched container":      {kind: workflow, spec: `{podSpecPatch: 'containers: [{name: main, ` + privileged + `}]'}`, rule: "pss/privileged", field: "spec.podSpecPatch.containers[0].securityContext.privileged"},
		"unreadable patch":       {kind: workflow, spec: `{podSpecPatch: '}{'}`, twin: `{podSpecPatch: '{"containers": [{"name": "main"}]}'}`, rule: ruleInvalidObject, field: "spec.podSpecPatch"},
		"task step":              {kind: task, spec: "{steps: [{name: a, image: web, " + privileged + "}]}", rule: "pss/privileged", field: "spec.steps[0].securityContext.privileged"},
		"task sidecar":           {kind: task, spec: "{steps: [{image: web}], sidecars: [{image: web, " + privileged + "}]}", rule: "pss/privileged", field: "spec.sidecars[0].securityContext.privileged"},
		"task step template":     {kind: task, spec: "{steps: [{image: web}], stepTemplate: {" + privileged + "}}", rule: "pss/privileged"},
		"task volume":            {kind: task, spec: "{steps: [{image: web}], volumes: [{name: a, hostPath: {path: /}}]}", twin: "{steps: [{image: web}], volumes: [{name: a, emptyDir: {}}]}", rule: "pss/hostPathVolumes", field: "spec.volumes"},
		"step with a host port":  {kind: task, spec: "{steps: [{image: web, ports: [{containerPort: 80, hostPort: 80}]}]}", twin: "{steps: [{image: web, ports: [{containerPort: 80}]}]}", rule: "pss/hostPorts", field: "spec.steps[0].ports"},
		"pipeline run":           {kind: "tekton.dev/v1 PipelineRun", spec: "{taskRunTemplate: {podTemplate: {hostNetwork: true}}}", twin: "{taskRunTemplate: {podTemplate: {}}}", rule: "pss/hostNamespaces", field: "spec.taskRunTemplate.podTemplate"},
		"init containers alone":  {kind: widgets, spec: "{initContainers: [{name: a, image: web, " + privileged + "}]}", rule: "pss/privileged", field: "spec.initContainers[0].securityContext.privileged"},
		"ephemeral containers":   {kind: widgets, spec: "{pod: {ephemeralContainers: [{name: a, image: web, " + privileged + "}]}}", rule: "pss/privileged", field: "spec.pod.ephemeralContainers[0].securityContext.privileged"},
		"no containers":          {kind: widgets, spec: "{containers: [], hostPID: true}", twin: "{containers: []}", rule: "pss/hostNamespaces", field: "spec"},
		"nameless container":     {kind: widgets, spec: "{containers: [{" + privileged + "}]}", rule: "pss/privileged", field: "spec.containers[0].securityContext.privileged"},
		"security context alone": {kind: widgets, spec: "{agent: {" + privileged + "}}", rule: "pss/privileged", field: "spec.agent.securityContext.privileged"},
		"sysctls alone":          {kind: widgets, spec: "{securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]}}", twin: "{securityContext: {fsGroup: 1000}}", rule: "pss/sysctls", field: "spec.securityContext.sysctls"},
		"unreadable":             {kind: widgets, spec: "{securityContext: {privileged: '{{x}}'}}", twin: "{securityContext: {privileged: false}}", rule: ruleInvalidObject, field: "spec"},
		"below another kind":     {kind: "work.example.com/v1 Work", spec: "{manifests: [{apiVersion: tekton.dev/v1, kind: Task, spec: {steps: [{image: web, " + privileged + "}]}}]}", rule: "pss/privileged", field: "spec.manifests[0].spec.steps[0].securityContext.privileged"},
		"a definition's name":    {kind: "example.com/v1 CustomResourceDefinition", spec: "{template: {spec: {containers: [{name: a, image: web, " + privileged + "}]}}}", rule: "pss/privileged", field: "spec.template.spec.containers[0].securityContext.privileged"},
		"far below": {kind: widgets, spec: strings.Repeat("{a: ", 40) + "{containers: [{name: a, image: web, " + privileged + "}]}" + strings.Repeat("}", 40), rule: "pss/privileged",
			field: "spec" + strings.Repeat(".a", 40) + ".containers[0].securityContext.privileged"},
	} {
		t.Run(name, func(t *testing.T) {
			version, kind, _ := strings.Cut(test.kind, " ")
			found := blocking(judgeWith(t, baselineGate(), sealed(t, custom(version, kind, test.spec))))
			if len(withRule(found, test.rule)) == 0 {
				t.Fatalf("findings %+v, want %s", found, test.rule)
			}
			finding := withRule(found, test.rule)[0]
			if test.field != "" && (len(found) != 1 || finding.Field != test.field) {
				t.Errorf("findings %+v, want one in %s", found, test.field)
			}
			if finding.Indeterminate != (test.rule == ruleInvalidObject) {
				t.Errorf("indeterminate: %v", finding.Indeterminate)
			}
			if test.twin == "" {
				test.twin = swap(test.spec)
			}
			if found := judgeWith(t, baselineGate(), sealed(t, custom(version, kind, test.twin))); len(found) != 0 {
				t.Errorf("twin: %+v", found)
			}
		})
	}
}

func TestPodSecurity_WhatACustomResourceLeavesToItsControllerIsNotHeldAgainstIt(t *testing.T) {
	const good = `securityContext: {allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}`
	for name, object := range map[string]string{
		"a security context":  custom("example.com/v1", "Widget", "{securityContext: {runAsNonRoot: true, fsGroup: 1000}}"),
		"volumes":             custom("example.com/v1", "Widget", "{volumes: [{name: a, configMap: {name: a}}, {name: b, size: 3}]}"),
		"a step":              custom("tekton.dev/v1", "Task", "{steps: [{image: web, "+good+"}]}"),
		"a step's defaults":   custom("tekton.dev/v1", "Task", "{stepTemplate: {"+good+"}, steps: [{image: web}]}"),
		"a workflow's":        custom("argoproj.io/v1alpha1", "Workflow", "{securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, templates: [{container: {image: web, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}}]}"),
		"a workflow's steps":  custom("argoproj.io/v1alpha1", "Workflow", "{templates: [{steps: [[{name: a, template: b}]]}]}"),
		"a rollout's steps":   custom("argoproj.io/v1alpha1", "Rollout", "{strategy: {canary: {steps: [{setWeight: 5}, {pause: {}}]}}}"),
		"a patch of a memory": custom("argoproj.io/v1alpha1", "Workflow", `{podSpecPatch: '{"containers": [{"name": "main", "resources": {"limits": {"memory": "{{x}}"}}}]}'}`),
	} {
		if found := judgeWith(t, restrictedGate(), sealed(t, object)); len(found) != 0 {
			t.Errorf("%s: %+v", name, found)
		}
	}
	step := custom("tekton.dev/v1", "Task", "{steps: [{image: web}]}")
	if found := withRule(judgeWith(t, restrictedGate(), sealed(t, step)), "pss/runAsNonRoot"); len(found) != 1 || found[0].Level != plugin.Deny {
		t.Errorf("twin: %+v", found)
	}
}

func TestAdmission_APodThatIsKnownInPartIsNotAskedAbout(t *testing.T) {
	config := policyConfig(t, policyText{resources: `"" pods`, validation: `{expression: "object.spec.containers.all(c, has(c.resources.limits))", message: no limits}`}.String(), nil)
	if found := judgeWith(t, config, sealed(t, custom("tekton.dev/v1", "Task", "{steps: [{image: web}]}"))); len(found) != 0 {
		t.Errorf("%+v", found)
	}
	one(t, judgeWith(t, config, sealed(t, custom("example.com/v1", "Widget", "{containers: [{name: a, image: web}]}"))))
}
