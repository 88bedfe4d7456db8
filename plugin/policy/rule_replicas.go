package policy

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/assay-gitops/assay/plugin"
)

// replicaRules are about how many Pods there are, which a workload, its
// autoscaler and its budget say together.
func replicaRules() []codeRule {
	return []codeRule{
		overView(Rule{
			ID: "reliability/single-replica", Title: "A workload survives the loss of a Pod", Severity: "low", Level: "Warn",
			Why:        "with one Pod nobody answers while it moves to another node",
			Fix:        "set replicas to 2 or more, or add a HorizontalPodAutoscaler",
			References: []string{"https://kubernetes.io/docs/concepts/workloads/controllers/deployment/"},
		}, func(page Rule, v *view) []plugin.Finding {
			return overReplicas(v, func(s *subject, has replicas) []plugin.Finding {
				if has.scaled || s.kind.Kind != "Deployment" || has.count != 1 {
					return nil
				}
				return []plugin.Finding{page.against(s, "spec.replicas", "there is one Pod")}
			})
		}),
		overView(Rule{
			ID: "reliability/disruption-budget", Title: "A workload of several Pods has a budget", Severity: "low", Level: "Warn",
			Why:        "when nodes are emptied for an upgrade all Pods may go at once",
			Fix:        "add a PodDisruptionBudget that selects the Pods",
			References: []string{"https://kubernetes.io/docs/tasks/run-application/configure-pdb/"},
		}, func(page Rule, v *view) []plugin.Finding {
			budgets := newBudgets(v)
			return overReplicas(v, func(s *subject, has replicas) []plugin.Finding {
				if !has.scaled && has.count < 2 || budgets.cover(s.namespace, has.labels) {
					return nil
				}
				return []plugin.Finding{page.against(s, "", "no PodDisruptionBudget selects the Pods")}
			})
		}),
		overView(Rule{
			ID: "reliability/replicas-of-autoscaler", Title: "Only the autoscaler sets the number of Pods", Severity: "medium", Level: "Warn",
			Why:        "every sync sets the number back to what Git says, and the autoscaler sets it again",
			Fix:        "remove spec.replicas from the workload",
			References: []string{"https://argo-cd.readthedocs.io/en/stable/user-guide/best_practices/#leaving-room-for-imperativeness"},
		}, func(page Rule, v *view) []plugin.Finding {
			return overReplicas(v, func(s *subject, has replicas) []plugin.Finding {
				if !has.scaled || !has.written {
					return nil
				}
				return []plugin.Finding{page.against(s, "spec.replicas", fmt.Sprintf("replicas is %d, and an autoscaler sets it too", has.count))}
			})
		}),
		overSubjects(Rule{
			ID: "reliability/naked-pod", Title: "A workload makes every Pod", Severity: "medium", Level: "Warn",
			Why:        "a Pod of its own does not come back when its node goes, and a sync cannot change most of it",
			Fix:        "use a Deployment, a StatefulSet or a Job",
			References: []string{"https://kubernetes.io/docs/concepts/workloads/controllers/"},
		}, func(page Rule, s *subject) []plugin.Finding {
			if s.made || s.pod == nil || len(s.pod.OwnerReferences) > 0 {
				return nil
			}
			return []plugin.Finding{page.against(s, "", "no workload makes the Pod")}
		}),
	}
}

// replicas is how many Pods a workload has.
type replicas struct {
	count int32
	// written is set when the manifest says so, scaled when an autoscaler does.
	written, scaled bool
	labels          map[string]string
}

// overReplicas asks about every Deployment and StatefulSet.
func overReplicas(v *view, judge func(s *subject, has replicas) []plugin.Finding) []plugin.Finding {
	scaled := map[rendering]bool{}
	for _, each := range scaleReferences(v) {
		if each.by.kind.Kind != "VerticalPodAutoscaler" {
			scaled[each.to] = true
		}
	}
	var findings []plugin.Finding
	for _, s := range v.rendered() {
		has := replicas{count: 1, scaled: scaled[rendering{s.kind.Group, s.kind.Kind, s.namespace, s.name}]}
		var count *int32
		switch workload := s.object.(type) {
		case *appsv1.Deployment:
			count, has.labels = workload.Spec.Replicas, workload.Spec.Template.Labels
		case *appsv1.StatefulSet:
			count, has.labels = workload.Spec.Replicas, workload.Spec.Template.Labels
		default:
			continue
		}
		if count != nil {
			has.count = *count
		}
		_, has.written = mapAt(v.fields(s), "spec")["replicas"]
		findings = append(findings, judge(s, has)...)
	}
	return findings
}

// budgets are the selectors of the PodDisruptionBudgets, by namespace.
type budgets map[string][]labels.Selector

func newBudgets(v *view) budgets {
	known := budgets{}
	for _, s := range v.rendered() {
		budget, ok := s.object.(*policyv1.PodDisruptionBudget)
		if !ok {
			continue
		}
		if selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector); err == nil {
			known[s.namespace] = append(known[s.namespace], selector)
		}
	}
	return known
}

func (b budgets) cover(namespace string, of map[string]string) bool {
	for _, selector := range b[namespace] {
		if selector.Matches(labels.Set(of)) {
			return true
		}
	}
	return false
}
