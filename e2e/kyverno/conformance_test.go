//go:build e2e

package kyverno_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin/gate"
)

// scenario is a chainsaw-test.yaml: what Kyverno's own end-to-end tests do in a
// cluster, step by step.
type scenario struct {
	Spec struct {
		Steps []struct {
			Try []map[string]json.RawMessage
			Use struct {
				With struct {
					Bindings []struct{ Name, Value string }
				}
			}
		}
	}
}

// action creates the objects of a file.
type action struct {
	File   string
	Expect []struct{ Check map[string]any }
}

// rejected reports whether the test expects an error.
func (a action) rejected() bool {
	for _, expect := range a.Expect {
		for key := range expect.Check {
			if strings.HasPrefix(key, "($error") {
				return true
			}
		}
	}
	return false
}

// walkConformance creates what Kyverno's end-to-end tests create after a
// ValidatingPolicy: assay rejects what is rejected there, in the same words.
func walkConformance(t *testing.T, tally *tally, root string) {
	t.Helper()
	for _, folder := range []string{"validating-policies", "namespaced-validating-policies"} {
		walk := func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Name() == "chainsaw-test.yaml" {
				runScenario(t, tally, root, path)
			}
			return err
		}
		if err := filepath.WalkDir(filepath.Join(root, folder), walk); err != nil {
			t.Fatal(err)
		}
	}
}

// says is the whole error that the test expects; empty when any will do.
func (a action) says() string {
	for _, expect := range a.Expect {
		if text, is := expect.Check["($error)"].(string); is {
			return strings.Join(strings.Fields(text), " ")
		}
	}
	return ""
}

// cluster is what a scenario has created so far.
type cluster struct {
	question
	name  string
	tally *tally
}

func runScenario(t *testing.T, tally *tally, root, path string) {
	t.Helper()
	var test scenario
	if err := yaml.Unmarshal(read(t, path)[0].raw, &test); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	folder := filepath.Dir(path)
	name, err := filepath.Rel(root, folder)
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{name: name, tally: tally}
	c.at = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for _, step := range test.Spec.Steps {
		for _, binding := range step.Use.With.Bindings {
			if binding.Name == "file" {
				c.create(t, folder, action{File: binding.Value})
			}
		}
		for _, each := range step.Try {
			for _, verb := range []string{"create", "apply"} {
				var do action
				if raw, is := each[verb]; is {
					if err := json.Unmarshal(raw, &do); err != nil {
						t.Fatalf("%s: %v", path, err)
					}
					c.create(t, folder, do)
				}
			}
		}
	}
}

// create remembers policies, exceptions and namespaces, and asks about the rest.
func (c *cluster) create(t *testing.T, folder string, do action) {
	t.Helper()
	if do.File == "" {
		return
	}
	theirs := pass
	if do.rejected() {
		theirs = fail
	}
	var subjects []object
	for _, each := range read(t, filepath.Join(folder, do.File)) {
		switch {
		case isPolicy(each) && theirs == fail:
			_, err := question{policies: []object{each}, at: c.at}.judge()
			c.add(each, theirs, map[bool]string{true: refused, false: pass}[err != nil], "")
		case isPolicy(each):
			c.policies = append(c.policies, each)
		case isException(each):
			c.exceptions = append(c.exceptions, each)
		case each.Kind() == "Namespace":
			metadata, _ := each.Fields["metadata"].(map[string]any)
			labels := map[string]string{}
			written, _ := metadata["labels"].(map[string]any)
			for key, value := range written {
				labels[key], _ = value.(string)
			}
			c.namespaces = append(c.namespaces, gate.Namespace{Name: each.name(), Labels: labels})
		default:
			subjects = append(subjects, each)
		}
	}
	if len(c.policies) > 0 && len(subjects) > 0 {
		c.ask(t, do, subjects, theirs)
	}
}

// ask compares a file: the cluster rejects it when it rejects one of its
// objects.
func (c *cluster) ask(t *testing.T, do action, subjects []object, theirs string) {
	t.Helper()
	q := c.question
	q.namespaces = append([]gate.Namespace{{Name: "default"}}, q.namespaces...)
	judge, err := q.judge()
	if err != nil {
		c.add(subjects[0], theirs, refused, err.Error())
		return
	}
	worst, reason, said := pass, "", []string{}
	for _, each := range subjects {
		answer, why, messages := ask(t, judge, q, each, "")
		if rank(answer) > rank(worst) {
			worst, reason = answer, each.name()+": "+why
		}
		said = append(said, messages...)
	}
	if expected := do.says(); expected != "" && worst == fail {
		c.tally.messages++
		if !slices.ContainsFunc(said, func(message string) bool { return strings.HasSuffix(expected, ": "+message) }) {
			worst, reason = "another message", fmt.Sprintf("%q, want %q", said, expected)
		}
	}
	c.tally.add(row{test: c.name, resource: do.File, theirs: theirs, ours: worst, why: reason})
}

func (c *cluster) add(o object, theirs, ours, why string) {
	c.tally.add(row{test: c.name, resource: o.Kind() + " " + o.name(), theirs: theirs, ours: ours, why: why})
}
