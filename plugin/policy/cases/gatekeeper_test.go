package cases

import (
	"strings"
	"testing"
)

const suiteFiles = `
-- template.yaml --
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: k8srequiredlabels}
spec:
  crd:
    spec:
      names: {kind: K8sRequiredLabels}
      validation: {openAPIV3Schema: {type: object, properties: {labels: {type: array, items: {type: string}}}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package k8srequiredlabels
      violation[{"msg": msg}] {
        label := input.parameters.labels[_]
        not input.review.object.metadata.labels[label]
        msg := sprintf("label %v is missing", [label])
      }
-- constraint.yaml --
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sRequiredLabels
metadata: {name: owner}
spec: {parameters: {labels: [owner, team]}}
-- wrong.yaml --
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sRequiredLabels
metadata: {name: owner}
spec: {parameters: {labels: owner}}
-- good.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a, labels: {owner: team-a, team: a}}
-- bad.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
-- two.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b}
-- review.yaml --
apiVersion: admission.k8s.io/v1
kind: AdmissionReview
request: {operation: CREATE, object: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {owner: a}}}}
-- update.yaml --
apiVersion: admission.k8s.io/v1
kind: AdmissionReview
request: {operation: UPDATE, object: {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}}
`

// suiteOf is an archive whose suite holds one test.
func suiteOf(test string) string {
	return suiteFiles + "-- suite.yaml --\napiVersion: test.gatekeeper.sh/v1alpha1\nkind: Suite\nmetadata: {name: labels}\ntests:\n" + test
}

func TestGatekeeper_AssertionsAreCounted(t *testing.T) {
	const head = "- name: labels\n  template: template.yaml\n  constraint: constraint.yaml\n  cases:\n  - name: a\n    object: "
	for name, test := range map[string]struct{ of, want string }{
		"no":                        {"good.yaml\n    assertions: [{violations: no}]", "passed"},
		"no, and there is one":      {"bad.yaml\n    assertions: [{violations: 'no'}]", "no violation | policy/K8sRequiredLabels/owner: label owner is missing"},
		"yes":                       {"bad.yaml\n    assertions: [{violations: yes}]", "passed"},
		"yes, and there is none":    {"good.yaml\n    assertions: [{violations: 'yes'}]", "a violation | nothing"},
		"left out is yes":           {"bad.yaml\n    assertions: [{message: owner}]", "passed"},
		"no assertion is none":      {"good.yaml", "passed"},
		"no assertion, and one":     {"bad.yaml", "no violation |"},
		"number":                    {"bad.yaml\n    assertions: [{violations: 2}]", "passed"},
		"another number":            {"bad.yaml\n    assertions: [{violations: 1}]", "1 violations |"},
		"number of a message":       {"bad.yaml\n    assertions: [{violations: 1, message: '^label team'}]", "passed"},
		"a message that none has":   {"bad.yaml\n    assertions: [{violations: yes, message: annotation}]", `a violation whose message matches "annotation"`},
		"all have to be met":        {"bad.yaml\n    assertions: [{violations: yes}, {violations: 3}]", "3 violations"},
		"a message that is no text": {"bad.yaml\n    assertions: [{message: '('}]", "no regular expression"},
		"an unknown word":           {"bad.yaml\n    assertions: [{violations: many}]", "violations is many"},
		"a negative number":         {"bad.yaml\n    assertions: [{violations: -1}]", "violations is -1"},
		"a review of a creation":    {"review.yaml\n    assertions: [{violations: 1}]", "passed"},
		"a review of an update":     {"update.yaml", `operation "UPDATE" is not read`},
		"two objects":               {"two.yaml", "two.yaml holds 2"},
		"a file that is not there":  {"nowhere.yaml", "nowhere.yaml"},
		"an inventory":              {"good.yaml\n    inventory: [bad.yaml]", "passed"},
		"an inventory not there":    {"good.yaml\n    inventory: [nowhere.yaml]", "an inventory |"},
		"skipped by its author":     {"bad.yaml\n    skip: true", "skipped"},
	} {
		t.Run(name, func(t *testing.T) {
			compareOutcomes(t, suiteOf(head+test.of+"\n"), map[string]string{"labels/a": test.want})
		})
	}
}

func TestGatekeeper_TestsOfWholeConstraints(t *testing.T) {
	for name, test := range map[string]struct{ of, named, want string }{
		"invalid":                 {"{name: a, template: template.yaml, constraint: wrong.yaml, invalid: true}", "a", "passed"},
		"not invalid":             {"{name: a, template: template.yaml, constraint: constraint.yaml, invalid: true}", "a", "it was accepted"},
		"cannot be loaded":        {"{name: a, template: template.yaml, constraint: wrong.yaml, cases: [{name: b, object: good.yaml}]}", "a", "policies that can be loaded"},
		"skipped by its author":   {"{name: a, skip: true}", "a", "skipped"},
		"expansion":               {"{name: a, expansion: e.yaml}", "a", "ExpansionTemplates are not read"},
		"a field that is unknown": {"{name: a, templat: template.yaml}", "-", "templat"},
		"without cases":           {"{name: a, template: template.yaml, constraint: constraint.yaml}", "-", "no case"},
	} {
		t.Run(name, func(t *testing.T) {
			compareOutcomes(t, suiteOf("- "+test.of+"\n"), map[string]string{test.named: test.want})
		})
	}
}

func TestGatekeeper_ThePodsOfWorkloadsAreNotCounted(t *testing.T) {
	pods := strings.Replace(suiteFiles, "metadata: {name: owner}\nspec: {", "metadata: {name: owner}\nspec: {match: {kinds: [{apiGroups: [''], kinds: [Pod]}]}, ", 1)
	archive := strings.Replace(suiteOf("- {name: labels, template: template.yaml, constraint: constraint.yaml, cases: [{name: a, object: workload.yaml}]}\n"), suiteFiles, pods, 1)
	compareOutcomes(t, archive+"-- workload.yaml --\n"+deploymentOf("a", 1), map[string]string{"labels/a": "passed"})
}
