package policy

import (
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

const listedPolicies = `apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata: {name: replicas}
spec:
  validationActions: [Audit]
  matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]}
  validations: [{expression: "object.spec.replicas > 1", message: too few replicas}]
---
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: k8sowner}
spec:
  crd: {spec: {names: {kind: K8sOwner}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package k8sowner
      violation[{"msg": "no owner"}] { not input.review.object.metadata.labels.owner }
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sOwner
metadata: {name: owner}
spec: {enforcementAction: warn}`

func TestList_EveryPolicyOfTheGatesOwnIsThereWithItsEngineFileAndLevel(t *testing.T) {
	config := policyConfig(t, policyText{}.String(), nil)
	config.Documents = append(config.Documents, documents(t, listedPolicies)...)
	config.Gate.Spec.Judge.Rules = []gate.RuleLevel{{Rule: "policy/K8sOwner/owner", Level: "Deny"}}
	compiled, err := NewCompiler().Compile(config)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][4]string{
		"policy/team-label":     {"ValidatingAdmissionPolicy", "policy.yaml:1", "Deny", "Deny"},
		"policy/replicas":       {"Kyverno ValidatingPolicy", "policy.yaml:1", "Info", "Info"},
		"policy/K8sOwner/owner": {"Gatekeeper constraint", "policy.yaml:21", "Warn", "Deny"},
	}
	for _, each := range compiled.List() {
		if !each.Own {
			continue
		}
		if got := [4]string{each.Engine, each.From, each.Rule.Level, each.Level}; got != want[each.Rule.ID] {
			t.Errorf("%s: %q, want %q", each.Rule.ID, got, want[each.Rule.ID])
		}
		delete(want, each.Rule.ID)
	}
	if len(want) != 0 {
		t.Errorf("not listed: %v", want)
	}
}

func TestList_WhatAGateCouldAdjustIsListedUnderItsPacks(t *testing.T) {
	compiled, err := NewCompiler().Compile(Config{Gate: gateWith(gate.Judge{Packs: []string{"pack/workload@1"}, PodSecurity: &gate.PodSecurity{Level: "baseline"}})})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, each := range compiled.List() {
		seen[each.Rule.ID] = each.From
	}
	for id, from := range map[string]string{
		"workload/env-credential": "pack/workload@1", "pss/privileged": "pss/baseline:latest", "pss/runAsNonRoot": "",
		"pss/admission": "namespace labels", "pss/invalid-label": "namespace labels",
		"secret/plaintext": "", "self/admission": SelfPack, ruleRequired: "Kubernetes " + apiserver.KubernetesVersion(),
	} {
		if seen[id] != from {
			t.Errorf("%s is from %q, want %q", id, seen[id], from)
		}
	}
}

func TestList_AdmissionsVerdictIsThereWhateverTheMinimum(t *testing.T) {
	for from, described := range map[string]*gate.PodSecurityAdmission{
		"namespace labels": nil, "namespace labels, spec.judge.podSecurityAdmission": {Defaults: gate.PodSecurityModes{Enforce: "baseline"}},
	} {
		judge := gate.Judge{PodSecurityAdmission: described, Rules: []gate.RuleLevel{{Rule: "pss/admission", Level: "Warn"}}}
		compiled, err := NewCompiler().Compile(Config{Gate: gateWith(judge)})
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		for _, each := range compiled.List() {
			if each.From == from {
				found[each.Rule.ID] = each.Level
			}
		}
		if len(found) != 2 || found["pss/admission"] != "Warn" || found["pss/invalid-label"] != "Deny" {
			t.Errorf("from %s: %v", from, found)
		}
	}
}

func TestListEvidence_NamesEachDemand(t *testing.T) {
	var of gate.Gate
	if listed := ListEvidence(of); listed != nil {
		t.Errorf("without a demand: %v", listed)
	}
	of.Spec.Evidence = []gate.Evidence{{Name: "contents", At: plugin.Origin{File: "gate.yaml", Line: 7}}}
	if listed := ListEvidence(of); len(listed) != 1 || listed[0].Rule.ID != "contents" || listed[0].Engine != "evidence" || listed[0].From != "gate.yaml:7" {
		t.Errorf("got %v", listed)
	}
}

func TestListNotation_NamesTheDocument(t *testing.T) {
	var of gate.Gate
	if listed := ListNotation(of); listed != nil {
		t.Errorf("%+v", listed)
	}
	of.Spec.Trust.Notation = &gate.Notation{TrustPolicy: "trustpolicy.json"}
	if listed := ListNotation(of); len(listed) != 1 || listed[0].Rule.ID != "trustpolicy.json" || listed[0].Engine != "Notation" {
		t.Errorf("%+v", listed)
	}
}
