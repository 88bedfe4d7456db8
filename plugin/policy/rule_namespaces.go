package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// namespaceRules ask for something in every namespace that the application owns,
// as network/default-deny does.
func namespaceRules() []codeRule {
	return []codeRule{
		inOwned(Rule{
			ID: "namespace/quota", Title: "A namespace has a quota", Severity: "low", Level: "Warn",
			Why:        "without a ResourceQuota one application takes the whole cluster",
			Fix:        "add a ResourceQuota",
			References: []string{"https://kubernetes.io/docs/concepts/policy/resource-quotas/"},
			Controls:   []string{"NSA/CISA Kubernetes Hardening Guide: resource policies", "MITRE ATT&CK T1496"},
		}, "the namespace has no ResourceQuota", func(v *view, s *subject) bool {
			_, ok := s.object.(*corev1.ResourceQuota)
			return ok
		}),
		inOwned(Rule{
			ID: "namespace/limit-range", Title: "A namespace has defaults for resources", Severity: "low", Level: "Warn",
			Why:        "what is created without limits, a debug Pod for one, takes what it can",
			Fix:        "add a LimitRange",
			References: []string{"https://kubernetes.io/docs/concepts/policy/limit-range/"},
			Controls:   []string{"NSA/CISA Kubernetes Hardening Guide: resource policies"},
		}, "the namespace has no LimitRange", func(v *view, s *subject) bool {
			_, ok := s.object.(*corev1.LimitRange)
			return ok
		}),
		inOwned(Rule{
			ID: "mesh/default-deny", Title: "A namespace of the mesh denies by default", Severity: "medium", Level: "Warn",
			Why:        "without an AuthorizationPolicy for the whole namespace every identity of the mesh may call every Pod, also of those that are added later",
			Fix:        "add an AuthorizationPolicy with an empty spec, and one for each call that is wanted",
			References: []string{"https://istio.io/latest/docs/ops/best-practices/security/#use-default-deny-patterns"},
			Controls:   []string{"MITRE ATT&CK T1046"},
		}, "the mesh lets every identity in by default", deniesByDefault),
	}
}

// inOwned is a rule that an owned namespace holds an object of some kind. Of a
// mesh only those are asked for that Namespace labels put into it.
func inOwned(page Rule, message string, is func(v *view, s *subject) bool) codeRule {
	page.Adjustable = true
	return codeRule{page: page, engine: func(g gate.Gate) engine {
		return engineFunc(func(_ context.Context, v *view) []plugin.Finding {
			have := map[string]bool{}
			for _, s := range v.rendered() {
				if is(v, s) {
					have[s.namespace] = true
				}
			}
			var findings []plugin.Finding
			owned := ownedNamespaces(v, g)
			for _, name := range sortedKeys(owned) {
				if !have[name] && (!strings.HasPrefix(page.ID, "mesh/") || inMesh(v, owned[name], name)) {
					findings = append(findings, page.against(owned[name], "", message))
				}
			}
			return findings
		})
	}}
}

// inMesh reports whether the Namespace, rendered or described by the gate, asks
// Istio to take its Pods in.
func inMesh(v *view, s *subject, name string) bool {
	of := s.labels
	if s.kind.Kind != "Namespace" {
		if v.namespaces[name] == nil {
			return false
		}
		of = v.namespaces[name].Labels
	}
	return of["istio-injection"] == "enabled" || of["istio.io/rev"] != "" || of["istio.io/dataplane-mode"] == "ambient"
}

// deniesByDefault reports whether the object is an AuthorizationPolicy that
// holds for all Pods of its namespace and lets nobody in that it does not name.
func deniesByDefault(v *view, s *subject) bool {
	if s.kind.Group != "security.istio.io" || s.kind.Kind != "AuthorizationPolicy" {
		return false
	}
	spec := mapAt(v.fields(s), "spec")
	if spec["selector"] != nil || spec["targetRefs"] != nil || spec["targetRef"] != nil {
		return false
	}
	action := stringAt(spec, "action")
	return action == "" || action == "ALLOW"
}

// duplicateHostRule finds Ingresses that claim the same path of the same host:
// the controller chooses one of them.
func duplicateHostRule() codeRule {
	return overView(Rule{
		ID: "network/duplicate-host", Title: "One Ingress answers for a path of a host", Severity: "medium", Level: "Warn",
		Why:        "the controller chooses one of them, and another version of it the other",
		Fix:        "remove one of the rules",
		References: []string{"https://kubernetes.io/docs/concepts/services-networking/ingress/"},
	}, func(page Rule, v *view) []plugin.Finding {
		claimed := map[[3]string]*subject{}
		var findings []plugin.Finding
		for _, s := range v.rendered() {
			ingress, ok := s.object.(*networkingv1.Ingress)
			if !ok {
				continue
			}
			class := ""
			if ingress.Spec.IngressClassName != nil {
				class = *ingress.Spec.IngressClassName
			}
			for i, rule := range ingress.Spec.Rules {
				for _, path := range pathsOf(rule) {
					key := [3]string{class, rule.Host, path}
					if other := claimed[key]; other != nil && other != s {
						findings = append(findings, page.against(s, fmt.Sprintf("spec.rules[%d]", i), fmt.Sprintf("the Ingress %q answers for %s%s too", other.name, rule.Host, path)))
						continue
					}
					claimed[key] = s
				}
			}
		}
		return findings
	})
}

func pathsOf(rule networkingv1.IngressRule) []string {
	if rule.HTTP == nil {
		return nil
	}
	var paths []string
	for _, path := range rule.HTTP.Paths {
		paths = append(paths, path.Path)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
