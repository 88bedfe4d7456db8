package policy

import (
	"context"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// templateText is a ConstraintTemplate and one constraint of it; every field
// has a default.
type templateText struct {
	version string // of the API
	rego    string
	target  string // further lines of the target
	schema  string // openAPIV3Schema, in flow style
	action  string // lines of the constraint's spec
	match   string // in flow style
	params  string // in flow style
}

const ownerRego = `
package k8sowner
violation[{"msg": msg, "details": {"missing": input.parameters.label}}] {
  not input.review.object.metadata.labels[input.parameters.label]
  msg := sprintf("the label %v is missing", [input.parameters.label])
}`

func (t templateText) String() string {
	if t.version == "" {
		t.version = "v1"
	}
	if t.rego == "" {
		t.rego = ownerRego
	}
	if t.schema == "" {
		t.schema = "{type: object, properties: {label: {type: string}}}"
	}
	if t.params == "" {
		t.params = "{label: owner}"
	}
	if t.match == "" {
		t.match = `{kinds: [{apiGroups: [""], kinds: [ConfigMap, Secret, Pod, Namespace]}]}`
	}
	indented := strings.ReplaceAll(strings.TrimSpace(t.rego), "\n", "\n        ")
	return `apiVersion: templates.gatekeeper.sh/` + t.version + `
kind: ConstraintTemplate
metadata:
  name: k8sowner
  annotations: {description: every object says whom to ask}
spec:
  crd:
    spec:
      names: {kind: K8sOwner}
      validation:
        openAPIV3Schema: ` + t.schema + `
  targets:
    - target: admission.k8s.gatekeeper.sh
      ` + t.target + `
      rego: |
        ` + indented + `
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sOwner
metadata: {name: owner}
spec:
  ` + t.action + `
  match: ` + t.match + `
  parameters: ` + t.params + `
`
}

func constraintConfig(t testing.TB, text string, change func(*gate.Gate)) Config {
	t.Helper()
	return policyConfig(t, text, change)
}

const (
	unowned = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: team-a}\n"
	owned   = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: team-a, labels: {owner: team-a}}\n"
)

func TestGatekeeper_AViolationIsDenied(t *testing.T) {
	config := constraintConfig(t, templateText{}.String(), nil)
	finding := one(t, judgeWith(t, config, sealed(t, unowned)))
	details := strings.Join(finding.Details, "\n")
	if finding.Rule != "policy/K8sOwner/owner" || finding.Level != plugin.Deny || finding.Message != "the label owner is missing" ||
		finding.Why != "every object says whom to ask" || finding.Object.Name != "web" ||
		!strings.Contains(details, "policy.yaml:11") || !strings.Contains(details, `details: {"missing":"owner"}`) {
		t.Errorf("%+v", finding)
	}
	if found := judgeWith(t, config, sealed(t, owned)); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestGatekeeper_ACancelledRunHasNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	findings := judgeOf(t, constraintConfig(t, templateText{}.String(), nil)).Judge(ctx, sealed(t, unowned))
	if finding := one(t, findings); finding.Level != plugin.Undetermined {
		t.Errorf("%+v", finding)
	}
}
