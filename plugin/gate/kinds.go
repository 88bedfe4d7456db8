package gate

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
)

const readKinds = "a gate reads Gate, Waivers, ClusterImagePolicy, TrustRoot, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, " +
	"MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, CustomResourceDefinition, " +
	"Gatekeeper's ConstraintTemplate and constraints, and Kyverno's ValidatingPolicy, NamespacedValidatingPolicy and PolicyException"

// refuseKind says what the document is, as far as can be told, and why it is
// not read. Passing over it would be a gate with a hole.
func (l *loading) refuseKind(doc *document) {
	at := plugin.Origin{File: doc.file, Line: doc.root.Line}
	if doc.kind == "" || doc.apiVersion == "" {
		what, hint := withoutKind(doc.root)
		l.stray(doc.file).add(at, "reading the gate's configuration: "+what, hint)
		return
	}
	if line := doc.lines["kind"]; line > 0 {
		at.Line = line
	}
	what, hint := withKind(doc.apiVersion, doc.kind)
	l.problems.add(at, "reading the gate's configuration: "+what, hint)
}

func withoutKind(root *yaml.Node) (what, hint string) {
	switch {
	case strings.Contains(textOf(root, "@context"), "openvex.dev"):
		return "OpenVEX documents are not implemented", "write a waiver in a Gate, or take the file out of the gate"
	case child(root, "trustPolicies") != nil:
		return "no gate names this Notation trust policy, so nothing would be verified by it", "name it in spec.trust.notation.trustPolicy of a Gate, or take the file out of the gate"
	}
	return "the object has no apiVersion and kind", readKinds + "; other files must be named by one of these"
}

func withKind(apiVersion, kind string) (what, hint string) {
	group, _, _ := strings.Cut(apiVersion, "/")
	name := kind + " (" + apiVersion + ")"
	switch {
	case group == "templates.gatekeeper.sh" && kind == "ConstraintTemplate":
		return name + " is not read in this version", "write templates.gatekeeper.sh/v1"
	case group == "constraints.gatekeeper.sh":
		return name + " is not read in this version", "write constraints.gatekeeper.sh/v1beta1"
	case strings.HasSuffix(group, "gatekeeper.sh"):
		return name + " is not implemented: of Gatekeeper, templates and constraints are read", "take it out of the gate"
	case group == "kyverno.io" || strings.HasSuffix(group, ".kyverno.io"):
		return name + " is not implemented", KyvernoHint(kind, apiVersion)
	case group == "admissionregistration.k8s.io" && strings.HasPrefix(kind, "MutatingAdmissionPolicy"):
		return name + " is not read in this version", "write admissionregistration.k8s.io/v1"
	case group == "admissionregistration.k8s.io" && strings.HasPrefix(kind, "ValidatingAdmissionPolicy"):
		return fmt.Sprintf("%s is not read in this version", name), "write admissionregistration.k8s.io/v1"
	case group == "policy.sigstore.dev" && (kind == "ClusterImagePolicy" || kind == "TrustRoot"):
		return name + " is not read in this version", "write policy.sigstore.dev/v1alpha1"
	case group == "assay.dev" && (kind == "Gate" || kind == "Waivers"):
		return name + " is not read in this version", "write " + APIVersion
	case apiVersion == "v1" && kind == "ConfigMap":
		return "a ConfigMap object is not read, unless a policy's spec.paramKind names ConfigMap", "mount it as a folder and name that, or write its files out"
	case strings.HasSuffix(kind, "List"):
		return name + " is not read", "write its items as documents of their own, with --- between them"
	}
	return name + " is no kind that is known", readKinds
}

// child is the value of a key; nil when there is none.
func child(mapping *yaml.Node, key string) *yaml.Node {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// textOf is a string value; empty when there is none.
func textOf(mapping *yaml.Node, key string) string {
	if node := child(mapping, key); node != nil && node.Kind == yaml.ScalarNode {
		return node.Value
	}
	return ""
}

func lineOf(mapping *yaml.Node, key string) int {
	if node := child(mapping, key); node != nil {
		return node.Line
	}
	return 0
}
