package policy

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// policyText is a ValidatingAdmissionPolicy and its binding. The parts that a
// test changes are fields; empty ones take a sensible text.
type policyText struct {
	resources, operations, spec, match, validation, actions, bindingMatch string
}

func (p policyText) String() string {
	or := func(text, otherwise string) string {
		if text == "" {
			return otherwise
		}
		return text
	}
	return fmt.Sprintf(`apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: team-label}
spec:
  matchConstraints:
    %s
    resourceRules:
      - {apiGroups: [%s], apiVersions: [v1], operations: [%s], resources: [%s]}
  %s
  validations: [%s]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: everywhere}
spec:
  policyName: team-label
  validationActions: [%s]
  %s`, p.match, or(group(p.resources), `""`), or(p.operations, "CREATE, UPDATE"), or(resource(p.resources), "configmaps"), p.spec,
		or(p.validation, `{expression: "has(object.metadata.labels) && 'team' in object.metadata.labels", message: the label team is missing}`),
		or(p.actions, "Deny"), p.bindingMatch)
}

func group(resources string) string {
	before, _, found := strings.Cut(resources, " ")
	if !found {
		return ""
	}
	return before
}

func resource(resources string) string {
	if _, after, found := strings.Cut(resources, " "); found {
		return after
	}
	return resources
}

const (
	unlabelled = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: team-a}\ndata: {key: value}\n"
	labelled   = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: team-a, labels: {team: a}}\ndata: {key: value}\n"
)

func policyConfig(t testing.TB, text string, change func(*gate.Gate)) Config {
	config := Config{Gate: gateWith(gate.Judge{}), Documents: documents(t, text)}
	if change != nil {
		change(&config.Gate)
	}
	return config
}

func TestAdmission_AFailedValidationDenies(t *testing.T) {
	config := policyConfig(t, policyText{}.String(), nil)
	finding := one(t, judgeWith(t, config, sealed(t, unlabelled)))
	if finding.Rule != "policy/team-label" || finding.Level != plugin.Deny || finding.Message != "the label team is missing" ||
		finding.Object.Name != "web" || !strings.Contains(strings.Join(finding.Details, " "), `binding "everywhere"`) {
		t.Errorf("%+v", finding)
	}
	if found := judgeWith(t, config, sealed(t, labelled)); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestAdmission_ActionsAndFailurePolicyDecideTheLevel(t *testing.T) {
	erring := `{expression: "object.data.nothing == 'x'"}`
	for name, test := range map[string]struct {
		policy policyText
		want   plugin.Level
	}{
		"deny":            {policyText{actions: "Deny"}, plugin.Deny},
		"deny and audit":  {policyText{actions: "Audit, Deny"}, plugin.Deny},
		"warn":            {policyText{actions: "Warn"}, plugin.Warn},
		"warn and audit":  {policyText{actions: "Warn, Audit"}, plugin.Warn},
		"audit":           {policyText{actions: "Audit"}, plugin.Info},
		"error":           {policyText{validation: erring}, plugin.Deny},
		"error, fail":     {policyText{validation: erring, spec: "failurePolicy: Fail"}, plugin.Deny},
		"error, ignore":   {policyText{validation: erring, spec: "failurePolicy: Ignore"}, plugin.Warn},
		"failure, ignore": {policyText{spec: "failurePolicy: Ignore"}, plugin.Deny},
		"condition error": {policyText{spec: `matchConditions: [{name: a, expression: "object.data.nothing == 'x'"}]`}, plugin.Deny},
		"audit annotation error": {policyText{validation: `{expression: "true"}`,
			spec: `auditAnnotations: [{key: a, valueExpression: "string(object.data.nothing)"}]`}, plugin.Deny},
	} {
		t.Run(name, func(t *testing.T) {
			finding := one(t, judgeWith(t, policyConfig(t, test.policy.String(), nil), sealed(t, unlabelled)))
			if finding.Level != test.want {
				t.Errorf("level %s, want %s: %+v", finding.Level, test.want, finding)
			}
		})
	}
}

func TestAdmission_WhatMatches(t *testing.T) {
	selector := func(text string) string { return "namespaceSelector: " + text }
	byName := selector("{matchLabels: {kubernetes.io/metadata.name: team-a}}")
	for name, test := range map[string]struct {
		policy policyText
		want   bool
	}{
		"the resource":                {policyText{}, true},
		"another resource":            {policyText{resources: "secrets"}, false},
		"any resource":                {policyText{resources: `"*"`}, true},
		"any resource and below":      {policyText{resources: `"*/*"`}, true},
		"only below":                  {policyText{resources: `"configmaps/status"`}, false},
		"another group":               {policyText{resources: "apps configmaps"}, false},
		"any group":                   {policyText{resources: `"*" configmaps`}, true},
		"only create":                 {policyText{operations: "CREATE"}, true},
		"only update":                 {policyText{operations: "UPDATE"}, true},
		"only delete":                 {policyText{operations: "DELETE"}, false},
		"any operation":               {policyText{operations: `"*"`}, true},
		"namespace by name":           {policyText{match: byName}, true},
		"another namespace by name":   {policyText{match: selector("{matchLabels: {kubernetes.io/metadata.name: team-b}}")}, false},
		"all but this by name":        {policyText{match: selector("{matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [team-a]}]}")}, false},
		"empty selector":              {policyText{match: selector("{}")}, true},
		"binding's namespace":         {policyText{bindingMatch: "matchResources: {" + byName + "}"}, true},
		"binding's other namespace":   {policyText{bindingMatch: "matchResources: {" + selector("{matchLabels: {kubernetes.io/metadata.name: team-b}}") + "}"}, false},
		"excluded by name":            {policyText{match: `excludeResourceRules: [{apiGroups: [""], apiVersions: [v1], operations: ["*"], resources: [configmaps], resourceNames: [web]}]`}, false},
		"another excluded":            {policyText{match: `excludeResourceRules: [{apiGroups: [""], apiVersions: [v1], operations: ["*"], resources: [configmaps], resourceNames: [api]}]`}, true},
		"condition true":              {policyText{spec: `matchConditions: [{name: a, expression: "object.metadata.name == 'web'"}]`}, true},
		"condition false":             {policyText{spec: `matchConditions: [{name: a, expression: "object.metadata.name == 'api'"}]`}, false},
		"false beats an error":        {policyText{spec: `matchConditions: [{name: a, expression: "object.data.nothing == ''"}, {name: b, expression: "false"}]`}, false},
		"variable in the validation":  {policyText{spec: `variables: [{name: a, expression: "object.metadata.name"}]`, validation: `{expression: "variables.a == 'api'"}`}, true},
		"variable, other answer":      {policyText{spec: `variables: [{name: a, expression: "object.metadata.name"}]`, validation: `{expression: "variables.a == 'web'"}`}, false},
		"the request's namespace":     {policyText{validation: `{expression: "request.namespace != 'team-a'"}`}, true},
		"the request's resource":      {policyText{validation: `{expression: "request.resource.resource == 'configmaps' && request.kind.kind == 'ConfigMap'"}`}, false},
		"refused on creation alone":   {policyText{validation: `{expression: "request.operation == 'UPDATE'"}`}, true},
		"refused on update alone":     {policyText{validation: `{expression: "request.operation == 'CREATE'"}`}, true},
		"oldObject, only creation":    {policyText{operations: "CREATE", validation: `{expression: "oldObject == null"}`}, false},
		"cluster scope alone":         {policyText{match: `excludeResourceRules: [{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"], scope: Namespaced}]`}, false},
		"namespaced scope, otherwise": {policyText{match: `excludeResourceRules: [{apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"], scope: Cluster}]`}, true},
	} {
		t.Run(name, func(t *testing.T) {
			found := judgeWith(t, policyConfig(t, test.policy.String(), nil), sealed(t, unlabelled))
			for _, finding := range found {
				if finding.Indeterminate {
					t.Errorf("indeterminate: %+v", finding)
				}
			}
			if len(found) > 0 != test.want {
				t.Errorf("findings %+v, want %v", found, test.want)
			}
		})
	}
}

func TestAdmission_WhatCannotBeKnownIsIndeterminate(t *testing.T) {
	for name, test := range map[string]struct {
		policy policyText
		says   string
	}{
		"authorizer":         {policyText{validation: `{expression: "authorizer.group('').resource('configmaps').check('get').allowed()"}`}, "RBAC"},
		"who applies it":     {policyText{validation: `{expression: "request.userInfo.username == 'x'"}`}, "request.userInfo"},
		"by optional":        {policyText{validation: `{expression: "request.?userInfo.?username.orValue('') == 'x'"}`}, "request.userInfo"},
		"by a variable":      {policyText{spec: `variables: [{name: a, expression: "request.userInfo.username"}]`, validation: `{expression: "variables.a == 'x'"}`}, "request.userInfo"},
		"by another name":    {policyText{validation: `{expression: "[request].exists(r, r.userInfo.username == 'x')"}`}, "request.userInfo"},
		"by index":           {policyText{validation: `{expression: "dyn(request)['userInfo'].username == 'x'"}`}, "request.userInfo"},
		"namespace's labels": {policyText{validation: `{expression: "namespaceObject.metadata.labels['tier'] == 'x'"}`}, `namespace "team-a"`},
		"selected namespace": {policyText{match: "namespaceSelector: {matchLabels: {tier: x}}"}, `namespace "team-a"`},
		"binding's selector": {policyText{bindingMatch: "matchResources: {namespaceSelector: {matchLabels: {tier: x}}}"}, `namespace "team-a"`},
		"condition":          {policyText{spec: `matchConditions: [{name: a, expression: "request.userInfo.username != 'system:admin'"}]`}, "request.userInfo"},
		"the old object":     {policyText{validation: `{expression: "oldObject == null || oldObject.data == object.data"}`}, "oldObject"},
		"only updates":       {policyText{operations: "UPDATE", validation: `{expression: "oldObject.data == object.data"}`}, "oldObject"},
		"another version":    {policyText{resources: "example.com widgets"}, "another version"},
	} {
		t.Run(name, func(t *testing.T) {
			object := unlabelled
			if name == "another version" {
				object = "apiVersion: example.com/v2\nkind: Widget\nmetadata: {name: web, namespace: team-a}\n"
			}
			finding := one(t, judgeWith(t, policyConfig(t, test.policy.String(), nil), sealed(t, object)))
			if !finding.Indeterminate || finding.Level != plugin.Deny || !strings.Contains(strings.Join(finding.Details, "\n"), test.says) {
				t.Errorf("%+v, want indeterminate about %q", finding, test.says)
			}
			warn := policyConfig(t, test.policy.String(), func(g *gate.Gate) { g.Spec.Judge.Indeterminate = "Warn" })
			if finding := one(t, judgeWith(t, warn, sealed(t, object))); finding.Level != plugin.Warn || !finding.Indeterminate {
				t.Errorf("with indeterminate: Warn: %+v", finding)
			}
		})
	}
}

func TestAdmission_KnownEitherWayIsNotIndeterminate(t *testing.T) {
	described := func(g *gate.Gate) {
		g.Spec.Namespaces = []gate.Namespace{{Name: "team-a", Labels: map[string]string{"tier": "x"}}}
	}
	for name, test := range map[string]struct {
		policy policyText
		object string
		gate   func(*gate.Gate)
		want   int
	}{
		"the namespace is described":         {policyText{match: "namespaceSelector: {matchLabels: {tier: x}}"}, unlabelled, described, 1},
		"described, and not selected":        {policyText{match: "namespaceSelector: {matchLabels: {tier: other}}"}, unlabelled, described, 0},
		"namespaceObject is described":       {policyText{validation: `{expression: "namespaceObject.metadata.labels['tier'] == 'x'"}`}, unlabelled, described, 0},
		"unknown whether it applies, passes": {policyText{match: "namespaceSelector: {matchLabels: {tier: x}}"}, labelled, nil, 0},
		"one binding is certain": {policyText{bindingMatch: "matchResources: {namespaceSelector: {matchLabels: {tier: x}}}\n---\n" +
			"apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: other}\nspec: {policyName: team-label, validationActions: [Deny]}"}, unlabelled, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			found := judgeWith(t, policyConfig(t, test.policy.String(), test.gate), sealed(t, test.object))
			if len(found) != test.want || len(found) == 1 && found[0].Indeterminate {
				t.Errorf("findings %+v, want %d", found, test.want)
			}
		})
	}
}

func TestAdmission_PoliciesForPodsSeeThePodsThatWorkloadsMake(t *testing.T) {
	text := policyText{resources: "pods", validation: `{expression: "object.spec.containers.all(c, c.image.startsWith('registry.example.com/'))", message: another registry}`}.String()
	for _, kind := range []string{"Pod", "Deployment", "CronJob", "Rollout", "JobSet"} {
		finding := one(t, judgeWith(t, policyConfig(t, text, nil), sealed(t, podOf(kind, "{containers: [{name: web, image: other.example.com/web:1}]}"))))
		if finding.Object.Kind != kind || (kind != "Pod") != strings.HasSuffix(finding.Field, "template") {
			t.Errorf("%s: %+v", kind, finding)
		}
		if found := judgeWith(t, policyConfig(t, text, nil), sealed(t, podOf(kind, "{containers: [{name: web, image: registry.example.com/web:1}]}"))); len(found) != 0 {
			t.Errorf("%s, twin: %+v", kind, found)
		}
	}
}

// One change mends both; what is said in other words of the Pods is said.
func TestAdmission_WhatHoldsOfAWorkloadAndItsPodsIsSaidOnce(t *testing.T) {
	workload := podOf("Deployment", "{containers: [{name: web, image: a}]}")
	for name, test := range map[string]struct {
		validation string
		fields     string
	}{
		"the same words":         {`{expression: "false", message: it is there}`, "[]"},
		"twin: other words":      {`{expression: "false", messageExpression: "request.kind.kind + ' is there'"}`, "[ spec.template]"},
		"twin: of the Pod alone": {`{expression: "request.kind.kind != 'Pod'", message: it is there}`, "[spec.template]"},
	} {
		t.Run(name, func(t *testing.T) {
			text := policyText{resources: `"*" pods, deployments`, validation: test.validation}.String()
			fields := []string{}
			for _, finding := range judgeWith(t, policyConfig(t, text, nil), sealed(t, workload)) {
				fields = append(fields, finding.Field)
			}
			if got := fmt.Sprint(fields); got != test.fields {
				t.Errorf("said of %s, want %s", got, test.fields)
			}
		})
	}
}

func TestAdmission_TypedObjectsHaveTheirEmptyStructs(t *testing.T) {
	text := policyText{resources: "pods", validation: `{expression: "object.spec.containers.all(c, has(c.resources))"}`}.String()
	if found := judgeWith(t, policyConfig(t, text, nil), sealed(t, podOf("Pod", "{containers: [{name: web, image: a}]}"))); len(found) != 0 {
		t.Errorf("has(c.resources) is true at admission: %+v", found)
	}
}

func TestAdmission_ObjectsWithoutANamespaceGoToTheDestination(t *testing.T) {
	text := policyText{validation: `{expression: "object.metadata.namespace != 'team-a' && request.namespace != 'team-a'"}`}.String()
	input := sealed(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n")
	input.Source.Application.Namespace = "team-a"
	judge := judgeOf(t, policyConfig(t, text, nil))
	one(t, judge.Judge(t.Context(), input))
	input.Source.Application.Namespace = "team-b"
	if found := judge.Judge(t.Context(), input); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestAdmission_MessagesAboutSecretsQuoteNothing(t *testing.T) {
	text := policyText{resources: "secrets", validation: `{expression: "false", messageExpression: "'value ' + string(object.data.password)", message: no secrets}`}.String()
	finding := one(t, judgeWith(t, policyConfig(t, text, nil), sealed(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: team-a}\ndata: {password: c2VjcmV0}\n")))
	if finding.Message != "no secrets" {
		t.Errorf("%+v", finding)
	}
	twin := policyText{validation: `{expression: "false", messageExpression: "'value ' + object.data.key", message: static}`}.String()
	if finding := one(t, judgeWith(t, policyConfig(t, twin, nil), sealed(t, unlabelled))); finding.Message != "value value" {
		t.Errorf("twin: %+v", finding)
	}
}

func TestAdmission_CostsAreBounded(t *testing.T) {
	costly := `{expression: "[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, a+b+c+d+e+f > 0))))))"}`
	finding := one(t, judgeWith(t, policyConfig(t, policyText{validation: costly}.String(), nil), sealed(t, unlabelled)))
	if finding.Level != plugin.Deny || !strings.Contains(finding.Message, "could not be evaluated") {
		t.Errorf("%+v", finding)
	}
}

func TestAdmission_ACancelledRunHasNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	findings := judgeOf(t, policyConfig(t, policyText{}.String(), nil)).Judge(ctx, sealed(t, unlabelled))
	if finding := one(t, findings); finding.Level != plugin.Undetermined {
		t.Errorf("%+v", finding)
	}
}
