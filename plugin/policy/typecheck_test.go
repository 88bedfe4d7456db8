package policy

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// typeChecked are the type-check warnings of a gate with these documents.
func typeChecked(t *testing.T, text string, change func(*gate.Gate)) []plugin.Finding {
	t.Helper()
	compiled, err := NewCompiler().Compile(policyConfig(t, text, change))
	if err != nil {
		t.Fatal(err)
	}
	return withRule(compiled.Warnings, ruleTypeCheck)
}

func TestTypeCheck_AnExpressionThatDoesNotFitAKindIsAWarning(t *testing.T) {
	for name, test := range map[string]struct{ resources, wrong, good, field, says string }{
		"a field that there is not": {"apps deployments", `{expression: "object.spec.replica > 1"}`, `{expression: "object.spec.replicas > 1"}`,
			"spec.validations[0].expression", "undefined field 'replica' (apps/v1 Deployment)"},
		"a value of another type": {"apps deployments", `{expression: "object.spec.replicas > '1'"}`, `{expression: "object.spec.replicas > 1"}`,
			"spec.validations[0].expression", "found no matching overload for '_>_' applied to '(int, string)' (apps/v1 Deployment)"},
		"the old object": {"apps deployments", `{expression: "oldObject == null || oldObject.spec.x == 1"}`, `{expression: "oldObject == null || oldObject.spec.paused == true"}`,
			"spec.validations[0].expression", "undefined field 'x'"},
		"a message": {"apps deployments", `{expression: "true", messageExpression: "string(object.spec.nodeName)"}`, `{expression: "true", messageExpression: "string(object.metadata.name)"}`,
			"spec.validations[0].messageExpression", "undefined field 'nodeName'"},
		"the second expression": {"apps deployments", `{expression: "true"}, {expression: "object.x == 1"}`, `{expression: "true"}, {expression: "object.spec.paused == true"}`,
			"spec.validations[1].expression", "undefined field 'x'"},
		"one of two kinds": {`apps deployments, daemonsets`, `{expression: "object.spec.replicas > 1"}`, `{expression: "!has(object.spec.selector)"}`,
			"spec.validations[0].expression", "undefined field 'replicas' (apps/v1 DaemonSet)"},
		"the singular": {"apps deployment", `{expression: "object.spec.x == 1"}`, `{expression: "object.spec.paused == true"}`,
			"spec.validations[0].expression", "undefined field 'x' (apps/v1 Deployment)"},
	} {
		t.Run(name, func(t *testing.T) {
			warning := one(t, typeChecked(t, policyText{resources: test.resources, validation: test.wrong}.String(), nil))
			if warning.Level != plugin.Warn || warning.Field != test.field || !strings.Contains(warning.Message, test.says) || !strings.Contains(warning.Message, `policy "team-label"`) {
				t.Errorf("%+v", warning)
			}
			if warning.Origin.File != "policy.yaml" || warning.Origin.Line != 1 || !strings.Contains(strings.Join(warning.Details, "\n"), "ERROR: <input>:1:") {
				t.Errorf("%+v", warning)
			}
			if found := typeChecked(t, policyText{resources: test.resources, validation: test.good}.String(), nil); len(found) != 0 {
				t.Errorf("twin: %+v", found)
			}
		})
	}
}

// What no type is known of is not checked, and a variable that does not fit
// fits everything, as in the API server.
func TestTypeCheck_WhatHasNoTypeIsNotChecked(t *testing.T) {
	for name, text := range map[string]policyText{
		"a kind that nobody defines": {resources: "example.com widgets", validation: `{expression: "object.spec.x == 1"}`},
		"every resource":             {resources: `apps "*"`, validation: `{expression: "object.spec.x == 1"}`},
		"every group":                {resources: `"*" deployments`, validation: `{expression: "object.spec.x == 1"}`},
		"a kind without a resource":  {resources: "policy evictions", validation: `{expression: "object.spec.x == 1"}`},
		"a subresource":              {resources: "apps deployments/scale", validation: `{expression: "object.spec.x == 1"}`},
		"a value made dynamic":       {resources: "apps deployments", validation: `{expression: "dyn(object).spec.x == 1"}`},
		"a broken variable":          {resources: "apps deployments", spec: `variables: [{name: a, expression: "object.spec.x"}]`, validation: `{expression: "variables.a == 1"}`},
	} {
		if found := typeChecked(t, text.String(), nil); len(found) != 0 {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

func TestTypeCheck_AVariableKeepsItsType(t *testing.T) {
	text := policyText{resources: "apps deployments", spec: `variables: [{name: a, expression: "object.spec.replicas"}]`, validation: `{expression: "variables.a > '1'"}`}
	if warning := one(t, typeChecked(t, text.String(), nil)); !strings.Contains(warning.Message, "'(int, string)'") {
		t.Errorf("%+v", warning)
	}
	text.validation = `{expression: "variables.a > 1"}`
	if found := typeChecked(t, text.String(), nil); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

const typedWidgets = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                size: {type: integer}
                inner: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}
---
`

func TestTypeCheck_TheGatesDefinitionsAreTypes(t *testing.T) {
	for expression, want := range map[string]int{
		"object.spec.size > 1": 0, "object.metadata.labels.size() > 1": 0, "object.spec.inner.metadata.name == 'a'": 0, "object.kind == 'Widget'": 0,
		"object.spec.size > '1'": 1, "object.status.x == 1": 1, "object.metadata.label == 'a'": 1, "object.spec.inner.metadata.x == 'a'": 1,
	} {
		text := policyText{resources: "example.com widgets", validation: `{expression: "` + expression + `"}`}.String()
		if found := typeChecked(t, typedWidgets+text, nil); len(found) != want {
			t.Errorf("%s: %+v, want %d", expression, found, want)
		}
		if found := typeChecked(t, text, nil); len(found) != 0 {
			t.Errorf("%s without the definition: %+v", expression, found)
		}
	}
}

func TestTypeCheck_ParamsHaveTheirType(t *testing.T) {
	for expression, want := range map[string]int{"params.data.size() > 1": 0, "params.dat.size() > 1": 1, "object.data == params.data": 0} {
		text := policyText{spec: "paramKind: {apiVersion: v1, kind: ConfigMap}", validation: `{expression: "` + expression + `"}`,
			bindingMatch: "paramRef: {name: sizes, namespace: team-a, parameterNotFoundAction: Deny}"}.String()
		if found := typeChecked(t, text, nil); len(found) != want {
			t.Errorf("%s: %+v, want %d", expression, found, want)
		}
	}
}

func TestTypeCheck_APolicyThatTheGateDoesNotNameIsNotChecked(t *testing.T) {
	text := policyText{resources: "apps deployments", validation: `{expression: "object.x == 1"}`}.String()
	other := strings.ReplaceAll(strings.Split(text, "\n---\n")[0], "team-label", "other")
	for name, want := range map[string]int{"team-label": 1, "other": 1, "": 2} {
		found := typeChecked(t, text+"\n---\n"+other, func(of *gate.Gate) {
			if name != "" {
				of.Spec.Judge.Policies = []string{name}
			}
		})
		if len(found) != want {
			t.Errorf("%q: %+v, want %d", name, found, want)
		}
	}
}

// The API server looks at ten kinds, and counts those of one rule.
func TestTypeCheck_ChecksTenKindsOfARule(t *testing.T) {
	var file policyFile
	text := policyText{resources: `"" pods, configmaps, secrets, services, events, endpoints, limitranges, namespaces, nodes, podtemplates, resourcequotas`}.String()
	if err := apiserver.DecodeStrictly(documents(t, text)[0], &file.ValidatingAdmissionPolicy); err != nil {
		t.Fatal(err)
	}
	if found := knownKinds(nil).matched(file.Spec.MatchConstraints); len(found) != typesMost {
		t.Errorf("%d kinds, want %d: %v", len(found), typesMost, found)
	}
	rule := &file.Spec.MatchConstraints.ResourceRules[0].Rule
	rule.Resources = rule.Resources[:2]
	want := []schema.GroupVersionKind{{Version: "v1", Kind: "ConfigMap"}, {Version: "v1", Kind: "Pod"}}
	if found := knownKinds(nil).matched(file.Spec.MatchConstraints); !slices.Equal(found, want) {
		t.Errorf("twin: %v", found)
	}
}

func TestTypeCheck_EveryBuiltinKindHasAType(t *testing.T) {
	kinds := knownKinds(nil)
	for kind := range apiserver.BuiltinSchemas().Kinds {
		if _, known := kinds.compiler(kind, policyFile{}); !known {
			t.Errorf("%s has no type", kind)
		}
	}
}

// Policies of packs are not checked when a gate is loaded, but here.
func TestTypeCheck_ShippedPoliciesFitTheirKinds(t *testing.T) {
	var policies int
	for _, pattern := range []string{packRoot + "/*/*/policy.yaml", "../../manifests/argocd/admission/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("no policies in %s (%v)", pattern, err)
		}
		for _, path := range paths {
			for _, document := range documents(t, readFile(t, path)) {
				if document.Kind != kindPolicy {
					continue
				}
				policies++
				var file policyFile
				if err := apiserver.DecodeStrictly(document, &file.ValidatingAdmissionPolicy); err != nil {
					t.Fatal(err)
				}
				for _, warning := range knownKinds(nil).check(file) {
					t.Errorf("%s: %s: %s", path, warning.field, warning.words())
				}
			}
		}
	}
	if policies < 100 {
		t.Errorf("%d policies were checked", policies)
	}
}
