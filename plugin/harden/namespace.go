package harden

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	psapi "k8s.io/pod-security-admission/api"
	pspolicy "k8s.io/pod-security-admission/policy"

	"github.com/assay-gitops/assay/plugin"
)

/*
podSecurityLabels labels rendered Namespaces with a Pod Security level, unless
the author did. It enforces where every Pod of the rendering that goes there
passes; elsewhere, and beside custom resources that may make Pods that nobody
sees here, it warns and audits alone, as enforcing would refuse Pods.
*/
func podSecurityLabels(level string) setSetting {
	return func(around *surroundings, objects []plugin.Object) ([]plugin.Object, []plugin.Finding) {
		var findings []plugin.Finding
		for i, object := range objects {
			if id := object.ID(); id.Kind != "Namespace" || id.Group() != "" || labelled(object) {
				continue
			}
			labels, said := namespaceLabels(around, objects, object.ID().Name, level)
			fields := object.Fields
			for _, name := range slices.Sorted(maps.Keys(labels)) {
				fields = edit{[]any{"metadata", "labels", name}, labels[name]}.apply(fields)
			}
			objects[i].Fields = fields
			finding := plugin.Finding{
				Rule: rulePrefix + "podSecurityLabels", Level: plugin.Info, Object: object.ID(), Origin: object.Origin, Field: "metadata.labels",
				Message: "Pod Security labels filled in", Why: "without them the namespace takes any Pod, whoever makes it", Was: "null", Now: compact(labels),
				Hint: "write the labels to decide it yourself",
			}
			findings = append(findings, finding)
			if said != "" {
				finding.Rule, finding.Level, finding.Was, finding.Now, finding.Why = ruleHeldBack, plugin.Warn, "", "", ""
				finding.Message, finding.Hint = "enforce was not filled in: "+said, "mend or move what is named here, or write the labels yourself"
				findings = append(findings, finding)
			}
		}
		return objects, findings
	}
}

// labelled also reports labels that cannot be read: they stay as they are.
func labelled(namespace plugin.Object) bool {
	written := at(namespace.Fields, "metadata", "labels")
	labels, readable := written.(map[string]any)
	if !readable && written != nil {
		return true
	}
	for name := range labels {
		if strings.HasPrefix(name, "pod-security.kubernetes.io/") {
			return true
		}
	}
	return false
}

// namespaceLabels also says why it does not enforce, if it does not.
func namespaceLabels(around *surroundings, objects []plugin.Object, name, level string) (labels map[string]any, heldBack string) {
	labels = map[string]any{psapi.WarnLevelLabel: level, psapi.AuditLevelLabel: level}
	if heldBack = refusedAt(around, objects, name, level); heldBack == "" {
		labels[psapi.EnforceLevelLabel] = level
	}
	return labels, heldBack
}

// refusedAt says which Pod of a namespace the level would refuse, or what may
// make one that it would.
func refusedAt(around *surroundings, objects []plugin.Object, namespace, level string) string {
	evaluator, err := pspolicy.NewEvaluator(pspolicy.DefaultChecks(), nil)
	if err != nil {
		return err.Error()
	}
	for _, object := range objects {
		if around.place(object) != namespace {
			continue
		}
		place, found := podSpecOf(object)
		if !found {
			if custom(object) {
				return fmt.Sprintf("%s may make Pods that are not seen here", object.ID())
			}
			continue
		}
		pod, err := newTypedPod(place, object)
		if err != nil {
			return fmt.Sprintf("%s cannot be read: %v", object.ID(), err)
		}
		asked := psapi.LevelVersion{Level: psapi.Level(level), Version: psapi.LatestVersion()}
		if result := pspolicy.AggregateCheckResults(evaluator.EvaluatePod(asked, &pod.ObjectMeta, &pod.Spec)); !result.Allowed {
			return fmt.Sprintf("the Pods of %s would be refused: %s", object.ID(), result.ForbiddenReason())
		}
	}
	return ""
}

func newTypedPod(place place, object plugin.Object) (*corev1.Pod, error) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{}}}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(place.get(object.Fields), &pod.Spec); err != nil {
		return nil, err
	}
	for name, value := range newPod(object, target{place: place}).annotations() {
		if text, ok := value.(string); ok {
			pod.Annotations[name] = text
		}
	}
	return pod, nil
}

// custom reports whether the object is of a kind that Kubernetes does not
// bring.
func custom(object plugin.Object) bool {
	group := object.ID().Group()
	return strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io")
}
