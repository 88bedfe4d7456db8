package policy

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// answerTo is what a policy says of a rendered object beside a live one.
func answerTo(t *testing.T, text, rendered, live string) string {
	t.Helper()
	input := sealed(t, rendered)
	if live != "" {
		input.Source.Live = objects(t, live)
	}
	trusting := func(g *gate.Gate) { g.Spec.Judge.TrustObjectLabels = true }
	answer := "passes"
	for _, finding := range blocking(judgeWith(t, policyConfig(t, text, trusting), input)) {
		switch {
		case !strings.HasPrefix(finding.Rule, "policy/"):
			t.Errorf("not the policy's: %+v", finding)
		case !finding.Indeterminate:
			return "denied"
		}
		answer = "unknown"
	}
	return answer
}

// liveEngines write a policy about Services and Widgets whose condition is one
// of CEL, or of Rego for a violation.
func liveEngines() map[string]func(cel, rego string) string {
	const kinds = `{kinds: [{apiGroups: ["", example.com], kinds: [Service, Widget]}]}`
	return map[string]func(cel, rego string) string{
		"Gatekeeper, Rego": func(_, rego string) string {
			return templateText{match: kinds, rego: "package k8sowner\nviolation[{\"msg\": \"no\"}] { input.review.operation == \"UPDATE\"; " + rego + " }"}.String()
		},
		"Gatekeeper, CEL": func(cel, _ string) string {
			text := templateText{match: kinds}.String()
			from, to := strings.Index(text, "      rego: |\n"), strings.Index(text, "---\n")
			return text[:from] + "      code:\n        - engine: K8sNativeValidation\n          source:\n            validations: [" +
				quoted("request.operation == 'CREATE' || "+cel) + "]\n" + text[to:]
		},
		"Kyverno": func(cel, _ string) string {
			text := kyvernoText{validation: quoted("request.operation == 'CREATE' || " + cel)}.String()
			return strings.Replace(text, `{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}`,
				`{apiGroups: ["", example.com], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [services, widgets]}`, 1)
		},
	}
}

// TestLive_DecidesAnUpdateForEveryEngine: the old object is the live one, and
// the new one is what applying makes of both.
func TestLive_DecidesAnUpdateForEveryEngine(t *testing.T) {
	const sameAddress, otherAddress = "oldObject.spec.clusterIP == object.spec.clusterIP", "input.review.oldObject.spec.clusterIP != input.review.object.spec.clusterIP"
	const samePorts, otherPorts = "object.spec.ports.map(p, p.port) == oldObject.spec.ports.map(p, p.port)", "[p | p := input.review.object.spec.ports[_].port] != [p | p := input.review.oldObject.spec.ports[_].port]"
	const grows, shrinks = "object.spec.size >= oldObject.spec.size", "input.review.object.spec.size < input.review.oldObject.spec.size"
	for name, test := range map[string]struct{ rendered, live, cel, rego, want string }{
		"not given":               {renderedService, "", samePorts, otherPorts, "unknown"},
		"of another object":       {renderedService, strings.Replace(liveService, "name: web", "name: api", 1), samePorts, otherPorts, "unknown"},
		"of another namespace":    {renderedService, strings.Replace(liveService, "namespace: team-a", "namespace: team-b", 1), samePorts, otherPorts, "unknown"},
		"in another version":      {renderedWidget, strings.Replace(liveWidget, "/v1", "/v2", 1), grows, shrinks, "unknown"},
		"what did not change":     {renderedService, liveService, samePorts, otherPorts, "passes"},
		"what may not change":     {strings.Replace(renderedService, "port: 80", "port: 81", 1), liveService, samePorts, otherPorts, "denied"},
		"what the server added":   {renderedService, liveService, sameAddress, otherAddress, "passes"},
		"a custom one that grows": {renderedWidget, liveWidget, grows, shrinks, "passes"},
		"one that shrinks":        {strings.Replace(renderedWidget, "5", "2", 1), liveWidget, grows, shrinks, "denied"},
		"the new one alone":       {renderedService, liveService, "object.metadata.uid != '0b1c'", "input.review.object.metadata.uid == \"0b1c\"", "denied"},
		"what others wrote": {renderedService, liveService, "'other.example.com/by' in object.metadata.annotations",
			"not input.review.object.metadata.annotations[\"other.example.com/by\"]", "passes"},
	} {
		for engine, text := range liveEngines() {
			t.Run(name+"/"+engine, func(t *testing.T) {
				if got := answerTo(t, text(test.cel, test.rego), test.rendered, test.live); got != test.want {
					t.Errorf("%s, want %s", got, test.want)
				}
			})
		}
	}
}

// TestLive_APolicyThatReadsNoOperationIsAskedAboutTheUpdateToo, as what others
// wrote into the object is in the update alone.
func TestLive_APolicyThatReadsNoOperationIsAskedAboutTheUpdateToo(t *testing.T) {
	const unlabelledWidget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web, namespace: team-a}\nspec: {size: 5}\n"
	for engine, text := range liveEngines() {
		t.Run(engine, func(t *testing.T) {
			policy := text("!has(object.spec.colour)", "input.review.object.spec.colour")
			policy = strings.NewReplacer(`input.review.operation == "UPDATE"; `, "", "request.operation == 'CREATE' || ", "").Replace(policy)
			if got := answerTo(t, policy, unlabelledWidget, liveWidget); got != "denied" {
				t.Errorf("%s, want denied", got)
			}
			if got := answerTo(t, policy, unlabelledWidget, strings.Replace(liveWidget, ", colour: red", "", 1)); got != "passes" {
				t.Errorf("twin: %s", got)
			}
		})
	}
}

// TestLive_ACreationIsStillAskedOfEveryEngine: what is deleted and synced again
// is created.
func TestLive_ACreationIsStillAskedOfEveryEngine(t *testing.T) {
	for engine, text := range liveEngines() {
		policy := text("has(object.spec.clusterIP)", "not input.review.object.spec.clusterIP")
		if got := answerTo(t, policy, renderedService, liveService); got != "passes" {
			t.Errorf("%s, of an update: %s", engine, got)
		}
		policy = strings.NewReplacer(`input.review.operation == "UPDATE"; `, "", "request.operation == 'CREATE' || ", "").Replace(policy)
		if got := answerTo(t, policy, renderedService, liveService); got != "denied" {
			t.Errorf("%s, of both: %s", engine, got)
		}
	}
}

// TestLive_TheOldLabelsKeepAnObjectInThePolicy: an update is selected by what
// the object was, too.
func TestLive_TheOldLabelsKeepAnObjectInThePolicy(t *testing.T) {
	guarded := strings.Replace(liveService, "  uid: 0b1c\n", "  uid: 0b1c\n  labels: {tier: guarded}\n", 1)
	const selects = "{matchLabels: {tier: guarded}}"
	for engine, text := range liveEngines() {
		policy := text("false", "true")
		policy = strings.Replace(policy, "[Service, Widget]}]}", "[Service, Widget]}], labelSelector: "+selects+"}", 1)
		policy = strings.Replace(policy, "    resourceRules:", "    objectSelector: "+selects+"\n    resourceRules:", 1)
		if got := answerTo(t, policy, renderedService, guarded); got != "denied" {
			t.Errorf("%s: %s, want denied", engine, got)
		}
		if got := answerTo(t, policy, renderedService, liveService); got != "passes" {
			t.Errorf("%s, twin: %s", engine, got)
		}
		without := strings.Replace(policy, selects, "{matchExpressions: [{key: tier, operator: DoesNotExist}]}", 1)
		if got := answerTo(t, without, renderedService, guarded); got != "passes" {
			t.Errorf("%s, of those without the label, which others wrote: %s", engine, got)
		}
		if got := answerTo(t, without, renderedService, liveService); got != "denied" {
			t.Errorf("%s, of those without the label, twin: %s", engine, got)
		}
	}
}

// TestLive_ThePodsOfAWorkloadHaveNoOldOne: controllers make them anew.
func TestLive_ThePodsOfAWorkloadHaveNoOldOne(t *testing.T) {
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: team-a}\nspec:\n  selector: {matchLabels: {app: web}}\n" +
		"  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: registry.example.com/app:1}]}}\n"
	text := kyvernoText{resources: "pods", validation: quoted("request.operation == 'CREATE' || oldObject.spec == object.spec")}.String()
	input := sealed(t, deployment)
	input.Source.Live = objects(t, deployment)
	for _, finding := range withRule(judgeWith(t, policyConfig(t, text, nil), input), "policy/team-label") {
		if !finding.Indeterminate {
			t.Errorf("%+v", finding)
		}
	}
}

// TestLive_ASecretIsNotQuoted by the messages of policies that see both.
func TestLive_ASecretIsNotQuoted(t *testing.T) {
	const rendered = "apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: team-a}\nstringData: {key: other}\n"
	const live = "apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: team-a}\ndata: {key: cXVvdGVk}\n"
	for engine, text := range map[string]string{
		"Rego":    regoTemplateText("violation[{\"msg\": msg}] { msg := input.review.oldObject.data.key }"),
		"Kyverno": kyvernoText{resources: "secrets", validation: `{expression: "request.operation == 'CREATE'", messageExpression: "string(oldObject.data.key)"}`}.String(),
	} {
		input := sealed(t, rendered)
		input.Source.Live = objects(t, live)
		finding := one(t, withPolicy(judgeWith(t, policyConfig(t, text, nil), input)))
		if finding.Indeterminate || strings.Contains(finding.Message+strings.Join(finding.Details, ""), "cXVvdGVk") {
			t.Errorf("%s: %+v", engine, finding)
		}
	}
}

// withPolicy are the findings of policies.
func withPolicy(findings []plugin.Finding) []plugin.Finding {
	var out []plugin.Finding
	for _, finding := range findings {
		if strings.HasPrefix(finding.Rule, "policy/") {
			out = append(out, finding)
		}
	}
	return out
}
