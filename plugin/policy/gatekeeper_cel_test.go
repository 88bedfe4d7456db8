package policy

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// celText is the template in CEL; source holds the lines of the engine's
// source.
func celText(source string) string {
	text := templateText{}.String()
	from, to := strings.Index(text, "      rego: |\n"), strings.Index(text, "---\n")
	code := "      code:\n        - engine: K8sNativeValidation\n          source:\n            " + strings.ReplaceAll(source, "\n", "\n            ") + "\n"
	return text[:from] + code + text[to:]
}

const celOwner = `validations:
  - expression: "has(variables.anyObject.metadata.labels) && variables.params.label in variables.anyObject.metadata.labels"
    messageExpression: "'the label ' + variables.params.label + ' is missing'"`

func TestGatekeeper_TemplatesInCELAreEvaluated(t *testing.T) {
	text := celText(celOwner)
	if finding := one(t, constraintFindings(t, text, unowned, nil)); finding.Message != "the label owner is missing" || finding.Rule != "policy/K8sOwner/owner" || finding.Level != plugin.Deny {
		t.Errorf("%+v", finding)
	}
	if found := constraintFindings(t, text, owned, nil); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestGatekeeper_CELIsPreferredWhereThereIsRegoToo(t *testing.T) {
	both := strings.Replace(celText(celOwner), "      code:\n", "      rego: |\n        package k8sowner\n        violation[{\"msg\": \"rego\"}] { true }\n      code:\n", 1)
	if finding := one(t, constraintFindings(t, both, unowned, nil)); finding.Message == "rego" {
		t.Errorf("%+v", finding)
	}
}

func TestGatekeeper_WhatTemplatesInCELMayHave(t *testing.T) {
	for name, test := range map[string]struct {
		source string
		want   int
		level  plugin.Level
	}{
		"variables":         {"variables: [{name: name, expression: object.metadata.name}]\nvalidations: [{expression: \"variables.name == 'api'\"}]", 1, plugin.Deny},
		"condition false":   {"matchCondition: [{name: a, expression: \"object.metadata.name == 'api'\"}]\nvalidations: [{expression: 'false'}]", 0, 0},
		"condition true":    {"matchCondition: [{name: a, expression: \"object.metadata.name == 'web'\"}]\nvalidations: [{expression: 'false'}]", 1, plugin.Deny},
		"error":             {"validations: [{expression: \"object.data.nothing == 'x'\"}]", 1, plugin.Deny},
		"error, ignored":    {"failurePolicy: Ignore\nvalidations: [{expression: \"object.data.nothing == 'x'\"}]", 1, plugin.Warn},
		"the old object":    {"validations: [{expression: \"oldObject == null || oldObject.data == object.data\"}]", 1, plugin.Deny},
		"no parameter":      {"validations: [{expression: \"!has(variables.params.other)\"}]", 0, 0},
		"generateVAP":       {"generateVAP: true\nvalidations: [{expression: 'false'}]", 1, plugin.Deny},
		"refused on update": {"validations: [{expression: \"request.operation == 'CREATE'\"}]", 1, plugin.Deny},
	} {
		t.Run(name, func(t *testing.T) {
			found := constraintFindings(t, celText(test.source), unowned, nil)
			if len(found) != test.want || test.want == 1 && found[0].Level != test.level {
				t.Errorf("%+v", found)
			}
			if want := name == "the old object"; len(found) == 1 && found[0].Indeterminate != want {
				t.Errorf("%+v, want indeterminate %v", found, want)
			}
		})
	}
}

func TestGatekeeper_BadCELIsRefused(t *testing.T) {
	for name, test := range map[string]struct{ source, want string }{
		"does not compile":                      {"validations: [{expression: 'object.'}]", `policy.yaml:1: policy "k8sowner": validations does not compile`},
		"no validations":                        {"variables: []", "has no validations"},
		"failurePolicy":                         {"failurePolicy: fail\nvalidations: [{expression: 'true'}]", `failurePolicy "fail" is neither Fail nor Ignore`},
		"reserved variable":                     {"variables: [{name: params, expression: 'true'}]\nvalidations: [{expression: 'true'}]", `the variable "params" is Gatekeeper's own`},
		"reserved condition":                    {"matchCondition: [{name: gatekeeper_internal_a, expression: 'true'}]\nvalidations: [{expression: 'true'}]", "is Gatekeeper's own"},
		"the field that Gatekeeper passes over": {"matchConditions: [{name: a, expression: 'true'}]\nvalidations: [{expression: 'true'}]", `unknown field "matchConditions"`},
		"condition on labels":                   {"matchCondition: [{name: a, expression: \"!has(object.metadata.labels)\"}]\nvalidations: [{expression: 'true'}]", "reads labels that the application writes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewCompiler().Compile(constraintConfig(t, celText(test.source), nil))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
	trusting := func(g *gate.Gate) { g.Spec.Judge.TrustObjectLabels = true }
	text := celText("matchCondition: [{name: a, expression: \"!has(object.metadata.labels)\"}]\nvalidations: [{expression: 'false'}]")
	one(t, constraintFindings(t, text, unowned, trusting))
}

func TestGatekeeper_TheVAPPointIsThatOfTemplatesInCEL(t *testing.T) {
	text := strings.Replace(celText(celOwner), "  match:", "  enforcementAction: scoped\n  scopedEnforcementActions: [{action: deny, enforcementPoints: [{name: vap.k8s.io}]}]\n  match:", 1)
	one(t, constraintFindings(t, text, unowned, nil))
}
