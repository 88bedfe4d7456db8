package policy

import (
	"strings"
	"testing"
)

func TestGatekeeper_BadConfigurationIsRefusedWithItsLine(t *testing.T) {
	whole := templateText{}.String()
	rego := func(body string) string {
		return templateText{rego: "package k8sowner\n" + body}.String()
	}
	code := func(source string) string {
		return strings.Replace(templateText{target: "code: [" + source + "]"}.String(), "rego: |\n", "x-unused: |\n", 1)
	}
	for name, test := range map[string]struct{ text, want string }{
		"no constraint template":      {whole[strings.Index(whole, "---\n")+4:], "policy.yaml:1: constraint K8sOwner/owner: there is no ConstraintTemplate of kind K8sOwner"},
		"template's name":             {strings.Replace(whole, "name: k8sowner", "name: owner", 1), "its name has to be its kind K8sOwner in lower case"},
		"unknown template field":      {strings.Replace(whole, "  targets:", "  target: {}\n  targets:", 1), `unknown field "spec.target"`},
		"two targets":                 {strings.Replace(whole, "  targets:", "  targets:\n    - {target: admission.k8s.gatekeeper.sh}", 1), "has 2 targets"},
		"another target":              {strings.Replace(whole, "target: admission.k8s", "target: other.k8s", 1), `target "other.k8s.gatekeeper.sh" is not supported`},
		"unknown operation":           {templateText{target: "operations: [PATCH]"}.String(), `operation "PATCH"`},
		"unknown engine":              {code("{engine: Starlark, source: {}}"), `unknown field "spec.targets[0].x-unused"`},
		"does not parse":              {rego("violation[{\"msg\": msg}] { msg := }"), "policy.yaml:1: template \"k8sowner\" does not parse as Rego v0: "},
		"does not compile":            {rego("violation[{\"msg\": m}] { true }"), "policy.yaml:1: template \"k8sowner\" does not compile: "},
		"calls itself":                {rego("violation[{\"msg\": \"x\"}] { a }\na { b }\nb { a }"), "recursive"},
		"no violation":                {rego("deny[\"x\"] { true }"), "has no rule violation"},
		"another document":            {rego("violation[{\"msg\": \"x\"}] { data.secrets }"), "line 2: data.secrets is not there for a template"},
		"another import":              {rego("import data.other\nviolation[{\"msg\": \"x\"}] { other }"), "import data.other is not allowed"},
		"library elsewhere":           {templateText{target: "libs: [\"package util\\na = 1 { true }\"]"}.String(), "libs[0]: package util is not below lib"},
		"the network":                 {rego("violation[{\"msg\": \"x\"}] { http.send({}) }"), "policy.yaml:1: template \"k8sowner\", line 2: http.send may not be called here: it asks the network"},
		"the network, by with":        {rego("violation[{\"msg\": \"x\"}] { count([]) with count as http.send }"), "http.send may not be called here"},
		"name resolution":             {rego("violation[{\"msg\": \"x\"}] { net.lookup_ip_addr(\"a\") }"), "net.lookup_ip_addr may not be called here"},
		"the environment":             {rego("violation[{\"msg\": \"x\"}] { opa.runtime().env }"), "opa.runtime may not be called here"},
		"external data":               {rego("violation[{\"msg\": \"x\"}] { external_data({}) }"), "external_data may not be called here: a provider in the cluster"},
		"randomness":                  {rego("violation[{\"msg\": \"x\"}] { rand.intn(\"a\", 2) == 1 }"), "rand.intn may not be called here: it answers otherwise each time"},
		"in a library":                {templateText{target: "libs: [\"package lib.a\\nb { http.send({}) }\"]"}.String(), "libs[0], line 2: http.send may not be called here"},
		"schema without a type":       {templateText{schema: "{properties: {label: {type: string}}}"}.String(), "its schema is not structural"},
		"unknown parameter":           {templateText{params: "{lable: owner}"}.String(), "policy.yaml:11: constraint K8sOwner/owner: spec.parameters.lable: the template's schema does not know this field"},
		"parameter of another type":   {templateText{params: "{label: 7}"}.String(), "spec.parameters.label: Invalid value: \"integer\""},
		"parameter that is required":  {templateText{schema: "{type: object, required: [label, team], properties: {label: {type: string}, team: {type: string}}}"}.String(), "spec.parameters.team: Required value"},
		"parameter out of the list":   {templateText{schema: "{type: object, properties: {label: {type: string, enum: [a, b]}}}"}.String(), "Unsupported value: \"owner\""},
		"unknown field of match":      {templateText{match: "{namespace: [team-a]}"}.String(), `unknown field "spec.match.namespace"`},
		"scope":                       {templateText{match: "{scope: namespaced}"}.String(), `spec.match.scope: "namespaced" is none of`},
		"source":                      {templateText{match: "{source: all}"}.String(), `spec.match.source: "all" is none of`},
		"glob within":                 {templateText{match: "{namespaces: [a*b]}"}.String(), `"a*b": * may stand at the beginning and at the end alone`},
		"selector":                    {templateText{match: "{namespaceSelector: {matchExpressions: [{key: a, operator: Is}]}}"}.String(), "spec.match.namespaceSelector"},
		"action":                      {templateText{action: "enforcementAction: Deny"}.String(), `enforcementAction "Deny" is none of deny, warn, dryrun, scoped`},
		"scoped without actions":      {templateText{action: "enforcementAction: scoped"}.String(), "needs scopedEnforcementActions"},
		"actions without scoped":      {templateText{action: "scopedEnforcementActions: [{action: deny}]"}.String(), "means nothing beside enforcementAction"},
		"scoped action":               {templateText{action: "enforcementAction: scoped\n  scopedEnforcementActions: [{action: block, enforcementPoints: [{name: \"*\"}]}]"}.String(), `scoped action "block"`},
		"scoped without points":       {templateText{action: "enforcementAction: scoped\n  scopedEnforcementActions: [{action: deny}]"}.String(), "names no enforcementPoints"},
		"scoped to nothing there is":  {templateText{action: "enforcementAction: scoped\n  scopedEnforcementActions: [{action: deny, enforcementPoints: [{name: webhook}]}]"}.String(), `there is no enforcement point "webhook"`},
		"another version of the kind": {strings.Replace(whole, "constraints.gatekeeper.sh/v1beta1", "constraints.gatekeeper.sh/v1", 1), "is not supported"},
		"twice":                       {whole + "---\n" + whole[strings.Index(whole, "---\n")+4:], `policy "K8sOwner/owner" is there twice`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewCompiler().Compile(constraintConfig(t, test.text, nil))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestGatekeeper_SchemasOfV1beta1TakeAnyParameters(t *testing.T) {
	text := templateText{version: "v1beta1", schema: "{properties: {label: {type: string}}}", params: "{label: owner, more: [1]}"}.String()
	one(t, constraintFindings(t, text, unowned, nil))
}

func TestGatekeeper_DefaultsOfTheSchemaAreFilledIn(t *testing.T) {
	text := templateText{schema: "{type: object, properties: {label: {type: string, default: owner}}}", params: "{}"}.String()
	if finding := one(t, constraintFindings(t, text, unowned, nil)); finding.Message != "the label owner is missing" {
		t.Errorf("%+v", finding)
	}
	if found := constraintFindings(t, text, owned, nil); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestGatekeeper_ATemplateWithoutAConstraintSaysSo(t *testing.T) {
	text := templateText{}.String()
	compiled, err := NewCompiler().Compile(constraintConfig(t, text[:strings.Index(text, "---\n")], nil))
	if err != nil {
		t.Fatal(err)
	}
	if warning := one(t, compiled.Warnings); !strings.Contains(warning.Message, `template "k8sowner" has no constraint`) || warning.Origin.Line != 1 {
		t.Errorf("%+v", warning)
	}
}

func TestGatekeeper_TemplatesAreCompiledOnce(t *testing.T) {
	compiler := NewCompiler()
	config := constraintConfig(t, templateText{}.String(), nil)
	for range 2 {
		if _, err := compiler.Compile(config); err != nil {
			t.Fatal(err)
		}
	}
	if len(compiler.constraintTemplates) != 1 {
		t.Errorf("%d templates, want 1", len(compiler.constraintTemplates))
	}
}
