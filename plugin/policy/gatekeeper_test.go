package policy

import (
	"context"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// templateText is a ConstraintTemplate and one constraint of it; every field
// has a default.
type templateText struct {
	version string // of the API
	rego    string
	target  string // further lines of the target
	schema  string // openAPIV3Schema, in flow style
	action  string // lines of the constraint's spec
	match   string // in flow style
	params  string // in flow style
}

const ownerRego = `
package k8sowner
violation[{"msg": msg, "details": {"missing": input.parameters.label}}] {
  not input.review.object.metadata.labels[input.parameters.label]
  msg := sprintf("the label %v is missing", [input.parameters.label])
}`

func (t templateText) String() string {
	if t.version == "" {
		t.version = "v1"
	}
	if t.rego == "" {
		t.rego = ownerRego
	}
	if t.schema == "" {
		t.schema = "{type: object, properties: {label: {type: string}}}"
	}
	if t.params == "" {
		t.params = "{label: owner}"
	}
	if t.match == "" {
		t.match = `{kinds: [{apiGroups: [""], kinds: [ConfigMap, Secret, Pod, Namespace]}]}`
	}
	indented := strings.ReplaceAll(strings.TrimSpace(t.rego), "\n", "\n        ")
	return `apiVersion: templates.gatekeeper.sh/` + t.version + `
kind: ConstraintTemplate
metadata:
  name: k8sowner
  annotations: {description: every object says whom to ask}
spec:
  crd:
    spec:
      names: {kind: K8sOwner}
      validation:
        openAPIV3Schema: ` + t.schema + `
  targets:
    - target: admission.k8s.gatekeeper.sh
      ` + t.target + `
      rego: |
        ` + indented + `
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sOwner
metadata: {name: owner}
spec:
  ` + t.action + `
  match: ` + t.match + `
  parameters: ` + t.params + `
`
}

func constraintConfig(t testing.TB, text string, change func(*gate.Gate)) Config {
	t.Helper()
	return policyConfig(t, text, change)
}

const (
	unowned = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: team-a}\n"
	owned   = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: team-a, labels: {owner: team-a}}\n"
)

func TestGatekeeper_AViolationIsDenied(t *testing.T) {
	config := constraintConfig(t, templateText{}.String(), nil)
	finding := one(t, judgeWith(t, config, sealed(t, unowned)))
	details := strings.Join(finding.Details, "\n")
	if finding.Rule != "policy/K8sOwner/owner" || finding.Level != plugin.Deny || finding.Message != "the label owner is missing" ||
		finding.Why != "every object says whom to ask" || finding.Object.Name != "web" ||
		!strings.Contains(details, "policy.yaml:11") || !strings.Contains(details, `details: {"missing":"owner"}`) {
		t.Errorf("%+v", finding)
	}
	if found := judgeWith(t, config, sealed(t, owned)); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestGatekeeper_ACancelledRunHasNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	findings := judgeOf(t, constraintConfig(t, templateText{}.String(), nil)).Judge(ctx, sealed(t, unowned))
	if finding := one(t, findings); finding.Level != plugin.Undetermined {
		t.Errorf("%+v", finding)
	}
}

// denied reports whether the constraint's findings block, and which.
func constraintFindings(t testing.TB, text, object string, change func(*gate.Gate)) []plugin.Finding {
	t.Helper()
	return judgeWith(t, constraintConfig(t, text, change), sealed(t, object))
}

func TestGatekeeper_WhatMatches(t *testing.T) {
	namespace := "apiVersion: v1\nkind: Namespace\nmetadata: {name: team-a}\n"
	generated := "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: web-, namespace: team-a}\n"
	for name, test := range map[string]struct {
		match, object string
		want          bool
	}{
		"no match at all":              {"{}", unowned, true},
		"the kind":                     {`{kinds: [{apiGroups: [""], kinds: [ConfigMap]}]}`, unowned, true},
		"another kind":                 {`{kinds: [{apiGroups: [""], kinds: [Secret]}]}`, unowned, false},
		"another group":                {`{kinds: [{apiGroups: [apps], kinds: [ConfigMap]}]}`, unowned, false},
		"any kind of a group":          {`{kinds: [{apiGroups: [""], kinds: ["*"]}]}`, unowned, true},
		"any group":                    {`{kinds: [{apiGroups: ["*"], kinds: [ConfigMap]}]}`, unowned, true},
		"no group is any":              {`{kinds: [{kinds: [ConfigMap]}]}`, unowned, true},
		"second of the kinds":          {`{kinds: [{kinds: [Pod]}, {kinds: [ConfigMap]}]}`, unowned, true},
		"namespaced":                   {"{scope: Namespaced}", unowned, true},
		"cluster-scoped":               {"{scope: Cluster}", unowned, false},
		"any scope":                    {`{scope: "*"}`, unowned, true},
		"a Namespace is cluster scope": {"{scope: Cluster, kinds: [{kinds: [Namespace]}]}", namespace, true},
		"a Namespace is not in itself": {"{scope: Namespaced, kinds: [{kinds: [Namespace]}]}", namespace, false},
		"its namespace":                {"{namespaces: [team-a]}", unowned, true},
		"another namespace":            {"{namespaces: [team-b]}", unowned, false},
		"prefix":                       {"{namespaces: [team-*]}", unowned, true},
		"suffix":                       {`{namespaces: ["*-a"]}`, unowned, true},
		"within":                       {`{namespaces: ["*eam*"]}`, unowned, true},
		"prefix of another":            {"{namespaces: [kube-*]}", unowned, false},
		"a Namespace by its name":      {"{namespaces: [team-a], kinds: [{kinds: [Namespace]}]}", namespace, true},
		"excluded":                     {"{excludedNamespaces: [team-a]}", unowned, false},
		"excluded by glob":             {`{excludedNamespaces: ["team*"]}`, unowned, false},
		"another excluded":             {"{excludedNamespaces: [kube-system]}", unowned, true},
		"excluded Namespace":           {"{excludedNamespaces: [team-a]}", namespace, false},
		"its name":                     {"{name: web}", unowned, true},
		"another name":                 {"{name: api}", unowned, false},
		"name glob":                    {"{name: w*}", unowned, true},
		"generated name":               {"{name: web-*}", generated, true},
		"generated otherwise":          {"{name: api-*}", generated, false},
		"namespace by name":            {"{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: team-a}}}", unowned, true},
		"another by name":              {"{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: team-b}}}", unowned, false},
		"as it was written":            {"{source: Original}", unowned, true},
		"only what was generated":      {"{source: Generated}", unowned, false},
		"from anywhere":                {"{source: All}", unowned, true},
		"all parts have to agree":      {"{namespaces: [team-a], name: api}", unowned, false},
	} {
		t.Run(name, func(t *testing.T) {
			found := constraintFindings(t, templateText{match: test.match}.String(), test.object, nil)
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

func TestGatekeeper_LabelSelectorsAreForGatesThatTrustLabels(t *testing.T) {
	text := templateText{match: "{labelSelector: {matchLabels: {app: web}}}"}.String()
	_, err := NewCompiler().Compile(constraintConfig(t, text, nil))
	if err == nil || !strings.Contains(err.Error(), "labelSelector reads labels that the application writes") || !strings.Contains(err.Error(), "policy.yaml:11") {
		t.Errorf("got %v", err)
	}
	trusting := func(g *gate.Gate) { g.Spec.Judge.TrustObjectLabels = true }
	labelled := strings.Replace(unowned, "team-a}", "team-a, labels: {app: web}}", 1)
	one(t, constraintFindings(t, text, labelled, trusting))
	if found := constraintFindings(t, text, unowned, trusting); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestGatekeeper_ANamespaceThatNobodyDescribesIsIndeterminate(t *testing.T) {
	text := templateText{match: "{namespaceSelector: {matchLabels: {tier: x}}}"}.String()
	finding := one(t, constraintFindings(t, text, unowned, nil))
	if !finding.Indeterminate || finding.Level != plugin.Deny || !strings.Contains(strings.Join(finding.Details, "\n"), `namespace "team-a"`) {
		t.Errorf("%+v", finding)
	}
	described := func(labels map[string]string) func(*gate.Gate) {
		return func(g *gate.Gate) { g.Spec.Namespaces = []gate.Namespace{{Name: "team-a", Labels: labels}} }
	}
	if finding := one(t, constraintFindings(t, text, unowned, described(map[string]string{"tier": "x"}))); finding.Indeterminate || finding.Level != plugin.Deny {
		t.Errorf("described: %+v", finding)
	}
	if found := constraintFindings(t, text, unowned, described(map[string]string{"tier": "y"})); len(found) != 0 {
		t.Errorf("described otherwise: %+v", found)
	}
	if found := constraintFindings(t, text, owned, nil); len(found) != 0 {
		t.Errorf("an object that passes either way: %+v", found)
	}
}

func TestGatekeeper_ActionsAreTheWebhooks(t *testing.T) {
	scoped := func(actions string) string {
		return "enforcementAction: scoped\n  scopedEnforcementActions: [" + actions + "]"
	}
	for name, test := range map[string]struct {
		action string
		want   plugin.Level
	}{
		"none is deny":        {"", plugin.Deny},
		"deny":                {"enforcementAction: deny", plugin.Deny},
		"warn":                {"enforcementAction: warn", plugin.Warn},
		"dryrun":              {"enforcementAction: dryrun", plugin.Info},
		"scoped to webhook":   {scoped("{action: deny, enforcementPoints: [{name: validation.gatekeeper.sh}]}"), plugin.Deny},
		"scoped to all":       {scoped(`{action: warn, enforcementPoints: [{name: "*"}]}`), plugin.Warn},
		"the strictest":       {scoped(`{action: dryrun, enforcementPoints: [{name: "*"}]}, {action: deny, enforcementPoints: [{name: validation.gatekeeper.sh}]}`), plugin.Deny},
		"another point's own": {scoped(`{action: deny, enforcementPoints: [{name: audit.gatekeeper.sh}]}, {action: warn, enforcementPoints: [{name: validation.gatekeeper.sh}]}`), plugin.Warn},
	} {
		t.Run(name, func(t *testing.T) {
			if finding := one(t, constraintFindings(t, templateText{action: test.action}.String(), unowned, nil)); finding.Level != test.want {
				t.Errorf("level %s, want %s", finding.Level, test.want)
			}
		})
	}
}

func TestGatekeeper_AConstraintOfOtherPointsIsNotInForceAndSaysSo(t *testing.T) {
	for _, point := range []string{"audit.gatekeeper.sh", "gator.gatekeeper.sh", "vap.k8s.io"} {
		text := templateText{action: "enforcementAction: scoped\n  scopedEnforcementActions: [{action: deny, enforcementPoints: [{name: " + point + "}]}]"}.String()
		compiled, err := NewCompiler().Compile(constraintConfig(t, text, nil))
		if err != nil {
			t.Fatal(err)
		}
		if warning := one(t, compiled.Warnings); !strings.Contains(warning.Message, "K8sOwner/owner is scoped to points that are not admission's") {
			t.Errorf("%s: %+v", point, warning)
		}
		if found := compiled.Judges[0].Judge(t.Context(), sealed(t, unowned)); len(found) != 0 {
			t.Errorf("%s: %+v", point, found)
		}
	}
}
