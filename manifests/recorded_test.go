package manifests_test

import (
	"slices"
	"strings"
	"testing"
)

// The components for records, Events and policy reports are listed together, and
// none of them adds twice what another has added.
func TestRecorded_ComponentsGoTogether(t *testing.T) {
	objects := build(t, "testdata/recorded")
	sidecar := named(t, podSpec(t, objects)["containers"], "assay")
	args, _ := sidecar["args"].([]any)
	for _, want := range []string{"--reports-dir=/var/lib/assay", "--reports=:8087", "--reports-token=/etc/assay/reports/token", "--reports-peers=assay-reports:8087", "--events", "--policy-report=policyreport"} {
		if !slices.Contains(args, any(want)) {
			t.Errorf("no %s in %v", want, args)
		}
	}
	once := func(list any, field, name string) {
		t.Helper()
		found := 0
		items, _ := list.([]any)
		for _, item := range items {
			if fields, _ := item.(map[string]any); fields[field] == name {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%d have the %s %s: %v", found, field, name, list)
		}
	}
	once(sidecar["env"], "name", "ARGOCD_NAMESPACE")
	once(sidecar["env"], "name", "TMPDIR")
	once(sidecar["volumeMounts"], "mountPath", "/var/run/secrets/kubernetes.io/serviceaccount")
	once(sidecar["volumeMounts"], "mountPath", "/etc/assay/reports")
	once(podSpec(t, objects)["volumes"], "name", "assay-token")
	once(podSpec(t, objects)["volumes"], "name", "assay-reports")
}

// Only assay's container has the token, and with the NetworkPolicy nobody but
// Argo CD reaches the store.
func TestRecorded_TheTokenIsInOneContainer(t *testing.T) {
	objects := build(t, "testdata/recorded")
	containers, _ := podSpec(t, objects)["containers"].([]any)
	for _, each := range containers {
		fields, _ := each.(map[string]any)
		mounts, _ := fields["volumeMounts"].([]any)
		for _, mount := range mounts {
			name, _ := mount.(map[string]any)["name"].(string)
			if secret := name == "assay-token" || name == "assay-reports"; secret && fields["name"] != "assay" {
				t.Errorf("%v mounts %s", fields["name"], name)
			}
		}
	}
	policy := called(t, objects, "NetworkPolicy", "argocd-repo-server-assay-reports")
	if at(policy.Fields, "spec", "podSelector", "matchLabels", "app.kubernetes.io/name") != "argocd-repo-server" {
		t.Errorf("it is about %v", at(policy.Fields, "spec", "podSelector"))
	}
	for _, finding := range judge(t, objects) {
		if finding.Level.Blocks() && !strings.HasPrefix(finding.Rule, "self/") {
			t.Errorf("%s: %s %s: %s", finding.Rule, finding.Object, finding.Field, finding.Message)
		}
	}
}
