package policy

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/gate"
)

func TestKyverno_WhatIsNotSupportedIsRefusedByNameAndLine(t *testing.T) {
	object := func(apiVersion, kind string) string {
		return "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: {name: a}"
	}
	loop := "variables: [{name: a, expression: variables.b}, {name: b, expression: variables.a}]"
	for name, test := range map[string]struct {
		text string
		says string
	}{
		"does not compile":               {kyvernoText{validation: `{expression: "object.("}`}.String(), "validations[0] does not compile"},
		"not a bool":                     {kyvernoText{validation: `{expression: "'x'"}`}.String(), "gives a value of the type string, not bool"},
		"variable does not compile":      {kyvernoText{spec: `variables: [{name: a, expression: "nothing"}]`}.String(), "variable a does not compile"},
		"variables that loop":            {kyvernoText{spec: loop}.String(), "undefined field 'b'"},
		"a variable that reads itself":   {kyvernoText{spec: "variables: [{name: a, expression: variables.a}]"}.String(), "undefined field 'a'"},
		"a variable of another type":     {kyvernoText{validation: quoted("variables.a == 1"), spec: `variables: [{name: a, expression: "'x'"}]`}.String(), "no matching overload"},
		"condition does not compile":     {kyvernoText{spec: `matchConditions: [{name: a, expression: "nothing"}]`}.String(), "matchCondition a does not compile"},
		"condition reads variables":      {kyvernoText{spec: `matchConditions: [{name: a, expression: "variables.x"}]` + "\n  variables: [{name: x, expression: 'true'}]"}.String(), "matchCondition a does not compile"},
		"message does not compile":       {kyvernoText{validation: `{expression: "true", messageExpression: "1"}`}.String(), "validations[0].messageExpression does not compile"},
		"annotation does not compile":    {kyvernoText{spec: `auditAnnotations: [{key: a, valueExpression: "1"}]`}.String(), "auditAnnotation a does not compile"},
		"posts":                          {kyvernoText{validation: quoted(`http.Post("https://example.com", {"a": "b"}).ok == true`)}.String(), "calls http.Post"},
		"posts by another client":        {kyvernoText{validation: quoted(`http.Client("x").post("https://example.com", {"a": "b"}).ok == true`)}.String(), "calls post"},
		"posts to the cluster":           {kyvernoText{spec: `variables: [{name: a, expression: 'resource.Post("v1", "pods", "x", {"a": "b"})'}]`}.String(), "calls resource.Post"},
		"posts in a message":             {kyvernoText{validation: `{expression: "false", messageExpression: "string(http.post('https://example.com', {'a': 'b'}).x)"}`}.String(), "calls http.post"},
		"unknown field":                  {kyvernoText{spec: "failurPolicy: Fail"}.String(), "failurPolicy"},
		"unknown failure policy":         {kyvernoText{spec: "failurePolicy: Maybe"}.String(), `"Maybe"`},
		"unknown action":                 {kyvernoText{actions: "Deny, Log"}.String(), `"Log"`},
		"no validations":                 {strings.Replace(kyvernoText{}.String(), "validations:", "validations: [] #", 1), "no validations"},
		"no match":                       {strings.Replace(kyvernoText{}.String(), "matchConstraints:", "matchConstraints: {}\n  x:", 1), "unknown field"},
		"no rules":                       {"apiVersion: policies.kyverno.io/v1\nkind: ValidatingPolicy\nmetadata: {name: a}\nspec: {validations: [{expression: 'true'}]}", "no matchConstraints.resourceRules"},
		"unknown match policy":           {kyvernoText{match: "matchPolicy: Roughly"}.String(), `"Roughly"`},
		"object selector":                {kyvernoText{match: "objectSelector: {matchLabels: {a: b}}"}.String(), "trustObjectLabels"},
		"condition that reads labels":    {kyvernoText{spec: `matchConditions: [{name: a, expression: "!has(object.metadata.labels)"}]`}.String(), "trustObjectLabels"},
		"mode JSON":                      {kyvernoText{spec: "evaluation: {mode: JSON}"}.String(), `evaluation.mode "JSON"`},
		"mode Envoy":                     {kyvernoText{spec: "evaluation: {mode: Envoy}"}.String(), `evaluation.mode "Envoy"`},
		"unknown controller":             {kyvernoText{spec: "autogen: {podControllers: {controllers: [deployment]}}"}.String(), `did you mean "deployments"?`},
		"namespaced without a namespace": {kyvernoText{kind: "NamespacedValidatingPolicy"}.String(), "needs metadata.namespace"},
		"cluster-wide with a namespace":  {kyvernoText{namespace: ", namespace: a"}.String(), "a ValidatingPolicy has none"},
		"there twice":                    {kyvernoText{}.String() + "\n---\n" + kyvernoText{kind: "NamespacedValidatingPolicy", namespace: ", namespace: a"}.String(), "there twice"},
		"as an admission policy too":     {kyvernoText{}.String() + "\n---\n" + policyText{}.String(), "there twice"},
		"an old version":                 {strings.Replace(kyvernoText{}.String(), "kyverno.io/v1", "kyverno.io/v1alpha1", 1), "write policies.kyverno.io/v1"},
		"ClusterPolicy":                  {object("kyverno.io/v1", "ClusterPolicy"), "write its validations as a ValidatingPolicy"},
		"Policy":                         {object("kyverno.io/v1", "Policy"), "write its validations as a ValidatingPolicy"},
		"ClusterCleanupPolicy":           {object("kyverno.io/v2", "ClusterCleanupPolicy"), "judges nothing"},
		"a classic exception":            {object("kyverno.io/v2", "PolicyException"), "take it out of the gate"},
		"MutatingPolicy":                 {object("policies.kyverno.io/v1", "MutatingPolicy"), "write a MutatingAdmissionPolicy"},
		"GeneratingPolicy":               {object("policies.kyverno.io/v1", "GeneratingPolicy"), "judges nothing"},
		"NamespacedDeletingPolicy":       {object("policies.kyverno.io/v1", "NamespacedDeletingPolicy"), "judges nothing"},
		"ImageValidatingPolicy":          {object("policies.kyverno.io/v1", "ImageValidatingPolicy"), "write a ClusterImagePolicy"},
		"a kind that there is not":       {object("policies.kyverno.io/v1", "JudgingPolicy"), "a gate reads ValidatingPolicy"},
		"a report":                       {object("reports.kyverno.io/v1", "EphemeralReport"), "take it out of the gate"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewCompiler().Compile(policyConfig(t, test.text, nil))
			if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "policy.yaml:") {
				t.Errorf("error %v, want one with %q and the line", err, test.says)
			}
		})
	}
}

func TestKyverno_WhatSetsTheClusterUpIsRead(t *testing.T) {
	trust := func(g *gate.Gate) { g.Spec.Judge.TrustObjectLabels = true }
	for name, test := range map[string]struct {
		text   string
		change func(*gate.Gate)
	}{
		"v1":               {kyvernoText{}.String(), nil},
		"v1beta1":          {strings.Replace(kyvernoText{}.String(), "kyverno.io/v1", "kyverno.io/v1beta1", 1), nil},
		"webhook":          {kyvernoText{spec: "webhookConfiguration: {timeoutSeconds: 15}"}.String(), nil},
		"evaluate":         {kyvernoText{spec: "evaluation: {mode: Kubernetes, background: {enabled: false}}"}.String(), nil},
		"generate":         {kyvernoText{spec: "autogen: {validatingAdmissionPolicy: {enabled: true}, podControllers: {controllers: [jobsets.v1alpha2.jobset.x-k8s.io, cronjobs]}}"}.String(), nil},
		"labels":           {kyvernoText{spec: `matchConditions: [{name: a, expression: "!has(object.metadata.labels)"}]`}.String(), trust},
		"namespace labels": {kyvernoText{spec: `matchConditions: [{name: a, expression: "namespaceObject.metadata.labels['a'] == 'b'"}]`}.String(), nil},
		"selector":         {kyvernoText{match: "objectSelector: {matchLabels: {a: b}}"}.String(), trust},
	} {
		if _, err := NewCompiler().Compile(policyConfig(t, test.text, test.change)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKyverno_EveryMistakeIsToldAtOnce(t *testing.T) {
	text := kyvernoText{validation: quoted("a") + ", " + quoted("b"), spec: "variables: [{name: v, expression: c}]"}.String()
	_, err := NewCompiler().Compile(policyConfig(t, text, nil))
	if err == nil || strings.Count(err.Error(), "does not compile") != 3 {
		t.Errorf("%v", err)
	}
}
