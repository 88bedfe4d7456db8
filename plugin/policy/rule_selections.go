package policy

import (
	"cmp"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

// selectionRules are about selectors that choose no Pod of the rendering, and
// about names of Services and workloads.
func selectionRules() []codeRule {
	return []codeRule{
		selectionRule(Rule{
			ID: "references/service-pods", Title: "A Service selects Pods", References: []string{"https://kubernetes.io/docs/concepts/services-networking/service/"},
			Why: "a Service without Pods answers nobody",
		}, serviceSelector),
		selectionRule(Rule{
			ID: "references/budget-pods", Title: "A PodDisruptionBudget selects Pods", References: []string{"https://kubernetes.io/docs/tasks/run-application/configure-pdb/"},
			Why: "a budget without Pods protects nothing",
		}, budgetSelector),
		selectionRule(Rule{
			ID: "references/policy-pods", Title: "A NetworkPolicy selects Pods", References: []string{networkPolicyReference},
			Why: "a NetworkPolicy without Pods protects nothing, and whom it was written for is open",
		}, policySelector),
		referenceRule(Rule{
			ID: "references/backend", Title: "Services that routes name are rendered", References: []string{"https://kubernetes.io/docs/concepts/services-networking/ingress/"},
			Why: "requests to the host are answered with an error",
		}, backendReferences),
		referenceRule(Rule{
			ID: "references/scale-target", Title: "What an autoscaler scales is rendered", References: []string{"https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/"},
			Why: "an autoscaler without a target scales nothing",
		}, scaleReferences),
		referenceRule(Rule{
			ID: "references/stateful-service", Title: "The Service of a StatefulSet is rendered", References: []string{"https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/"},
			Why: "without the Service its Pods have no names in DNS",
		}, statefulReferences),
	}
}

// selectionRule finds selectors that choose no Pod of their namespace in the
// rendering. Those of another application may be meant: it warns, and the answer
// is indeterminate.
func selectionRule(page Rule, selector func(s *subject) *metav1.LabelSelector) codeRule {
	page.Severity, page.Level = "low", "Warn"
	page.Fix = "correct the selector, or the labels of the Pods"
	return overView(page, func(page Rule, v *view) []plugin.Finding {
		byNamespace := map[string][]*subject{}
		for _, pod := range v.pods() {
			byNamespace[pod.namespace] = append(byNamespace[pod.namespace], pod)
		}
		var findings []plugin.Finding
		for _, s := range v.rendered() {
			selects := selector(s)
			if apiserver.EmptySelector(selects) || selectsAny(selects, byNamespace[s.namespace]) {
				continue
			}
			findings = append(findings, page.unsure(page.against(s, "", "the selector chooses no Pod of the rendering"), plugin.Warn, "what the cluster holds"))
		}
		return findings
	})
}

func selectsAny(selector *metav1.LabelSelector, pods []*subject) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return true // the API server refuses it, and says why
	}
	for _, pod := range pods {
		if parsed.Matches(labels.Set(pod.labels)) {
			return true
		}
	}
	return false
}

func serviceSelector(s *subject) *metav1.LabelSelector {
	service, ok := s.object.(*corev1.Service)
	if !ok || len(service.Spec.Selector) == 0 {
		return nil
	}
	return &metav1.LabelSelector{MatchLabels: service.Spec.Selector}
}

func budgetSelector(s *subject) *metav1.LabelSelector {
	budget, ok := s.object.(*policyv1.PodDisruptionBudget)
	if !ok {
		return nil
	}
	return budget.Spec.Selector
}

func policySelector(s *subject) *metav1.LabelSelector {
	policy, ok := s.object.(*networkingv1.NetworkPolicy)
	if !ok {
		return nil
	}
	return &policy.Spec.PodSelector
}

func serviceReference(by *subject, namespace, name, field string) reference {
	if namespace == "" {
		namespace = by.namespace
	}
	return reference{by: by, to: rendering{"", "Service", namespace, name}, field: field}
}

// backendReferences are the Services of Ingresses and of the Gateway API's
// routes.
func backendReferences(v *view) []reference {
	var found []reference
	for _, s := range v.rendered() {
		if ingress, ok := s.object.(*networkingv1.Ingress); ok {
			found = append(found, ingressBackends(s, ingress.Spec)...)
		}
		if s.kind.Group == "gateway.networking.k8s.io" && strings.HasSuffix(s.kind.Kind, "Route") {
			found = append(found, routeBackends(s, mapAt(v.fields(s), "spec"))...)
		}
	}
	return found
}

func ingressBackends(s *subject, spec networkingv1.IngressSpec) []reference {
	var found []reference
	if backend := spec.DefaultBackend; backend != nil && backend.Service != nil {
		found = append(found, serviceReference(s, "", backend.Service.Name, "spec.defaultBackend.service.name"))
	}
	for i, rule := range spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for j, path := range rule.HTTP.Paths {
			if path.Backend.Service != nil {
				found = append(found, serviceReference(s, "", path.Backend.Service.Name, fmt.Sprintf("spec.rules[%d].http.paths[%d].backend.service.name", i, j)))
			}
		}
	}
	return found
}

func routeBackends(s *subject, spec map[string]any) []reference {
	var found []reference
	for i, item := range listAt(spec, "rules") {
		rule, _ := item.(map[string]any)
		for j, item := range listAt(rule, "backendRefs") {
			backend, _ := item.(map[string]any)
			if kind := stringAt(backend, "kind"); kind == "" || kind == "Service" {
				found = append(found, serviceReference(s, stringAt(backend, "namespace"), stringAt(backend, "name"), fmt.Sprintf("spec.rules[%d].backendRefs[%d].name", i, j)))
			}
		}
	}
	return found
}

// scaleReferences are the targets of HorizontalPodAutoscalers of any version,
// of KEDA's ScaledObjects and of VerticalPodAutoscalers.
func scaleReferences(v *view) []reference {
	var found []reference
	for _, s := range v.rendered() {
		field := map[string]string{"HorizontalPodAutoscaler": "scaleTargetRef", "ScaledObject": "scaleTargetRef", "VerticalPodAutoscaler": "targetRef"}[s.kind.Kind]
		target := mapAt(mapAt(v.fields(s), "spec"), field)
		if field == "" || target == nil {
			continue
		}
		group, _, grouped := strings.Cut(stringAt(target, "apiVersion"), "/")
		kind := stringAt(target, "kind")
		switch {
		case !grouped && kind == "" || !grouped && stringAt(target, "apiVersion") == "": // KEDA's default
			group, kind = "apps", cmp.Or(kind, "Deployment")
		case !grouped:
			group = "" // v1
		}
		found = append(found, reference{by: s, to: rendering{group, kind, s.namespace, stringAt(target, "name")}, field: "spec." + field})
	}
	return found
}

func statefulReferences(v *view) []reference {
	var found []reference
	for _, s := range v.rendered() {
		if set, ok := s.object.(*appsv1.StatefulSet); ok && set.Spec.ServiceName != "" {
			found = append(found, serviceReference(s, "", set.Spec.ServiceName, "spec.serviceName"))
		}
	}
	return found
}
