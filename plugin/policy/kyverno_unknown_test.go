package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// quoted is an expression as a validation in YAML.
func quoted(expression string) string { return fmt.Sprintf("{expression: %q}", expression) }

func TestKyverno_WhatNeedsTheClusterIsIndeterminate(t *testing.T) {
	for expression, depends := range map[string]string{
		`resource.Get("v1", "configmaps", "team-a", "x").data.a == "b"`:                   "resource (",
		`has(resource.Get("v1", "configmaps", "team-a", "x").data.a)`:                     "resource (",
		`dyn(resource.List("v1", "pods", "team-a").items).all(i, i.metadata.name != "x")`: "resource (",
		`resource.list("v1", "pods", "team-a").size() == 0`:                               "resource (",
		`resource.Get("v1", "configmaps", "team-a", "x").?data.a.orValue("b") == "b"`:     "resource (",
		`globalContext.Get("deployments", "") != null`:                                    "globalContext (",
		`globalContext.Get("deployments", "items").size() > 1`:                            "globalContext (",
		`http.Get("https://example.com").ok == true`:                                      "http (",
		`http.Client("x").Get("https://example.com").ok == true`:                          "http (",
		`image.GetMetadata("registry.example.com/web:1").config.architecture == "amd64"`:  "image.GetMetadata (",
		`random() != "x"`:                                                                      "random (",
		`random("[a]{3}") == ""`:                                                               "random (",
		`request.userInfo.username == "x"`:                                                     "request.userInfo (",
		`cel.bind(r, request, r.userInfo.username == "x")`:                                     "request.userInfo (",
		`parseServiceAccount(request.userInfo.username).Name == "x"`:                           "request.userInfo (",
		`namespaceObject.metadata.labels["tier"] == "x"`:                                       "namespaceObject (",
		`variables.v == "x"`:                                                                   "resource (",
		`[1, 2].exists(n, n == 3 || resource.Get("v1", "a", "b", "c").size() == n)`:            "resource (",
		`(resource.Get("v1", "a", "b", "c").size() > 0 ? "a" : "b") == "a"`:                    "resource (",
		`json.unmarshal(resource.Get("v1", "a", "b", "c").data.x).ok == true`:                  "resource (",
		`resource.Get("v1", "a", "b", "c").size() > 0 || globalContext.Get("x", "") == "none"`: "globalContext (",
	} {
		text := kyvernoText{validation: quoted(expression), spec: `variables: [{name: v, expression: 'resource.Get("v1", "a", "b", "c").data.x'}]`}.String()
		config := policyConfig(t, text, nil)
		finding := one(t, judgeWith(t, config, sealed(t, labelled)))
		if !finding.Indeterminate || finding.Level != plugin.Deny || !strings.Contains(strings.Join(finding.Details, "; "), "depends on "+depends) {
			t.Errorf("%s: %+v", expression, finding)
		}
		config.Gate.Spec.Judge.Indeterminate = "Warn"
		if finding := one(t, judgeWith(t, config, sealed(t, labelled))); finding.Level != plugin.Warn || !finding.Indeterminate {
			t.Errorf("%s, with indeterminate: Warn: %+v", expression, finding)
		}
	}
}

func TestKyverno_AnUpdateIsIndeterminateWhereItReadsTheOldObject(t *testing.T) {
	text := kyvernoText{validation: quoted(`request.operation == "CREATE" || object.data.key == oldObject.data.key`)}.String()
	if finding := one(t, judgeWith(t, policyConfig(t, text, nil), sealed(t, labelled))); !finding.Indeterminate {
		t.Errorf("%+v", finding)
	}
	twin := kyvernoText{validation: quoted(`request.operation == "CREATE" || object.data.key == "value" || oldObject.data.key == "x"`)}.String()
	if found := judgeWith(t, policyConfig(t, twin, nil), sealed(t, labelled)); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
	creation := kyvernoText{validation: quoted(`oldObject == null`)}.String()
	if found := judgeWith(t, policyConfig(t, strings.Replace(creation, "CREATE, UPDATE", "CREATE", 1), nil), sealed(t, labelled)); len(found) != 0 {
		t.Errorf("a creation has no old object: %+v", found)
	}
}

func TestKyverno_KnownEitherWayIsNotIndeterminate(t *testing.T) {
	const unknown = `resource.Get("v1", "a", "b", "c").data.x == "y"`
	for name, test := range map[string]struct {
		expression string
		denied     bool
	}{
		"true or unknown":        {"true || " + unknown, false},
		"unknown or true":        {unknown + " || true", false},
		"false and unknown":      {"false && " + unknown, true},
		"unknown and false":      {unknown + " && false", true},
		"not asked for":          {"true ? true : " + unknown, false},
		"variable not asked for": {"object.metadata.name == 'web' || variables.v", false},
		"known in a list":        {"[1].all(n, n == 1 || " + unknown + ")", false},
	} {
		t.Run(name, func(t *testing.T) {
			text := kyvernoText{validation: quoted(test.expression), spec: "variables: [{name: v, expression: '" + unknown + "'}]"}.String()
			found := judgeWith(t, policyConfig(t, text, nil), sealed(t, labelled))
			if len(found) > 0 != test.denied || test.denied && found[0].Indeterminate {
				t.Errorf("%+v", found)
			}
		})
	}
}

func TestKyverno_AnUnknownConditionMakesADenialIndeterminate(t *testing.T) {
	text := kyvernoText{spec: `matchConditions: [{name: a, expression: 'resource.Get("v1", "a", "b", "c").size() > 0'}]`}.String()
	if finding := one(t, judgeWith(t, policyConfig(t, text, nil), sealed(t, unlabelled))); !finding.Indeterminate {
		t.Errorf("%+v", finding)
	}
	if found := judgeWith(t, policyConfig(t, text, nil), sealed(t, labelled)); len(found) != 0 {
		t.Errorf("twin that passes either way: %+v", found)
	}
	excluded := kyvernoText{spec: `matchConditions: [{name: a, expression: 'resource.Get("v1", "a", "b", "c").size() > 0'}, {name: b, expression: "false"}]`}.String()
	if found := judgeWith(t, policyConfig(t, excluded, nil), sealed(t, unlabelled)); len(found) != 0 {
		t.Errorf("excluded whatever the other says: %+v", found)
	}
}

func TestKyverno_WhatTheGateSaysIsKnown(t *testing.T) {
	change := func(g *gate.Gate) {
		g.Spec.Namespaces = []gate.Namespace{{Name: "team-a", Labels: map[string]string{"tier": "x"}}}
		g.Spec.Judge.Deployer = &gate.Deployer{Username: "system:serviceaccount:argocd:controller"}
	}
	for _, expression := range []string{
		`namespaceObject.metadata.labels["tier"] == "x" && namespaceObject.metadata.name == "team-a"`,
		`parseServiceAccount(request.userInfo.username).Namespace == "argocd"`,
		`request.namespace == "team-a" && request.name == "web" && request.kind.kind == "ConfigMap"`,
		`request.object.data.key == object.data.key`,
	} {
		if found := judgeWith(t, policyConfig(t, kyvernoText{validation: quoted(expression)}.String(), change), sealed(t, labelled)); len(found) != 0 {
			t.Errorf("%s: %+v", expression, found)
		}
	}
	for _, expression := range []string{`has(namespaceObject.metadata.annotations) && "a" in namespaceObject.metadata.annotations`, `request.userInfo.uid == "x"`} {
		if finding := one(t, judgeWith(t, policyConfig(t, kyvernoText{validation: quoted(expression)}.String(), change), sealed(t, labelled))); !finding.Indeterminate {
			t.Errorf("%s: %+v", expression, finding)
		}
	}
}

func TestKyverno_TheNameOfAWorkloadsPodIsNotKnown(t *testing.T) {
	text := kyvernoText{resources: "pods", validation: quoted(`object.metadata.name != "web" && request.name != "x"`)}.String()
	spec := "{containers: [{name: web, image: a}]}"
	if finding := one(t, withRule(judgeWith(t, policyConfig(t, text, nil), sealed(t, podOf("Deployment", spec))), "policy/team-label")); !finding.Indeterminate {
		t.Errorf("%+v", finding)
	}
	finding := one(t, withRule(judgeWith(t, policyConfig(t, text, nil), sealed(t, podOf("Pod", spec))), "policy/team-label"))
	if finding.Indeterminate {
		t.Errorf("twin: a Pod's own name is known: %+v", finding)
	}
}
