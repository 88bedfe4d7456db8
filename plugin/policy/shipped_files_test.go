package policy

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestShipped_APolicyThatTheAPIServerRefusesIsRefusedWithItsLine(t *testing.T) {
	const text = `# Why there is
# this policy.

apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: one}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  variables: [{name: home, expression: "'a'"}]
  validations: [{expression: "variables.home == 'a'"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: one}
spec: {policyName: one, validationActions: [Deny]}
`
	load := func(text string) error {
		_, err := loadPolicies(fstest.MapFS{"flux/admission/one.yaml": {Data: []byte(text)}}, "flux/admission/*.yaml")
		return err
	}
	for name, test := range map[string]struct{ old, instead, says string }{
		"a variable that is a word of CEL": {"home", "namespace", `manifests/flux/admission/one.yaml:4: policy "one": variable "namespace" is no name in CEL`},
		"a variable with a dash":           {"name: home", "name: ho-me", `manifests/flux/admission/one.yaml:4: policy "one": variable "ho-me" is no name in CEL`},
		"no operations":                    {"[CREATE]", "[]", `manifests/flux/admission/one.yaml:4: policy one: a resource rule needs operations`},
		"a binding without actions":        {"[Deny]", "[]", `manifests/flux/admission/one.yaml:13: binding "one" has no validationActions`},
		"a field that is none":             {"policyName: one,", "policyName: one, policy: one,", `manifests/flux/admission/one.yaml:13`},
		"another policy's binding":         {"policyName: one", "policyName: two", "it is not one policy and its binding"},
		"no YAML":                          {"metadata: {name: one}\nspec: {", "metadata: {name: one\nspec: {", "manifests/flux/admission/one.yaml:13"},
	} {
		if err := load(strings.ReplaceAll(text, test.old, test.instead)); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
	if err := load(text); err != nil {
		t.Errorf("twin: %v", err)
	}
}

// Whatever comes with assay can be installed, also what is judged by nowhere but
// in the cluster.
func TestShipped_EveryPolicyIsOneThatTheAPIServerTakes(t *testing.T) {
	for _, pattern := range []string{"policies/*/*/policy.yaml", "manifests/*/admission/*.yaml"} {
		folder, below, _ := strings.Cut(pattern, "/")
		files := os.DirFS("../../" + folder)
		names, err := fs.Glob(files, below)
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for _, name := range names {
			data, err := fs.ReadFile(files, name)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains("\n"+string(data), "\nkind: ValidatingAdmissionPolicy\n") {
				continue // a kustomization, and the platform's lists
			}
			count++
			if _, err := readShipped(files, folder, name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if count < 5 {
			t.Errorf("%s: only %d policies were found", pattern, count)
		}
	}
}
