package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// What these say is what a real API server says: e2e/parity asks it.

// text is ten thousand characters, made in CEL at little cost.
const text = `[1,2,3,4,5,6,7,8,9,10].map(a, [1,2,3,4,5,6,7,8,9,10].map(b, [1,2,3,4,5,6,7,8,9,10].map(c, 'xxxxxxxxxx').join()).join()).join()`

// costly is true, and costs nearly as much as one call may.
const costly = "!" + text + ".contains(" + text + ".substring(0, 8000) + 'y')"

func TestCosts_APolicyThatCostsTooMuchIsRefusedByTheBudgetOfItsBinding(t *testing.T) {
	times := func(count int, validation string) policyText {
		return policyText{validation: strings.Repeat(validation+", ", count-1) + validation}
	}
	const out = "the policy could not be evaluated: validation failed due to running out of cost budget, no further validation rules will be run"
	for name, test := range map[string]struct {
		policy policyText
		want   string
	}{
		"within the budget":          {times(10, `{expression: "`+costly+`"}`), ""},
		"over the budget":            {times(20, `{expression: "`+costly+`"}`), out},
		"over, failurePolicy Ignore": {policyText{validation: times(20, `{expression: "`+costly+`"}`).validation, spec: "failurePolicy: Ignore"}, "lets it pass"},
		"one call":                   {policyText{validation: `{expression: "` + text + `.contains(` + text + `)"}`}, "actual cost limit exceeded"},
		"conditions":                 {policyText{spec: `matchConditions: [` + strings.Repeat(`{name: NAME, expression: "`+costly+`"}, `, 4) + `]`}, out},
		"messages of what passes":    {times(20, `{expression: "true", messageExpression: "string(`+costly+`)"}`), "failed messageExpression: validation failed due to running out of cost budget"},
		"audit annotations": {policyText{validation: `{expression: "true"}`,
			spec: `auditAnnotations: [` + strings.Repeat(`{key: a, valueExpression: "string(`+costly+`)"}, `, 20) + `]`}, out},
	} {
		t.Run(name, func(t *testing.T) {
			rendered := test.policy.String()
			for i := range 4 { // each condition needs a name of its own
				rendered = strings.Replace(rendered, "NAME", "c"+string(rune('a'+i)), 1)
			}
			found := judgeWith(t, policyConfig(t, rendered, nil), sealed(t, unlabelled))
			if test.want == "" {
				if len(found) != 0 {
					t.Errorf("%+v", found)
				}
				return
			}
			for _, finding := range found {
				if !strings.Contains(finding.Message+strings.Join(finding.Details, " "), test.want) {
					t.Errorf("%q %q, want %q", finding.Message, finding.Details, test.want)
				}
			}
			if len(found) == 0 {
				t.Errorf("nothing, want %q", test.want)
			}
		})
	}
}

func TestVersions_APolicyOfAnotherVersionIsAskedAboutTheConvertedObject(t *testing.T) {
	hpa := "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: web, namespace: team-a}\nspec: {maxReplicas: 3, targetCPUUtilizationPercentage: 80, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n"
	policy := func(version, matchPolicy string) string {
		text := policyText{resources: "autoscaling horizontalpodautoscalers", match: matchPolicy,
			validation: `{expression: "object.spec.metrics.all(m, m.resource.target.averageUtilization <= 50)", messageExpression: "'asked as ' + object.apiVersion + ', written as ' + request.requestKind.version"}`}.String()
		return strings.Replace(text, "apiVersions: [v1]", "apiVersions: ["+version+"]", 1)
	}
	for name, test := range map[string]struct{ policy, want string }{
		"equivalent": {policy("v2", ""), "asked as autoscaling/v2, written as v1"},
		"exact":      {policy("v2", "matchPolicy: Exact"), ""},
		"not served": {policy("v2beta2", ""), ""},
		"excluded":   {strings.Replace(policy(`"*"`, ""), "resourceRules:", `excludeResourceRules: [{apiGroups: [autoscaling], apiVersions: [v2], operations: ["*"], resources: ["*"]}]`+"\n    resourceRules:", 1), ""},
	} {
		var said []string
		for _, finding := range judgeWith(t, policyConfig(t, test.policy, nil), sealed(t, hpa)) {
			if finding.Rule == "policy/team-label" {
				said = append(said, finding.Message)
			}
		}
		if strings.Join(said, "\n") != test.want {
			t.Errorf("%s: %q, want %q", name, said, test.want)
		}
	}
}

func TestCreated_PoliciesSeeWhatTheAPIServerWrites(t *testing.T) {
	for name, test := range map[string]struct{ resources, expression, object string }{
		"uid and time":         {"", "has(object.metadata.uid) && object.metadata.creationTimestamp == '2026-06-01T00:00:00Z' && has(object.metadata.managedFields)", unlabelled},
		"generated name":       {"", "object.metadata.name.startsWith('web-') && request.name == object.metadata.name && object.metadata.name != 'web-'", strings.Replace(unlabelled, "name: web", "generateName: web-", 1)},
		"custom resource":      {"example.com widgets", "has(object.metadata.uid)", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web, namespace: team-a}\n"},
		"a Secret's text":      {"secrets", "object.data.password == 'c2VjcmV0' && !has(object.stringData)", "apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: team-a}\nstringData: {password: secret}\n"},
		"no status of its own": {"apps deployments", "!has(object.status.replicas)", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: team-a}\nspec: {replicas: 3}\nstatus: {replicas: 3}\n"},
		"a Pod's admission":    {"pods", "object.status.phase == 'Pending' && object.spec.priority == 0 && object.spec.tolerations.size() == 2", podOf("Deployment", "{containers: [{name: web, image: a}]}")},
	} {
		policy := policyText{resources: test.resources, validation: `{expression: "` + test.expression + `"}`}.String()
		input := sealed(t, test.object)
		before := len(input.Objects[0].Fields["metadata"].(map[string]any))
		if found := withRule(judgeWith(t, policyConfig(t, policy, nil), input), "policy/team-label"); len(found) != 0 {
			t.Errorf("%s: %+v", name, found)
		}
		if len(input.Objects[0].Fields["metadata"].(map[string]any)) != before {
			t.Errorf("%s: the rendering was changed", name)
		}
		twin := policyText{resources: test.resources, validation: `{expression: "!(` + test.expression + `)"}`}.String()
		if found := withRule(judgeWith(t, policyConfig(t, twin, nil), sealed(t, test.object)), "policy/team-label"); len(found) == 0 {
			t.Errorf("%s: the opposite passes, too", name)
		}
	}
	at := sealed(t, unlabelled)
	at.At = time.Time{}
	policy := policyText{validation: `{expression: "has(object.metadata.creationTimestamp)"}`}.String()
	if found := judgeWith(t, policyConfig(t, policy, nil), at); len(found) != 0 {
		t.Errorf("without a time: %+v", found)
	}
}

func TestAdmission_OfANamespaceOnlyNameAndLabelsAreKnown(t *testing.T) {
	described := func(g *gate.Gate) {
		g.Spec.Namespaces = []gate.Namespace{{Name: "team-a", Labels: map[string]string{"tier": "x"}}}
	}
	for expression, unknown := range map[string]bool{
		"namespaceObject.metadata.name == 'b'":                              false,
		"namespaceObject.metadata.labels['tier'] == 'b'":                    false,
		"namespaceObject == null || namespaceObject.metadata.name == 'b'":   false,
		"namespaceObject.metadata.?labels.other.hasValue()":                 false,
		"has(namespaceObject.metadata.annotations)":                         true,
		"namespaceObject.status.phase == 'b'":                               true,
		"[namespaceObject].exists(n, n.status.phase == 'b')":                true,
		"namespaceObject.metadata.name == 'b' || has(namespaceObject.spec)": true,
	} {
		policy := policyText{validation: `{expression: "` + expression + `"}`}.String()
		if finding := one(t, judgeWith(t, policyConfig(t, policy, described), sealed(t, unlabelled))); finding.Indeterminate != unknown {
			t.Errorf("%s: %+v", expression, finding)
		}
	}
}

func TestAdmission_WhatIsSaidOfOneOperationSaysWhich(t *testing.T) {
	for name, test := range map[string]struct {
		policy policyText
		says   string
	}{
		"creation":    {policyText{validation: `{expression: "request.operation == 'UPDATE'"}`}, operationDetail("CREATE")},
		"update":      {policyText{validation: `{expression: "request.operation == 'CREATE'"}`}, operationDetail("UPDATE")},
		"update rule": {policyText{operations: "UPDATE"}, operationDetail("UPDATE")},
		"both":        {policyText{}, ""},
	} {
		finding := one(t, judgeWith(t, policyConfig(t, test.policy.String(), nil), sealed(t, unlabelled)))
		details := strings.Join(finding.Details, "\n")
		if test.says == "" && strings.Contains(details, "said of") || !strings.Contains(details, test.says) {
			t.Errorf("%s: %q", name, details)
		}
	}
}

// A label leaves admission's verdict where the gate trusts labels, and the
// gate's own minimum never.
func TestOptOut_ALabelLeavesThePolicyAndNotTheMinimum(t *testing.T) {
	trust := func(g *gate.Gate) {
		g.Spec.Judge.TrustObjectLabels = true
		g.Spec.Judge.PodSecurity = &gate.PodSecurity{Level: "baseline"}
	}
	text := policyText{resources: "pods", match: "objectSelector: {matchExpressions: [{key: skip, operator: DoesNotExist}]}", validation: `{expression: "false", message: nothing passes}`}.String()
	pod := func(labels string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: team-a, labels: {" + labels + "}}\nspec: {hostNetwork: true, containers: [{name: web, image: a}]}\n"
	}
	for labels, want := range map[string]int{"a: b": 1, "skip: 'yes'": 0} {
		found := judgeWith(t, policyConfig(t, text, trust), sealed(t, pod(labels)))
		if len(withRule(found, "policy/team-label")) != want || len(withRule(found, "pss/hostNamespaces")) != 1 {
			t.Errorf("%s: %+v", labels, found)
		}
	}
}

func TestOptOut_EveryPartThatReadsLabelsIsTold(t *testing.T) {
	trust := func(g *gate.Gate) { g.Spec.Judge.TrustObjectLabels = true }
	selector := "objectSelector: {matchLabels: {strict: 'yes'}}"
	for name, test := range map[string]struct {
		policy policyText
		says   string
	}{
		"policy":    {policyText{match: selector}, `policy "team-label": objectSelector`},
		"binding":   {policyText{bindingMatch: "matchResources: {" + selector + "}"}, `binding "everywhere": objectSelector`},
		"condition": {policyText{spec: `matchConditions: [{name: strict, expression: "'strict' in object.metadata.labels"}]`}, `policy "team-label": matchCondition "strict"`},
		"none":      {policyText{}, ""},
	} {
		compiled, err := NewCompiler().Compile(policyConfig(t, test.policy.String(), trust))
		if err != nil {
			t.Fatal(err)
		}
		warned := withRule(compiled.Warnings, ruleOptOut)
		if test.says == "" && len(warned) != 0 || test.says != "" && (len(warned) != 1 || warned[0].Level != plugin.Warn || !strings.HasPrefix(warned[0].Message, test.says) || warned[0].Origin.Line == 0) {
			t.Errorf("%s: %+v", name, warned)
		}
	}
}

func TestCompile_NamesThatTheAPIServerRefusesAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		policy policyText
		says   string
	}{
		"a word of CEL":              {policyText{spec: `variables: [{name: loop, expression: "1"}]`}, `variable "loop" is no name in CEL`},
		"a dash":                     {policyText{spec: `variables: [{name: a-b, expression: "1"}]`}, `variable "a-b" is no name in CEL`},
		"an empty variable":          {policyText{spec: `variables: [{name: a, expression: " "}]`}, "has no expression"},
		"a condition twice":          {policyText{spec: `matchConditions: [{name: a, expression: "true"}, {name: a, expression: "true"}]`}, "needs a name of its own"},
		"a condition without a name": {policyText{spec: `matchConditions: [{expression: "true"}]`}, "needs a name of its own"},
		"too many conditions":        {policyText{spec: `matchConditions: [` + strings.Repeat(`{name: a, expression: "true"}, `, 65) + `]`}, "takes 64"},
		"a variable in a condition":  {policyText{spec: "variables: [{name: a, expression: \"true\"}]\n  matchConditions: [{name: a, expression: \"variables.a\"}]"}, "reads variables"},
		"a message of two lines":     {policyText{validation: `{expression: "true", message: "a\nb"}`}, "several lines"},
		"deny and warn":              {policyText{actions: "Deny, Warn"}, "write Deny"},
		"an action twice":            {policyText{actions: "Deny, Deny"}, "is there twice"},
	} {
		if _, err := NewCompiler().Compile(policyConfig(t, test.policy.String(), nil)); err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "policy.yaml:1") {
			t.Errorf("%s: %v, want %q and the line", name, err, test.says)
		}
	}
}

func TestAdmission_AnUpdateIsSelectedByTheLabelsThatWereThereToo(t *testing.T) {
	trust := func(g *gate.Gate) { g.Spec.Judge.TrustObjectLabels = true }
	text := policyText{match: "objectSelector: {matchLabels: {team: a}}", validation: `{expression: "false", message: nothing passes}`}.String()
	for name, test := range map[string]struct {
		live string
		want int
	}{"selected before": {labelled, 1}, "never selected": {unlabelled, 0}} {
		input := sealed(t, strings.Replace(unlabelled, "namespace: team-a", "namespace: team-a, labels: {team: b}", 1))
		input.Source.Live = objects(t, test.live)
		if found := judgeWith(t, policyConfig(t, text, trust), input); len(found) != test.want {
			t.Errorf("%s: %+v", name, found)
		}
	}
}
