package policy

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/assay-gitops/assay/plugin"
)

// reference is a name that an object uses.
type reference struct {
	by *subject
	// to is what has to be there; its namespace is empty for what the cluster has
	// once.
	to rendering
	// field is where it stands, relative to the object.
	field string
}

// rendering names one object.
type rendering struct{ group, kind, namespace, name string }

func (r rendering) String() string { return fmt.Sprintf("%s %q", r.kind, r.name) }

// referenceRule finds names of objects that the rendering does not hold. The
// cluster, a controller or another application may: it warns, and the answer is
// indeterminate.
func referenceRule(page Rule, find func(v *view) []reference) codeRule {
	page.Severity, page.Level = "low", "Warn"
	if page.Why == "" {
		page.Why = "a Pod waits for what is not there, and the sync ends in a state that nobody asked for"
	}
	page.Fix = "correct the name, or render the object too; what the cluster or another application holds can be waived, or the rule be switched off"
	return overView(page, func(page Rule, v *view) []plugin.Finding {
		known := newRenderedNames(v)
		var findings []plugin.Finding
		for _, each := range find(v) {
			if known[each.to] {
				continue
			}
			finding := page.unsure(page.against(each.by, each.field, "the rendering has no "+each.to.String()), plugin.Warn, "what the cluster holds")
			findings = appendNew(findings, finding)
		}
		return findings
	})
}

// newRenderedNames are the objects of the rendering, and those that controllers
// make of them.
func newRenderedNames(v *view) map[rendering]bool {
	known := map[rendering]bool{}
	for _, s := range v.rendered() {
		known[rendering{s.kind.Group, s.kind.Kind, s.namespace, s.name}] = true
		for _, name := range madeSecrets(s, v.fields(s)) {
			known[rendering{"", "Secret", s.namespace, name}] = true
		}
		if s.kind.Kind == "Bundle" && s.kind.Group == "trust.cert-manager.io" {
			known[rendering{"", "ConfigMap", s.namespace, s.name}] = true
		}
	}
	return known
}

// madeSecrets are the Secrets that a controller makes of the object: those of
// External Secrets, Sealed Secrets, cert-manager, the Secrets Store driver,
// 1Password and Vault's operator.
func madeSecrets(s *subject, fields map[string]any) []string {
	spec := mapAt(fields, "spec")
	switch s.kind.Group + "/" + s.kind.Kind {
	case "bitnami.com/SealedSecret":
		if name := stringAt(mapAt(mapAt(spec, "template"), "metadata"), "name"); name != "" {
			return []string{name}
		}
		return []string{s.name}
	case "external-secrets.io/ExternalSecret":
		if name := stringAt(mapAt(spec, "target"), "name"); name != "" {
			return []string{name}
		}
		return []string{s.name}
	case "cert-manager.io/Certificate":
		return []string{stringAt(spec, "secretName")}
	case "secrets-store.csi.x-k8s.io/SecretProviderClass":
		var names []string
		for _, item := range listAt(spec, "secretObjects") {
			made, _ := item.(map[string]any)
			names = append(names, stringAt(made, "secretName"))
		}
		return names
	case "onepassword.com/OnePasswordItem":
		return []string{s.name}
	case "secrets.hashicorp.com/VaultStaticSecret", "secrets.hashicorp.com/VaultDynamicSecret", "secrets.hashicorp.com/VaultPKISecret":
		return []string{stringAt(mapAt(spec, "destination"), "name")}
	case "networking.k8s.io/Ingress":
		return certificateSecrets(s)
	}
	return nil
}

// certificateSecrets are those that cert-manager makes for an annotated Ingress.
func certificateSecrets(s *subject) []string {
	ingress, ok := s.object.(*networkingv1.Ingress)
	if !ok || ingress.Annotations["cert-manager.io/issuer"]+ingress.Annotations["cert-manager.io/cluster-issuer"] == "" {
		return nil
	}
	var names []string
	for _, tls := range ingress.Spec.TLS {
		names = append(names, tls.SecretName)
	}
	return names
}

// podReferenceRules are about what Pods name.
func podReferenceRules() []codeRule {
	configuration := []string{"https://kubernetes.io/docs/concepts/configuration/configmap/"}
	return []codeRule{
		referenceRule(Rule{ID: "references/config-map", Title: "ConfigMaps that Pods name are rendered", References: configuration}, func(v *view) []reference {
			return podReferences(v, "ConfigMap", requiredOf("ConfigMap"))
		}),
		referenceRule(Rule{ID: "references/secret", Title: "Secrets that Pods name are rendered, or something that makes them", References: configuration}, func(v *view) []reference {
			return podReferences(v, "Secret", requiredOf("Secret"))
		}),
		referenceRule(Rule{ID: "references/volume-claim", Title: "PersistentVolumeClaims that Pods name are rendered", References: []string{"https://kubernetes.io/docs/concepts/storage/persistent-volumes/"}},
			func(v *view) []reference { return podReferences(v, "PersistentVolumeClaim", claimsOf) }),
		referenceRule(Rule{ID: "references/service-account", Title: "Service accounts that Pods name are rendered", References: []string{"https://kubernetes.io/docs/concepts/security/service-accounts/"}},
			func(v *view) []reference {
				return podReferences(v, "ServiceAccount", func(spec *corev1.PodSpec) []string { return []string{spec.ServiceAccountName} })
			}),
		referenceRule(Rule{
			ID: "references/role", Title: "Roles and accounts that a binding names are rendered", References: []string{"https://kubernetes.io/docs/reference/access-authn-authz/rbac/"},
			Why: "a binding to what is not there grants nothing now, and whatever somebody makes under the name later",
		}, bindingReferences),
	}
}

// podReferences are the names of one kind in the Pods' namespaces. What every
// namespace has is left out.
func podReferences(v *view, kind string, names func(spec *corev1.PodSpec) []string) []reference {
	everywhere := []string{"", "default", "kube-root-ca.crt", "openshift-service-ca.crt"}
	var found []reference
	for _, s := range v.pods() {
		all := names(&s.pod.Spec)
		slices.Sort(all)
		for _, name := range slices.Compact(all) {
			if !slices.Contains(everywhere, name) {
				found = append(found, reference{by: s, to: rendering{"", kind, s.namespace, name}})
			}
		}
	}
	return found
}

// configured is a ConfigMap or a Secret that a Pod reads.
type configured struct {
	kind, name string
	optional   *bool
}

// sourcesOf are those of its volumes, of its environment, and to pull with.
func sourcesOf(spec *corev1.PodSpec) []configured {
	var all []configured
	configMap := func(from corev1.LocalObjectReference, optional *bool) {
		all = append(all, configured{"ConfigMap", from.Name, optional})
	}
	secret := func(name string, optional *bool) { all = append(all, configured{"Secret", name, optional}) }
	for _, volume := range spec.Volumes {
		if from := volume.ConfigMap; from != nil {
			configMap(from.LocalObjectReference, from.Optional)
		}
		if from := volume.Secret; from != nil {
			secret(from.SecretName, from.Optional)
		}
		if volume.Projected == nil {
			continue
		}
		for _, projected := range volume.Projected.Sources {
			if from := projected.ConfigMap; from != nil {
				configMap(from.LocalObjectReference, from.Optional)
			}
			if from := projected.Secret; from != nil {
				secret(from.Name, from.Optional)
			}
		}
	}
	for _, container := range containersOf(spec) {
		all = append(all, environmentOf(container)...)
	}
	for _, pull := range spec.ImagePullSecrets {
		secret(pull.Name, nil)
	}
	return all
}

// environmentOf is what a container's environment is read from.
func environmentOf(container corev1.Container) []configured {
	var all []configured
	for _, from := range container.EnvFrom {
		if from := from.ConfigMapRef; from != nil {
			all = append(all, configured{"ConfigMap", from.Name, from.Optional})
		}
		if from := from.SecretRef; from != nil {
			all = append(all, configured{"Secret", from.Name, from.Optional})
		}
	}
	for _, variable := range container.Env {
		if variable.ValueFrom == nil {
			continue
		}
		if from := variable.ValueFrom.ConfigMapKeyRef; from != nil {
			all = append(all, configured{"ConfigMap", from.Name, from.Optional})
		}
		if from := variable.ValueFrom.SecretKeyRef; from != nil {
			all = append(all, configured{"Secret", from.Name, from.Optional})
		}
	}
	return all
}

// requiredOf are the names of one kind without which the Pod does not start.
func requiredOf(kind string) func(*corev1.PodSpec) []string {
	return func(spec *corev1.PodSpec) []string {
		var names []string
		for _, each := range sourcesOf(spec) {
			if each.kind == kind && (each.optional == nil || !*each.optional) {
				names = append(names, each.name)
			}
		}
		return names
	}
}

func claimsOf(spec *corev1.PodSpec) []string {
	var names []string
	for _, volume := range spec.Volumes {
		if volume.PersistentVolumeClaim != nil {
			names = append(names, volume.PersistentVolumeClaim.ClaimName)
		}
	}
	return names
}

// containersOf are those that a Pod starts with.
func containersOf(spec *corev1.PodSpec) []corev1.Container {
	return slices.Concat(spec.InitContainers, spec.Containers)
}

// bindingReferences leaves out the cluster's own roles, and accounts of other
// namespaces, which are other applications'.
func bindingReferences(v *view) []reference {
	var found []reference
	for _, s := range v.rendered() {
		var role rbacv1.RoleRef
		var subjects []rbacv1.Subject
		switch binding := s.object.(type) {
		case *rbacv1.RoleBinding:
			role, subjects = binding.RoleRef, binding.Subjects
		case *rbacv1.ClusterRoleBinding:
			role, subjects = binding.RoleRef, binding.Subjects
		default:
			continue
		}
		namespace := s.namespace
		if role.Kind == "ClusterRole" {
			namespace = ""
		}
		if builtin := []string{"cluster-admin", "admin", "edit", "view"}; namespace != "" || role.Kind == "Role" || !slices.Contains(builtin, role.Name) && !hasAnyPrefix(role.Name, "system:") {
			found = append(found, reference{by: s, to: rendering{rbacGroup, role.Kind, namespace, role.Name}, field: "roleRef.name"})
		}
		for i, subject := range subjects {
			if subject.Kind == rbacv1.ServiceAccountKind && subject.Name != "default" && s.namespaced && (subject.Namespace == "" || subject.Namespace == s.namespace) {
				found = append(found, reference{by: s, to: rendering{"", "ServiceAccount", s.namespace, subject.Name}, field: fmt.Sprintf("subjects[%d].name", i)})
			}
		}
	}
	return found
}
