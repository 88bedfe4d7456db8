package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

const gadgetSchema = `type: object
          required: [spec]
          properties:
            spec:
              type: object
              required: [size]
              x-kubernetes-validations:
              - {rule: "self.size <= self.most", message: "size is above most"}
              - {rule: "self.size >= oldSelf.size", message: "it never shrinks"}
              properties:
                size: {type: integer, minimum: 1, maximum: 10}
                most: {type: integer, default: 5}
                color: {type: string, enum: [red, blue]}
                code: {type: string, pattern: "^[a-z]+$"}
                at: {type: string, format: date-time}
                names: {type: array, x-kubernetes-list-type: set, items: {type: string}}
                open: {type: object, x-kubernetes-preserve-unknown-fields: true}`

// gadgets is a CustomResourceDefinition with a schema.
func gadgets(schema string) string {
	return fmt.Sprintf(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Gadget, plural: gadgets}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
          %s`, schema)
}

func gadget(spec string) string {
	return "apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: web}\nspec: " + spec
}

func TestSchema_ACustomResourceObeysItsDefinition(t *testing.T) {
	for name, test := range map[string]struct {
		spec, rule, field string
		level             plugin.Level
	}{
		"required":              {spec: "{color: red}", rule: ruleRequired, field: "spec.size"},
		"type":                  {spec: "{size: many}", rule: ruleValue, field: "spec.size"},
		"minimum":               {spec: "{size: 0}", rule: ruleValue, field: "spec.size"},
		"enum":                  {spec: "{size: 1, color: green}", rule: ruleValue, field: "spec.color"},
		"pattern":               {spec: "{size: 1, code: A1}", rule: ruleValue, field: "spec.code"},
		"format":                {spec: "{size: 1, at: noon}", rule: ruleValue, field: "spec.at"},
		"set":                   {spec: "{size: 1, names: [a, a]}", rule: ruleValue, field: "spec.names[1]"},
		"rule":                  {spec: "{size: 4, most: 3}", rule: ruleExpression, field: "spec"},
		"rule with the default": {spec: "{size: 6}", rule: ruleExpression, field: "spec"},
		"unknown field":         {spec: "{size: 1, colour: red}", rule: ruleUnknownField, level: plugin.Warn},
	} {
		t.Run(name, func(t *testing.T) {
			finding := one(t, schemaFindings(t, gadgets(gadgetSchema)+"\n---\n"+gadget(test.spec)))
			if finding.Rule != test.rule || finding.Level != test.level || finding.Field != test.field || finding.Object.Kind != "Gadget" || finding.Origin.Line != 2 {
				t.Errorf("finding %+v", finding)
			}
		})
	}
	good := gadget("{size: 5, color: red, code: a, at: '2026-01-02T15:04:05Z', names: [a, b], open: {x: 1}}\nstatus: {anything: 1}")
	if found := schemaFindings(t, gadgets(gadgetSchema)+"\n---\n"+good); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestSchema_DefaultsAreNotWritten(t *testing.T) {
	input := sealed(t, gadgets(gadgetSchema)+"\n---\n"+gadget("{size: 1}"))
	judgeWith(t, Config{Gate: gateWith(gate.Judge{})}, input)
	if spec := mapAt(input.Objects[1].Fields, "spec"); len(spec) != 1 {
		t.Errorf("the rendered object became %v", spec)
	}
}

func TestSchema_AVersionThatTheDefinitionDoesNotServeIsDenied(t *testing.T) {
	input := gadgets(gadgetSchema) + "\n---\n" + strings.Replace(gadget("{size: 1}"), "example.com/v1", "example.com/v1alpha1", 1)
	if finding := one(t, schemaFindings(t, input)); finding.Rule != ruleRemovedAPI || finding.Level != plugin.Deny || !strings.Contains(finding.Message, "it serves v1") {
		t.Errorf("finding %+v", finding)
	}
}

func TestSchema_ABrokenDefinitionIsDeniedByName(t *testing.T) {
	whole := gadgets(gadgetSchema)
	nested := "type: object\n          properties: {a: {type: array, items: {type: array, items: {type: string, x-kubernetes-validations: [{rule: \"self.matches('a+b+')\"}]}}}}"
	for name, test := range map[string]struct{ text, field, says string }{
		"no schema":                {strings.Split(whole, "    schema:")[0], "spec.versions[0].schema.openAPIV3Schema", "needs a schema"},
		"not an object":            {gadgets("type: string"), "spec.versions[0].schema.openAPIV3Schema.type", "object"},
		"a type that there is not": {gadgets("type: object\n          properties: {a: {type: integr}}"), "spec.versions[0].schema.openAPIV3Schema.properties[a].type", `Unsupported value: "integr"`},
		"a type of an item that there is not": {gadgets("type: object\n          properties: {a: {type: array, items: {type: strin}}}"),
			"spec.versions[0].schema.openAPIV3Schema.properties[a].items.type", `"strin"`},
		"a type of a value that there is not": {gadgets("type: object\n          properties: {a: {type: object, additionalProperties: {type: strin}}}"),
			"spec.versions[0].schema.openAPIV3Schema.properties[a].additionalProperties.type", `"strin"`},
		"not structural":          {gadgets("type: object\n          properties: {a: {}}"), "spec.versions[0].schema.openAPIV3Schema.properties[a].type", "must not be empty"},
		"a default that is wrong": {gadgets("type: object\n          properties: {a: {type: string, default: 7}}"), "spec.versions[0].schema.openAPIV3Schema.properties[a].default", "string"},
		"a rule that does not compile": {gadgets("type: object\n          x-kubernetes-validations: [{rule: 'self.'}]"),
			"spec.versions[0].schema.openAPIV3Schema.x-kubernetes-validations[0].rule", "Syntax"},
		"a rule that costs too much": {gadgets(nested), "spec.versions[0].schema.openAPIV3Schema.properties[a].items.items.x-kubernetes-validations[0].rule", "costs too much"},
		"no version":                 {strings.Split(whole, "  versions:")[0] + "  versions: []", "spec.versions", "no version"},
		"two storage versions":       {whole + "\n  - {name: v2, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}", "spec.versions", "exactly one"},
		"one name twice":             {whole + "\n  - {name: v1, served: true, storage: false, schema: {openAPIV3Schema: {type: object}}}", "spec.versions[1].name", "twice"},
		"a scope that there is not":  {strings.Replace(whole, "scope: Namespaced", "scope: Everywhere", 1), "spec.scope", "neither"},
		"everything preserved":       {strings.Replace(whole, "  group:", "  preserveUnknownFields: true\n  group:", 1), "spec.preserveUnknownFields", "must be false"},
		"a type that cannot be read": {strings.Replace(whole, "  versions:\n  - name: v1", "  versions:\n  - name: [v1]", 1), "", "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			finding := one(t, withRule(schemaFindings(t, test.text), ruleDefinition))
			if finding.Level != plugin.Deny || finding.Field != test.field || !strings.Contains(finding.Message, test.says) {
				t.Errorf("finding %+v", finding)
			}
			config := Config{Gate: gateWith(gate.Judge{}), Documents: documents(t, test.text)}
			if _, err := NewCompiler().Compile(config); err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "policy.yaml:1") {
				t.Errorf("in a gate: %v", err)
			}
		})
	}
	if found := schemaFindings(t, whole); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestSchema_ARuleThatIsBoundedIsTaken(t *testing.T) {
	nested := "type: object\n          properties: {a: {type: array, maxItems: 5, items: {type: array, maxItems: 5, items: {type: string, maxLength: 20, x-kubernetes-validations: [{rule: \"self.matches('a+b+')\"}]}}}}"
	if found := schemaFindings(t, gadgets(nested)); len(found) != 0 {
		t.Errorf("findings %+v", found)
	}
}

func TestSchema_TheGatesDefinitionWinsOverARenderedOne(t *testing.T) {
	config := Config{Gate: gateWith(gate.Judge{}), Documents: documents(t, gadgets(gadgetSchema))}
	lax := gadgets("type: object\n          x-kubernetes-preserve-unknown-fields: true")
	input := sealed(t, lax+"\n---\n"+gadget("{color: green, size: 1}"))
	if finding := one(t, withRule(judgeWith(t, config, input), ruleValue)); finding.Field != "spec.color" {
		t.Errorf("finding %+v", finding)
	}
	if found := schemaFindings(t, lax+"\n---\n"+gadget("{color: green, size: 1}")); len(found) != 0 {
		t.Errorf("twin, without the gate's: %+v", found)
	}
}

func TestSchema_ARenderedDefinitionSaysNothingOfTheAPIsOwnKinds(t *testing.T) {
	false1 := strings.NewReplacer("group: example.com", "group: apps", "Gadget", "Deployment", "gadgets", "deployments", "example.com", "apps").Replace(gadgets(gadgetSchema))
	found := withRule(schemaFindings(t, false1+"\n---\n"+strings.Replace(deployment, "selector: {matchLabels: {a: b}}, ", "", 1)), ruleRequired)
	if finding := one(t, found); finding.Field != "spec.selector" {
		t.Errorf("finding %+v", finding)
	}
}

func TestSchema_TwoDefinitionsOfAKindInAGateAreAnError(t *testing.T) {
	text := gadgets(gadgetSchema)
	if _, err := NewCompiler().Compile(Config{Gate: gateWith(gate.Judge{}), Documents: documents(t, text+"\n---\n"+text)}); err == nil || !strings.Contains(err.Error(), "defined twice") {
		t.Errorf("error %v", err)
	}
	if _, err := NewCompiler().Compile(Config{Gate: gateWith(gate.Judge{}), Documents: documents(t, text)}); err != nil {
		t.Errorf("twin: %v", err)
	}
}
