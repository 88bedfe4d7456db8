package gate

import (
	"slices"
	"strings"
)

// Mutate chooses the MutatingAdmissionPolicies that change the application's
// objects. They run while a gate's harden switch is on.
type Mutate struct {
	// Policies are names of MutatingAdmissionPolicies; empty means all that the
	// configuration holds and that are bound.
	Policies []string `yaml:"policies,omitempty"`
}

// Mutation is what the gates of an application mean together for one
// MutatingAdmissionPolicy.
type Mutation struct {
	// Gates are the names of those that choose the policy; without any it does
	// not run.
	Gates []string
	// TrustLabels is set when all of them trust the labels that the application
	// writes.
	TrustLabels bool
	// Indeterminate is "Deny" or "Warn": the strictest of theirs.
	Indeterminate string
	// Deployer is the one that all of them name; nil when they do not agree.
	Deployer *Deployer
}

// Mutation adds the gates' choices up: a policy that one of them chooses runs,
// once for all.
func (e Effective) Mutation(policy string) Mutation {
	var chosen Mutation
	for _, gate := range e.Gates {
		if !gate.mutates(policy) {
			continue
		}
		judge := gate.Spec.Judge
		if len(chosen.Gates) == 0 {
			chosen.TrustLabels, chosen.Indeterminate, chosen.Deployer = judge.TrustObjectLabels, judge.Indeterminate, judge.Deployer
		}
		chosen.Gates = append(chosen.Gates, gate.Metadata.Name)
		chosen.TrustLabels = chosen.TrustLabels && judge.TrustObjectLabels
		if strictness(judge.Indeterminate) > strictness(chosen.Indeterminate) {
			chosen.Indeterminate = judge.Indeterminate
		}
		if !chosen.Deployer.same(judge.Deployer) {
			chosen.Deployer = nil
		}
	}
	return chosen
}

// mutates reports whether the gate chooses the policy. A gate that is not base
// only adds what it names.
func (g Gate) mutates(policy string) bool {
	if names := g.Spec.Mutate.Policies; len(names) > 0 {
		return slices.Contains(names, policy)
	}
	return g.Spec.Base
}

func (d *Deployer) same(other *Deployer) bool {
	return d != nil && other != nil && d.Username == other.Username && slices.Equal(d.Groups, other.Groups)
}

// mutatingKind is the kind of the platform's own mutations.
const mutatingKind = "MutatingAdmissionPolicy"

// isMutating reports whether plugin/mutate reads the kind. The three versions
// have the same fields.
func isMutating(kind, apiVersion string) bool {
	version, found := strings.CutPrefix(apiVersion, "admissionregistration.k8s.io/")
	return found && slices.Contains([]string{"v1", "v1beta1", "v1alpha1"}, version) && (kind == mutatingKind || kind == mutatingKind+"Binding")
}

// IsMutation reports whether the document is a MutatingAdmissionPolicy or a
// binding of one.
func (d Document) IsMutation() bool { return isMutating(d.Kind, d.APIVersion) }

// mutations are the words on a gate's choice, for people; nil when there is
// nothing to choose from.
func (c *Config) mutations(gate Gate) []string {
	var names []string
	for _, document := range c.Documents {
		if document.IsMutation() && document.Kind == mutatingKind && gate.mutates(document.Name) {
			names = append(names, document.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	line := "changes objects by MutatingAdmissionPolicy: " + strings.Join(names, ", ")
	if !gate.Spec.Switches.Harden.IsOn() {
		line += ", once harden is on"
	}
	return []string{line}
}
