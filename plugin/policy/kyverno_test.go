package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// kyvernoText is a ValidatingPolicy. The parts that a test changes are fields;
// empty ones take a sensible text.
type kyvernoText struct {
	kind, namespace, resources, spec, match, validation, actions string
}

func (p kyvernoText) String() string {
	or := func(text, otherwise string) string {
		if text == "" {
			return otherwise
		}
		return text
	}
	return fmt.Sprintf(`apiVersion: policies.kyverno.io/v1
kind: %s
metadata: {name: team-label%s}
spec:
  matchConstraints:
    %s
    resourceRules:
      - {apiGroups: [%s], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [%s]}
  validationActions: [%s]
  %s
  validations: [%s]`, or(p.kind, "ValidatingPolicy"), p.namespace, p.match, or(group(p.resources), `""`), or(resource(p.resources), "configmaps"), or(p.actions, "Deny"), p.spec,
		or(p.validation, `{expression: "has(object.metadata.labels) && 'team' in object.metadata.labels", message: the label team is missing}`))
}

func TestKyverno_AFailedValidationDenies(t *testing.T) {
	config := policyConfig(t, kyvernoText{}.String(), nil)
	finding := one(t, judgeWith(t, config, sealed(t, unlabelled)))
	if finding.Rule != "policy/team-label" || finding.Level != plugin.Deny || finding.Message != "the label team is missing" ||
		finding.Object.Name != "web" || !strings.Contains(strings.Join(finding.Details, " "), "policy.yaml:1") {
		t.Errorf("%+v", finding)
	}
	if found := judgeWith(t, config, sealed(t, labelled)); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
	_ = gate.Gate{}
}
