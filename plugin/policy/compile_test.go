package policy

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

func TestCompile_WhatIsNotSupportedIsRefusedByNameAndLine(t *testing.T) {
	labels := `objectSelector: {matchLabels: {gate: "on"}}`
	for name, test := range map[string]struct {
		text string
		says string
	}{
		"does not compile":            {policyText{validation: `{expression: "object.("}`}.String(), "does not compile"},
		"not a bool":                  {policyText{validation: `{expression: "'x'"}`}.String(), "does not compile"},
		"variable does not compile":   {policyText{spec: `variables: [{name: a, expression: "nothing"}]`}.String(), `variable "a" does not compile`},
		"condition does not compile":  {policyText{spec: `matchConditions: [{name: a, expression: "nothing"}]`}.String(), "matchConditions does not compile"},
		"message does not compile":    {policyText{validation: `{expression: "true", messageExpression: "1"}`}.String(), "messageExpression does not compile"},
		"params by expression":        {policyText{validation: `{expression: "params.x == 1"}`}.String(), "does not compile"},
		"unknown field":               {policyText{spec: "failurPolicy: Fail"}.String(), "failurPolicy"},
		"unknown failure policy":      {policyText{spec: "failurePolicy: Maybe"}.String(), `"Maybe"`},
		"unknown action":              {policyText{actions: "Deny, Log"}.String(), `"Log"`},
		"no action":                   {strings.Replace(policyText{}.String(), "validationActions: [Deny]", "validationActions: []", 1), "no validationActions"},
		"no validations":              {strings.Replace(policyText{}.String(), "validations:", "validations: [] #", 1), "no validations"},
		"unknown match policy":        {policyText{match: "matchPolicy: Roughly"}.String(), `"Roughly"`},
		"object selector":             {policyText{match: labels}.String(), "trustObjectLabels"},
		"object selector of binding":  {policyText{bindingMatch: "matchResources: {" + labels + "}"}.String(), "trustObjectLabels"},
		"condition that reads labels": {policyText{spec: `matchConditions: [{name: a, expression: "!has(object.metadata.labels) || !('skip' in object.metadata.labels)"}]`}.String(), "trustObjectLabels"},
		"labels by another name":      {policyText{spec: `matchConditions: [{name: a, expression: "[object.metadata].exists(m, !has(m.labels))"}]`}.String(), "trustObjectLabels"},
		"labels by index":             {policyText{spec: `matchConditions: [{name: a, expression: "!('skip' in object.metadata['labels'])"}]`}.String(), "trustObjectLabels"},
		"labels by option":            {policyText{spec: `matchConditions: [{name: a, expression: "!object.metadata.?labels.skip.hasValue()"}]`}.String(), "trustObjectLabels"},
		"selector that cannot be":     {policyText{match: "namespaceSelector: {matchExpressions: [{key: a, operator: Near}]}"}.String(), "namespaceSelector"},
		"rule without operations":     {strings.Replace(policyText{}.String(), "operations: [CREATE, UPDATE], ", "", 1), "operations"},
		"another kind":                {"apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {name: a}", "MutatingWebhookConfiguration"},
		"another group":               {"apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: a}", "kyverno.io/v1 ClusterPolicy"},
		"an old version":              {strings.ReplaceAll(policyText{}.String(), "k8s.io/v1\n", "k8s.io/v1alpha1\n"), "v1alpha1"},
		"there twice":                 {policyText{}.String() + "\n---\n" + policyText{}.String(), "there twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewCompiler().Compile(policyConfig(t, test.text, nil))
			if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "policy.yaml:") {
				t.Errorf("error %v, want one with %q and the line", err, test.says)
			}
		})
	}
	if _, err := NewCompiler().Compile(policyConfig(t, policyText{}.String(), nil)); err != nil {
		t.Errorf("twin: %v", err)
	}
}

func TestCompile_LabelsOfObjectsCountWhenTheGateTrustsThem(t *testing.T) {
	trust := func(g *gate.Gate) { g.Spec.Judge.TrustObjectLabels = true }
	config := policyConfig(t, policyText{match: `objectSelector: {matchLabels: {gate: "on"}}`}.String(), trust)
	one(t, judgeWith(t, config, sealed(t, strings.Replace(unlabelled, "namespace: team-a", `namespace: team-a, labels: {gate: "on"}`, 1))))
	if found := judgeWith(t, config, sealed(t, unlabelled)); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestCompile_AnotherGateThatDoesNotTrustLabelsStillRefuses(t *testing.T) {
	compiler := NewCompiler()
	text := policyText{spec: `matchConditions: [{name: a, expression: "!has(object.metadata.labels)"}]`}.String()
	if _, err := compiler.Compile(policyConfig(t, text, func(g *gate.Gate) { g.Spec.Judge.TrustObjectLabels = true })); err != nil {
		t.Fatal(err)
	}
	if _, err := compiler.Compile(policyConfig(t, text, nil)); err == nil {
		t.Error("what the first gate compiled was taken unchecked by the second")
	}
}

func TestCompile_PoliciesAndBindingsWithoutEachOtherAreWarnings(t *testing.T) {
	parts := strings.Split(policyText{}.String(), "\n---\n")
	for name, test := range map[string]struct{ text, rule string }{
		"policy":  {parts[0], rulePolicyWithoutBinding},
		"binding": {parts[1], ruleBindingWithoutPolicy},
	} {
		compiled, err := NewCompiler().Compile(policyConfig(t, test.text, nil))
		if err != nil {
			t.Fatal(err)
		}
		if warning := one(t, compiled.Warnings); warning.Rule != test.rule || warning.Level != plugin.Warn || warning.Origin.File != "policy.yaml" {
			t.Errorf("%s: %+v", name, warning)
		}
		if found := compiled.Judges[0].Judge(t.Context(), sealed(t, unlabelled)); len(found) != 0 {
			t.Errorf("%s alone is in force: %+v", name, found)
		}
	}
	compiled, err := NewCompiler().Compile(policyConfig(t, policyText{}.String(), nil))
	if err != nil || len(compiled.Warnings) != 0 {
		t.Errorf("twin: %+v, %v", compiled.Warnings, err)
	}
}

func TestCompile_TheGateNamesItsPolicies(t *testing.T) {
	named := func(name string) Config {
		return policyConfig(t, policyText{}.String(), func(g *gate.Gate) { g.Spec.Judge.Policies = []string{name} })
	}
	one(t, judgeWith(t, named("team-label"), sealed(t, unlabelled)))
	if _, err := NewCompiler().Compile(named("team-labels")); err == nil || !strings.Contains(err.Error(), `did you mean "team-label"?`) {
		t.Errorf("error %v", err)
	}
}

func TestCompile_LevelsOfSingleRules(t *testing.T) {
	bare := podOf("Deployment", `{containers: [{name: web, image: "registry.example.com/web:1"}]}`)
	level := func(rule, level string) []plugin.Finding {
		config := restrictedGate()
		config.Gate.Spec.Judge.Packs = []string{"pack/workload@1"}
		config.Gate.Spec.Judge.Rules = []gate.RuleLevel{{Rule: rule, Level: level}}
		return withRule(judgeWith(t, config, sealed(t, bare)), rule)
	}
	for _, test := range []struct {
		rule, level string
		want        plugin.Level
	}{
		{"pss/runAsNonRoot", "Warn", plugin.Warn}, {"pss/runAsNonRoot", "Deny", plugin.Deny},
		{"workload/memory-limit", "Warn", plugin.Warn}, {"workload/memory-limit", "Deny", plugin.Deny},
	} {
		if finding := one(t, level(test.rule, test.level)); finding.Level != test.want {
			t.Errorf("%s %s: %+v", test.rule, test.level, finding)
		}
	}
	for _, rule := range []string{"pss/runAsNonRoot", "workload/memory-limit"} {
		if found := level(rule, "Off"); len(found) != 0 {
			t.Errorf("%s is off: %+v", rule, found)
		}
	}
}

func TestCompile_WrongRuleLevelsAreErrors(t *testing.T) {
	for name, test := range map[string]struct {
		rules []gate.RuleLevel
		says  string
	}{
		"unknown rule":  {[]gate.RuleLevel{{Rule: "pss/runAsNonRoots", Level: "Off"}}, `did you mean "pss/runAsNonRoot"?`},
		"unknown level": {[]gate.RuleLevel{{Rule: "pss/runAsNonRoot", Level: "off"}}, "none of Deny, Warn, Off"},
		"empty level":   {[]gate.RuleLevel{{Rule: "pss/runAsNonRoot"}}, "none of Deny, Warn, Off"},
		"self":          {[]gate.RuleLevel{{Rule: "self/rbac", Level: "Off"}}, "cannot be set"},
		"an image rule": {[]gate.RuleLevel{{Rule: "image/not-signed", Level: "Off"}}, "cannot be set"},
		"twice":         {[]gate.RuleLevel{{Rule: "pss/runAsNonRoot", Level: "Off"}, {Rule: "pss/runAsNonRoot", Level: "Warn"}}, "there twice"},
	} {
		config := restrictedGate()
		config.Gate.Spec.Judge.Rules = test.rules
		if _, err := NewCompiler().Compile(config); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %v, want %q", name, err, test.says)
		}
	}
	config := restrictedGate()
	config.Gate.Spec.Judge.Indeterminate = "Perhaps"
	if _, err := NewCompiler().Compile(config); err == nil {
		t.Error("indeterminate: Perhaps is accepted")
	}
}

func TestJudge_ARuleThatIsNotEffectiveYetWarns(t *testing.T) {
	judge := &gateJudge{packs: map[string]Rule{"workload/new": {ID: "workload/new", EffectiveOn: "2026-07-01"}}}
	finding := plugin.Finding{Rule: "workload/new"}
	for day, want := range map[string]plugin.Level{"2026-06-30": plugin.Warn, "2026-07-01": plugin.Deny, "2027-01-01": plugin.Deny} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		if adjusted, _ := judge.adjust(finding, at); adjusted.Level != want {
			t.Errorf("on %s: %s, want %s", day, adjusted.Level, want)
		}
	}
	judge.levels = map[string]ruleLevel{"workload/new": levelDeny}
	if adjusted, _ := judge.adjust(finding, time.Time{}); adjusted.Level != plugin.Deny {
		t.Error("a gate that asks for Deny waits for the day")
	}
}

func TestJudge_NotesAreNotRaised(t *testing.T) {
	config := Config{Gate: gateWith(gate.Judge{Packs: []string{"pack/supply-chain@1"}, Rules: []gate.RuleLevel{{Rule: "secret/plaintext", Level: "Deny"}}})}
	encrypted := "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {password: 'ENC[AES256_GCM,data:p6,iv:Y,tag:w,type:str]'}\n"
	if finding := one(t, judgeWith(t, config, sealed(t, encrypted))); finding.Level != plugin.Info {
		t.Errorf("%+v", finding)
	}
}

func TestNotPinned_AnImageWithoutAnAnswerIsLeftToTheResolveStage(t *testing.T) {
	config := Config{Gate: gateWith(gate.Judge{Packs: []string{"pack/supply-chain@1"}})}
	input := sealed(t, podOf("Deployment", `{containers: [{name: web, image: "registry.example.com/web:1"}]}`))
	images, _ := plugin.ImageFinder{}.Find(input.Objects)
	input.Images = plugin.NewImageIndex(images)
	if found := withRule(judgeWith(t, config, input), ruleNotPinned); len(found) != 0 {
		t.Errorf("%+v", found)
	}
	images[0].Digest = "sha256:" + strings.Repeat("a", 64)
	if finding := one(t, withRule(judgeWith(t, config, input), ruleNotPinned)); finding.Field != "spec.template.spec.containers[0].image" || finding.Level != plugin.Deny {
		t.Errorf("twin: %+v", finding)
	}
}

func TestCompiler_GatesShareWhatIsCompiledAndMayRunSideBySide(t *testing.T) {
	compiler := NewCompiler()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			config := policyConfig(t, policyText{}.String(), func(g *gate.Gate) { g.Spec.Judge.Packs = []string{"pack/workload@1"} })
			compiled, err := compiler.Compile(config)
			if err != nil {
				t.Error(err)
				return
			}
			for range 3 {
				if found := withRule(compiled.Judges[0].Judge(t.Context(), sealed(t, unlabelled)), "policy/team-label"); len(found) != 1 {
					t.Errorf("%+v", found)
				}
			}
		})
	}
	group.Wait()
	at := slices.IndexFunc(packs(), func(each pack) bool { return each.name == "pack/workload@1" })
	if want := 1 + len(packs()[at].rules); len(compiler.policies) != want { // all rules of that pack are policies
		t.Errorf("%d policies compiled, want each once: %d", len(compiler.policies), want)
	}
}
