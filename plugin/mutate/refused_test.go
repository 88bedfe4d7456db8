package mutate

import (
	"context"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func TestCompile_WhatTheAPIServerRefusesIsRefusedWithItsLine(t *testing.T) {
	good := policyText{}.String()
	for name, test := range map[string]struct{ policy, says string }{
		"an unknown field":            {policyText{spec: "failurPolicy: Fail"}.String(), "failurPolicy"},
		"an expression":               {policyText{mutations: apply("Object{")}.String(), "mutations[0] does not compile"},
		"an expression of a map":      {policyText{mutations: apply("{'a': 'b'}")}.String(), "mutations[0] does not compile"},
		"a patch that is no list":     {policyText{mutations: jsonPatch(`JSONPatch{op: "remove", path: "/data"}`)}.String(), "mutations[0] does not compile"},
		"a condition":                 {policyText{spec: `matchConditions: [{name: a, expression: "1"}]`}.String(), "matchConditions does not compile"},
		"a variable":                  {policyText{spec: `variables: [{name: a, expression: "nothing"}]`}.String(), `variable "a" does not compile`},
		"a condition reads variables": {policyText{spec: "variables: [{name: a, expression: \"1\"}]\n  matchConditions: [{name: a, expression: variables.a == 1}]"}.String(), "reads variables"},
		"no mutations":                {strings.Replace(good, "mutations:\n  - ", "mutations: []\n  # ", 1), "it has no mutations"},
		"an empty expression":         {policyText{mutations: apply(" ")}.String(), "mutations[0]: it has no expression"},
		"no reinvocation policy":      {strings.Replace(good, "reinvocationPolicy: Never", "", 1), "reinvocationPolicy"},
		"another failure policy":      {policyText{spec: "failurePolicy: Maybe"}.String(), `"Maybe"`},
		"another type of patch":       {policyText{mutations: strings.Replace(labelled, "patchType: ApplyConfiguration", "patchType: Merge", 1)}.String(), `"Merge"`},
		"the other type's body":       {policyText{mutations: strings.Replace(labelled, "patchType: ApplyConfiguration", "patchType: JSONPatch", 1)}.String(), "needs jsonPatch"},
		"a deletion":                  {strings.Replace(good, "CREATE, UPDATE", "DELETE", 1), `"DELETE"`},
		"no rules":                    {strings.Replace(good, "resourceRules: [", "resourceRules: [] # [", 1), "resourceRules"},
		"an object selector":          {policyText{match: "objectSelector: {matchLabels: {a: b}}"}.String(), "trustObjectLabels"},
		"a condition on labels":       {policyText{spec: `matchConditions: [{name: a, expression: "!has(object.metadata.labels)"}]`}.String(), "trustObjectLabels"},
		"a binding without a policy":  {strings.Replace(good, "policyName: labels", "", 1), "policyName"},
		"a param without a reference": {policyText{spec: "paramKind: {apiVersion: v1, kind: ConfigMap}", binding: "paramRef: {parameterNotFoundAction: Deny}"}.String(), "needs a name or a selector"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := compile(t, "", test.policy)
			if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "gate.yaml:") {
				t.Errorf("%v, want one with %q and a line", err, test.says)
			}
		})
	}
	if _, err := compile(t, "", good); err != nil {
		t.Errorf("twin: %v", err)
	}
	if _, err := compile(t, ", judge: {trustObjectLabels: true}", policyText{match: "objectSelector: {matchLabels: {a: b}}"}.String()); err != nil {
		t.Errorf("twin with trusted labels: %v", err)
	}
}

func TestCompile_WarnsOfWhatIsNotInForce(t *testing.T) {
	policy, binding, _ := strings.Cut(policyText{}.String(), "---")
	updates := `matchResources: {resourceRules: [{apiGroups: ["*"], apiVersions: ["*"], operations: [UPDATE], resources: [configmaps]}]}`
	for name, test := range map[string]struct{ text, rule string }{
		"a policy without a binding": {policy, "gate/policy-without-binding"},
		"a binding without a policy": {binding, "gate/binding-without-policy"},
		"a kind for a resource":      {policyText{resources: "ConfigMap"}.String(), "gate/resource-name"},
		"params that are not there": {policyText{spec: "paramKind: {apiVersion: v1, kind: ConfigMap}",
			binding: "paramRef: {name: a, namespace: b, parameterNotFoundAction: Deny}"}.String(), "gate/params"},
		"a policy about updates alone":  {strings.Replace(policyText{}.String(), "CREATE, UPDATE", "UPDATE", 1), "gate/updates-alone"},
		"a binding about updates alone": {policyText{binding: updates}.String(), "gate/updates-alone"},
	} {
		compiled, err := compile(t, "", test.text)
		if err != nil || len(compiled.Warnings) != 1 || compiled.Warnings[0].Rule != test.rule || compiled.Warnings[0].Origin.Line == 0 {
			t.Errorf("%s: %v %v", name, err, describe(compiled.Warnings))
		}
	}
	for name, text := range map[string]string{
		"twin: creations, too": policyText{binding: strings.Replace(updates, "UPDATE", "UPDATE, CREATE", 1)}.String(),
		"twin: any operation":  strings.Replace(policyText{}.String(), "CREATE, UPDATE", `"*"`, 1),
		"twin: in another rule": strings.Replace(policyText{}.String(), "resourceRules: [",
			`resourceRules: [{apiGroups: ["*"], apiVersions: ["*"], operations: [UPDATE], resources: [configmaps]}, `, 1),
	} {
		if compiled, err := compile(t, "", text); err != nil || len(compiled.Warnings) > 0 {
			t.Errorf("%s: %v %v", name, err, describe(compiled.Warnings))
		}
	}
	if compiled, err := compile(t, ""); err != nil || compiled.Mutator != nil || len(compiled.Warnings) > 0 {
		t.Errorf("a gate without mutations: %+v %v", compiled, err)
	}
}

func TestMutate_WhatFailsIsDeniedAndTheObjectStays(t *testing.T) {
	costly := "[1,2,3,4,5,6,7,8,9,10]"
	deep := "a > 0"
	for _, name := range []string{"g", "f", "e", "d", "c", "b", "a"} {
		deep = costly + ".all(" + name + ", " + deep + ")"
	}
	for name, test := range map[string]struct{ resources, object, mutations, says string }{
		"an error":          {"", configMap, apply(`Object{metadata: Object.metadata{labels: {"a": object.data.nothing}}}`), "no such key"},
		"the budget":        {"", configMap, apply(`Object{metadata: Object.metadata{labels: {"a": ` + deep + ` ? "a" : "b"}}}`), "cost"},
		"an atomic list":    {"deployments", deployment, apply(`Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{tolerations: [Object.spec.template.spec.tolerations{key: "a"}]}}}}`), "may not mutate atomic"},
		"no such place":     {"", configMap, jsonPatch(`[JSONPatch{op: "remove", path: "/data/nothing"}]`), "JSON Patch"},
		"an unknown field":  {"", configMap, jsonPatch(`[JSONPatch{op: "add", path: "/dat", value: "x"}]`), "unknown field"},
		"a wrong type":      {"deployments", deployment, jsonPatch(`[JSONPatch{op: "replace", path: "/spec/replicas", value: "many"}]`), "cannot unmarshal"},
		"another name":      {"", configMap, jsonPatch(`[JSONPatch{op: "replace", path: "/metadata/name", value: "other"}]`), "metadata.name"},
		"another namespace": {"", configMap, apply(`Object{metadata: Object.metadata{namespace: "kube-system"}}`), "metadata.namespace"},
		"another kind":      {"", configMap, jsonPatch(`[JSONPatch{op: "replace", path: "/kind", value: "Secret"}]`), ""},
		"nothing is left":   {"", configMap, jsonPatch(`[JSONPatch{op: "remove", path: ""}]`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := policyText{resources: test.resources, mutations: test.mutations}.String()
			objects, findings := mutateWith(t, mutatorOf(t, "", text), test.object)
			wantObject(t, objects[0], test.object)
			if len(findings) != 1 || findings[0].Level != plugin.Deny || !strings.Contains(findings[0].Message, test.says) || !strings.Contains(findings[0].Details[0], "gate.yaml:") {
				t.Errorf("%s", describe(findings))
			}
		})
	}
}

func TestMutate_FailurePolicyIgnoreIsAWarning(t *testing.T) {
	failing := apply(`Object{metadata: Object.metadata{labels: {"a": object.data.nothing}}}`)
	objects, findings := mutateWith(t, mutatorOf(t, "", policyText{spec: "failurePolicy: Ignore", mutations: failing}.String()), configMap)
	wantObject(t, objects[0], configMap)
	if len(findings) != 1 || findings[0].Level != plugin.Warn {
		t.Errorf("%s", describe(findings))
	}
}

func TestMutate_APolicyThatLoopsIsAskedTwiceAndNoMore(t *testing.T) {
	counting := apply(`Object{metadata: Object.metadata{annotations: {"count": (has(object.metadata.annotations) ? object.metadata.annotations["count"] : "") + "x"}}}`)
	for reinvoke, count := range map[string]string{"Never": "x", "IfNeeded": "xx"} {
		objects, findings := mutateWith(t, mutatorOf(t, "", policyText{reinvoke: reinvoke, mutations: counting}.String()), configMap)
		wantObject(t, objects[0], strings.Replace(configMap, "{name: web}", "{name: web, annotations: {count: "+count+"}}", 1))
		if warned := withLevel(findings, plugin.Warn); len(warned) != 1 || !strings.Contains(warned[0].Message, "changes again what it has changed") {
			t.Errorf("%s: %s", reinvoke, describe(findings))
		}
	}
}

func TestMutate_AnOutcomeThatDependsOnTheOrderIsAWarning(t *testing.T) {
	writes := func(name, value string) string {
		return policyText{name: name, mutations: strings.Replace(labelled, "'a'", "'"+value+"'", 1)}.String()
	}
	objects, findings := mutateWith(t, mutatorOf(t, "", writes("one", "a"), writes("two", "b")), configMap)
	wantObject(t, objects[0], strings.Replace(configMap, "{name: web}", "{name: web, labels: {team: b}}", 1))
	if warned := withLevel(findings, plugin.Warn); len(warned) == 0 || !strings.Contains(describe(warned), "depends on the order") {
		t.Errorf("%s", describe(findings))
	}
	if _, findings = mutateWith(t, mutatorOf(t, "", writes("one", "a"), writes("two", "a")), configMap); len(withLevel(findings, plugin.Warn)) > 0 {
		t.Errorf("twin: %s", describe(findings))
	}
}

func TestMutate_WhatOnlyTheClusterKnowsIsIndeterminate(t *testing.T) {
	described := ", namespaces: [{name: team-a, labels: {tier: gold}}]"
	for name, test := range map[string]struct {
		policy policyText
		known  string // makes it known
	}{
		"the namespace's labels":      {policyText{match: "namespaceSelector: {matchLabels: {tier: gold}}"}, described},
		"the binding's namespace":     {policyText{binding: "matchResources: {namespaceSelector: {matchLabels: {tier: gold}}}"}, described},
		"namespaceObject":             {policyText{mutations: apply(`Object{metadata: Object.metadata{labels: {"team": namespaceObject.metadata.labels["tier"]}}}`)}, described},
		"the user":                    {policyText{mutations: apply(`Object{metadata: Object.metadata{labels: {"team": request.userInfo.username}}}`)}, ", judge: {deployer: {username: argo}}"},
		"authorizer":                  {policyText{mutations: apply(`Object{metadata: Object.metadata{labels: {"team": authorizer.group("").resource("pods").check("get").allowed() ? "a" : "b"}}}`)}, ""},
		"params that are not there":   {policyText{spec: "paramKind: {apiVersion: v1, kind: ConfigMap}", binding: "paramRef: {name: a, namespace: b, parameterNotFoundAction: Deny}"}, ""},
		"a definition of the cluster": {policyText{resources: "widgets"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			object := configMap
			if name == "a definition of the cluster" {
				object = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web}"
			}
			for spec, level := range map[string]plugin.Level{"": plugin.Deny, ", judge: {indeterminate: Warn}": plugin.Warn} {
				objects, findings := mutateWith(t, mutatorOf(t, spec, test.policy.String()), object)
				wantObject(t, objects[0], object)
				if len(findings) != 1 || findings[0].Level != level || !findings[0].Indeterminate {
					t.Errorf("%q: %s", spec, describe(findings))
				}
			}
			if test.known == "" {
				return
			}
			if _, findings := mutateWith(t, mutatorOf(t, test.known, test.policy.String()), object); len(findings) != 1 || findings[0].Level != plugin.Info {
				t.Errorf("twin: %s", describe(findings))
			}
		})
	}
}

func TestMutate_UnknownEitherWayIsNothingWhenNothingWouldChange(t *testing.T) {
	policy := policyText{match: "namespaceSelector: {matchLabels: {tier: gold}}"}.String()
	already := strings.Replace(configMap, "{name: web}", "{name: web, labels: {team: a}}", 1)
	if _, findings := mutateWith(t, mutatorOf(t, "", policy), already); len(findings) > 0 {
		t.Errorf("%s", describe(findings))
	}
}

func TestMutate_PoliciesAboutPodsAloneAreNoted(t *testing.T) {
	_, findings := mutateWith(t, mutatorOf(t, "", policyText{resources: "pods"}.String()), deployment)
	if len(findings) != 1 || findings[0].Level != plugin.Info || findings[0].Was != "" || !strings.Contains(findings[0].Message, "about Pods and not about what makes them") {
		t.Errorf("%s", describe(findings))
	}
	if _, findings = mutateWith(t, mutatorOf(t, "", policyText{resources: "pods"}.String()), configMap); len(findings) > 0 {
		t.Errorf("twin without workloads: %s", describe(findings))
	}
	if _, findings = mutateWith(t, mutatorOf(t, "", policyText{resources: "pods, deployments"}.String()), deployment); strings.Contains(describe(findings), "about Pods") {
		t.Errorf("twin about both: %s", describe(findings))
	}
}

func TestMutate_ACancelledRunHasNoAnswer(t *testing.T) {
	for name, end := range map[string]func() (context.Context, context.CancelFunc){
		"cancelled": func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx, cancel
		},
		"too late": func() (context.Context, context.CancelFunc) { return context.WithTimeout(t.Context(), 0) },
	} {
		ctx, cancel := end()
		objects, findings := mutatorOf(t, "", policyText{}.String()).Mutate(ctx, plugin.Unmutated{Objects: objectsOf(t, configMap)})
		cancel()
		wantObject(t, objects[0], configMap)
		if len(findings) != 1 || findings[0].Level != plugin.Undetermined || findings[0].Rule != "mutate/no-answer" {
			t.Errorf("%s: %s", name, describe(findings))
		}
	}
}

func TestMutate_AnEmptyRenderingStaysEmpty(t *testing.T) {
	if objects, findings := mutatorOf(t, "", policyText{}.String()).Mutate(t.Context(), plugin.Unmutated{}); len(objects)+len(findings) > 0 {
		t.Errorf("%v %v", objects, findings)
	}
}

// What an object looked like before is not changed: others may hold it.
func TestMutate_TheRenderedObjectIsNotTouched(t *testing.T) {
	rendered := objectsOf(t, deployment)
	before := yamlOf(t, rendered[0])
	mutator := mutatorOf(t, "", policyText{resources: "deployments", mutations: jsonPatch(`[JSONPatch{op: "replace", path: "/spec/template/spec/containers/0/image", value: "other"}]`)}.String())
	objects, _ := mutator.Mutate(t.Context(), plugin.Unmutated{Objects: rendered})
	if yamlOf(t, rendered[0]) != before || yamlOf(t, objects[0]) == before {
		t.Errorf("the rendered object is\n%s", yamlOf(t, rendered[0]))
	}
}
