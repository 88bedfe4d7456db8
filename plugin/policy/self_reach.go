package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// roleReach says where the rendering binds cluster roles.
type roleReach struct {
	rendered   map[string]bool // cluster roles by name
	everywhere map[string]bool // lower-case names that a ClusterRoleBinding refers to
	somewhere  map[string]bool // names that a RoleBinding refers to
}

func newRoleReach(objects []plugin.Object) roleReach {
	reach := roleReach{rendered: map[string]bool{}, everywhere: map[string]bool{}, somewhere: map[string]bool{}}
	for _, object := range objects {
		id := object.ID()
		if !strings.EqualFold(id.Group(), rbacGroup) {
			continue
		}
		name := stringAt(mapAt(object.Fields, "roleRef"), "name")
		switch strings.ToLower(id.Kind) {
		case "clusterrole":
			reach.rendered[id.Name] = true
		case "clusterrolebinding":
			reach.everywhere[strings.ToLower(name)] = true
		case "rolebinding":
			if refersToClusterRole(object) {
				reach.somewhere[name] = true
			}
		}
	}
	return reach
}

func refersToClusterRole(object plugin.Object) bool {
	return strings.EqualFold(stringAt(mapAt(object.Fields, "roleRef"), "kind"), "ClusterRole")
}

// wide is why a role grants its rights in all namespaces, or empty. A cluster
// role is narrow only when the rendering shows that: it binds the role in
// single namespaces alone, and nobody else has a reason to bind it.
func (r roleReach) wide(o selfObject) string {
	if !strings.EqualFold(o.id.Kind, "ClusterRole") {
		return ""
	}
	for _, label := range sortedKeys(mapAt(mapAt(o.object.Fields, "metadata"), "labels")) {
		if strings.Contains(strings.ToLower(label), "aggregate") {
			return fmt.Sprintf("the label %s adds the rule to a role of others", label)
		}
	}
	switch {
	case r.everywhere[strings.ToLower(o.id.Name)]:
		return "a ClusterRoleBinding grants it in all namespaces"
	case platformRole(strings.ToLower(o.id.Name)):
		return "the platform binds a role of this name"
	case !r.somewhere[o.id.Name]:
		return "the rendering does not bind the role in single namespaces alone"
	}
	return ""
}

// platformRole reports whether the API server or the gate's surroundings own
// the cluster role of this lower-case name.
func platformRole(name string) bool {
	return slices.Contains([]string{"cluster-admin", "admin", "edit", "view"}, name) ||
		hasAnyPrefix(name, "system:", "argocd-", "flux-", "assay-", "crd-controller-")
}

// harmlessRole reports whether a cluster role that is not in the rendering may
// be bound everywhere: the API server's own roles that neither write nor read
// Secrets (https://kubernetes.io/docs/reference/access-authn-authz/rbac/).
func harmlessRole(name string) bool {
	return slices.Contains([]string{
		"view", "system:auth-delegator", "system:basic-user", "system:discovery", "system:monitoring", "system:public-info-viewer",
		"system:service-account-issuer-discovery", "system:image-puller",
	}, name)
}

// power is a right that is as good as the gate's own when it holds in the
// gate's namespaces, or that has no namespace.
type power struct {
	group, resource string
	// reading is set where reading is enough.
	reading bool
}

func powers() []power {
	list := []power{
		{group: "", resource: "secrets", reading: true},
		{group: "", resource: "pods/exec", reading: true}, {group: "", resource: "pods/attach", reading: true},
		{group: "", resource: "pods/portforward", reading: true}, {group: "", resource: "pods/proxy", reading: true},
		{group: "", resource: "services/proxy", reading: true}, {group: "", resource: "nodes/proxy", reading: true},
		{group: "certificates.k8s.io", resource: "certificatesigningrequests/approval"},
		{group: "certificates.k8s.io", resource: "certificatesigningrequests/status"},
	}
	for group, resources := range map[string][]string{
		"":                             {"configmaps", "pods", "replicationcontrollers", "namespaces"},
		"apps":                         {"deployments", "statefulsets", "daemonsets", "replicasets"},
		"extensions":                   {"deployments", "daemonsets", "replicasets"},
		"batch":                        {"jobs", "cronjobs"},
		rbacGroup:                      {"roles", "rolebindings", "clusterroles", "clusterrolebindings"},
		"apiextensions.k8s.io":         {"customresourcedefinitions"},
		"apiregistration.k8s.io":       {"apiservices"},
		"certificates.k8s.io":          {"signers"},
		"admissionregistration.k8s.io": {"validatingwebhookconfigurations", "mutatingwebhookconfigurations"},
	} {
		for _, resource := range resources {
			list = append(list, power{group: group, resource: resource})
		}
	}
	return list
}

// powerfulVerb is the verb by which the rule's resource has a power, or empty.
func powerfulVerb(group, resource string, verbs []string) string {
	for _, each := range powers() {
		if group != "*" && !strings.EqualFold(strings.TrimSpace(group), each.group) || !each.includedIn(resource) {
			continue
		}
		if each.reading && len(verbs) > 0 {
			return verbs[0]
		}
		if verb := writingVerb(verbs); verb != "" {
			return verb
		}
	}
	return ""
}

// includedIn reports whether the resource as a rule writes it grants the power.
// That of a resource is also in its subresources, such as deployments/scale;
// to write finalizers is to own other objects, and no more.
func (p power) includedIn(written string) bool {
	if strings.Contains(p.resource, "/") {
		return resourceIncludes(written, p.resource)
	}
	base, sub, _ := strings.Cut(written, "/")
	return (base == "*" || base == p.resource) && sub != "finalizers"
}
