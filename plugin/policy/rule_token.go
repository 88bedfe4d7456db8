package policy

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/assay-gitops/assay/plugin"
)

/*
tokenWithoutRightsRule finds Pods that mount a token with which nothing can be
done.

Looked at: automountServiceAccountToken of the Pod, else of its service account
where that is rendered; a missing field mounts. Allowed: it is off, or a
rendered RoleBinding or ClusterRoleBinding gives rights to the account, by its
name, as a user, or through a group of service accounts. Rights that are granted
elsewhere are not seen, which is why the rule warns.
*/
func tokenWithoutRightsRule() codeRule {
	return overView(Rule{
		ID: "service-account/token-without-rights", Title: "A Pod mounts a token only if it uses it", Severity: "medium", Level: "Warn",
		Why:        "whoever breaks into the container can talk to the API server as an account of the cluster, though the program never does",
		Fix:        "set automountServiceAccountToken: false on the Pod, or bind a role to its service account",
		References: []string{"https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/"},
		Controls:   []string{"CIS Kubernetes Benchmark 5.1.5", "CIS Kubernetes Benchmark 5.1.6", "NSA/CISA Kubernetes Hardening Guide: service account tokens", "MITRE ATT&CK T1528"},
	}, func(page Rule, v *view) []plugin.Finding {
		known := newAccountRights(v)
		var findings []plugin.Finding
		for _, s := range v.pods() {
			account := accountOf(s)
			if !known.mounts(s, account) || known.hasRights(account) {
				continue
			}
			findings = append(findings, page.against(s, "", fmt.Sprintf("the token of the service account %q is mounted, and nothing in the rendering gives it rights", account.name)))
		}
		return findings
	})
}

// account is a service account.
type account struct{ namespace, name string }

func accountOf(pod *subject) account {
	name := pod.pod.Spec.ServiceAccountName
	if name == "" {
		name = pod.pod.Spec.DeprecatedServiceAccount
	}
	if name == "" {
		name = "default"
	}
	return account{pod.namespace, name}
}

// accountRights is what the rendering says of service accounts.
type accountRights struct {
	bound map[account]bool
	// namespaces are those whose accounts all have rights; "" is every one.
	namespaces map[string]bool
	// automount is what rendered accounts say.
	automount map[account]bool
}

func newAccountRights(v *view) accountRights {
	known := accountRights{bound: map[account]bool{}, namespaces: map[string]bool{}, automount: map[account]bool{}}
	for _, s := range v.rendered() {
		switch object := s.object.(type) {
		case *corev1.ServiceAccount:
			if mount := object.AutomountServiceAccountToken; mount != nil {
				known.automount[account{s.namespace, s.name}] = *mount
			}
		case *rbacv1.RoleBinding:
			known.bind(object.Subjects, s.namespace)
		case *rbacv1.ClusterRoleBinding:
			known.bind(object.Subjects, "")
		}
	}
	return known
}

// everyAccount is the group of all service accounts; with a colon and a
// namespace behind it, of those there (Kubernetes, service account docs).
const everyAccount = "system:serviceaccounts"

func (k accountRights) bind(subjects []rbacv1.Subject, here string) {
	for _, subject := range subjects {
		switch subject.Kind {
		case rbacv1.ServiceAccountKind:
			namespace := subject.Namespace
			if namespace == "" {
				namespace = here
			}
			k.bound[account{namespace, subject.Name}] = true
		case rbacv1.UserKind:
			if namespace, name, found := strings.Cut(strings.TrimPrefix(subject.Name, "system:serviceaccount:"), ":"); found {
				k.bound[account{namespace, name}] = true
			}
		case rbacv1.GroupKind:
			if rest, found := strings.CutPrefix(subject.Name, everyAccount); found {
				k.namespaces[strings.TrimPrefix(rest, ":")] = true
			}
		}
	}
}

// mounts follows the API: the Pod's own field, else the account's, else yes.
func (k accountRights) mounts(pod *subject, of account) bool {
	if mount := pod.pod.Spec.AutomountServiceAccountToken; mount != nil {
		return *mount
	}
	mount, said := k.automount[of]
	return !said || mount
}

// hasRights looks up the account, also where nobody said which namespace the
// rendering goes into: then a binding may name any.
func (k accountRights) hasRights(of account) bool {
	if k.bound[of] || k.namespaces[""] || k.namespaces[of.namespace] {
		return true
	}
	if of.namespace != "" {
		return false
	}
	for bound := range k.bound {
		if bound.name == of.name {
			return true
		}
	}
	return false
}
