package policy

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assay-gitops/assay/plugin"
)

// The rules of self.
const (
	ruleSelfGitOps          = "self/gitops-kind"
	ruleSelfAdmission       = "self/admission"
	ruleSelfRBAC            = "self/rbac"
	ruleSelfNamespace       = "self/namespace"
	ruleSelfGate            = "self/gate"
	ruleSelfNamespaceLabels = "self/namespace-labels"
	ruleSelfEmbedded        = "self/embedded"
	ruleSelfDefinition      = "self/definition"
)

func groupKind(id plugin.ObjectID) schema.GroupKind {
	return schema.GroupKind{Group: id.Group(), Kind: id.Kind}
}

// protectedKind names the rule that a kind breaks, and whose kind it is; empty
// for all other kinds.
func protectedKind(group, kind string) (rule, what string) {
	group, kind = strings.ToLower(strings.TrimSpace(group)), strings.TrimSpace(kind)
	kind = strings.TrimSuffix(kind, "List")
	switch {
	case group == "argoproj.io" && foldContains([]string{"Application", "ApplicationSet", "AppProject"}, kind):
		return ruleSelfGitOps, "Argo CD applies what it says"
	case fluxGroup(group):
		return ruleSelfGitOps, "Flux applies what it says"
	case applierOf(group, kind) != "":
		return ruleSelfGitOps, applierOf(group, kind) + " applies what never passed the gate"
	case gateGroup(group):
		return ruleSelfGate, "it configures the gate"
	case admissionGroup(group):
		return ruleSelfAdmission, "it changes or decides admission"
	}
	return "", ""
}

func foldContains(names []string, name string) bool {
	return slices.ContainsFunc(names, func(each string) bool { return strings.EqualFold(each, name) })
}

// fluxGroup reports whether the group's kinds decide what Flux applies.
// Notifications do not.
func fluxGroup(group string) bool {
	switch group {
	case "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io", "source.toolkit.fluxcd.io",
		"source.extensions.fluxcd.io", "image.toolkit.fluxcd.io", "fluxcd.controlplane.io":
		return true
	}
	return false
}

func gateGroup(group string) bool {
	return group == "assay.dev" || strings.HasSuffix(group, ".assay.dev") || group == "policy.sigstore.dev"
}

// admissionGroup reports whether the group's kinds change or decide admission:
// the API server's own and those of the engines, which also mutate images
// after the gate.
func admissionGroup(group string) bool {
	switch group {
	case "admissionregistration.k8s.io", "kyverno.io", "policies.kyverno.io":
		return true
	}
	return group == "gatekeeper.sh" || strings.HasSuffix(group, ".gatekeeper.sh")
}

func protectedGroup(group string) bool {
	group = strings.ToLower(strings.TrimSpace(group))
	return group == "argoproj.io" || fluxGroup(group) || applierGroup(group) || gateGroup(group) || admissionGroup(group)
}

// protectedResource reports whether an RBAC rule's group and resource name a
// protected kind; "*" names everything.
func protectedResource(group, resource string) bool {
	group = strings.ToLower(strings.TrimSpace(group))
	resource, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(resource)), "/")
	everything := resource == "*"
	argo := everything || slices.Contains([]string{"applications", "applicationsets", "appprojects", "argocds"}, resource)
	switch {
	case group == "argoproj.io":
		return argo
	case group == "*":
		return argo || slices.Contains(protectedPlurals(), resource) || slices.Contains(applierPlurals(), resource)
	}
	return fluxGroup(group) || applierGroup(group) || gateGroup(group) || admissionGroup(group)
}

// protectedPlurals are resources of the protected groups, for rules that name
// all groups and some resources.
func protectedPlurals() []string {
	return []string{
		"kustomizations", "helmreleases", "gitrepositories", "ocirepositories", "helmrepositories", "helmcharts", "buckets",
		"externalartifacts", "artifactgenerators", "imageupdateautomations", "imagepolicies", "imagerepositories", "fluxinstances", "resourcesets",
		"gatedsources", "gates", "clusterimagepolicies", "trustroots",
		"validatingadmissionpolicies", "validatingadmissionpolicybindings", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings",
		"validatingwebhookconfigurations", "mutatingwebhookconfigurations",
		"clusterpolicies", "policies", "policyexceptions", "constrainttemplates", "configs",
	}
}
