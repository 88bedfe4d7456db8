//go:build e2e

package parity_test

import (
	"encoding/json"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/policy"
)

// What the API server does not store, a gate does not load: the policy would be
// in force here and not there.
func TestParity_WhatTheAPIServerRefusesAGateRefuses(t *testing.T) {
	documents, err := readDocuments("testdata/refused/all.yaml")
	if err != nil || len(documents) < 20 {
		t.Fatalf("%d documents, %v", len(documents), err)
	}
	for _, document := range documents {
		object := &unstructured.Unstructured{Object: document}
		_, refusal := shared.resource(object.GroupVersionKind(), "").Create(t.Context(), object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if refusal == nil {
			t.Errorf("the API server takes %s", object.GetName())
		}
		if err := loads(document); err == nil {
			t.Errorf("a gate takes %s, and the API server does not: %v", object.GetName(), refusal)
		}
	}
	t.Logf("%d policies and bindings are refused by both", len(documents))
}

// loads reads a policy with a binding, or a binding with a policy.
func loads(document map[string]any) error {
	const policyText = `{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicy","metadata":{"name":"refused"},"spec":{"paramKind":{"apiVersion":"v1","kind":"ConfigMap"},"matchConstraints":{"resourceRules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["configmaps"]}]},"validations":[{"expression":"true"}]}}`
	encoded, err := json.Marshal(document)
	if err != nil {
		return err
	}
	text := `{"apiVersion":"assay.dev/v1alpha1","kind":"Gate","metadata":{"name":"refused"},"spec":{"base":true,"judge":{"trustObjectLabels":true}}}` + "\n---\n" + string(encoded) + "\n---\n" + policyText
	config, err := gate.Parse("refused.yaml", []byte(text))
	if err != nil {
		return err
	}
	_, err = policy.NewCompiler().Compile(policy.Config{Gate: config.Gates[0], Documents: config.Documents})
	return err
}
