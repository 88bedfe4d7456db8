package gate

import (
	"strings"
	"testing"
)

const listedPolicy = `
  metadata: {name: no-latest.static.k8s.io}
  spec: {validations: [{expression: "true"}]}
`

// The forms of KEP-5793's folder of static manifests: documents, a List, and
// lists of one kind.
func TestLists_ItemsAreReadAsDocuments(t *testing.T) {
	for name, text := range map[string]string{
		"a List": `apiVersion: v1
kind: List
items:
- apiVersion: admissionregistration.k8s.io/v1
  kind: ValidatingAdmissionPolicy` + listedPolicy + `- apiVersion: admissionregistration.k8s.io/v1
  kind: ValidatingAdmissionPolicyBinding
  metadata: {name: everywhere.static.k8s.io}
`,
		"lists of one kind": `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyList
items:
-` + strings.TrimPrefix(listedPolicy, "\n ") + `---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBindingList
metadata: {}
items:
- apiVersion: admissionregistration.k8s.io/v1
  kind: ValidatingAdmissionPolicyBinding
  metadata: {name: everywhere.static.k8s.io}
`,
	} {
		config, err := Parse("static.yaml", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(config.Documents) != 2 || config.Documents[0].Name != "no-latest.static.k8s.io" || config.Documents[0].Kind != "ValidatingAdmissionPolicy" ||
			config.Documents[0].At.Line < 4 || !strings.Contains(string(config.Documents[0].JSON), `"kind":"ValidatingAdmissionPolicy"`) || config.Documents[1].Kind != "ValidatingAdmissionPolicyBinding" {
			t.Errorf("%s: %+v", name, config.Documents)
		}
	}
}

func TestLists_WhatIsNoListIsRefused(t *testing.T) {
	for name, test := range map[string]struct{ text, says string }{
		"no items":        {"apiVersion: v1\nkind: List\n", "x.yaml:1: reading List: items is no list with something in it"},
		"empty":           {"apiVersion: v1\nkind: List\nitems: []\n", "items is no list with something in it"},
		"a mapping":       {"apiVersion: v1\nkind: List\nitems: {a: b}\n", "items is no list with something in it"},
		"another field":   {"apiVersion: v1\nkind: List\nspec: {}\nitems: [{}]\n", "x.yaml:3: reading List: spec is no field of a list"},
		"a list of lists": {"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, items: []}\n", "x.yaml:4: reading List: an item is itself a list"},
		"a text":          {"apiVersion: v1\nkind: List\nitems: [policy]\n", "this is no object"},
		"another kind":    {"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}\n", "x.yaml:4: reading the gate's configuration: Deployment (apps/v1) is no kind that is known"},
	} {
		if _, err := Parse("x.yaml", []byte(test.text)); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
}

const takesLimits = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: limited}
spec:
  paramKind: {apiVersion: example.com/v1, kind: Limit}
`

func TestParams_ObjectsOfANamedKindAreDocuments(t *testing.T) {
	param := "---\napiVersion: example.com/v1\nkind: Limit\nmetadata: {name: a, namespace: team-a}\nmost: 3\n"
	for _, text := range []string{takesLimits + param, strings.TrimPrefix(param, "---\n") + "---\n" + takesLimits} {
		config, err := Parse("x.yaml", []byte(text))
		if err != nil || len(config.Documents) != 2 {
			t.Fatalf("%v, %+v", err, config)
		}
		limit := config.Documents[1]
		if limit.Kind != "Limit" || limit.Namespace != "team-a" || limit.Name != "a" || !strings.Contains(string(limit.JSON), `"most":3`) {
			t.Errorf("%+v", limit)
		}
	}
	two := takesLimits + param + strings.Replace(param, "team-a", "team-b", 1)
	if _, err := Parse("x.yaml", []byte(two)); err != nil {
		t.Errorf("the same name in another namespace: %v", err)
	}
	if _, err := Parse("x.yaml", []byte(takesLimits+param+param)); err == nil || !strings.Contains(err.Error(), `there are two of Limit "a"`) {
		t.Errorf("twice the same: %v", err)
	}
}

func TestParams_ObjectsThatNoPolicyNamesAreRefused(t *testing.T) {
	for _, param := range []string{"apiVersion: example.com/v2\nkind: Limit", "apiVersion: example.com/v1\nkind: Limits", "apiVersion: v1\nkind: ConfigMap"} {
		if _, err := Parse("x.yaml", []byte(takesLimits+"---\n"+param+"\nmetadata: {name: a}\n")); err == nil || !strings.Contains(err.Error(), "x.yaml:8: ") {
			t.Errorf("%s: %v", param, err)
		}
	}
}
