package policy

import (
	"context"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

const networkPolicyReference = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"

/*
defaultDenyRule asks for a NetworkPolicy that selects every Pod, in every
namespace that the application owns.

Looked at: namespaces whose Namespace object is rendered, and those that the
gate marks as owned and the rendering puts an object into.
Allowed: a NetworkPolicy with an empty podSelector, for the direction, without a
rule that lets everybody through. A policy of another kind (Cilium, Calico,
AdminNetworkPolicy) may do the same; then the answer is indeterminate.
*/
func defaultDenyRule() codeRule {
	return isolationRule(Rule{
		ID: "network/default-deny", Title: "A namespace lets nobody in but whom it names", Severity: "high", Level: "Deny",
		Why:        "without a NetworkPolicy for all Pods, every Pod of the cluster reaches every port, also of Pods that are added later",
		Fix:        "add a NetworkPolicy with podSelector: {} and policyTypes: [Ingress], and one for each connection that is wanted",
		References: []string{networkPolicyReference},
		Controls:   []string{"CIS Kubernetes Benchmark 5.3.2", "NSA/CISA Kubernetes Hardening Guide: network policies", "MITRE ATT&CK T1046"},
	}, networkingv1.PolicyTypeIngress)
}

// defaultDenyEgressRule is [defaultDenyRule] for what Pods connect to.
func defaultDenyEgressRule() codeRule {
	return isolationRule(Rule{
		ID: "network/default-deny-egress", Title: "A namespace lets Pods out only to what it names", Severity: "medium", Level: "Warn",
		Why:        "whoever breaks into a Pod loads his tools from anywhere, and sends away what he finds",
		Fix:        "add a NetworkPolicy with podSelector: {} and policyTypes: [Egress], one for DNS, and one for each connection that is wanted",
		References: []string{networkPolicyReference},
		Controls:   []string{"CIS Kubernetes Benchmark 5.3.2", "NSA/CISA Kubernetes Hardening Guide: network policies", "MITRE ATT&CK T1041"},
	}, networkingv1.PolicyTypeEgress)
}

func isolationRule(page Rule, direction networkingv1.PolicyType) codeRule {
	page.Adjustable = true
	return codeRule{page: page, engine: func(g gate.Gate) engine {
		indeterminate := levelOfUnsure(g)
		return engineFunc(func(_ context.Context, v *view) []plugin.Finding {
			var findings []plugin.Finding
			known := newIsolation(v)
			owned := ownedNamespaces(v, g)
			for _, name := range sortedKeys(owned) {
				if known.isolated(name, direction) {
					continue
				}
				finding := page.against(owned[name], "", "no NetworkPolicy denies "+directionWord(direction)+" of the namespace "+name+" by default")
				if known.foreign(name) {
					finding = page.unsure(finding, indeterminate, "a network policy of another kind, which is not read")
				}
				findings = append(findings, finding)
			}
			return findings
		})
	}}
}

/*
uncoveredPodRule asks that a NetworkPolicy selects every Pod.

Looked at: every Pod, written or made by a workload, but for those in the host's
network, to which NetworkPolicies do not apply (pss/hostNamespaces denies them).
Allowed: a rendered NetworkPolicy of the namespace that selects the Pod's labels
and restricts who connects to it. In a namespace that the application does not
own another application's policy may select it: then the answer is
indeterminate.
*/
func uncoveredPodRule() codeRule {
	page := Rule{
		ID: "network/uncovered-pod", Title: "A NetworkPolicy selects every Pod", Severity: "high", Level: "Deny", Adjustable: true,
		Why:        "a Pod that no NetworkPolicy selects talks to everybody, and everybody to it",
		Fix:        "add a NetworkPolicy whose podSelector matches the Pod's labels, or one for the whole namespace",
		References: []string{networkPolicyReference},
		Controls:   []string{"CIS Kubernetes Benchmark 5.3.2", "NSA/CISA Kubernetes Hardening Guide: network policies", "MITRE ATT&CK T1046"},
	}
	return codeRule{page: page, engine: func(g gate.Gate) engine {
		indeterminate := levelOfUnsure(g)
		return engineFunc(func(_ context.Context, v *view) []plugin.Finding {
			var findings []plugin.Finding
			known, owned := newIsolation(v), ownedNamespaces(v, g)
			for _, s := range v.pods() {
				if s.pod.Spec.HostNetwork || known.covers(s) {
					continue
				}
				finding := page.against(s, "", "no NetworkPolicy selects the Pod")
				if _, mine := owned[s.namespace]; !mine || known.foreign(s.namespace) {
					finding = page.unsure(finding, indeterminate, "network policies that are not in the rendering, or of another kind")
				}
				findings = append(findings, finding)
			}
			return findings
		})
	}}
}

// isolation is what the rendered network policies say of namespaces.
type isolation struct {
	policies map[string][]*networkingv1.NetworkPolicy
	// others are the namespaces with policies of another kind.
	others map[string]bool
	// everywhere is set by one that holds in all namespaces.
	everywhere bool
}

func newIsolation(v *view) isolation {
	known := isolation{policies: map[string][]*networkingv1.NetworkPolicy{}, others: map[string]bool{}}
	for _, s := range v.rendered() {
		policy, ok := s.object.(*networkingv1.NetworkPolicy)
		switch {
		case ok:
			known.policies[s.namespace] = append(known.policies[s.namespace], policy)
		case !enforcesNetworkPolicies(s.kind.Group):
		case strings.HasSuffix(s.kind.Kind, "NetworkPolicy") && hasAnyPrefix(s.kind.Kind, "Global", "Cluster", "Admin", "BaselineAdmin", "CiliumClusterwide"):
			known.everywhere = true
		case strings.HasSuffix(s.kind.Kind, "NetworkPolicy"):
			known.others[s.namespace] = true
		}
	}
	return known
}

// enforcesNetworkPolicies reports whether objects of the API group can isolate
// Pods. Who writes the rendering can name a kind of any other group as he likes,
// and would make the question undecided for all namespaces.
func enforcesNetworkPolicies(group string) bool {
	return slices.Contains([]string{
		"cilium.io", "crd.projectcalico.org", "projectcalico.org", "crd.antrea.io", "policy.networking.k8s.io",
		"networking.gke.io", "networking.k8s.aws",
	}, group)
}

func (i isolation) foreign(namespace string) bool { return i.everywhere || i.others[namespace] }

// isolated reports whether a policy denies the direction to all Pods of the
// namespace by default.
func (i isolation) isolated(namespace string, direction networkingv1.PolicyType) bool {
	return slices.ContainsFunc(i.policies[namespace], func(policy *networkingv1.NetworkPolicy) bool {
		selector := policy.Spec.PodSelector
		return apiserver.EmptySelector(&selector) && restricts(policy, direction) && !letsEverybody(policy, direction)
	})
}

// covers reports whether a policy restricts who connects to the Pod.
func (i isolation) covers(pod *subject) bool {
	return slices.ContainsFunc(i.policies[pod.namespace], func(policy *networkingv1.NetworkPolicy) bool {
		selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
		return err == nil && restricts(policy, networkingv1.PolicyTypeIngress) && selector.Matches(labels.Set(pod.labels))
	})
}

// restricts follows the API's default of policyTypes: Ingress always, Egress
// when there is a rule for it.
func restricts(policy *networkingv1.NetworkPolicy, direction networkingv1.PolicyType) bool {
	if types := policy.Spec.PolicyTypes; len(types) > 0 {
		return slices.Contains(types, direction)
	}
	return direction == networkingv1.PolicyTypeIngress || len(policy.Spec.Egress) > 0
}

// letsEverybody reports whether a rule of the policy undoes it.
func letsEverybody(policy *networkingv1.NetworkPolicy, direction networkingv1.PolicyType) bool {
	if direction == networkingv1.PolicyTypeEgress {
		return slices.ContainsFunc(policy.Spec.Egress, func(rule networkingv1.NetworkPolicyEgressRule) bool { return len(rule.To)+len(rule.Ports) == 0 })
	}
	return slices.ContainsFunc(policy.Spec.Ingress, func(rule networkingv1.NetworkPolicyIngressRule) bool { return len(rule.From)+len(rule.Ports) == 0 })
}

// ownedNamespaces are the namespaces that are the application's, each with the
// object that a finding is about: the Namespace, or the first that is put into
// one that the gate marks as owned.
func ownedNamespaces(v *view, g gate.Gate) map[string]*subject {
	owned := map[string]*subject{}
	listed := map[string]bool{}
	for _, namespace := range g.Spec.Namespaces {
		listed[namespace.Name] = namespace.Owned
	}
	for _, s := range v.rendered() {
		switch {
		case s.kind.Group == "" && s.kind.Kind == "Namespace":
			owned[s.name] = s
		case listed[s.namespace] && owned[s.namespace] == nil:
			owned[s.namespace] = s
		}
	}
	return owned
}

func directionWord(direction networkingv1.PolicyType) string {
	if direction == networkingv1.PolicyTypeEgress {
		return "what leaves Pods"
	}
	return "what reaches Pods"
}
