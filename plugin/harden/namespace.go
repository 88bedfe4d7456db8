package harden

import (
	"fmt"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	psapi "k8s.io/pod-security-admission/api"
	pspolicy "k8s.io/pod-security-admission/policy"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

/*
podSecurityLabels labels rendered Namespaces with a Pod Security level, unless
the author did. It enforces where every Pod of the rendering that goes there
passes; elsewhere, and beside custom resources that may make Pods that nobody
sees here, it warns and audits alone, as enforcing would refuse Pods.

A namespace that the gate lists as owned and that is not rendered gets no
Namespace: whoever syncs one owns it, and deletes it, with all that is in it,
when the application goes. What the platform can write there is said instead.
*/
func podSecurityLabels(level string, described []gate.Namespace) setSetting {
	evaluator := sync.OnceValues(func() (pspolicy.Evaluator, error) { return pspolicy.NewEvaluator(pspolicy.DefaultChecks(), nil) })
	return func(around *surroundings, objects []plugin.Object) ([]plugin.Object, []plugin.Finding) {
		var findings []plugin.Finding
		rendered := map[string]bool{}
		check := &podSecurity{around: around, objects: objects, level: level, newEvaluator: evaluator}
		for i, object := range objects {
			id := object.ID()
			if !isNamespace(id) {
				continue
			}
			rendered[id.Name] = true
			if labelled(object) {
				continue
			}
			labels, heldBack := check.labels(id.Name)
			var edits []edit
			for name, value := range labels {
				edits = append(edits, edit{[]any{"metadata", "labels", name}, value})
			}
			objects[i].Fields = apply(objects[i].Fields, edits)
			findings = append(findings, labelsFilledIn(object, labels, heldBack)...)
		}
		for _, namespace := range described {
			if namespace.Owned && !rendered[namespace.Name] && !labelledByGate(namespace) && around.runsPods(objects, namespace.Name) {
				labels, heldBack := check.labels(namespace.Name)
				findings = append(findings, labelsElsewhere(namespace.Name, labels, heldBack))
			}
		}
		return objects, findings
	}
}

// labelsFilledIn says what was labelled, and why it does not enforce, if it does
// not.
func labelsFilledIn(namespace plugin.Object, labels map[string]any, heldBack string) []plugin.Finding {
	finding := plugin.Finding{
		Rule: rulePrefix + "podSecurityLabels", Level: plugin.Info, Object: namespace.ID(), Origin: namespace.Origin, Field: "metadata.labels",
		Message: "Pod Security labels filled in", Why: "without them the namespace takes any Pod, whoever makes it", Was: "null", Now: plugin.Compact(labels),
		Hint: "write the labels to decide it yourself",
	}
	if heldBack == "" {
		return []plugin.Finding{finding}
	}
	return []plugin.Finding{finding, {
		Rule: ruleHeldBack, Level: plugin.Warn, Object: namespace.ID(), Origin: namespace.Origin, Field: "metadata.labels",
		Message: "enforce was not filled in: " + heldBack, Hint: "mend or move what is named here, or write the labels yourself",
	}}
}

// labelsElsewhere says which labels the owner of a Namespace can write that is
// not rendered here.
func labelsElsewhere(name string, labels map[string]any, heldBack string) plugin.Finding {
	finding := plugin.Finding{
		Rule: ruleHeldBack, Level: plugin.Info, Object: plugin.ObjectID{APIVersion: "v1", Kind: "Namespace", Name: name}, Field: "metadata.labels",
		Message: "Pod Security labels were not filled in: the Namespace is not in the rendering, and a sync that brought it would own it, and delete it with the application",
		Hint: fmt.Sprintf("write %s where the Namespace is made (with Argo CD, the Application's syncPolicy.managedNamespaceMetadata.labels), and in the gate's spec.namespaces",
			plugin.Compact(labels)),
	}
	if heldBack != "" {
		finding.Details = []string{"without enforce: " + heldBack}
	}
	return finding
}

// labelledByGate reports whether the gate knows Pod Security labels of a
// namespace: then the platform has decided.
func labelledByGate(namespace gate.Namespace) bool {
	for label := range namespace.Labels {
		if strings.HasPrefix(label, podSecurityPrefix) {
			return true
		}
	}
	return false
}

const podSecurityPrefix = "pod-security.kubernetes.io/"

func isNamespace(id plugin.ObjectID) bool {
	return id.Kind == "Namespace" && id.Group() == ""
}

// labelled also reports labels that cannot be read: they stay as they are.
func labelled(namespace plugin.Object) bool {
	written := at(namespace.Fields, "metadata", "labels")
	labels, readable := written.(map[string]any)
	if !readable && written != nil {
		return true
	}
	for name := range labels {
		if strings.HasPrefix(name, podSecurityPrefix) {
			return true
		}
	}
	return false
}

// podSecurity asks what a level would refuse of one rendering.
type podSecurity struct {
	around  *surroundings
	objects []plugin.Object
	level   string
	// byNamespace are the objects of each namespace, and evaluator knows the
	// checks; both are made when the first namespace is asked about.
	byNamespace map[string][]int
	evaluator   pspolicy.Evaluator
	// newEvaluator makes one for all renderings.
	newEvaluator func() (pspolicy.Evaluator, error)
}

// labels also says why they do not enforce, if they do not.
func (s *podSecurity) labels(namespace string) (labels map[string]any, heldBack string) {
	labels = map[string]any{psapi.WarnLevelLabel: s.level, psapi.AuditLevelLabel: s.level}
	if heldBack = s.refused(namespace); heldBack == "" {
		labels[psapi.EnforceLevelLabel] = s.level
	}
	return labels, heldBack
}

// refused says which Pod of a namespace the level would refuse, or what may make
// one that it would.
func (s *podSecurity) refused(namespace string) string {
	if err := s.prepare(); err != nil {
		return err.Error()
	}
	for _, i := range s.byNamespace[namespace] {
		object := s.objects[i]
		id := object.ID()
		place, found := podSpecOf(id)
		if !found {
			if custom(id) {
				return fmt.Sprintf("%s may make Pods that are not seen here", id)
			}
			continue
		}
		pod, err := newTypedPod(place, object)
		if err != nil {
			return fmt.Sprintf("%s cannot be read: %v", id, err)
		}
		asked := psapi.LevelVersion{Level: psapi.Level(s.level), Version: psapi.LatestVersion()}
		if result := pspolicy.AggregateCheckResults(s.evaluator.EvaluatePod(asked, &pod.ObjectMeta, &pod.Spec)); !result.Allowed {
			return fmt.Sprintf("the Pods of %s would be refused: %s", id, result.ForbiddenReason())
		}
	}
	return ""
}

func (s *podSecurity) prepare() (err error) {
	if s.evaluator != nil {
		return nil
	}
	s.byNamespace = map[string][]int{}
	for i, object := range s.objects {
		namespace := s.around.place(object.ID())
		s.byNamespace[namespace] = append(s.byNamespace[namespace], i)
	}
	s.evaluator, err = s.newEvaluator()
	return err
}

func newTypedPod(place place, object plugin.Object) (*corev1.Pod, error) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{}}}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(place.get(object.Fields), &pod.Spec); err != nil {
		return nil, err
	}
	for name, value := range place.metadata(object, "annotations") {
		if text, ok := value.(string); ok {
			pod.Annotations[name] = text
		}
	}
	return pod, nil
}

// custom reports whether the object is of a kind that Kubernetes does not
// bring.
func custom(id plugin.ObjectID) bool {
	group := id.Group()
	return strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io")
}
