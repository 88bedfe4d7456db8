package cases

import (
	"strings"
	"testing"
)

const kyvernoTestFile = `
-- kyverno-test.yaml --
apiVersion: cli.kyverno.io/v1alpha1
kind: Test
metadata: {name: replicas}
policies: [kyverno.yaml]
resources: [resources.yaml]
results:
- {policy: replicas, isValidatingPolicy: true, kind: Deployment, resources: [one], result: fail}
- {policy: replicas, isValidatingPolicy: true, kind: Deployment, resources: [default/two], result: pass}
- {policy: replicas, isValidatingPolicy: true, kind: ConfigMap, resources: [other], result: skip}
- {policy: replicas, isValidatingPolicy: true, result: fail, resourceSpecs: [{kind: Deployment, group: apps, version: v1, name: one}]}
`

const kyvernoPolicyFile = `-- kyverno.yaml --
apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata: {name: replicas}
spec:
  validationActions: [Deny]
  matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]}
  validations: [{expression: "object.spec.replicas > 1", message: too few replicas}]
`

func kyvernoArchive() string {
	return kyvernoTestFile + kyvernoPolicyFile + "-- resources.yaml --\n" + deploymentOf("one", 1) + "---\n" + deploymentOf("two", 2) +
		"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n"
}

func TestKyverno_ResultsAreCompared(t *testing.T) {
	good := map[string]string{
		"replicas/Deployment//one": "passed", "replicas/Deployment/default/two": "passed", "replicas/ConfigMap//other": "passed",
	}
	compareOutcomes(t, kyvernoArchive(), good)
	turned := strings.NewReplacer("[one], result: fail", "[one], result: pass", "[default/two], result: pass", "[default/two], result: fail",
		"- {policy: replicas, isValidatingPolicy: true, result: fail, resourceSpecs: [{kind: Deployment, group: apps, version: v1, name: one}]}\n", "").Replace(kyvernoArchive())
	compareOutcomes(t, turned, map[string]string{
		"replicas/Deployment//one": "pass | policy/replicas: too few replicas", "replicas/Deployment/default/two": "fail | nothing",
		"replicas/ConfigMap//other": "passed",
	})
}

func TestKyverno_APolicyWithoutABindingIsJudgedAsKyvernoDoes(t *testing.T) {
	unbound := strings.Replace(strings.Split(replicasPolicy, "\n---\n")[0], "policy.yaml", "kyverno.yaml", 1) + "\n"
	archive := kyvernoTestFile + unbound + strings.TrimPrefix(kyvernoArchive(), kyvernoTestFile+kyvernoPolicyFile)
	compareOutcomes(t, archive, map[string]string{
		"replicas/Deployment//one": "passed", "replicas/Deployment/default/two": "passed", "replicas/ConfigMap//other": "passed",
	})
}

func TestKyverno_WhatIsNotReadFailsByName(t *testing.T) {
	for name, test := range map[string]struct{ old, with, says string }{
		"values":              {"resources: [resources.yaml]", "resources: [resources.yaml]\nvariables: values.yaml", "variables"},
		"a user":              {"resources: [resources.yaml]", "resources: [resources.yaml]\nuserinfo: user.yaml", "userinfo"},
		"an unknown field":    {"resources: [resources.yaml]", "resources: [resources.yaml]\nresorces: []", "resorces"},
		"another kind":        {"kind: Test", "kind: Values", "Values"},
		"no result":           {kyvernoTestFile[strings.Index(kyvernoTestFile, "results:"):], "results: []\n", "no result"},
		"a file not there":    {"[kyverno.yaml]", "[nowhere.yaml]", "nowhere.yaml"},
		"resources not there": {"[resources.yaml]", "[nowhere.yaml]", "nowhere.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			compareOutcomes(t, strings.Replace(kyvernoArchive(), test.old, test.with, 1), map[string]string{"-": test.says})
		})
	}
}

func TestKyverno_AResultThatCannotBeComparedFails(t *testing.T) {
	whole := kyvernoArchive()
	from, to := strings.Index(whole, "- {policy"), strings.Index(whole, "-- kyverno.yaml")
	for name, test := range map[string]struct{ result, named, says string }{
		"another policy": {"{policy: replica, kind: Deployment, resources: [one], result: fail}", "replica", `no policy "replica" is in force`},
		"a deletion":     {"{policy: replicas, kind: Deployment, resources: [one], result: fail, operation: DELETE}", "replicas", "operation DELETE"},
		"a mutation":     {"{policy: replicas, kind: Deployment, resources: [one], result: pass, patchedResources: a.yaml}", "replicas", "only policies that validate"},
		"another result": {"{policy: replicas, kind: Deployment, resources: [one], result: fine}", "replicas", `"fine" is not compared`},
		"no resources":   {"{policy: replicas, kind: Deployment, result: fail}", "replicas", "names no resources"},
		"no such one":    {"{policy: replicas, kind: Deployment, resources: [three], result: pass}", "replicas/Deployment//three", "no such resource"},
	} {
		t.Run(name, func(t *testing.T) {
			compareOutcomes(t, whole[:from]+"- "+test.result+"\n"+whole[to:], map[string]string{test.named: test.says})
		})
	}
}
