package harden

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// everything is all that a gate may ask for.
func everything() gate.Harden {
	return gate.Harden{
		ReadOnlyRootFilesystem: true, EmptyDirSize: "1Gi", ServiceAccountTokens: true, AppArmor: true, UserNamespaces: true,
		Resources:         gate.Resources{Requests: gate.Amounts{CPU: "1"}, Limits: gate.Amounts{Memory: "1Gi"}},
		PodSecurityLabels: "baseline", NetworkPolicies: gate.NetworkBoth,
	}
}

// TestMore_WhatCannotBeReadStaysAsItIsWritten: the judge has to see it.
func TestMore_WhatCannotBeReadStaysAsItIsWritten(t *testing.T) {
	for name, test := range map[string]struct {
		workload workload
		field    string
		want     any
	}{
		"volumes":       {workload{pod: "volumes: all"}, "volumes", "all"},
		"Pod resources": {workload{pod: "resources: many"}, "resources", "many"},
	} {
		objects, _ := hardened(t, everything(), good(), test.workload.object(t))
		if got := podOf(objects[0])[test.field]; got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for name, test := range map[string]struct {
		container, field string
		want             any
	}{
		"mounts":    {"volumeMounts: all", "volumeMounts", "all"},
		"resources": {"resources: many", "resources", "many"},
		"requests":  {"resources: {requests: many}", "resources", map[string]any{"requests": "many"}},
	} {
		objects, _ := hardened(t, everything(), good(), workload{container: test.container}.object(t))
		if got := firstContainer(objects[0])[test.field]; !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
	objects, _ := hardened(t, everything(), good(), object(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: owned, labels: none}\n"))
	if got := at(objects[0].Fields, "metadata", "labels"); got != "none" {
		t.Errorf("labels: %v", got)
	}
}

// TestMore_ACancelledRunIsNoAnswerAndAddsNothing.
func TestMore_ACancelledRunIsNoAnswerAndAddsNothing(t *testing.T) {
	hardener, err := New(Config{Profile: "none", More: everything(), Namespaces: []gate.Namespace{{Name: "owned", Owned: true}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rendering := plugin.Unhardened{Objects: []plugin.Object{workload{}.object(t)}}
	rendering.Source.Application.Namespace = "owned"
	objects, findings := hardener.Harden(ctx, rendering)
	if len(objects) != 1 || len(findings) != 1 || findings[0].Level != plugin.Undetermined {
		t.Errorf("%d objects, findings %+v", len(objects), findings)
	}
}

// TestMore_AnEmptyRenderingStaysEmpty: nothing is added to nothing.
func TestMore_AnEmptyRenderingStaysEmpty(t *testing.T) {
	if objects, findings := hardened(t, everything(), good()); len(objects)+len(findings) != 0 {
		t.Errorf("%d objects, findings %+v", len(objects), findings)
	}
}

// TestNetworkPolicies_DoNotReplaceTheAuthorsOwn of the same name.
func TestNetworkPolicies_DoNotReplaceTheAuthorsOwn(t *testing.T) {
	own := object(t, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: assay-default-deny}\nspec: {podSelector: {matchLabels: {a: b}}}\n")
	objects, findings := hardened(t, gate.Harden{NetworkPolicies: "Ingress"}, good(), workload{}.object(t), own)
	if len(objects) != 2 || !strings.Contains(held(findings), "one of this name") {
		t.Errorf("%d objects, held back %q", len(objects), held(findings))
	}
}
