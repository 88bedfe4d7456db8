package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/policies"
)

// pack is a shipped set of rules, by version: what it denies never grows
// without a new one.
type pack struct {
	name string
	// folder is the one in policies/.
	folder string
	// engines are its rules in Go.
	engines func(gate.Gate) []engine
}

func packs() []pack {
	return []pack{
		{name: "pack/supply-chain@1", folder: "supply-chain", engines: func(g gate.Gate) []engine {
			return []engine{notPinned{fields: imageFields(g)}, plaintextSecret{}}
		}},
		{name: "pack/workload@1", folder: "workload"},
		{name: SelfPack},
	}
}

// compiledPacks are what a gate takes from its packs.
type compiledPacks struct {
	engines  []engine
	policies []boundPolicy
	rules    map[string]Rule
}

// packs compiles the named packs. The pack self is always on, so naming it
// changes nothing.
func (c *Compiler) packs(names []string, of gate.Gate) (compiledPacks, error) {
	compiled := compiledPacks{rules: map[string]Rule{}}
	var known []string
	for _, each := range packs() {
		known = append(known, each.name)
	}
	var problems []error
	for i, name := range names {
		at := slices.Index(known, name)
		switch {
		case at < 0:
			problems = append(problems, fmt.Errorf("reading judge.packs: there is no pack %q%s", name, nearest(name, known)))
			continue
		case slices.Contains(names[:i], name):
			problems = append(problems, fmt.Errorf("reading judge.packs: %q is there twice", name))
			continue
		}
		problems = append(problems, c.pack(packs()[at], of, &compiled))
	}
	return compiled, errors.Join(problems...)
}

func (c *Compiler) pack(of pack, g gate.Gate, into *compiledPacks) error {
	if of.engines != nil {
		into.engines = append(into.engines, of.engines(g)...)
	}
	files, err := packFiles(of)
	if err != nil {
		return err
	}
	for _, file := range files {
		compiled, err := c.shippedPolicy(file.policy)
		if err != nil {
			return err
		}
		into.policies = append(into.policies, boundPolicy{admissionPolicy: compiled, rule: file.rule, bindings: []bindingFile{file.binding}})
		into.rules[file.rule.ID] = file.rule
	}
	return nil
}

// packFile is one shipped rule that is a ValidatingAdmissionPolicy.
type packFile struct {
	rule    Rule
	policy  policyFile
	binding bindingFile
}

// packFiles reads the pack's policies, sorted by folder.
func packFiles(of pack) ([]packFile, error) {
	if of.folder == "" {
		return nil, nil
	}
	paths, err := fs.Glob(policies.Files, of.folder+"/*/policy.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", of.name, err)
	}
	var files []packFile
	for _, name := range paths {
		file, err := readPackFile(of, name)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", of.name, err)
		}
		files = append(files, file)
	}
	return files, nil
}

func readPackFile(of pack, name string) (packFile, error) {
	data, err := fs.ReadFile(policies.Files, name)
	if err != nil {
		return packFile{}, err
	}
	var documents []gate.Document
	for text := range strings.SplitSeq(string(data), "\n---\n") {
		document, err := packDocument(name, text)
		if err != nil {
			return packFile{}, err
		}
		documents = append(documents, document)
	}
	files, err := readAdmission(documents)
	if err != nil {
		return packFile{}, err
	}
	if len(files.policies) != 1 || len(files.bindings) != 1 || files.bindings[0].Spec.PolicyName != files.policies[0].Name {
		return packFile{}, fmt.Errorf("%s: a shipped rule is one policy and its binding", name)
	}
	rule, err := packRule(of, files)
	if err != nil {
		return packFile{}, fmt.Errorf("%s: %w", name, err)
	}
	return packFile{rule: rule, policy: files.policies[0], binding: files.bindings[0]}, nil
}

func packDocument(name, text string) (gate.Document, error) {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	encoded, err := yaml.YAMLToJSONStrict([]byte(text))
	if err == nil {
		err = json.Unmarshal(encoded, &head)
	}
	if err != nil {
		return gate.Document{}, fmt.Errorf("%s: %w", name, err)
	}
	at := plugin.Origin{File: path.Join("policies", name)}
	return gate.Document{APIVersion: head.APIVersion, Kind: head.Kind, Name: name, JSON: encoded, At: at}, nil
}

// packRule reads the rule's page from the policy's annotations.
func packRule(of pack, files admissionFiles) (Rule, error) {
	notes := files.policies[0].Annotations
	rule := Rule{
		ID: notes["assay.dev/rule"], Title: notes["assay.dev/title"], Severity: notes["assay.dev/severity"],
		Why: notes["assay.dev/why"], Fix: notes["assay.dev/fix"], EffectiveOn: notes["assay.dev/effective-on"],
		References: strings.Fields(notes["assay.dev/references"]), Pack: of.name, Adjustable: true,
	}
	if rule.ID == "" || rule.Title == "" || rule.Severity == "" || rule.Why == "" || rule.Fix == "" {
		return Rule{}, errors.New("an annotation of the rule's page is missing: rule, title, severity, why or fix")
	}
	if _, err := rule.effective(); err != nil {
		return Rule{}, err
	}
	rule.Level = "Deny"
	if slices.Equal(files.bindings[0].Spec.ValidationActions, []admissionv1.ValidationAction{admissionv1.Warn}) {
		rule.Level = "Warn"
	}
	return rule, nil
}

func imageFields(g gate.Gate) []plugin.ImageField {
	var fields []plugin.ImageField
	for _, field := range g.Spec.Images.Fields {
		fields = append(fields, plugin.ImageField(field))
	}
	return fields
}
