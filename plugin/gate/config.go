package gate

import (
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// Config is everything that was loaded, checked.
type Config struct {
	Gates         []Gate
	ImagePolicies []ClusterImagePolicy
	TrustRoots    []TrustRoot
	// Documents are policies in formats that other packages decode
	// (ValidatingAdmissionPolicy, its bindings and its params), as JSON.
	Documents []Document
	// Warnings are findings about the configuration itself, such as an option
	// that accepts more than its author may think.
	Warnings []plugin.Finding

	contents []content
	files    []namedFile
	// parts has, by kind and name, the hashes of what each document says.
	parts map[string][]string
}

// Document is one object of the configuration that this package does not
// decode.
type Document struct {
	APIVersion, Kind, Namespace, Name string
	// JSON is the object.
	JSON []byte
	At   plugin.Origin
}

// PolicyName is how spec.judge.policies and the rule policy/NAME call what the
// document holds; empty when it is nothing that is judged by.
func (d Document) PolicyName() string {
	switch {
	case d.IsConstraint():
		return d.Kind + "/" + d.Name
	case slices.Contains(judgeKinds(), d.Kind):
		return d.Name
	}
	return ""
}

// IsConstraint reports whether the document is a constraint of Gatekeeper's.
func (d Document) IsConstraint() bool {
	return strings.HasPrefix(d.APIVersion, "constraints.gatekeeper.sh/")
}

// PoliciesOf are the ClusterImagePolicies that a gate's trust section chooses,
// in the order in which they were loaded: when it names none, all of them but
// those that are there for exploitability (spec.vex) alone.
func (c *Config) PoliciesOf(gate Gate) []ClusterImagePolicy {
	names := gate.Spec.Trust.Policies
	var aside []string
	if gate.Spec.VEX != nil {
		aside = gate.Spec.VEX.Signers
	}
	var chosen []ClusterImagePolicy
	for _, policy := range c.ImagePolicies {
		name := policy.Metadata.Name
		if slices.Contains(names, name) || len(names) == 0 && !slices.Contains(aside, name) {
			chosen = append(chosen, policy)
		}
	}
	return chosen
}

// TrustRoot finds a trust root by name.
func (c *Config) TrustRoot(name string) (TrustRoot, bool) {
	for _, root := range c.TrustRoots {
		if root.Metadata.Name == name {
			return root, true
		}
	}
	return TrustRoot{}, false
}
