package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// kyvernoText is a ValidatingPolicy. The parts that a test changes are fields;
// empty ones take a sensible text.
type kyvernoText struct {
	kind, namespace, resources, spec, match, validation, actions string
}

func (p kyvernoText) String() string {
	or := func(text, otherwise string) string {
		if text == "" {
			return otherwise
		}
		return text
	}
	return fmt.Sprintf(`apiVersion: policies.kyverno.io/v1
kind: %s
metadata: {name: team-label%s}
spec:
  matchConstraints:
    %s
    resourceRules:
      - {apiGroups: [%s], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [%s]}
  validationActions: [%s]
  %s
  validations: [%s]`, or(p.kind, "ValidatingPolicy"), p.namespace, p.match, or(group(p.resources), `""`), or(resource(p.resources), "configmaps"),
		or(p.actions, "Deny"), p.spec,
		or(p.validation, `{expression: "has(object.metadata.labels) && 'team' in object.metadata.labels", message: the label team is missing}`))
}

func TestKyverno_AFailedValidationDenies(t *testing.T) {
	config := policyConfig(t, kyvernoText{}.String(), nil)
	finding := one(t, judgeWith(t, config, sealed(t, unlabelled)))
	if finding.Rule != "policy/team-label" || finding.Level != plugin.Deny || finding.Message != "the label team is missing" ||
		finding.Object.Name != "web" || !strings.Contains(strings.Join(finding.Details, " "), "policy.yaml:1") {
		t.Errorf("%+v", finding)
	}
	if found := judgeWith(t, config, sealed(t, labelled)); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestKyverno_ActionsAndErrorsDecideTheLevel(t *testing.T) {
	erring := `{expression: "object.data.nothing == 'x'"}`
	condition := `matchConditions: [{name: a, expression: "object.data.nothing == 'x'"}]`
	for name, test := range map[string]struct {
		policy kyvernoText
		want   plugin.Level
	}{
		"deny":            {kyvernoText{actions: "Deny"}, plugin.Deny},
		"deny and audit":  {kyvernoText{actions: "Audit, Deny"}, plugin.Deny},
		"warn":            {kyvernoText{actions: "Warn"}, plugin.Warn},
		"audit":           {kyvernoText{actions: "Audit"}, plugin.Info},
		"error":           {kyvernoText{validation: erring}, plugin.Deny},
		"error, warn":     {kyvernoText{validation: erring, actions: "Warn"}, plugin.Warn},
		"condition error": {kyvernoText{spec: condition}, plugin.Deny},
		"annotation error": {kyvernoText{validation: `{expression: "true"}`,
			spec: `auditAnnotations: [{key: a, valueExpression: "string(object.data.nothing)"}]`}, plugin.Deny},
		"Kyverno's handler takes an error for a rejection": {kyvernoText{validation: erring, spec: "failurePolicy: Ignore"}, plugin.Deny},
		"not asked at admission":                           {kyvernoText{spec: "evaluation: {admission: {enabled: false}}"}, plugin.Info},
	} {
		t.Run(name, func(t *testing.T) {
			finding := one(t, judgeWith(t, policyConfig(t, test.policy.String(), nil), sealed(t, unlabelled)))
			if finding.Level != test.want {
				t.Errorf("level %s, want %s: %+v", finding.Level, test.want, finding)
			}
		})
	}
	ignored := kyvernoText{spec: "failurePolicy: Ignore\n  " + condition}
	if found := judgeWith(t, policyConfig(t, ignored.String(), nil), sealed(t, unlabelled)); len(found) != 0 {
		t.Errorf("a condition's error under failurePolicy Ignore: %+v", found)
	}
	unset := strings.Replace(kyvernoText{}.String(), "validationActions: [Deny]", "", 1)
	if finding := one(t, judgeWith(t, policyConfig(t, unset, nil), sealed(t, unlabelled))); finding.Level != plugin.Deny {
		t.Errorf("without actions: %+v", finding)
	}
}

func TestKyverno_WhatMatches(t *testing.T) {
	namespaced := kyvernoText{kind: "NamespacedValidatingPolicy", namespace: ", namespace: team-a"}
	described := func(g *gate.Gate) {
		g.Spec.Namespaces = []gate.Namespace{{Name: "team-a", Labels: map[string]string{"tier": "x"}}}
	}
	elsewhere := strings.Replace(unlabelled, "team-a", "team-b", 1)
	nowhere := strings.Replace(unlabelled, ", namespace: team-a", "", 1)
	const names = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team-a}\n"
	for name, test := range map[string]struct {
		policy  kyvernoText
		object  string
		gate    func(*gate.Gate)
		denied  bool
		unknown bool
	}{
		"another kind":               {policy: kyvernoText{resources: "secrets"}, object: unlabelled},
		"condition is false":         {policy: kyvernoText{spec: `matchConditions: [{name: a, expression: "object.metadata.name == 'x'"}]`}, object: unlabelled},
		"condition is true":          {policy: kyvernoText{spec: `matchConditions: [{name: a, expression: "object.metadata.name == 'web'"}]`}, object: unlabelled, denied: true},
		"excluded":                   {policy: kyvernoText{match: `excludeResourceRules: [{apiGroups: [""], apiVersions: [v1], operations: ["*"], resources: [configmaps], resourceNames: [web]}]`}, object: unlabelled},
		"namespace is selected":      {policy: kyvernoText{match: "namespaceSelector: {matchLabels: {tier: x}}"}, object: unlabelled, gate: described, denied: true},
		"namespace is not selected":  {policy: kyvernoText{match: "namespaceSelector: {matchLabels: {tier: z}}"}, object: unlabelled, gate: described},
		"namespace is not described": {policy: kyvernoText{match: "namespaceSelector: {matchLabels: {tier: x}}"}, object: unlabelled, denied: true, unknown: true},
		"condition by the namespace's labels": {policy: kyvernoText{spec: `matchConditions: [{name: a, expression: "namespaceObject.metadata.labels['tier'] == 'z'"}]`},
			object: unlabelled, gate: described},
		"own namespace":                  {policy: namespaced, object: unlabelled, denied: true},
		"another namespace":              {policy: namespaced, object: elsewhere},
		"a namespace that is not known":  {policy: namespaced, object: nowhere, denied: true, unknown: true},
		"the namespace itself":           {policy: kyvernoText{kind: namespaced.kind, namespace: namespaced.namespace, resources: "namespaces"}, object: names, denied: true},
		"cluster-scoped, not namespaced": {policy: kyvernoText{kind: namespaced.kind, namespace: ", namespace: team-b", resources: "namespaces"}, object: names},
		"webhooks are never asked about": {policy: kyvernoText{resources: "admissionregistration.k8s.io validatingwebhookconfigurations"},
			object: "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: web}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			found := withRule(judgeWith(t, policyConfig(t, test.policy.String(), test.gate), sealed(t, test.object)), "policy/team-label")
			if len(found) > 0 != test.denied || len(found) > 0 && found[0].Indeterminate != test.unknown {
				t.Errorf("%+v", found)
			}
		})
	}
}

func TestKyverno_AnObjectIsJudgedInTheVersionThatThePolicyAsksFor(t *testing.T) {
	text := strings.Replace(kyvernoText{resources: "autoscaling horizontalpodautoscalers",
		validation: quoted(`object.apiVersion == "autoscaling/v2" && request.kind.version == "v2" && object.spec.metrics[0].resource.target.averageUtilization < 90`)}.String(),
		"apiVersions: [v1]", "apiVersions: [v2]", 1)
	scaler := func(percent string) string {
		return "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: web, namespace: team-a}\n" +
			"spec: {maxReplicas: 3, targetCPUUtilizationPercentage: " + percent + ", scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n"
	}
	if found := withRule(judgeWith(t, policyConfig(t, text, nil), sealed(t, scaler("80"))), "policy/team-label"); len(found) != 0 {
		t.Errorf("%+v", found)
	}
	if finding := one(t, withRule(judgeWith(t, policyConfig(t, text, nil), sealed(t, scaler("95"))), "policy/team-label")); finding.Indeterminate || finding.Level != plugin.Deny {
		t.Errorf("twin: %+v", finding)
	}
	exact := strings.Replace(text, "matchConstraints:", "matchConstraints:\n    matchPolicy: Exact", 1)
	if found := withRule(judgeWith(t, policyConfig(t, exact, nil), sealed(t, scaler("95"))), "policy/team-label"); len(found) != 0 {
		t.Errorf("matchPolicy Exact: %+v", found)
	}
}

func TestKyverno_AllValidationsThatFailAreTold(t *testing.T) {
	text := kyvernoText{validation: `{expression: "false", message: "the first\nline"}, {expression: "true"}, {expression: "1 == 2"}`}.String()
	found := judgeWith(t, policyConfig(t, text, nil), sealed(t, unlabelled))
	if len(found) != 2 || found[0].Message != "the first line" || found[1].Message != "failed expression: 1 == 2" {
		t.Errorf("%+v", found)
	}
}

func TestKyverno_PoliciesForPodsSeeThePodsThatWorkloadsMake(t *testing.T) {
	const image = `{expression: "object.spec.containers.all(c, c.image.startsWith('registry.example.com/'))", messageExpression: "'the image of ' + object.metadata.name"}`
	for name, test := range map[string]struct {
		policy kyvernoText
		later  []string
	}{
		"by default":     {kyvernoText{}, []string{"Rollout", "JobSet"}},
		"no controllers": {kyvernoText{spec: "autogen: {podControllers: {controllers: []}}"}, []string{"Deployment", "CronJob", "Rollout", "JobSet"}},
		"one controller": {kyvernoText{spec: "autogen: {podControllers: {controllers: [deployments]}}"}, []string{"CronJob", "Rollout", "JobSet"}},
		"custom one":     {kyvernoText{spec: "autogen: {podControllers: {controllers: [rollouts.v1alpha1.argoproj.io]}}"}, []string{"Deployment", "CronJob", "JobSet"}},
		"not by Pods only": {kyvernoText{match: `excludeResourceRules: [{apiGroups: [""], apiVersions: [v1], operations: ["*"], resources: [pods], resourceNames: [x]}]`},
			[]string{"Deployment", "CronJob", "Rollout", "JobSet"}},
	} {
		test.policy.resources, test.policy.validation = "pods", image
		for _, kind := range []string{"Pod", "Deployment", "CronJob", "Rollout", "JobSet"} {
			config := policyConfig(t, test.policy.String(), nil)
			finding := one(t, withRule(judgeWith(t, config, sealed(t, podOf(kind, "{containers: [{name: web, image: other.example.com/web:1}]}"))), "policy/team-label"))
			if finding.Object.Kind != kind || finding.Message != "the image of "+finding.Object.Name || finding.Indeterminate {
				t.Errorf("%s, %s: %+v", name, kind, finding)
			}
			if slices.Contains(finding.Details, rejectedLater) != slices.Contains(test.later, kind) {
				t.Errorf("%s, %s: told to be rejected later, or not: %+v", name, kind, finding.Details)
			}
			good := sealed(t, podOf(kind, "{containers: [{name: web, image: registry.example.com/web:1}]}"))
			if found := withRule(judgeWith(t, config, good), "policy/team-label"); len(found) != 0 {
				t.Errorf("%s, %s, twin: %+v", name, kind, found)
			}
		}
	}
}

func TestKyverno_MessagesAboutSecretsQuoteNothing(t *testing.T) {
	text := kyvernoText{resources: "secrets", validation: `{expression: "false", messageExpression: "'value ' + string(object.data.password)", message: no secrets}`}.String()
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: team-a}\ndata: {password: c2VjcmV0}\n"
	if finding := one(t, withRule(judgeWith(t, policyConfig(t, text, nil), sealed(t, secret)), "policy/team-label")); finding.Message != "no secrets" {
		t.Errorf("%+v", finding)
	}
	twin := kyvernoText{validation: `{expression: "false", messageExpression: "'value ' + variables.v", message: static}`, spec: `variables: [{name: v, expression: object.data.key}]`}.String()
	if finding := one(t, judgeWith(t, policyConfig(t, twin, nil), sealed(t, unlabelled))); finding.Message != "value value" {
		t.Errorf("twin: %+v", finding)
	}
}

func TestKyverno_AMessageThatCannotBeEvaluatedIsReplaced(t *testing.T) {
	text := kyvernoText{validation: `{expression: "false", messageExpression: "string(object.data.nothing)", message: static}`}.String()
	if finding := one(t, judgeWith(t, policyConfig(t, text, nil), sealed(t, unlabelled))); finding.Message != "static" || finding.Level != plugin.Deny {
		t.Errorf("%+v", finding)
	}
}

func TestKyverno_LevelsOfTheGateCount(t *testing.T) {
	level := func(level string) func(*gate.Gate) {
		return func(g *gate.Gate) { g.Spec.Judge.Rules = []gate.RuleLevel{{Rule: "policy/team-label", Level: level}} }
	}
	if finding := one(t, judgeWith(t, policyConfig(t, kyvernoText{}.String(), level("Warn")), sealed(t, unlabelled))); finding.Level != plugin.Warn {
		t.Errorf("%+v", finding)
	}
	if finding := one(t, judgeWith(t, policyConfig(t, kyvernoText{actions: "Warn"}.String(), level("Deny")), sealed(t, unlabelled))); finding.Level != plugin.Deny {
		t.Errorf("%+v", finding)
	}
	if found := judgeWith(t, policyConfig(t, kyvernoText{}.String(), level("Off")), sealed(t, unlabelled)); len(found) != 0 {
		t.Errorf("%+v", found)
	}
}

func TestKyverno_AGateMayChooseAmongThePolicies(t *testing.T) {
	both := kyvernoText{}.String() + "\n---\n" + strings.Replace(kyvernoText{}.String(), "team-label", "other", 1)
	choose := func(g *gate.Gate) { g.Spec.Judge.Policies = []string{"other"} }
	if finding := one(t, judgeWith(t, policyConfig(t, both, choose), sealed(t, unlabelled))); finding.Rule != "policy/other" {
		t.Errorf("%+v", finding)
	}
	if found := judgeWith(t, policyConfig(t, both, nil), sealed(t, unlabelled)); len(found) != 2 {
		t.Errorf("twin: %+v", found)
	}
	unknown := func(g *gate.Gate) { g.Spec.Judge.Policies = []string{"othr"} }
	if _, err := NewCompiler().Compile(policyConfig(t, both, unknown)); err == nil || !strings.Contains(err.Error(), `did you mean "other"?`) {
		t.Errorf("%v", err)
	}
}

func TestKyverno_ACancelledRunHasNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	findings := judgeOf(t, policyConfig(t, kyvernoText{}.String(), nil)).Judge(ctx, sealed(t, unlabelled))
	if finding := one(t, findings); finding.Level != plugin.Undetermined {
		t.Errorf("%+v", finding)
	}
}

func TestKyverno_PoliciesAreCompiledOnceForAllGates(t *testing.T) {
	compiler := NewCompiler()
	for range 2 {
		if _, err := compiler.Compile(policyConfig(t, kyvernoText{}.String(), nil)); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(compiler.kyverno.policies); got != 1 {
		t.Errorf("%d policies were compiled, want 1", got)
	}
}
