//go:build e2e

package parity_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "k8s.io/apimachinery/pkg/util/json"
	kyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

const root = "../.."

// home is the namespace of what names none.
const home = "team-a"

// testCase is one request: a creation, or an update of an object that is there.
type testCase struct {
	name   string
	object map[string]any
	update bool
	// old is what an update changes.
	old map[string]any
	// made is the path of the template, for a Pod that a workload makes.
	made string
	// owner is that workload.
	owner map[string]any
}

// corpus is what both sides are given, and what they are asked.
type corpus struct {
	definitions, namespaces, olds, params, policies, bindings []map[string]any
	cases                                                     []testCase
	// described are the definitions that the gate is given too.
	described []map[string]any
}

// readCorpus reads the shipped policies and their cases, the installation's
// admission policies, and the cases of testdata.
func readCorpus() (corpus, error) {
	c := corpus{}
	var problems []error
	for _, pattern := range []string{root + "/policies/*/*/policy.yaml", root + "/manifests/argocd/admission/*.yaml", "testdata/*/policy.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			problems = append(problems, fmt.Errorf("looking for policies in %s: %d files, %w", pattern, len(files), err))
		}
		for _, file := range files {
			problems = append(problems, c.readPolicies(file))
		}
	}
	for _, pattern := range []string{root + "/policies/*/*/pass/*.yaml", root + "/policies/*/*/fail/*.yaml", "testdata/*/create/*.yaml", "testdata/*/old/*.yaml", "testdata/*/update/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			problems = append(problems, fmt.Errorf("looking for cases in %s: %d files, %w", pattern, len(files), err))
		}
		for _, file := range files {
			rule := filepath.Dir(filepath.Dir(file))
			if _, err := os.Stat(filepath.Join(rule, "policy.yaml")); err == nil || strings.HasPrefix(file, "testdata/") { // else it is a rule in Go
				problems = append(problems, c.readCases(file))
			}
		}
	}
	c.addNamespaces()
	c.addDefinitions()
	return c, errors.Join(problems...)
}

// readDocuments are the objects of a file, with whole numbers as int64.
func readDocuments(path string) ([]map[string]any, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	documents, err := documentsOf(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return documents, nil
}

// documentsOf are the objects of a text, with whole numbers as int64.
func documentsOf(data []byte) ([]map[string]any, error) {
	reader := kyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	var documents []map[string]any
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		encoded, err := yaml.YAMLToJSON(text)
		if err != nil {
			return nil, err
		}
		var fields map[string]any
		if err := kjson.Unmarshal(encoded, &fields); err != nil {
			return nil, err
		}
		if len(fields) > 0 {
			documents = append(documents, fields)
		}
	}
}

func (c *corpus) readPolicies(path string) error {
	if filepath.Base(path) == "kustomization.yaml" {
		return nil
	}
	documents, err := readDocuments(path)
	if err != nil {
		return err
	}
	for _, document := range documents {
		switch document["kind"] {
		case "ValidatingAdmissionPolicy":
			c.policies = append(c.policies, document)
		case "ValidatingAdmissionPolicyBinding":
			c.bindings = append(c.bindings, document)
		case "CustomResourceDefinition":
			c.definitions = append(c.definitions, document)
		case "Namespace":
			c.namespaces = append(c.namespaces, document)
		default:
			c.params = append(c.params, document)
		}
	}
	return nil
}

// readCases reads one case for each object. What lies in old/ is stored, and
// what lies in update/ changes it.
func (c *corpus) readCases(path string) error {
	documents, err := readDocuments(path)
	if err != nil {
		return err
	}
	folder := filepath.Base(filepath.Dir(path))
	for i, document := range documents {
		inHome(document)
		name := strings.TrimPrefix(filepath.ToSlash(path), root+"/")
		if len(documents) > 1 {
			name += fmt.Sprintf("#%d", i+1)
		}
		if folder == "old" {
			c.olds = append(c.olds, document)
			continue
		}
		asked := testCase{name: name, object: document, update: folder == "update"}
		if asked.update {
			if asked.old = c.old(document); asked.old == nil {
				return fmt.Errorf("%s updates what is not in old/", name)
			}
		}
		c.cases = append(c.cases, asked)
		if pod, path := podOf(document); pod != nil && !asked.update {
			c.cases = append(c.cases, testCase{name: name + " its Pod", object: pod, made: path, owner: document})
		}
	}
	return nil
}

// old is the stored object that a document changes; nil when there is none. Those
// of old/ are read first.
func (c *corpus) old(document map[string]any) map[string]any {
	changed := &unstructured.Unstructured{Object: document}
	for _, stored := range c.olds {
		object := &unstructured.Unstructured{Object: stored}
		if object.GroupVersionKind() == changed.GroupVersionKind() && object.GetNamespace() == changed.GetNamespace() && object.GetName() == changed.GetName() {
			return stored
		}
	}
	return nil
}

// inHome puts an object without a namespace into that of the application.
func inHome(document map[string]any) {
	object := &unstructured.Unstructured{Object: document}
	if object.GetNamespace() == "" && !clusterScoped(object.GetKind()) {
		object.SetNamespace(home)
	}
}

func clusterScoped(kind string) bool {
	switch kind {
	case "Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "PersistentVolume", "PriorityClass", "StorageClass", "Node",
		"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
		"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "IngressClass", "RuntimeClass", "APIService", "CSIDriver", "CertificateSigningRequest":
		return true
	}
	return false
}

// podOf is the Pod that a workload makes, and where its template stands.
func podOf(document map[string]any) (pod map[string]any, path string) {
	owner := &unstructured.Unstructured{Object: document}
	fields := []string{"spec", "template"}
	switch owner.GetKind() {
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "ReplicationController":
	case "CronJob":
		fields = []string{"spec", "jobTemplate", "spec", "template"}
	default:
		return nil, ""
	}
	template, found, err := unstructured.NestedMap(document, fields...)
	if !found || err != nil {
		return nil, ""
	}
	made := &unstructured.Unstructured{Object: template}
	made.SetAPIVersion("v1")
	made.SetKind("Pod")
	made.SetNamespace(owner.GetNamespace())
	made.SetGenerateName(owner.GetName() + "-")
	return made.Object, strings.Join(fields, ".")
}

// addNamespaces adds those that nobody describes.
func (c *corpus) addNamespaces() {
	known := map[string]bool{}
	for _, namespace := range c.namespaces {
		known[(&unstructured.Unstructured{Object: namespace}).GetName()] = true
	}
	needed := map[string]bool{}
	for _, list := range [][]map[string]any{c.params, c.olds} {
		for _, object := range list {
			needed[(&unstructured.Unstructured{Object: object}).GetNamespace()] = true
		}
	}
	for _, asked := range c.cases {
		needed[(&unstructured.Unstructured{Object: asked.object}).GetNamespace()] = true
	}
	for name := range maps.Keys(needed) {
		if name != "" && !known[name] {
			c.namespaces = append(c.namespaces, map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}})
		}
	}
}

// addDefinitions adds those of custom resources that nobody defines. They take
// any fields.
func (c *corpus) addDefinitions() {
	versions := map[schema.GroupKind][]any{}
	for _, asked := range c.cases {
		kind := (&unstructured.Unstructured{Object: asked.object}).GroupVersionKind()
		version := map[string]any{"name": kind.Version, "served": true, "storage": len(versions[kind.GroupKind()]) == 0,
			"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}
		known := slices.ContainsFunc(versions[kind.GroupKind()], func(other any) bool { return other.(map[string]any)["name"] == kind.Version })
		if !known && strings.Contains(kind.Group, ".") && !strings.HasSuffix(kind.Group, ".k8s.io") || strings.HasPrefix(kind.Group, "gateway.") && !known {
			versions[kind.GroupKind()] = append(versions[kind.GroupKind()], version)
		}
	}
	for _, definition := range c.definitions {
		object := &unstructured.Unstructured{Object: definition}
		group, _, _ := unstructured.NestedString(object.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(object.Object, "spec", "names", "kind")
		delete(versions, schema.GroupKind{Group: group, Kind: kind})
	}
	for kind, served := range versions {
		c.definitions = append(c.definitions, map[string]any{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
			"metadata": map[string]any{"name": pluralOf(kind.Kind) + "." + kind.Group, "annotations": map[string]any{"api-approved.kubernetes.io": "unapproved, for a test"}},
			"spec": map[string]any{"group": kind.Group, "scope": "Namespaced", "versions": served,
				"names": map[string]any{"kind": kind.Kind, "listKind": kind.Kind + "List", "plural": pluralOf(kind.Kind), "singular": strings.ToLower(kind.Kind)}},
		})
	}
}

// pluralOf is the resource of a kind, as their authors name them.
func pluralOf(kind string) string {
	name := strings.ToLower(kind)
	switch {
	case name == "endpoints", name == "resourceslices":
		return name
	case strings.HasSuffix(name, "s"), strings.HasSuffix(name, "x"), strings.HasSuffix(name, "ch"):
		return name + "es"
	case strings.HasSuffix(name, "y") && !strings.HasSuffix(name, "ay") && !strings.HasSuffix(name, "ey"):
		return strings.TrimSuffix(name, "y") + "ies"
	}
	return name + "s"
}
