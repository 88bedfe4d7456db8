package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// exceptionText is a PolicyException from team-label. Tests run on 1 June 2026.
type exceptionText struct {
	expires, condition, spec, kind, properties string
}

func (x exceptionText) String() string {
	or := func(text, otherwise string) string {
		if text == "" {
			return otherwise
		}
		return text
	}
	return fmt.Sprintf(`
---
apiVersion: policies.kyverno.io/v1
kind: PolicyException
metadata: {name: old-web, namespace: platform}
spec:
  policyRefs: [{name: team-label, kind: %s}]
  matchConditions: [{name: a, expression: %q}]
  expiresAt: %q
  properties: {%s}
  %s`, or(x.kind, "ValidatingPolicy"), or(x.condition, "object.metadata.name == 'web'"), or(x.expires, "2026-09-01T00:00:00Z"),
		or(x.properties, "owner: team-a, reason: it moves, ticket: T-1, approved-by: platform@example.com"), x.spec)
}

func TestKyvernoException_ACoveredFindingIsAWarningThatSaysSo(t *testing.T) {
	config := policyConfig(t, kyvernoText{}.String()+exceptionText{}.String(), nil)
	finding := one(t, judgeWith(t, config, sealed(t, unlabelled)))
	want := plugin.Waived{Kind: "exception", Owner: "team-a", Approver: "platform@example.com", Reason: "it moves (T-1)", Until: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)}
	if finding.Level != plugin.Warn || finding.Waiver == nil || *finding.Waiver != want || finding.Rule != "policy/team-label" ||
		!strings.Contains(strings.Join(finding.Details, "; "), `covered by PolicyException "old-web"`) {
		t.Errorf("%+v %+v", finding, finding.Waiver)
	}
	if found := judgeWith(t, config, sealed(t, labelled)); len(found) != 0 {
		t.Errorf("nothing to cover: %+v", found)
	}
	other := strings.Replace(unlabelled, "name: web", "name: api", 1)
	if finding := one(t, judgeWith(t, config, sealed(t, other))); finding.Level != plugin.Deny || finding.Waiver != nil {
		t.Errorf("twin: %+v", finding)
	}
}

func TestKyvernoException_WhetherItHoldsIsDecidedAtTheTimeOfTheRun(t *testing.T) {
	for name, test := range map[string]struct {
		expires string
		level   plugin.Level
		note    string
	}{
		"in force":           {"2026-09-01T00:00:00Z", plugin.Warn, ""},
		"ends soon":          {"2026-06-10T00:00:00Z", plugin.Warn, "waiver/ending"},
		"ends at this time":  {"2026-06-01T00:00:00Z", plugin.Warn, "waiver/ending"},
		"past its end":       {"2026-05-31T23:59:59Z", plugin.Deny, "waiver/expired"},
		"too far ahead":      {"2027-06-01T00:00:00Z", plugin.Deny, "waiver/too-long"},
		"the longest":        {"2026-11-28T00:00:00Z", plugin.Warn, ""},
		"one second too far": {"2026-11-28T00:00:01Z", plugin.Deny, "waiver/too-long"},
	} {
		t.Run(name, func(t *testing.T) {
			found := judgeWith(t, policyConfig(t, kyvernoText{}.String()+exceptionText{expires: test.expires}.String(), nil), sealed(t, unlabelled))
			finding := one(t, withRule(found, "policy/team-label"))
			if finding.Level != test.level || (finding.Waiver != nil) != (test.level == plugin.Warn) {
				t.Errorf("%+v", finding)
			}
			if test.note == "" {
				if len(found) != 1 {
					t.Errorf("%+v", found)
				}
				return
			}
			if note := one(t, withRule(found, test.note)); note.Level != plugin.Warn || note.Origin.Line == 0 || note.Object != finding.Object || !strings.Contains(note.Hint, "team-a") && test.note != "waiver/too-long" {
				t.Errorf("%+v", note)
			}
		})
	}
}

func TestKyvernoException_TheGatesTermsBindIt(t *testing.T) {
	text := kyvernoText{}.String() + exceptionText{expires: "2026-08-01T00:00:00Z"}.String()
	for name, test := range map[string]struct {
		terms gate.WaiverTerms
		note  string
	}{
		"a rule that is never waived": {gate.WaiverTerms{Never: []string{"policy/team-label"}}, "waiver/not-allowed"},
		"an area":                     {gate.WaiverTerms{Never: []string{"policy/*"}}, "waiver/not-allowed"},
		"another rule":                {gate.WaiverTerms{Never: []string{"policy/other"}}, ""},
		"too long":                    {gate.WaiverTerms{MaxDays: 30}, "waiver/too-long"},
		"not too long":                {gate.WaiverTerms{MaxDays: 61}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			config := policyConfig(t, text, nil)
			config.WaiverTerms = test.terms
			found := judgeWith(t, config, sealed(t, unlabelled))
			if finding := one(t, withRule(found, "policy/team-label")); finding.Level.Blocks() != (test.note != "") || (finding.Waiver == nil) != (test.note != "") {
				t.Errorf("%+v", finding)
			}
			if test.note != "" {
				one(t, withRule(found, test.note))
			}
		})
	}
}

func TestKyvernoException_ItIsAboutItsOwnPolicyAlone(t *testing.T) {
	other := strings.Replace(kyvernoText{}.String(), "team-label", "other", 1)
	found := judgeWith(t, policyConfig(t, kyvernoText{}.String()+"\n---\n"+other+exceptionText{}.String(), nil), sealed(t, unlabelled))
	if finding := one(t, withRule(found, "policy/other")); finding.Level != plugin.Deny || finding.Waiver != nil {
		t.Errorf("%+v", finding)
	}
	if finding := one(t, withRule(found, "policy/team-label")); finding.Level != plugin.Warn {
		t.Errorf("%+v", finding)
	}
}

func TestKyvernoException_ImagesAndValuesAreHandedToThePolicy(t *testing.T) {
	policy := kyvernoText{resources: "pods",
		validation: `{expression: "object.spec.containers.all(c, c.image in exceptions.allowedImages || c.name in exceptions.allowedValues)", message: not allowed}`}.String()
	object := func(name, image string) string {
		return podOf("Pod", "{containers: [{name: "+name+", image: "+image+"}]}")
	}
	exception := exceptionText{spec: "images: [a.example.com/web:1]\n  allowedValues: [sidecar]", condition: "true"}.String()
	for name, test := range map[string]struct {
		text, object string
		waived       bool
	}{
		"an image of the list":      {policy + exception, object("web", "a.example.com/web:1"), true},
		"another image":             {policy + exception, object("web", "a.example.com/web:2"), false},
		"a value of the list":       {policy + exception, object("sidecar", "a.example.com/web:2"), true},
		"no exception":              {policy, object("web", "a.example.com/web:1"), false},
		"an exception past its end": {policy + strings.Replace(exception, "2026-09-01", "2026-05-01", 1), object("web", "a.example.com/web:1"), false},
	} {
		t.Run(name, func(t *testing.T) {
			finding := one(t, withRule(judgeWith(t, policyConfig(t, test.text, nil), sealed(t, test.object)), "policy/team-label"))
			if (finding.Waiver != nil) != test.waived || (finding.Level == plugin.Warn) != test.waived {
				t.Errorf("%+v", finding)
			}
		})
	}
}

func TestKyvernoException_OneThatCannotBeDecidedCoversNothing(t *testing.T) {
	for condition, says := range map[string]string{
		`resource.Get("v1", "a", "b", "c").size() > 0`: "depends on resource",
		`object.data.nothing == "x"`:                   "cannot be evaluated",
	} {
		finding := one(t, judgeWith(t, policyConfig(t, kyvernoText{}.String()+exceptionText{condition: condition}.String(), nil), sealed(t, unlabelled)))
		if finding.Level != plugin.Deny || finding.Waiver != nil || !strings.Contains(strings.Join(finding.Details, "; "), says) {
			t.Errorf("%s: %+v", condition, finding)
		}
	}
}

func TestKyvernoException_OneForAWorkloadCoversItsPods(t *testing.T) {
	policy := kyvernoText{resources: "pods", validation: quoted("false")}
	named := exceptionText{condition: "object.metadata.name == 'web' && object.kind == 'Deployment'"}.String()
	deployment := sealed(t, podOf("Deployment", "{containers: [{name: web, image: a}]}"))
	if finding := one(t, withRule(judgeWith(t, policyConfig(t, policy.String()+named, nil), deployment), "policy/team-label")); finding.Waiver == nil {
		t.Errorf("%+v", finding)
	}
	policy.spec = "autogen: {podControllers: {controllers: []}}"
	if finding := one(t, withRule(judgeWith(t, policyConfig(t, policy.String()+named, nil), deployment), "policy/team-label")); finding.Waiver != nil || finding.Level != plugin.Deny {
		t.Errorf("twin: Kyverno asks about the Pods alone: %+v", finding)
	}
}

func TestKyvernoException_ALevelOfTheGateDoesNotTakeItBack(t *testing.T) {
	deny := func(g *gate.Gate) { g.Spec.Judge.Rules = []gate.RuleLevel{{Rule: "policy/team-label", Level: "Deny"}} }
	text := kyvernoText{actions: "Warn"}.String()
	if finding := one(t, judgeWith(t, policyConfig(t, text+exceptionText{}.String(), deny), sealed(t, unlabelled))); finding.Level != plugin.Warn {
		t.Errorf("%+v", finding)
	}
	if finding := one(t, judgeWith(t, policyConfig(t, text, deny), sealed(t, unlabelled))); finding.Level != plugin.Deny {
		t.Errorf("twin: %+v", finding)
	}
}

func TestKyvernoException_OneInTheRenderingIsNone(t *testing.T) {
	document := strings.TrimPrefix(exceptionText{}.String(), "\n---\n")
	found := judgeWith(t, policyConfig(t, kyvernoText{}.String(), nil), sealed(t, unlabelled+"---\n"+document))
	if finding := one(t, withRule(found, "policy/team-label")); finding.Level != plugin.Deny || finding.Waiver != nil {
		t.Errorf("%+v", finding)
	}
}

func TestKyvernoException_WhatAWaiverMustSayAnExceptionMust(t *testing.T) {
	policy := kyvernoText{}.String()
	for name, test := range map[string]struct {
		text string
		says string
	}{
		"no end":                  {strings.Replace(exceptionText{}.String(), `expiresAt: "2026-09-01T00:00:00Z"`, "", 1), "no expiresAt"},
		"no owner":                {exceptionText{properties: "reason: a, ticket: b, approved-by: c"}.String(), "lacks owner;"},
		"no approver, no reason":  {exceptionText{properties: "owner: a, ticket: b, reason: ' '"}.String(), "lacks reason, approved-by;"},
		"another policy":          {strings.Replace(exceptionText{}.String(), "name: team-label", "name: team", 1), `no ValidatingPolicy "team"`},
		"another kind":            {exceptionText{kind: "NamespacedValidatingPolicy"}.String(), `no NamespacedValidatingPolicy "team-label"`},
		"a kind that is not read": {exceptionText{kind: "ImageValidatingPolicy"}.String(), `"ImageValidatingPolicy" are not read`},
		"no policy":               {strings.Replace(exceptionText{}.String(), "policyRefs: [{name: team-label, kind: ValidatingPolicy}]", "policyRefs: []", 1), "no policyRefs"},
		"does not compile":        {exceptionText{condition: "nothing"}.String(), "matchCondition a does not compile"},
		"reads variables":         {exceptionText{condition: "variables.x"}.String(), "matchCondition a does not compile"},
		"posts":                   {exceptionText{condition: `http.Post("https://example.com", {"a": "b"}).ok == true`}.String(), "calls http.Post"},
		"reads labels":            {exceptionText{condition: "has(object.metadata.labels)"}.String(), "trustObjectLabels"},
		"an unknown field":        {exceptionText{spec: "image: [a]"}.String(), "unknown field"},
		"mode JSON":               {exceptionText{spec: "evaluationMode: JSON"}.String(), `"JSON"`},
		"an unknown result":       {exceptionText{spec: "reportResult: fail"}.String(), `"fail"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewCompiler().Compile(policyConfig(t, policy+test.text, nil))
			if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "policy.yaml:11") {
				t.Errorf("error %v, want one with %q and the line", err, test.says)
			}
		})
	}
}
