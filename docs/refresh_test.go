package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/refresh"
	"github.com/assay-gitops/assay/plugin/setup/gauges/listing"
)

const refreshPage = "argocd-refresh.md"

// TestRefresh_ThePolicyOfTheIncidentIsOne loads it beside a gate that is there.
func TestRefresh_ThePolicyOfTheIncidentIsOne(t *testing.T) {
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("../examples/gates/starter")); err != nil {
		t.Fatal(err)
	}
	before, err := gate.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "incident.yaml"), []byte(blockOf(t, refreshPage, "ClusterImagePolicy")), 0o600); err != nil {
		t.Fatal(err)
	}
	after, err := gate.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(after.ImagePolicies) != len(before.ImagePolicies)+1 {
		t.Errorf("there are %d policies, and were %d", len(after.ImagePolicies), len(before.ImagePolicies))
	}
	for _, policy := range after.ImagePolicies {
		if static := policy.Spec.Authorities[0].Static; strings.HasPrefix(policy.Metadata.Name, "refused") && (static == nil || static.Action != "fail") {
			t.Errorf("it refuses nothing: %+v", policy.Spec)
		}
	}
}

func TestRefresh_ThePageNamesTheReasonsAndTheMetricsThatThereAre(t *testing.T) {
	text, err := os.ReadFile(refreshPage)
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| reason | when |")
	table, _, _ = strings.Cut(table, "\n\n")
	var named []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(table, -1) {
		named = append(named, row[1])
	}
	var reasons []string
	for _, reason := range refresh.Reasons() {
		reasons = append(reasons, reason.String())
	}
	if strings.Join(named, " ") != strings.Join(reasons, " ") {
		t.Errorf("the page names %v, there are %v", named, reasons)
	}
	list, err := listing.Read("../plugin/refresh/testdata/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, metric := range list {
		known[metric.Name] = true
	}
	found := regexp.MustCompile("assay_refresh_[a-z_]+").FindAllString(string(text), -1)
	if len(found) < 5 {
		t.Fatalf("only %d metrics are named", len(found))
	}
	for _, name := range found {
		if !known[name] {
			t.Errorf("there is no metric %s", name)
		}
	}
}

func TestRefresh_WhatIsInstalledIsThere(t *testing.T) {
	block := blockOf(t, refreshPage, "kind: Kustomization")
	path := regexp.MustCompile(`assay//(manifests/[a-z/-]+)\?ref=`).FindStringSubmatch(block)
	if path == nil {
		t.Fatalf("it names nothing:\n%s", block)
	}
	if _, err := os.Stat(filepath.Join("..", path[1], "kustomization.yaml")); err != nil {
		t.Error(err)
	}
}
