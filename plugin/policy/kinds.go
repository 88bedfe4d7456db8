package policy

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assay-gitops/assay/plugin"
)

// kindTable maps kinds to resources and scopes. It knows the API server's own
// kinds and the CustomResourceDefinitions of the rendering. For any other kind
// the resource is the lower-case plural as Kubernetes guesses it, and the kind
// is taken for a namespaced one.
type kindTable struct {
	custom  map[schema.GroupKind]customKind
	cluster map[string][]string // the API server's own cluster-scoped kinds, by group
}

type customKind struct {
	plural        string
	clusterScoped bool
}

// newKindTable reads the CustomResourceDefinitions among the objects.
func newKindTable(objects []plugin.Object) kindTable {
	table := kindTable{custom: map[schema.GroupKind]customKind{}, cluster: clusterScopedKinds()}
	for _, object := range objects {
		id := object.ID()
		if id.Kind != "CustomResourceDefinition" || id.Group() != "apiextensions.k8s.io" {
			continue
		}
		spec := mapAt(object.Fields, "spec")
		names := mapAt(spec, "names")
		kind := schema.GroupKind{Group: stringAt(spec, "group"), Kind: stringAt(names, "kind")}
		table.custom[kind] = customKind{plural: stringAt(names, "plural"), clusterScoped: stringAt(spec, "scope") == "Cluster"}
	}
	return table
}

// resource is the kind's resource, such as deployments.
func (t kindTable) resource(gvk schema.GroupVersionKind) schema.GroupVersionResource {
	if custom := t.custom[gvk.GroupKind()]; custom.plural != "" {
		return gvk.GroupVersion().WithResource(custom.plural)
	}
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	return plural
}

// clusterScoped reports whether objects of the kind have no namespace.
func (t kindTable) clusterScoped(kind schema.GroupKind) bool {
	if custom, found := t.custom[kind]; found {
		return custom.clusterScoped
	}
	return slices.Contains(t.cluster[kind.Group], kind.Kind)
}

// clusterScopedKinds are the API server's own cluster-scoped kinds, by group
// (Kubernetes 1.37, api/openapi-spec).
func clusterScopedKinds() map[string][]string {
	return map[string][]string{
		"": {"Namespace", "Node", "PersistentVolume", "ComponentStatus"},
		"admissionregistration.k8s.io": {
			"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration",
			"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
			"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
		},
		"apiextensions.k8s.io":         {"CustomResourceDefinition"},
		"apiregistration.k8s.io":       {"APIService"},
		"authentication.k8s.io":        {"TokenReview", "SelfSubjectReview"},
		"authorization.k8s.io":         {"SubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview"},
		"certificates.k8s.io":          {"CertificateSigningRequest", "ClusterTrustBundle"},
		"flowcontrol.apiserver.k8s.io": {"FlowSchema", "PriorityLevelConfiguration"},
		"internal.apiserver.k8s.io":    {"StorageVersion"},
		"networking.k8s.io":            {"IngressClass", "ServiceCIDR", "IPAddress"},
		"node.k8s.io":                  {"RuntimeClass"},
		"rbac.authorization.k8s.io":    {"ClusterRole", "ClusterRoleBinding"},
		"resource.k8s.io":              {"DeviceClass", "ResourceSlice", "DeviceTaintRule"},
		"scheduling.k8s.io":            {"PriorityClass"},
		"storage.k8s.io":               {"StorageClass", "CSIDriver", "CSINode", "VolumeAttachment", "VolumeAttributesClass"},
		"storagemigration.k8s.io":      {"StorageVersionMigration"},
	}
}
