package policy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// format is one language, beside ValidatingAdmissionPolicy, that the platform
// team's own policies may be written in.
type format struct {
	// reads reports whether the document is of this format, supported or not.
	reads func(gate.Document) bool
	// compile makes an engine of the documents. What is not supported is refused
	// by name.
	compile func(*Compiler, Config, []gate.Document) (ownPolicies, error)
}

// formats lists every format that is read.
func formats() []format {
	return []format{
		{reads: isKyverno, compile: (*Compiler).kyvernoFormat},
		{reads: isGatekeeper, compile: (*Compiler).gatekeeperFormat},
	}
}

// ownPolicies are the policies of one gate in one format.
type ownPolicies struct {
	engine engine // nil when there is nothing to judge by
	// rules are the pages of the policies that the gate runs; spec.judge.rules
	// may set the level of each.
	rules []Rule
	// names are those of all policies that were read, for spec.judge.policies.
	names    []ownName
	warnings []plugin.Finding
}

// ownName is the name of a policy and where it was read.
type ownName struct {
	name string
	at   plugin.Origin
}

// own compiles the documents of every format, and hands back the others.
func (c *Compiler) own(config Config) (all []ownPolicies, others []gate.Document, err error) {
	others = config.Documents
	var problems []error
	for _, each := range formats() {
		var documents []gate.Document
		for _, document := range others {
			if each.reads(document) {
				documents = append(documents, document)
			}
		}
		if len(documents) == 0 {
			continue
		}
		others = slices.DeleteFunc(slices.Clone(others), each.reads)
		compiled, err := each.compile(c, config, documents)
		problems = append(problems, err)
		all = append(all, compiled)
	}
	return all, others, errors.Join(problems...)
}

// policyNames are the names of all policies, in whatever format.
func policyNames(files admissionFiles, own []ownPolicies) []ownName {
	var names []ownName
	for _, file := range files.policies {
		names = append(names, ownName{file.Name, file.at})
	}
	for _, each := range own {
		names = append(names, each.names...)
	}
	return names
}

// ownRules are the pages of the policies that the platform team wrote.
func ownRules(bound []boundPolicy, own []ownPolicies) []Rule {
	var rules []Rule
	for _, policy := range bound {
		rules = append(rules, policy.rule)
	}
	for _, each := range own {
		rules = append(rules, each.rules...)
	}
	return rules
}

// unknownPolicies refuses a name that no policy has, and one that two have, as
// findings, levels and exceptions go by it.
func unknownPolicies(names []string, policies []ownName) error {
	var problems []error
	var known []string
	for _, policy := range policies {
		if slices.Contains(known, policy.name) {
			problems = append(problems, apiserver.Refuse(policy.at, "policy %q is there twice", policy.name))
		}
		known = append(known, policy.name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			problems = append(problems, fmt.Errorf("reading judge.policies: there is no policy %q%s", name, plugin.Nearest(name, known)))
		}
	}
	return errors.Join(problems...)
}
