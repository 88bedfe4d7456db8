package policy

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// schemaFindings are those of the rules schema/*.
func schemaFindings(t testing.TB, text string, rules ...gate.RuleLevel) []plugin.Finding {
	t.Helper()
	var out []plugin.Finding
	for _, finding := range judgeOf(t, Config{Gate: gateWith(gate.Judge{Rules: rules})}).Judge(context.Background(), sealed(t, text)) {
		if strings.HasPrefix(finding.Rule, "schema/") {
			out = append(out, finding)
		}
	}
	return out
}

func TestBuiltinSchemas_AreOfTheKubernetesThatIsBuiltIn(t *testing.T) {
	module := readFile(t, "../../go.mod")
	found := regexp.MustCompile(`(?m)^\s*k8s\.io/kubernetes (v\S+)`).FindStringSubmatch(module)
	if found == nil || found[1] != apiserver.KubernetesVersion() {
		t.Fatalf("the schemas are of %s, the module of %v; run: make generate", apiserver.KubernetesVersion(), found)
	}
	if kubernetesMinor() < 37 {
		t.Errorf("minor version %d", kubernetesMinor())
	}
}

func TestSchema_FieldsThatMayBeMissingAreFieldsOfTheirSchemas(t *testing.T) {
	table := apiserver.BuiltinSchemas()
	for name, fields := range mayBeMissing() {
		for _, field := range fields {
			if of := table.Schema(name); of == nil || of.Properties[field] == nil {
				t.Errorf("%s has no field %s", name, field)
			}
		}
	}
}

func TestSchema_WhatTheAPIServerRefusesIsDenied(t *testing.T) {
	service := "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.example.com}\nspec: {group: example.com, version: v1, groupPriorityMinimum: 100, versionPriority: 100, service: {name: a, namespace: b}%s}"
	for name, test := range map[string]struct{ bad, good, rule, field string }{
		"no selector": {
			bad:  strings.Replace(deployment, "selector: {matchLabels: {a: b}}, ", "", 1),
			good: deployment, rule: ruleRequired, field: "spec.selector",
		},
		"no name of a container": {
			bad:  strings.Replace(deployment, "{name: web, image: web}", "{image: web}", 1),
			good: deployment, rule: ruleRequired, field: "spec.template.spec.containers[0].name",
		},
		"null is missing": {
			bad:  strings.Replace(deployment, "{matchLabels: {a: b}}, ", "null, ", 1),
			good: deployment, rule: ruleRequired, field: "spec.selector",
		},
		"wrong type where no Go type is known": {
			bad: fmt.Sprintf(service, ", caBundle: 7"), good: fmt.Sprintf(service, ", caBundle: aGk="), rule: ruleValue, field: "spec.caBundle",
		},
		"wrong format": {
			bad: fmt.Sprintf(service, ", caBundle: '*'"), good: fmt.Sprintf(service, ", caBundle: aGk="), rule: ruleValue, field: "spec.caBundle",
		},
		"a number that does not fit": {
			bad:  strings.Replace(fmt.Sprintf(service, ""), "Minimum: 100", "Minimum: 3000000000", 1),
			good: fmt.Sprintf(service, ""), rule: ruleValue, field: "spec.groupPriorityMinimum",
		},
		"a fraction": {
			bad:  strings.Replace(fmt.Sprintf(service, ""), "Minimum: 100", "Minimum: 1.5", 1),
			good: fmt.Sprintf(service, ""), rule: ruleValue, field: "spec.groupPriorityMinimum",
		},
		"removed API": {
			bad:  "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {minAvailable: 1, selector: {matchLabels: {a: b}}}",
			good: "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {minAvailable: 1, selector: {matchLabels: {a: b}}}", rule: ruleRemovedAPI, field: "apiVersion",
		},
		"removed API that no Go type is left of": {
			bad:  "apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: web}",
			good: "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}", rule: ruleRemovedAPI, field: "apiVersion",
		},
	} {
		t.Run(name, func(t *testing.T) {
			finding := one(t, schemaFindings(t, test.bad))
			if finding.Rule != test.rule || finding.Level != plugin.Deny || finding.Field != test.field || finding.Origin.File != "app.yaml" {
				t.Errorf("finding %+v", finding)
			}
			if found := schemaFindings(t, test.good); len(found) != 0 {
				t.Errorf("twin: %+v", found)
			}
		})
	}
}

func TestSchema_TheGateSetsTheLevel(t *testing.T) {
	bad := strings.Replace(deployment, "selector: {matchLabels: {a: b}}, ", "", 1)
	if found := one(t, schemaFindings(t, bad, gate.RuleLevel{Rule: ruleRequired, Level: "Warn"})); found.Level != plugin.Warn {
		t.Errorf("warned of: %+v", found)
	}
	if found := schemaFindings(t, bad, gate.RuleLevel{Rule: ruleRequired, Level: "Off"}); len(found) != 0 {
		t.Errorf("off: %+v", found)
	}
}

func TestSchema_WhatDecodingSaysIsSaidOnce(t *testing.T) {
	bad := strings.Replace(deployment, "template:", "replicas: many, template:", 1)
	if found := one(t, schemaFindings(t, bad)); found.Rule != ruleInvalidObject || found.Field != "spec.replicas" {
		t.Errorf("finding %+v", found)
	}
	two := strings.Replace(bad, "replicas:", "paused: sometimes, replicas:", 1)
	fields := map[string]int{}
	for _, finding := range schemaFindings(t, two) {
		fields[finding.Field]++
	}
	if len(fields) != 2 || fields["spec.replicas"] != 1 || fields["spec.paused"] != 1 {
		t.Errorf("fields %v, want each once", fields)
	}
}

func TestSchema_ADeprecatedVersionIsWarnedOf(t *testing.T) {
	finding := one(t, schemaFindings(t, "apiVersion: v1\nkind: Endpoints\nmetadata: {name: web}"))
	if finding.Rule != ruleDeprecatedAPI || finding.Level != plugin.Warn || !strings.Contains(finding.Hint, "EndpointSlice") {
		t.Errorf("finding %+v", finding)
	}
}

func TestSchema_StatusIsTheServers(t *testing.T) {
	if found := schemaFindings(t, deployment+"\nstatus: {conditions: [{type: Available}]}"); len(found) != 0 {
		t.Errorf("findings %+v", found)
	}
}

func TestSchema_ASecretsValueIsInNoMessage(t *testing.T) {
	text := "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {b: '*hunter2*'}\nimmutable: hunter2"
	found := schemaFindings(t, text)
	if len(found) == 0 || strings.Contains(fmt.Sprintf("%+v", found), "hunter2") {
		t.Errorf("findings %+v", found)
	}
}

func TestSchema_AKindThatNoSchemaKnowsIsToldOnce(t *testing.T) {
	two := widget + "\n---\n" + strings.Replace(widget, "name: web", "name: other", 1)
	if found := one(t, schemaFindings(t, two)); found.Rule != ruleUnknownKind || found.Level != plugin.Info {
		t.Errorf("as shipped: %+v", found)
	}
	for level, want := range map[string]plugin.Level{"Deny": plugin.Deny, "Warn": plugin.Warn} {
		if found := one(t, schemaFindings(t, two, gate.RuleLevel{Rule: ruleUnknownKind, Level: level})); found.Level != want {
			t.Errorf("%s: %+v", level, found)
		}
	}
	if found := schemaFindings(t, two, gate.RuleLevel{Rule: ruleUnknownKind, Level: "Off"}); len(found) != 0 {
		t.Errorf("off: %+v", found)
	}
	if found := one(t, schemaFindings(t, "apiVersion: apps/v1\nkind: Deploymnt\nmetadata: {name: a}")); found.Rule != ruleUnknownKind || found.Level != plugin.Warn {
		t.Errorf("of the API's own group: %+v", found)
	}
}

func TestSchema_WhatIsSaidOfAnObjectIsBounded(t *testing.T) {
	bad := strings.Replace(deployment, "{name: web, image: web}", strings.TrimSuffix(strings.Repeat("{image: web},", 10_000), ","), 1)
	found := schemaFindings(t, bad)
	if len(found) != schemaMost+1 || !strings.Contains(found[schemaMost].Message, "more than") || found[schemaMost].Level != plugin.Deny {
		t.Errorf("%d findings, the last %+v", len(found), found[len(found)-1])
	}
}

func TestSchema_ACancelledRunHasNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("enough"))
	found := judgeOf(t, Config{Gate: gateWith(gate.Judge{})}).Judge(ctx, sealed(t, deployment))
	if finding := one(t, found); finding.Level == plugin.Info || finding.Level == plugin.Warn {
		t.Errorf("finding %+v", finding)
	}
}
