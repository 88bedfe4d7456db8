package harden

import (
	"cmp"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// surroundings is what the rest of the rendering says about a Pod.
type surroundings struct {
	// namespace is where objects without a namespace of their own go.
	namespace string
	// flux is set when Flux syncs, and not Argo CD.
	flux bool
	// accounts are the rendered service accounts by namespace/name.
	accounts map[string]map[string]any
	// bound are the service accounts, by namespace/name, that a rendered binding
	// names, and named the same by name; groups means that one names a group of all
	// of them.
	bound, named map[string]bool
	groups       bool
	// limited are the namespaces with a rendered LimitRange about their containers.
	limited map[string]bool
	// services are the rendered Services, by a label that they ask for.
	services map[serviceKey][]served
}

func newSurroundings(rendering plugin.Unhardened) *surroundings {
	around := &surroundings{
		namespace: rendering.Source.Application.Namespace, flux: rendering.Source.Application.SourceNamespace != "",
		accounts: map[string]map[string]any{}, bound: map[string]bool{}, named: map[string]bool{}, limited: map[string]bool{}, services: map[serviceKey][]served{},
	}
	for _, object := range rendering.Objects {
		switch id := object.ID(); {
		case id.Kind == "ServiceAccount" && id.Group() == "":
			around.accounts[around.place(id)+"/"+id.Name] = object.Fields
		case id.Kind == "Service" && id.Group() == "":
			around.addService(object)
		case id.Kind == "LimitRange" && id.Group() == "":
			around.addLimits(object)
		case id.Group() == "rbac.authorization.k8s.io" && (id.Kind == "RoleBinding" || id.Kind == "ClusterRoleBinding"):
			around.addSubjects(object)
		}
	}
	return around
}

// place is the namespace that a namespaced object goes to.
func (s *surroundings) place(id plugin.ObjectID) string { return cmp.Or(id.Namespace, s.namespace) }

// runsPods reports whether a rendered object makes Pods in the namespace.
func (s *surroundings) runsPods(objects []plugin.Object, namespace string) bool {
	return slices.ContainsFunc(objects, func(object plugin.Object) bool {
		id := object.ID()
		_, makesPods := podSpecOf(id)
		return makesPods && s.place(id) == namespace
	})
}

// gives reports whether a rendered binding names a service account. Where nobody
// says which namespace one of them goes to, it may be the other's.
func (s *surroundings) gives(namespace, account string) bool {
	return s.bound[namespace+"/"+account] || s.bound["/"+account] || namespace == "" && s.named[account]
}

// addLimits notes a LimitRange about containers or Pods.
func (s *surroundings) addLimits(limits plugin.Object) {
	items, _ := at(limits.Fields, "spec", "limits").([]any)
	for _, item := range items {
		entry, _ := item.(map[string]any)
		if entry["type"] == "Container" || entry["type"] == "Pod" {
			s.limited[s.place(limits.ID())] = true
		}
	}
}

func (s *surroundings) addSubjects(binding plugin.Object) {
	subjects, _ := binding.Fields["subjects"].([]any)
	for _, item := range subjects {
		subject, _ := item.(map[string]any)
		name, _ := subject["name"].(string)
		namespace, _ := subject["namespace"].(string)
		switch subject["kind"] {
		case "ServiceAccount":
			if namespace == "" {
				namespace = s.place(binding.ID())
			}
			s.bound[namespace+"/"+name], s.named[name] = true, true
		default: // a group or a user may be any service account
			s.groups = true
		}
	}
}
