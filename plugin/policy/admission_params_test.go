package policy

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// limited is a policy whose limit is a param, and a binding with this
// paramRef; more documents follow.
func limited(paramRef string, more ...string) string {
	text := policyText{
		spec:         "paramKind: {apiVersion: v1, kind: ConfigMap}",
		validation:   `{expression: "params == null || object.data.key != params.data.forbidden", messageExpression: "'the value ' + params.data.forbidden + ' is forbidden'", message: null params}`,
		bindingMatch: "paramRef: {" + paramRef + "}",
	}.String()
	return strings.Join(append([]string{text}, more...), "\n---\n")
}

func limit(namespace, name, forbidden string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", namespace: " + namespace + ", labels: {limits: all}}\ndata: {forbidden: " + forbidden + "}"
}

func TestParams_EveryParamIsEvaluatedAndAllHaveToPass(t *testing.T) {
	for name, test := range map[string]struct {
		policy string
		want   []string
	}{
		"by name":                       {limited("name: a, namespace: platform, parameterNotFoundAction: Deny", limit("platform", "a", "value")), []string{"the value value is forbidden"}},
		"by name, passes":               {limited("name: a, namespace: platform, parameterNotFoundAction: Deny", limit("platform", "a", "other")), nil},
		"another name":                  {limited("name: a, namespace: platform, parameterNotFoundAction: Deny", limit("platform", "a", "other"), limit("platform", "b", "value")), nil},
		"one of two":                    {limited("selector: {matchLabels: {limits: all}}, namespace: platform, parameterNotFoundAction: Deny", limit("platform", "a", "other"), limit("platform", "b", "value")), []string{"the value value is forbidden"}},
		"the empty selector takes all":  {limited("selector: {}, namespace: platform, parameterNotFoundAction: Deny", limit("platform", "a", "other"), limit("platform", "b", "value")), []string{"the value value is forbidden"}},
		"not selected":                  {limited("selector: {matchLabels: {limits: all}}, namespace: platform, parameterNotFoundAction: Deny", limit("platform", "a", "other"), strings.Replace(limit("platform", "b", "value"), "limits: all", "limits: some", 1)), nil},
		"the object's namespace":        {limited("name: a, parameterNotFoundAction: Deny", limit("team-a", "a", "value"), limit("team-b", "a", "other")), []string{"the value value is forbidden"}},
		"not another's":                 {limited("name: a, parameterNotFoundAction: Deny", limit("team-a", "a", "other"), limit("team-b", "a", "value")), nil},
		"not found, denied":             {limited("name: a, parameterNotFoundAction: Deny", limit("team-b", "a", "other")), []string{"the policy could not be evaluated: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"}},
		"not found, allowed":            {limited("name: a, parameterNotFoundAction: Allow", limit("team-b", "a", "value")), nil},
		"selected none, denied":         {limited("selector: {matchLabels: {limits: none}}, namespace: platform, parameterNotFoundAction: Deny", limit("platform", "a", "other")), []string{"the policy could not be evaluated: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"}},
		"not found, failurePolicy":      {strings.Replace(limited("name: a, parameterNotFoundAction: Deny"), "paramKind:", "failurePolicy: Ignore\n  paramKind:", 1), nil},
		"no reference: null":            {strings.Replace(limited(""), "paramRef: {}", "", 1), nil},
		"a kind of the platform's own":  {limitedBy("example.com/v1", "Limit", "name: a, parameterNotFoundAction: Deny", "{apiVersion: example.com/v1, kind: Limit, metadata: {name: a}, data: {forbidden: value}}"), []string{"the value value is forbidden"}},
		"one with namespaces, by name":  {limitedBy("example.com/v1", "Limit", "name: a, parameterNotFoundAction: Deny", "{apiVersion: example.com/v1, kind: Limit, metadata: {name: a, namespace: team-a}, data: {forbidden: value}}"), []string{"the value value is forbidden"}},
		"another version is no param":   {limitedBy("example.com/v1", "Limit", "name: a, parameterNotFoundAction: Allow", "{apiVersion: example.com/v1, kind: Limit, metadata: {name: b}, data: {forbidden: value}}"), nil},
		"the API server's empty fields": {policyText{spec: "paramKind: {apiVersion: v1, kind: ConfigMap}", validation: `{expression: "has(params.metadata) && !has(params.binaryData) && params.kind == 'ConfigMap' && params.apiVersion == 'v1'"}`, bindingMatch: "paramRef: {name: a, namespace: platform, parameterNotFoundAction: Deny}"}.String() + "\n---\n" + limit("platform", "a", "x"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			var said []string
			for _, finding := range judgeWith(t, policyConfig(t, test.policy, nil), sealed(t, unlabelled)) {
				if finding.Level == plugin.Deny {
					said = append(said, finding.Message)
				}
			}
			if strings.Join(said, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("said %q, want %q", said, test.want)
			}
		})
	}
}

// limitedBy is limited with params of another kind.
func limitedBy(apiVersion, kind, paramRef, param string) string {
	return strings.ReplaceAll(limited(paramRef, param), "paramKind: {apiVersion: v1, kind: ConfigMap}", "paramKind: {apiVersion: "+apiVersion+", kind: "+kind+"}")
}

func TestParams_TheFindingNamesTheParam(t *testing.T) {
	text := limited("name: a, namespace: platform, parameterNotFoundAction: Deny", limit("platform", "a", "value"))
	finding := one(t, judgeWith(t, policyConfig(t, text, nil), sealed(t, unlabelled)))
	if details := strings.Join(finding.Details, "\n"); !strings.Contains(details, `binding "everywhere" with ConfigMap platform/a`) {
		t.Errorf("details %q", details)
	}
}

func TestParams_AClusterScopedObjectHasNoParamsOfItsNamespace(t *testing.T) {
	text := strings.Replace(limited("name: a, parameterNotFoundAction: Deny", limit("team-a", "a", "value")), `apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]`,
		`apiGroups: ["*"], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [clusterroles]`, 1)
	finding := one(t, judgeWith(t, policyConfig(t, text, nil), sealed(t, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: web}\n")))
	if finding.Level != plugin.Deny || !strings.Contains(finding.Message, "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources") {
		t.Errorf("%+v", finding)
	}
}

func TestParams_WithoutADestinationTheyAreNotKnown(t *testing.T) {
	text := limited("name: a, parameterNotFoundAction: Deny", limit("team-a", "a", "value"))
	finding := one(t, judgeWith(t, policyConfig(t, text, nil), sealed(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {key: value}\n")))
	if !finding.Indeterminate || !strings.Contains(strings.Join(finding.Details, "\n"), "the params of the destination namespace") {
		t.Errorf("%+v", finding)
	}
}

// What the application renders is never a param: it would choose its limit.
func TestParams_AreNotTakenFromTheRendering(t *testing.T) {
	text := limited("name: a, parameterNotFoundAction: Deny")
	found := judgeWith(t, policyConfig(t, text, nil), sealed(t, limit("team-a", "a", "other")+"\n---\n"+unlabelled))
	if len(blocking(found)) != 2 {
		t.Errorf("%+v, want both objects denied", found)
	}
}

func TestParams_WhatIsMissingOrMeansNothingIsAWarning(t *testing.T) {
	for name, test := range map[string]struct{ policy, says string }{
		"missing, denied":      {limited("name: a, namespace: platform, parameterNotFoundAction: Deny"), `does not hold: ConfigMap "a" in namespace "platform"; every object that it is about is denied`},
		"missing, allowed":     {limited("selector: {matchLabels: {limits: all}}, parameterNotFoundAction: Allow"), `with the labels "limits=all"; the policy is not in force`},
		"in another namespace": {limited("name: a, namespace: platform, parameterNotFoundAction: Deny", limit("team-a", "a", "value")), "does not hold"},
		"ignored":              {policyText{bindingMatch: "paramRef: {name: a, parameterNotFoundAction: Deny}"}.String(), "are ignored"},
		"null":                 {strings.Replace(limited(""), "paramRef: {}", "", 1), "they are null"},
		"":                     {limited("name: a, parameterNotFoundAction: Deny", limit("team-a", "a", "value")), ""},
	} {
		compiled, err := NewCompiler().Compile(policyConfig(t, test.policy, nil))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		warned := withRule(compiled.Warnings, ruleParams)
		if test.says == "" && len(warned) != 0 || test.says != "" && (len(warned) != 1 || !strings.Contains(warned[0].Message, test.says) || warned[0].Origin.Line != 11) {
			t.Errorf("%s: %+v", name, warned)
		}
	}
}

func TestParams_ReferencesThatTheAPIServerRefusesAreRefused(t *testing.T) {
	for name, test := range map[string]struct{ policy, says string }{
		"neither":               {limited("parameterNotFoundAction: Deny"), "needs a name or a selector"},
		"both":                  {limited("name: a, selector: {}, parameterNotFoundAction: Deny"), "needs a name or a selector"},
		"no action":             {limited("name: a"), "parameterNotFoundAction"},
		"another action":        {limited("name: a, parameterNotFoundAction: Warn"), "parameterNotFoundAction"},
		"a broken selector":     {limited("selector: {matchExpressions: [{key: a, operator: Near}]}, parameterNotFoundAction: Deny"), "paramRef.selector"},
		"a kind without a name": {strings.Replace(limited("name: a, parameterNotFoundAction: Deny"), ", kind: ConfigMap", "", 1), "spec.paramKind"},
		"without a namespace":   {limited("name: a, parameterNotFoundAction: Deny", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"), "write metadata.namespace"},
		"of a cluster's kind":   {limitedBy("v1", "Namespace", "name: a, namespace: b, parameterNotFoundAction: Deny", "{apiVersion: v1, kind: Namespace, metadata: {name: a}}"), "has no namespaces"},
		"with and without":      {limitedBy("example.com/v1", "Limit", "name: a, parameterNotFoundAction: Deny", "{apiVersion: example.com/v1, kind: Limit, metadata: {name: a, namespace: b}}\n---\n{apiVersion: example.com/v1, kind: Limit, metadata: {name: a}}"), "one of them has no namespace"},
		"an unknown field":      {limited("name: a, parameterNotFoundAction: Deny", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: b}, datum: {}}"), "datum"},
		"not a param":           {limited("name: a, parameterNotFoundAction: Deny", "{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: b}}"), "is not supported"},
	} {
		_, err := NewCompiler().Compile(policyConfig(t, test.policy, nil))
		if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "policy.yaml:") {
			t.Errorf("%s: %v, want %q and a line", name, err, test.says)
		}
	}
}
