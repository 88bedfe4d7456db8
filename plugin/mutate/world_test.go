package mutate

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	kjson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// policyText is a policy and its binding; absent parts are those of a policy
// that labels ConfigMaps.
type policyText struct {
	name, resources, spec, match, mutations, reinvoke string
	// binding replaces the binding's spec after policyName.
	binding string
}

const (
	labelled = `{patchType: ApplyConfiguration, applyConfiguration: {expression: "Object{metadata: Object.metadata{labels: {'team': 'a'}}}"}}`
	everyone = `{apiGroups: ["*"], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: [%s]}`
)

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

func (p policyText) String() string {
	return fmt.Sprintf(`
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  reinvocationPolicy: %[5]s
  matchConstraints:
    resourceRules: [%[2]s]
    %[6]s
  %[3]s
  mutations:
  - %[4]s
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: %[1]s-everywhere}
spec:
  policyName: %[1]s
  %[7]s
`, or(p.name, "labels"), fmt.Sprintf(everyone, or(p.resources, "configmaps")), p.spec, strings.TrimSpace(or(p.mutations, labelled)), or(p.reinvoke, "Never"), p.match, p.binding)
}

func apply(expression string) string {
	return "{patchType: ApplyConfiguration, applyConfiguration: {expression: " + quoted(expression) + "}}"
}

func jsonPatch(expression string) string {
	return "{patchType: JSONPatch, jsonPatch: {expression: " + quoted(expression) + "}}"
}

func quoted(text string) string {
	encoded, _ := json.Marshal(text)
	return string(encoded)
}

// compile makes a mutator of a gate and the documents.
func compile(t testing.TB, gateSpec string, documents ...string) (Compiled, error) {
	t.Helper()
	text := "apiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata: {name: base}\nspec: {base: true" + gateSpec + "}\n---\n" + strings.Join(documents, "\n---\n")
	config, err := gate.Parse("gate.yaml", []byte(text))
	if err != nil {
		return Compiled{}, err
	}
	effective, err := gate.Combine(config.Gates)
	if err != nil {
		return Compiled{}, err
	}
	return NewCompiler().Compile(Config{Gates: effective, Documents: config.Documents})
}

func mutatorOf(t testing.TB, gateSpec string, documents ...string) *Mutator {
	t.Helper()
	compiled, err := compile(t, gateSpec, documents...)
	if err != nil {
		t.Fatal(err)
	}
	if compiled.Mutator == nil {
		t.Fatal("no policy is in force")
	}
	return compiled.Mutator
}

// objectsOf are the objects of a text.
func objectsOf(t testing.TB, text string) []plugin.Object {
	t.Helper()
	var objects []plugin.Object
	for i, document := range strings.Split(text, "\n---\n") {
		encoded, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := kjson.Unmarshal(encoded, &fields); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, plugin.Object{Fields: fields, Origin: plugin.Origin{File: "app.yaml", Line: i + 1}})
	}
	return objects
}

func mutateWith(t testing.TB, mutator *Mutator, text string) ([]plugin.Object, []plugin.Finding) {
	t.Helper()
	return mutator.Mutate(t.Context(), plugin.Unmutated{
		Source: plugin.Source{Application: plugin.Application{Name: "web", Namespace: "team-a"}}, Objects: objectsOf(t, text),
	})
}

// yamlOf is an object in one line a field, for comparing.
func yamlOf(t testing.TB, object plugin.Object) string {
	t.Helper()
	text, err := yaml.Marshal(object.Fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// wantObject compares an object with a text in YAML.
func wantObject(t testing.TB, got plugin.Object, want string) {
	t.Helper()
	if wanted := yamlOf(t, objectsOf(t, want)[0]); yamlOf(t, got) != wanted {
		t.Errorf("the object is\n%s\nwant\n%s", yamlOf(t, got), wanted)
	}
}

func withLevel(findings []plugin.Finding, level plugin.Level) []plugin.Finding {
	var found []plugin.Finding
	for _, finding := range findings {
		if finding.Level == level {
			found = append(found, finding)
		}
	}
	return found
}

func describe(findings []plugin.Finding) string {
	var lines []string
	for _, f := range findings {
		lines = append(lines, fmt.Sprintf("%s %s %s %s: %s (%s -> %s) %v", f.Level, f.Rule, f.Object, f.Field, f.Message, f.Was, f.Now, f.Details))
	}
	return strings.Join(lines, "\n")
}
