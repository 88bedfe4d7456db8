package manifests_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// refreshers are the two ways of installing the refresher, and what runs in each.
func refreshers() map[string]struct {
	kind string
	path []string
} {
	type way = struct {
		kind string
		path []string
	}
	return map[string]way{
		"argocd/refresh":      {"Deployment", []string{"spec", "template", "spec"}},
		"argocd/refresh-cron": {"CronJob", []string{"spec", "jobTemplate", "spec", "template", "spec"}},
	}
}

func TestRefresher_PassesTheStarterGate(t *testing.T) {
	for folder := range refreshers() {
		for _, finding := range judge(t, build(t, folder)) {
			if strings.HasPrefix(finding.Rule, "image/") {
				continue // whoever installs it names the digest
			}
			t.Errorf("%s: %s %s %s: %s", folder, finding.Rule, finding.Object, finding.Field, finding.Message)
		}
	}
}

func TestRefresher_IsOneWorkloadWithItsVolumesAndItsAccount(t *testing.T) {
	for folder, way := range refreshers() {
		objects := build(t, folder)
		workloads := 0
		for _, each := range objects {
			if slices.Contains([]string{"Deployment", "CronJob"}, each.ID().Kind) {
				workloads++
			}
		}
		if workloads != 1 {
			t.Errorf("%s has %d workloads", folder, workloads)
		}
		pod, _ := at(object(t, objects, way.kind).Fields, way.path...).(map[string]any)
		if pod["serviceAccountName"] != at(object(t, objects, "ServiceAccount").Fields, "metadata", "name") {
			t.Errorf("%s runs as %v", folder, pod["serviceAccountName"])
		}
		container := named(t, pod["containers"], "refresh")
		mounts, _ := container["volumeMounts"].([]any)
		if len(mounts) != 3 {
			t.Errorf("%s mounts %v", folder, mounts)
		}
		for _, mount := range mounts {
			name, _ := mount.(map[string]any)["name"].(string)
			named(t, pod["volumes"], name)
		}
		if gate := at(named(t, pod["volumes"], "gate"), "configMap", "name"); gate != "assay-gate" {
			t.Errorf("%s mounts the gate %v, and the sidecar assay-gate", folder, gate)
		}
	}
}

// TestRefresher_ReadsTheGateUnderTheSidecarsPath is needed for the same digest: it is
// over the names of the files as well.
func TestRefresher_ReadsTheGateUnderTheSidecarsPath(t *testing.T) {
	gate := func(arguments any) string {
		list, _ := arguments.([]any)
		for _, argument := range list {
			if path, is := strings.CutPrefix(fmt.Sprint(argument), "--gate="); is {
				return path
			}
		}
		return "none"
	}
	sidecar := gate(named(t, podSpec(t, build(t, "testdata/installed"))["containers"], "assay")["args"])
	for folder, way := range refreshers() {
		pod, _ := at(object(t, build(t, folder), way.kind).Fields, way.path...).(map[string]any)
		if own := gate(named(t, pod["containers"], "refresh")["args"]); own != sidecar || own == "none" {
			t.Errorf("%s reads %s, the sidecar %s", folder, own, sidecar)
		}
	}
}

func TestRefresher_TheAccountIsTheOneThatTheAdmissionPolicyMeans(t *testing.T) {
	objects := build(t, "argocd/refresh")
	account := object(t, objects, "ServiceAccount").ID()
	policy := object(t, objects, "ValidatingAdmissionPolicy")
	conditions, _ := at(policy.Fields, "spec", "matchConditions").([]any)
	want := fmt.Sprintf("request.userInfo.username == 'system:serviceaccount:%s:%s'", account.Namespace, account.Name)
	if len(conditions) != 1 || conditions[0].(map[string]any)["expression"] != want {
		t.Errorf("the policy means %v, want %s", conditions, want)
	}
	if failure := at(policy.Fields, "spec", "failurePolicy"); failure != "Fail" {
		t.Errorf("failurePolicy is %v", failure)
	}
	binding := object(t, objects, "ValidatingAdmissionPolicyBinding")
	if at(binding.Fields, "spec", "policyName") != policy.ID().Name || !reflect.DeepEqual(at(binding.Fields, "spec", "validationActions"), []any{"Deny"}) {
		t.Errorf("the binding is %v", binding.Fields)
	}
}

func TestRefresher_MayReadAndPatchApplicationsAndHoldItsLease(t *testing.T) {
	granted := map[string][]any{}
	for _, each := range build(t, "argocd/refresh") {
		if strings.HasPrefix(each.ID().Kind, "ClusterRole") {
			t.Errorf("%s: it has rights in all namespaces", each.ID())
		}
		if each.ID().Kind != "Role" {
			continue
		}
		rules, _ := at(each.Fields, "rules").([]any)
		for _, rule := range rules {
			fields, _ := rule.(map[string]any)
			key := fmt.Sprint(fields["apiGroups"], fields["resources"], fields["resourceNames"])
			granted[key], _ = fields["verbs"].([]any)
		}
	}
	want := map[string][]any{
		"[argoproj.io] [applications] <nil>":             {"get", "list", "watch", "patch"},
		"[coordination.k8s.io] [leases] <nil>":           {"create"},
		"[coordination.k8s.io] [leases] [assay-refresh]": {"get", "update"},
	}
	if !reflect.DeepEqual(granted, want) {
		t.Errorf("it may %v, want %v", granted, want)
	}
}
