package gate

import (
	"slices"
	"strings"
)

const kyvernoGroup = "policies.kyverno.io"

// isKyverno reports whether the judge reads the kind: Kyverno's CEL policies for
// objects, in the versions that mean the same, and the exceptions from them.
func isKyverno(kind, apiVersion string) bool {
	return (apiVersion == kyvernoGroup+"/v1" || apiVersion == kyvernoGroup+"/v1beta1") &&
		slices.Contains([]string{"ValidatingPolicy", "NamespacedValidatingPolicy", "PolicyException"}, kind)
}

// KyvernoHint says what to do instead of a kind of Kyverno that no gate reads.
func KyvernoHint(kind, apiVersion string) string {
	kind = strings.TrimPrefix(kind, "Namespaced")
	switch {
	case strings.HasPrefix(apiVersion, kyvernoGroup+"/") && isKyverno(kind, kyvernoGroup+"/v1"):
		return "write " + kyvernoGroup + "/v1"
	case kind == "ImageValidatingPolicy":
		return "assay verifies images itself: write a ClusterImagePolicy (policy.sigstore.dev), or take it out of the gate"
	case kind == "MutatingPolicy":
		return "leave it to the cluster, or write a MutatingAdmissionPolicy"
	case kind == "ClusterPolicy" || kind == "Policy":
		return "write its validations as a ValidatingPolicy (" + kyvernoGroup + "/v1, CEL), which Kyverno asks for since 1.17, or take it out of the gate"
	case kind == "GeneratingPolicy" || kind == "DeletingPolicy" || strings.HasSuffix(kind, "CleanupPolicy"):
		return "it acts in a running cluster and judges nothing: take it out of the gate"
	}
	return "a gate reads ValidatingPolicy, NamespacedValidatingPolicy and PolicyException of " + kyvernoGroup + "/v1; take it out of the gate"
}
