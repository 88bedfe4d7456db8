package apiserver

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assay-gitops/assay/plugin"
)

// KindTable maps kinds to resources and scopes. It knows the API server's own
// kinds. For any other kind the resource is the lower-case plural as Kubernetes
// guesses it, and the kind is taken for a namespaced one.
//
// The CustomResourceDefinitions of the rendering are the application's text:
// they add places in which an object may be, and take none away. About the API
// server's own groups they are not believed at all.
type KindTable struct {
	defined map[schema.GroupKind][]string // the plurals of rendered definitions
	cluster map[string][]string           // the API server's own cluster-scoped kinds, by group
	// Surplus are the indexes of definitions that are not looked at.
	Surplus []int
}

// PluralsPerKind is how many names of one kind are looked at. The API server
// accepts the first alone (apiextensions-apiserver pkg/controller/status), and
// every further one makes every policy be asked twice more about every object
// of the kind.
const PluralsPerKind = 4

// NewKindTable reads the CustomResourceDefinitions among the objects.
func NewKindTable(objects []plugin.Object) KindTable {
	table := KindTable{defined: map[schema.GroupKind][]string{}, cluster: ClusterScopedKinds()}
	for i, object := range objects {
		read := ReadDefinition(object)
		if !read.IsDefinition || read.Problem() != "" {
			continue
		}
		kind := schema.GroupKind{Group: read.Group, Kind: read.Kind}
		switch known := table.defined[kind]; {
		case slices.Contains(known, read.Plural):
		case len(known) == PluralsPerKind:
			table.Surplus = append(table.Surplus, i)
		default:
			table.defined[kind] = append(known, read.Plural)
		}
	}
	return table
}

// Place is where the API server may file an object.
type Place struct {
	Resource   schema.GroupVersionResource
	Namespaced bool
}

// Places are all that an object of the kind may have; the first is the one
// without the rendering's definitions.
func (t KindTable) Places(gvk schema.GroupVersionKind) []Place {
	guessed := GuessResource(gvk)
	namespaced := !t.ClusterScoped(gvk.GroupKind())
	plurals, defined := t.defined[gvk.GroupKind()]
	places := []Place{{Resource: guessed, Namespaced: namespaced}}
	if !defined {
		return places
	}
	for _, plural := range append([]string{guessed.Resource}, plurals...) {
		for _, scope := range []bool{namespaced, !namespaced} {
			if each := (Place{Resource: gvk.GroupVersion().WithResource(plural), Namespaced: scope}); !slices.Contains(places, each) {
				places = append(places, each)
			}
		}
	}
	return places
}

// GuessResource is the plural as Kubernetes guesses it, but for a vowel before
// the y: it takes gateways for gatewaies, which no definition is called.
func GuessResource(gvk schema.GroupVersionKind) schema.GroupVersionResource {
	guessed, _ := meta.UnsafeGuessKindToResource(gvk)
	name := strings.ToLower(gvk.Kind)
	if stem, found := strings.CutSuffix(name, "y"); found && strings.HasSuffix(guessed.Resource, "ies") && endsInVowel(stem) {
		guessed.Resource = name + "s"
	}
	return guessed
}

func endsInVowel(word string) bool {
	return word != "" && strings.ContainsRune("aeou", rune(word[len(word)-1]))
}

// ClusterScoped reports whether the kind is one of the API server's own whose
// objects have no namespace.
func (t KindTable) ClusterScoped(kind schema.GroupKind) bool {
	return slices.Contains(t.cluster[kind.Group], kind.Kind)
}

// ClusterScopedKinds are the API server's own cluster-scoped kinds, by group
// (Kubernetes 1.37, api/openapi-spec).
func ClusterScopedKinds() map[string][]string {
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
