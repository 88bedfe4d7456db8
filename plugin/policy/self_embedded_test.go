package policy

import (
	"strings"
	"testing"
)

// work is an object that carries others, as those of Open Cluster Management
// do.
func work(manifests ...string) string {
	return custom("work.open-cluster-management.io/v1", "ManifestWork", "{workload: {manifests: ["+strings.Join(manifests, ", ")+"]}}")
}

// nested is a manifest below that many lists.
func nested(levels int, manifest string) string {
	return strings.Repeat("{apiVersion: v1, kind: List, items: [", levels) + manifest + strings.Repeat("]}", levels)
}

func TestSelf_AnObjectIsFoundHoweverDeepItIsCarried(t *testing.T) {
	carried := "{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: web}}"
	for _, levels := range []int{0, 1, 21, 100} {
		if finding := one(t, selfFindings(SelfConfig{}, sealed(t, work(nested(levels, carried))))); finding.Rule != ruleSelfEmbedded || !strings.Contains(finding.Message, "Application") {
			t.Errorf("%d levels: %+v", levels, finding)
		}
		twin := strings.ReplaceAll(carried, "Application", "Rollout")
		if found := selfFindings(SelfConfig{}, sealed(t, work(nested(levels, twin)))); len(found) != 0 {
			t.Errorf("twin: %d levels: %+v", levels, found)
		}
	}
}

func TestSelf_AnObjectThatIsTooDeepToSeeIsDenied(t *testing.T) {
	deep := func(levels int) any {
		var value any = "leaf"
		for range levels {
			value = map[string]any{"a": value}
		}
		return value
	}
	input := sealed(t, custom("example.com/v1", "Widget", "{}"))
	input.Objects[0].Fields["spec"] = deep(embeddedDepth + 10)
	if finding := one(t, selfFindings(SelfConfig{}, input)); finding.Rule != ruleSelfEmbedded || finding.Field != "spec" || !finding.Unwaivable {
		t.Errorf("%+v", finding)
	}
	input.Objects[0].Fields["spec"] = deep(embeddedDepth - 10)
	if found := selfFindings(SelfConfig{}, input); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestSelf_WhatACarriedObjectMayNotDo(t *testing.T) {
	const role = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: mine}, rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]}"
	const binding = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: mine}, roleRef: {kind: ClusterRole, name: mine}}"
	for name, test := range map[string]struct{ bad, twin string }{
		"bind":             {strings.ReplaceAll(binding, "name: mine}}", "name: cluster-admin}}"), strings.ReplaceAll(binding, "name: mine}}", "name: view}}")},
		"grant everywhere": {role + ", " + binding, strings.ReplaceAll(role, "secrets", "pods") + ", " + binding},
		"gate's namespace": {"{apiVersion: v1, kind: ConfigMap, metadata: {name: argocd-cm, namespace: argocd}}", "{apiVersion: v1, kind: ConfigMap, metadata: {name: argocd-cm, namespace: team-a}}"},
		"gate's files":     {"{apiVersion: v1, kind: ConfigMap, metadata: {name: assay-gate}}", "{apiVersion: v1, kind: ConfigMap, metadata: {name: web}}"},
	} {
		if finding := one(t, selfFindings(SelfConfig{}, sealed(t, work(test.bad)))); finding.Rule != ruleSelfEmbedded {
			t.Errorf("%s: %+v", name, finding)
		}
		if found := selfFindings(SelfConfig{}, sealed(t, work(test.twin))); len(found) != 0 {
			t.Errorf("%s: twin: %+v", name, found)
		}
	}
}
