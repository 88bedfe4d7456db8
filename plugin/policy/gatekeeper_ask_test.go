package policy

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

func regoTemplateText(body string) string {
	return templateText{rego: "package k8sowner\n" + body}.String()
}

const v1Rego = `
package k8sowner
violation contains {"msg": msg} if {
  not input.review.object.metadata.labels.owner
  msg := "no owner"
}`

// v1Text is the template as code of the engine Rego in version v1.
func v1Text(t testing.TB) string {
	t.Helper()
	text := templateText{}.String()
	from, to := strings.Index(text, "      rego: |\n"), strings.Index(text, "---\n")
	code := "      code:\n        - engine: Rego\n          source:\n            version: v1\n            rego: |\n              " +
		strings.ReplaceAll(strings.TrimSpace(v1Rego), "\n", "\n              ") + "\n"
	return text[:from] + code + text[to:]
}

func TestGatekeeper_RegoOfVersionOneIsRead(t *testing.T) {
	text := v1Text(t)
	if finding := one(t, constraintFindings(t, text, unowned, nil)); finding.Message != "no owner" {
		t.Errorf("%+v", finding)
	}
	if found := constraintFindings(t, text, owned, nil); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
	_, err := NewCompiler().Compile(constraintConfig(t, strings.Replace(text, "version: v1", "version: v0", 1), nil))
	if err == nil || !strings.Contains(err.Error(), "does not parse as Rego v0") {
		t.Errorf("as v0: %v", err)
	}
	_, err = NewCompiler().Compile(constraintConfig(t, strings.Replace(text, "version: v1", "version: v2", 1), nil))
	if err == nil || !strings.Contains(err.Error(), `the version "v2" of its Rego is neither v0 nor v1`) {
		t.Errorf("as v2: %v", err)
	}
}

func TestGatekeeper_LibrariesAreRead(t *testing.T) {
	library := `libs: ["package lib.owner\nmissing(o) { not o.metadata.labels.owner }"]`
	text := templateText{target: library, rego: "package k8sowner\nimport data.lib.owner\nviolation[{\"msg\": \"no owner\"}] { owner.missing(input.review.object) }"}.String()
	one(t, constraintFindings(t, text, unowned, nil))
	if found := constraintFindings(t, text, owned, nil); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestGatekeeper_TheReviewIsTheWebhooks(t *testing.T) {
	for name, test := range map[string]struct {
		condition string
		want      bool
	}{
		"kind":             {`input.review.kind == {"group": "", "version": "v1", "kind": "ConfigMap"}`, true},
		"resource":         {`input.review.resource.resource == "configmaps"`, true},
		"operation":        {`input.review.operation == "CREATE"`, true},
		"no deletion":      {`input.review.operation == "DELETE"`, false},
		"name":             {`input.review.name == "web"`, true},
		"namespace":        {`input.review.namespace == "team-a"`, true},
		"object":           {`input.review.object.kind == "ConfigMap"; input.review.object.apiVersion == "v1"`, true},
		"dry run":          {`input.review.dryRun`, false},
		"parameters":       {`input.parameters.label == "owner"`, true},
		"the run's clock":  {`time.now_ns() == 1780272000000000000`, true},
		"nothing else":     {`input.constraints`, false},
		"no old on create": {`input.review.operation == "CREATE"; input.review.oldObject != null`, false},
	} {
		t.Run(name, func(t *testing.T) {
			found := blocking(constraintFindings(t, regoTemplateText("violation[{\"msg\": \"x\"}] { "+test.condition+" }"), unowned, nil))
			certain := len(found) > 0 && !found[0].Indeterminate
			if certain != test.want {
				t.Errorf("%+v, want %v", found, test.want)
			}
		})
	}
}

func TestGatekeeper_WhatTheWebhookAloneKnowsIsIndeterminate(t *testing.T) {
	for name, test := range map[string]struct{ condition, says string }{
		"who applies it":   {`input.review.userInfo.username == "x"`, "request.userInfo"},
		"not by whom":      {`not input.review.userInfo.username == "x"`, "request.userInfo"},
		"by a function":    {`of(input.review) == "x"`, "request.userInfo"},
		"by a variable":    {`k := ["userInfo"][_]; input.review[k].username == "x"`, "request.userInfo"},
		"by a walk":        {`walk(input.review, [["userInfo", "username"], "x"])`, "request.userInfo"},
		"the old object":   {`input.review.operation == "UPDATE"; input.review.oldObject.data.key != "x"`, "oldObject"},
		"the Namespace":    {`input.review.namespaceObject.metadata.labels.tier == "x"`, "namespaceObject"},
		"no Namespace":     {`not input.review.namespaceObject.metadata.labels.tier`, "namespaceObject"},
		"options":          {`input.review.options.fieldManager == "x"`, "options"},
		"the request's id": {`startswith(input.review.uid, "a")`, "uid"},
	} {
		t.Run(name, func(t *testing.T) {
			text := regoTemplateText("of(review) = name { name := review.userInfo.username }\nviolation[{\"msg\": \"x\"}] { " + test.condition + " }")
			finding := one(t, constraintFindings(t, text, unowned, nil))
			if !finding.Indeterminate || finding.Level != plugin.Deny || !strings.Contains(strings.Join(finding.Details, "\n"), test.says) {
				t.Errorf("%+v, want indeterminate about %q", finding, test.says)
			}
			warn := func(g *gate.Gate) { g.Spec.Judge.Indeterminate = "Warn" }
			if finding := one(t, constraintFindings(t, text, unowned, warn)); finding.Level != plugin.Warn {
				t.Errorf("with indeterminate: Warn: %+v", finding)
			}
		})
	}
}

func TestGatekeeper_WhatIsTheSameEitherWayIsDecided(t *testing.T) {
	for name, test := range map[string]struct {
		condition string
		want      int
	}{
		"passes whoever applies it":      {`input.review.userInfo.username == "x"; input.review.object.metadata.name == "api"`, 0},
		"fails whoever applies it":       {`input.review.object.metadata.name == "web"`, 1},
		"passes on creation and update":  {`input.review.operation == "UPDATE"; input.review.object.metadata.name == "api"; input.review.oldObject.data`, 0},
		"the name of a field is no read": {`input.review.object.metadata.name == "userInfo"`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			text := regoTemplateText("mentions = [\"userInfo\", \"oldObject\"]\nviolation[{\"msg\": \"certain\"}] { " + test.condition + " }")
			found := constraintFindings(t, text, unowned, nil)
			if len(found) != test.want || test.want == 1 && (found[0].Indeterminate || found[0].Message != "certain") {
				t.Errorf("%+v", found)
			}
		})
	}
}

func TestGatekeeper_TheDeployerOfTheGateIsTheUser(t *testing.T) {
	text := regoTemplateText("violation[{\"msg\": \"x\"}] { input.review.userInfo.username != \"system:serviceaccount:argocd:argocd\" }")
	as := func(name string) func(*gate.Gate) {
		return func(g *gate.Gate) { g.Spec.Judge.Deployer = &gate.Deployer{Username: name} }
	}
	if finding := one(t, constraintFindings(t, text, unowned, as("somebody"))); finding.Indeterminate {
		t.Errorf("%+v", finding)
	}
	if found := constraintFindings(t, text, unowned, as("system:serviceaccount:argocd:argocd")); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestGatekeeper_OperationsOfTheTemplateAreKept(t *testing.T) {
	on := func(operations string) string {
		return templateText{target: "operations: [" + operations + "]"}.String()
	}
	for operations, want := range map[string]int{"CREATE": 1, "UPDATE": 1, "CREATE, UPDATE": 1, `"*"`: 1, "DELETE": 0} {
		if found := constraintFindings(t, on(operations), unowned, nil); len(found) != want {
			t.Errorf("%s: %+v, want %d", operations, found, want)
		}
	}
}

func TestGatekeeper_OddViolationsAreSaid(t *testing.T) {
	for name, test := range map[string]struct {
		body, want string
		level      plugin.Level
	}{
		"no msg":                {`violation[{"text": "x"}] { true }`, "a violation without msg", plugin.Warn},
		"msg that is no text":   {`violation[{"msg": {"a": 1}}] { true }`, `{"a":1}`, plugin.Deny},
		"empty msg":             {`violation[{"msg": ""}] { true }`, "the policy gives no message", plugin.Deny},
		"no set":                {`violation = true { true }`, "its rule violation is no set", plugin.Deny},
		"a function that fails": {`violation[{"msg": "x"}] { to_number("a") > 1 }`, "a function failed, which Gatekeeper takes for undefined", plugin.Warn},
		"two values of one":     {"violation[{\"msg\": a}] { true }\na = \"x\" { true }\na = \"y\" { true }", "the template could not be evaluated: ", plugin.Deny},
		"several lines":         {`violation[{"msg": "a\nb"}] { true }`, "a b", plugin.Deny},
	} {
		t.Run(name, func(t *testing.T) {
			finding := one(t, constraintFindings(t, regoTemplateText(test.body), unowned, nil))
			if !strings.Contains(finding.Message, test.want) || finding.Level != test.level {
				t.Errorf("%+v", finding)
			}
		})
	}
}

func TestGatekeeper_MessagesAboutSecretsQuoteNothing(t *testing.T) {
	text := regoTemplateText(`violation[{"msg": msg, "details": {"value": msg}}] { msg := input.review.object.data.key }`)
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: team-a}\ndata: {key: c2VjcmV0}\n"
	finding := one(t, constraintFindings(t, text, secret, nil))
	if strings.Contains(finding.Message+strings.Join(finding.Details, ""), "c2VjcmV0") {
		t.Errorf("%+v", finding)
	}
	if twin := one(t, constraintFindings(t, text, strings.Replace(secret, "Secret", "ConfigMap", 1), nil)); twin.Message != "c2VjcmV0" {
		t.Errorf("twin: %+v", twin)
	}
}

func TestGatekeeper_ThePodsThatWorkloadsMakeAreJudged(t *testing.T) {
	text := templateText{match: "{kinds: [{apiGroups: [\"\"], kinds: [Pod]}]}", rego: `
package k8sowner
violation[{"msg": msg}] {
  image := input.review.object.spec.containers[_].image
  not startswith(image, "registry.example.com/")
  msg := sprintf("image %v is of another registry", [image])
}`}.String()
	for _, kind := range []string{"Pod", "Deployment", "CronJob", "Rollout"} {
		finding := one(t, constraintFindings(t, text, podOf(kind, "{containers: [{name: web, image: other.example.com/web:1}]}"), nil))
		if finding.Object.Kind != kind || (kind != "Pod") != strings.HasSuffix(finding.Field, "template") {
			t.Errorf("%s: %+v", kind, finding)
		}
		if found := constraintFindings(t, text, podOf(kind, "{containers: [{name: web, image: registry.example.com/web:1}]}"), nil); len(found) != 0 {
			t.Errorf("%s, twin: %+v", kind, found)
		}
	}
}

func TestGatekeeper_TheFieldOfTheDetailsIsTheFindings(t *testing.T) {
	text := regoTemplateText(`violation[{"msg": "x", "details": {"field": "data.key"}}] { true }`)
	if finding := one(t, constraintFindings(t, text, unowned, nil)); finding.Field != "data.key" {
		t.Errorf("%+v", finding)
	}
}

const uniqueRego = `
package k8sowner
violation[{"msg": msg}] {
  other := data.inventory.namespace[ns][_]["ConfigMap"][name]
  not same(other)
  other.data.host == input.review.object.data.host
  msg := sprintf("%v/%v has the same host", [ns, name])
}
same(other) { other.metadata.name == input.review.object.metadata.name; other.metadata.namespace == input.review.namespace }`

func TestGatekeeper_TheInventoryIsTheRendering(t *testing.T) {
	config := func(name, host string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", namespace: team-a}\ndata: {host: " + host + "}\n"
	}
	text := templateText{rego: uniqueRego}.String()
	found := constraintFindings(t, text, config("web", "a")+"---\n"+config("api", "a"), nil)
	if len(found) != 2 || found[0].Level != plugin.Deny || found[0].Indeterminate || !strings.Contains(found[0].Message, "team-a/api has the same host") ||
		!strings.Contains(strings.Join(found[0].Details, "\n"), "without the cluster's own") {
		t.Fatalf("%+v", found)
	}
	twin := one(t, constraintFindings(t, text, config("web", "a")+"---\n"+config("api", "b"), nil))
	if !twin.Indeterminate || twin.Level != plugin.Deny || !strings.Contains(twin.Message, "not seen before the sync") {
		t.Errorf("twin: %+v", twin)
	}
	complete := func(g *gate.Gate) { g.Spec.Judge.InventoryComplete = true }
	if twin := one(t, constraintFindings(t, text, config("web", "a")+"---\n"+config("api", "b"), complete)); twin.Level != plugin.Info || twin.Indeterminate {
		t.Errorf("complete: %+v", twin)
	}
}

// endless is a template that would not answer for hours.
func endless() string {
	return regoTemplateText(`violation[{"msg": "x"}] { a := numbers.range(1, 100000); a[_] + a[_] == 1 }`)
}

func TestGatekeeper_ATemplateThatCostsTooMuchIsADenial(t *testing.T) {
	judge := judgeOf(t, constraintConfig(t, endless(), nil)).(*gateJudge)
	for _, each := range judge.engines {
		if engine, ok := each.(*constraints); ok {
			engine.deadline = 50 * time.Millisecond
		}
	}
	found := blocking(judge.Judge(t.Context(), sealed(t, unowned+"---\n"+strings.Replace(unowned, "web", "api", 1))))
	if len(found) == 0 || !strings.Contains(found[0].Message, "costs too much") || found[0].Level != plugin.Deny {
		t.Errorf("%+v", found)
	}
}

func TestGatekeeper_ACallerThatDoesNotWaitHasNoAnswer(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	findings := judgeOf(t, constraintConfig(t, endless(), nil)).Judge(ctx, sealed(t, unowned))
	if finding := one(t, findings); finding.Level != plugin.Undetermined {
		t.Errorf("%+v", finding)
	}
}
