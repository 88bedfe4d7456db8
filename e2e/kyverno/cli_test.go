//go:build e2e

package kyverno_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin/gate"
)

// cliTest is a kyverno-test.yaml, as far as it is about ValidatingPolicies.
type cliTest struct {
	Policies, Resources, Exceptions []string
	Variables                       string
	Results                         []struct {
		Policy, Kind, Result, Operation string
		IsValidatingPolicy              bool
		IsNamespacedValidatingPolicy    bool
		Resources                       []string
	}
}

// values is the file of namespaces beside a test.
type values struct {
	Namespaces []struct {
		Metadata struct {
			Name   string
			Labels map[string]string
		}
	}
	NamespaceSelector []struct {
		Name   string
		Labels map[string]string
	}
}

// walkCLI asks what Kyverno's command-line tests ask of ValidatingPolicies.
func walkCLI(t *testing.T, tally *tally, root string) {
	t.Helper()
	walk := func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "kyverno-test.yaml" {
			runCLI(t, tally, root, path)
		}
		return err
	}
	if err := filepath.WalkDir(root, walk); err != nil {
		t.Fatal(err)
	}
}

func runCLI(t *testing.T, tally *tally, root, path string) {
	t.Helper()
	raw := read(t, path)[0].raw
	var test cliTest
	if err := yaml.Unmarshal(raw, &test); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	folder := filepath.Dir(path)
	name, err := filepath.Rel(root, folder)
	if err != nil {
		t.Fatal(err)
	}
	question := question{at: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}
	for _, file := range test.Policies {
		for _, each := range readLocal(t, folder, file) {
			if isPolicy(each) {
				question.policies = append(question.policies, each)
			}
		}
	}
	if len(question.policies) == 0 {
		return
	}
	for _, file := range test.Exceptions {
		question.exceptions = append(question.exceptions, readLocal(t, folder, file)...)
	}
	var resources []object
	for _, file := range test.Resources {
		resources = append(resources, readLocal(t, folder, file)...)
	}
	question.namespaces = namespaces(t, folder, test.Variables, resources)
	judge, err := question.judge()
	for _, result := range test.Results {
		if !result.IsValidatingPolicy && !result.IsNamespacedValidatingPolicy && !isAbout(question.policies, result.Policy) {
			continue
		}
		wanted := result.Resources
		if len(wanted) == 0 {
			wanted = []string{""}
		}
		for _, resource := range wanted {
			row := row{test: name, policy: result.Policy, resource: result.Kind + " " + resource, theirs: result.Result}
			if result.Operation != "" {
				row.resource += " " + result.Operation
			}
			if err != nil {
				row.ours, row.why = refused, err.Error()
			} else if found := find(resources, result.Kind, resource); found != nil {
				row.ours, row.why, _ = ask(t, judge, question, *found, result.Policy)
			} else {
				row.ours = "no such object"
			}
			tally.add(row)
		}
	}
}

// readLocal reads a file of a test; one from the network is none.
func readLocal(t *testing.T, folder, file string) []object {
	t.Helper()
	if strings.Contains(file, "://") {
		return nil
	}
	return read(t, filepath.Join(folder, file))
}

func isAbout(policies []object, name string) bool {
	for _, policy := range policies {
		if policy.name() == name {
			return true
		}
	}
	return false
}

func find(resources []object, kind, name string) *object {
	namespace, short, found := strings.Cut(name, "/")
	if !found {
		namespace, short = "", name
	}
	for i, each := range resources {
		if each.Kind() == kind && each.name() == short && (namespace == "" || each.Text("metadata", "namespace") == namespace) {
			return &resources[i]
		}
	}
	return nil
}

// namespaces are those that the test describes, and those that its objects
// name, without labels, as Kyverno's command takes them.
func namespaces(t *testing.T, folder, file string, resources []object) []gate.Namespace {
	t.Helper()
	known := map[string]map[string]string{"default": {}}
	for _, each := range resources {
		if namespace := each.Text("metadata", "namespace"); namespace != "" {
			known[namespace] = map[string]string{}
		}
	}
	if file != "" {
		var described values
		if err := yaml.Unmarshal(read(t, filepath.Join(folder, file))[0].raw, &described); err != nil {
			t.Fatal(err)
		}
		for _, each := range described.Namespaces {
			known[each.Metadata.Name] = each.Metadata.Labels
		}
		for _, each := range described.NamespaceSelector {
			known[each.Name] = each.Labels
		}
	}
	var out []gate.Namespace
	for name, labels := range known {
		out = append(out, gate.Namespace{Name: name, Labels: labels})
	}
	return out
}
