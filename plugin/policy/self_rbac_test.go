package policy

import (
	"fmt"
	"strings"
	"testing"
)

// roleOf is a role with one rule; groups, resources and verbs are lists.
func roleOf(kind, groups, resources, verbs string) string {
	return fmt.Sprintf("apiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata: {name: mine, labels: {app: web}}\nrules: [{apiGroups: [%s], resources: [%s], verbs: [%s]}]", kind, groups, resources, verbs)
}

func bindingOf(kind, roleKind, role string) string {
	return fmt.Sprintf("\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata: {name: mine}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %q}\n"+
		"subjects: [{kind: ServiceAccount, name: default, namespace: team-a}]", kind, roleKind, role)
}

// powerfulRules are rights over the gate's own namespaces, when they hold in
// all of them.
func powerfulRules() map[string][3]string {
	return map[string][3]string{
		"write secrets":          {`""`, "secrets", "patch"},
		"read secrets":           {`""`, "secrets", "list"},
		"write config maps":      {`""`, "configmaps", "get, update"},
		"create pods":            {`""`, "pods", "create"},
		"exec":                   {`""`, "pods/exec", "create"},
		"exec by get":            {`""`, "pods/exec", "get"},
		"exec by subresource":    {`""`, `"*/exec"`, "create"},
		"kubelet":                {`""`, "nodes/proxy", "get"},
		"debug containers":       {`""`, "pods/ephemeralcontainers", "patch"},
		"workloads":              {"apps", "deployments", "patch"},
		"scale":                  {"apps", "deployments/scale", "update"},
		"jobs":                   {"batch", "services, cronjobs", "create"},
		"any group":              {`"*"`, "daemonsets", "create"},
		"another case":           {"APPS", "StatefulSets", "Patch"},
		"all of a group":         {"apps", `"*"`, `"*"`},
		"bindings":               {"rbac.authorization.k8s.io", "clusterrolebindings", "create"},
		"roles":                  {"rbac.authorization.k8s.io", "clusterroles", "update"},
		"definitions":            {"apiextensions.k8s.io", "customresourcedefinitions", `"*"`},
		"API services":           {"apiregistration.k8s.io", "apiservices", "create"},
		"namespaces":             {`""`, "namespaces", "patch"},
		"certificates":           {"certificates.k8s.io", "certificatesigningrequests/approval", "update"},
		"signing":                {"certificates.k8s.io", "signers", "approve"},
		"reading all of a group": {`""`, `"*"`, "get"},
	}
}

func TestSelf_ARoleWithPowerOverTheGatesNamespacesIsDeniedEverywhereAndAllowedInOne(t *testing.T) {
	for name, rule := range powerfulRules() {
		t.Run(name, func(t *testing.T) {
			cluster := roleOf("ClusterRole", rule[0], rule[1], rule[2])
			aggregated := strings.ReplaceAll(cluster, "app: web", `rbac.authorization.k8s.io/aggregate-to-view: "true"`)
			for name, text := range map[string]string{
				"bound everywhere":          cluster + bindingOf("ClusterRoleBinding", "ClusterRole", "mine"),
				"bound everywhere and here": cluster + bindingOf("RoleBinding", "ClusterRole", "mine") + strings.ReplaceAll(bindingOf("ClusterRoleBinding", "ClusterRole", "mine"), "name: mine}\nroleRef", "name: other}\nroleRef"),
				"not bound":                 cluster,
				"aggregated":                aggregated + bindingOf("RoleBinding", "ClusterRole", "mine"),
				"under a platform's name":   strings.ReplaceAll(cluster+bindingOf("RoleBinding", "ClusterRole", "mine"), "mine", "view"),
			} {
				finding := one(t, selfFindings(SelfConfig{}, sealed(t, text)))
				if finding.Rule != ruleSelfRBAC || finding.Field != "rules[0]" || !finding.Unwaivable || !strings.Contains(finding.Hint, "spec.platform") {
					t.Errorf("%s: %+v", name, finding)
				}
			}
			for name, twin := range map[string]string{
				"a role":                      roleOf("Role", rule[0], rule[1], rule[2]) + bindingOf("RoleBinding", "Role", "mine"),
				"a cluster role in one place": cluster + bindingOf("RoleBinding", "ClusterRole", "mine"),
			} {
				if found := selfFindings(SelfConfig{}, sealed(t, twin)); len(found) != 0 {
					t.Errorf("twin: %s: %+v", name, found)
				}
			}
			if found := selfFindings(SelfConfig{Platform: true}, sealed(t, cluster)); len(found) != 0 {
				t.Errorf("twin: the platform's own: %+v", found)
			}
		})
	}
}

func TestSelf_RightsThatReachNothingOfTheGateHoldEverywhere(t *testing.T) {
	for name, rule := range map[string][3]string{
		"reading":         {`"", apps`, "pods, pods/log, configmaps, deployments, namespaces", "get, list, watch"},
		"a group of ours": {"example.com", `"*"`, `"*"`},
		"finalizers":      {"apps", "deployments/finalizers", "update"},
		"events":          {`""`, "events", "create, patch"},
		"leases":          {"coordination.k8s.io", "leases", `"*"`},
	} {
		text := roleOf("ClusterRole", rule[0], rule[1], rule[2]) + bindingOf("ClusterRoleBinding", "ClusterRole", "mine")
		if found := selfFindings(SelfConfig{}, sealed(t, text)); len(found) != 0 {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

func TestSelf_ABindingToARoleThatIsNotRendered(t *testing.T) {
	configMap := strings.TrimSpace(unlabelled)
	for _, test := range []struct {
		kind, role string
		denied     bool
	}{
		{"ClusterRoleBinding", "system:controller:clusterrole-aggregation-controller", true},
		{"RoleBinding", "system:controller:deployment-controller", true},
		{"ClusterRoleBinding", "system:node", true},
		{"ClusterRoleBinding", "of-another-application", true},
		{"RoleBinding", "of-another-application", false},
		{"ClusterRoleBinding", "view", false},
		{"ClusterRoleBinding", "system:auth-delegator", false},
		{"RoleBinding", "edit", false},
	} {
		found := selfFindings(SelfConfig{}, sealed(t, configMap+bindingOf(test.kind, "ClusterRole", test.role)))
		if denied := len(withRule(found, ruleSelfRBAC)) == 1; denied != test.denied || len(found) > 1 {
			t.Errorf("%s to %s: %+v", test.kind, test.role, found)
		}
	}
}
