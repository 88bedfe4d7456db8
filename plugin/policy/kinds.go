package policy

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/assay-gitops/assay/plugin"
)

// kindTable maps kinds to resources and scopes. It knows the API server's own
// kinds. For any other kind the resource is the lower-case plural as Kubernetes
// guesses it, and the kind is taken for a namespaced one.
//
// The CustomResourceDefinitions of the rendering are the application's text:
// they add places in which an object may be, and take none away. About the API
// server's own groups they are not believed at all.
type kindTable struct {
	defined map[schema.GroupKind][]string // the plurals of rendered definitions
	cluster map[string][]string           // the API server's own cluster-scoped kinds, by group
	// surplus are the indexes of definitions that are not looked at.
	surplus []int
}

// pluralsPerKind is how many names of one kind are looked at. The API server
// accepts the first alone (apiextensions-apiserver pkg/controller/status), and
// every further one makes every policy be asked twice more about every object
// of the kind.
const pluralsPerKind = 4

// newKindTable reads the CustomResourceDefinitions among the objects.
func newKindTable(objects []plugin.Object) kindTable {
	table := kindTable{defined: map[schema.GroupKind][]string{}, cluster: clusterScopedKinds()}
	for i, object := range objects {
		read := readDefinition(object)
		if !read.isDefinition || read.problem() != "" {
			continue
		}
		kind := schema.GroupKind{Group: read.group, Kind: read.kind}
		switch known := table.defined[kind]; {
		case slices.Contains(known, read.plural):
		case len(known) == pluralsPerKind:
			table.surplus = append(table.surplus, i)
		default:
			table.defined[kind] = append(known, read.plural)
		}
	}
	return table
}

// findings deny the definitions that are not looked at.
func (t kindTable) findings(objects []plugin.Object) []plugin.Finding {
	var findings []plugin.Finding
	for _, i := range t.surplus {
		read := readDefinition(objects[i])
		findings = append(findings, plugin.Finding{
			Rule: ruleInvalidObject, Level: plugin.Deny, Object: objects[i].ID(), Origin: objects[i].Origin, Field: "spec.names.plural",
			Message: fmt.Sprintf("the kind %s of group %s has more than %d definitions", read.kind, read.group, pluralsPerKind),
			Why:     "the API server accepts one name for a kind, and under which of them an object is filed cannot be told",
			Hint:    "leave one definition of the kind",
		})
	}
	return findings
}

// place is where the API server may file an object.
type place struct {
	resource   schema.GroupVersionResource
	namespaced bool
}

// places are all that an object of the kind may have; the first is the one
// without the rendering's definitions.
func (t kindTable) places(gvk schema.GroupVersionKind) []place {
	guessed := guessResource(gvk)
	namespaced := !t.clusterScoped(gvk.GroupKind())
	plurals, defined := t.defined[gvk.GroupKind()]
	places := []place{{resource: guessed, namespaced: namespaced}}
	if !defined {
		return places
	}
	for _, plural := range append([]string{guessed.Resource}, plurals...) {
		for _, scope := range []bool{namespaced, !namespaced} {
			if each := (place{resource: gvk.GroupVersion().WithResource(plural), namespaced: scope}); !slices.Contains(places, each) {
				places = append(places, each)
			}
		}
	}
	return places
}

// guessResource is the plural as Kubernetes guesses it, but for a vowel before
// the y: it takes gateways for gatewaies, which no definition is called.
func guessResource(gvk schema.GroupVersionKind) schema.GroupVersionResource {
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

// clusterScoped reports whether the kind is one of the API server's own whose
// objects have no namespace.
func (t kindTable) clusterScoped(kind schema.GroupKind) bool {
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
