package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

const rbacGroup = "rbac.authorization.k8s.io"

// judgeRBAC denies roles and bindings that reach the protected kinds, or that
// lend somebody else's rights. Reading them is allowed.
func judgeRBAC(o selfObject) []plugin.Finding {
	if !strings.EqualFold(o.id.Group(), rbacGroup) {
		return nil
	}
	switch strings.ToLower(o.id.Kind) {
	case "role", "clusterrole":
		return judgeRole(o)
	case "rolebinding", "clusterrolebinding":
		return judgeRoleBinding(o)
	}
	return nil
}

func judgeRole(o selfObject) []plugin.Finding {
	var findings []plugin.Finding
	if o.object.Fields["aggregationRule"] != nil {
		findings = append(findings, o.deny(ruleSelfRBAC, "aggregationRule", "the role takes in the rules of others, so nobody can say what it grants"))
	}
	for i, item := range listAt(o.object.Fields, "rules") {
		rule, _ := item.(map[string]any)
		reason := judgeRoleRule(rule)
		if wide := o.roles.wide(o); reason == "" && wide != "" {
			reason = judgeWideRule(rule, wide)
		}
		if reason != "" {
			findings = append(findings, o.deny(ruleSelfRBAC, fmt.Sprintf("rules[%d]", i), reason))
		}
	}
	return findings
}

// judgeWideRule is why a rule is denied that holds in all namespaces, or empty.
func judgeWideRule(rule map[string]any, wide string) string {
	verbs := lowered(stringsAt(rule, "verbs"))
	for _, group := range stringsAt(rule, "apiGroups") {
		for _, resource := range lowered(stringsAt(rule, "resources")) {
			if verb := powerfulVerb(group, resource, verbs); verb != "" {
				return fmt.Sprintf("the rule grants %q on %q of group %q in all namespaces, the gate's own among them (%s)", verb, resource, group, wide)
			}
		}
	}
	return ""
}

// judgeRoleRule is why a rule is denied, or empty.
func judgeRoleRule(rule map[string]any) string {
	verbs := lowered(stringsAt(rule, "verbs"))
	groups, resources := stringsAt(rule, "apiGroups"), lowered(stringsAt(rule, "resources"))
	for _, group := range groups {
		for _, resource := range resources {
			if verb := writingVerb(verbs); verb != "" && protectedResource(group, resource) {
				return fmt.Sprintf("the rule grants %q on %q of group %q, which decide what is applied or admitted", verb, resource, group)
			}
			if verb := lendingVerb(group, resource, verbs); verb != "" {
				return fmt.Sprintf("the rule grants %q on %q, which lends the rights of others", verb, resource)
			}
		}
	}
	return ""
}

func lowered(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = strings.ToLower(strings.TrimSpace(text))
	}
	return out
}

// writingVerb is a verb that does more than read, or empty.
func writingVerb(verbs []string) string {
	for _, verb := range verbs {
		if !slices.Contains([]string{"get", "list", "watch"}, verb) {
			return verb
		}
	}
	return ""
}

// lending is one permission by which the holder gets rights that the rule does
// not show (https://kubernetes.io/docs/concepts/security/rbac-good-practices/).
type lending struct{ group, resource, verb string }

func lendings() []lending {
	return []lending{
		{rbacGroup, "roles", "escalate"}, {rbacGroup, "roles", "bind"},
		{rbacGroup, "clusterroles", "escalate"}, {rbacGroup, "clusterroles", "bind"},
		{"", "users", "impersonate"}, {"", "groups", "impersonate"}, {"", "serviceaccounts", "impersonate"},
		{"", "serviceaccounts/token", "create"},
		{"authentication.k8s.io", "uids", "impersonate"},
	}
}

// lendingVerb is the verb of a lending that the rule includes, or empty.
func lendingVerb(group, resource string, verbs []string) string {
	for _, each := range lendings() {
		if group != "*" && !strings.EqualFold(group, each.group) || !resourceIncludes(resource, each.resource) {
			continue
		}
		for _, verb := range verbs {
			if verb == each.verb || verb == "*" {
				return verb
			}
		}
	}
	return ""
}

// resourceIncludes follows RBAC: "*" is everything, "*/sub" any resource's
// subresource. "name/*" is no wildcard there; it is taken for one here.
func resourceIncludes(written, resource string) bool {
	base, sub, hasSub := strings.Cut(resource, "/")
	return written == "*" || written == resource || hasSub && (written == "*/"+sub || written == base+"/*")
}

// judgeRoleBinding denies bindings to roles that reach the protected kinds
// without being in the rendering.
func judgeRoleBinding(o selfObject) []plugin.Finding {
	var findings []plugin.Finding
	if reason := o.roles.judgeRoleRef(o); reason != "" {
		findings = append(findings, o.deny(ruleSelfRBAC, "roleRef.name", reason))
	}
	for i, item := range listAt(o.object.Fields, "subjects") {
		subject, _ := item.(map[string]any)
		if strings.EqualFold(stringAt(subject, "kind"), "Group") && stringAt(subject, "name") == "system:masters" {
			findings = append(findings, o.deny(ruleSelfRBAC, fmt.Sprintf("subjects[%d]", i), "system:masters passes by every rule"))
		}
	}
	return findings
}

// judgeRoleRef is why a binding's role is denied, or empty. Of a cluster role in
// the rendering the rules are judged; of any other nobody can say here what it
// grants.
func (r roleReach) judgeRoleRef(o selfObject) string {
	if !refersToClusterRole(o.object) {
		return ""
	}
	written := stringAt(mapAt(o.object.Fields, "roleRef"), "name")
	role, everywhere := strings.ToLower(strings.TrimSpace(written)), strings.EqualFold(o.id.Kind, "ClusterRoleBinding")
	switch {
	case role == "cluster-admin", hasAnyPrefix(role, "argocd-", "flux-", "assay-", "crd-controller-"):
		return fmt.Sprintf("the role %q decides what is applied or admitted", role)
	case everywhere && (role == "admin" || role == "edit"):
		return fmt.Sprintf("the role %q everywhere includes the gate's own namespaces", role)
	case r.rendered[written], harmlessRole(role):
		return ""
	case hasAnyPrefix(role, "system:"):
		return fmt.Sprintf("the role %q is the API server's own, and may do what its controllers do", role)
	case everywhere:
		return fmt.Sprintf("the role %q is not in the rendering, so nobody can say what it grants everywhere", role)
	}
	return ""
}

func hasAnyPrefix(text string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(text, prefix) })
}
