package policy

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

// view is one sealed rendering as admission would see it. It is made once for
// all engines of a gate and never changed.
type view struct {
	sealed     plugin.Sealed
	kinds      apiserver.KindTable
	defaults   apiserver.Defaulting
	namespaces map[string]*corev1.Namespace
	subjects   []*subject
	// findings are about objects that the API cannot read.
	findings []plugin.Finding
	// schemas is what the schemas say of the objects.
	schemas *kept
}

// subject is one object as the API server would be asked about it: a rendered
// object, or a Pod that one of them makes.
type subject struct {
	index    int // of the rendered object
	id       plugin.ObjectID
	origin   plugin.Origin
	kind     schema.GroupVersionKind
	resource schema.GroupVersionResource
	name     string
	// namespace is the effective one; empty for cluster-scoped objects, and when
	// nobody said where the application goes.
	namespace  string
	namespaced bool
	labels     map[string]string
	object     runtime.Object
	// pod is set for a Pod, written or made by a workload.
	pod *corev1.Pod
	// template says where the Pod stands in the rendered object.
	template template
	// made marks a Pod that a workload makes.
	made bool
	// deployer is who makes the request; nil when that is not known.
	deployer *user.DefaultInfo
	// old and updated are the object as it is in the cluster, and as it is once
	// the rendering is applied; nil when the cluster's is not known.
	old, updated runtime.Object
	// others are the same object in the other places that it may have.
	others []*subject
	// attributes are shared by all policies that look at the subject.
	attributes attributesCache
}

// finding is a finding about the subject's rendered object.
func (s *subject) finding(rule string, level plugin.Level, message string) plugin.Finding {
	finding := plugin.Finding{Rule: rule, Level: level, Object: s.id, Origin: s.origin, Message: message}
	if s.made {
		finding.Field = s.template.path
	}
	return finding
}

// newView decodes the rendering. The gate's own description of namespaces is
// the only one that is believed.
func newView(sealed plugin.Sealed, described []gate.Namespace) *view {
	v := &view{
		sealed: sealed, schemas: &kept{}, kinds: apiserver.NewKindTable(sealed.Objects), defaults: apiserver.NewDefaulting(),
		namespaces: apiserver.Namespaces(described),
	}
	v.findings = surplusDefinitions(v.kinds, sealed.Objects)
	parts := make([]view, len(sealed.Objects))
	sideBySide(len(parts), func(i int) {
		parts[i] = view{sealed: sealed, kinds: v.kinds, defaults: v.defaults}
		parts[i].addObject(i, sealed.Objects[i])
	})
	for i := range parts {
		v.subjects = append(v.subjects, parts[i].subjects...)
		v.findings = append(v.findings, parts[i].findings...)
	}
	return v
}

func (v *view) addObject(index int, object plugin.Object) {
	id := object.ID()
	kind := schema.FromAPIVersionAndKind(id.APIVersion, id.Kind)
	typed, err := apiserver.Decode(kind, withoutSOPS(kind, object.Fields))
	var ways []*subject
	for _, place := range v.kinds.Places(kind) {
		s := &subject{
			index: index, id: id, origin: object.Origin, name: stringAt(mapAt(object.Fields, "metadata"), "name"),
			kind: kind, resource: place.Resource, namespaced: place.Namespaced,
			labels: labelsOf(mapAt(object.Fields, "metadata")),
		}
		if s.namespaced {
			s.namespace = apiserver.EffectiveNamespace(id.Namespace, v.sealed.Source)
		}
		ways = append(ways, s)
	}
	s := ways[0]
	v.addDecodeFindings(s, object.Fields, err)
	v.addMetadataFindings(s, object)
	if typed == nil {
		return
	}
	v.defaults.Object(typed)
	typed = apiserver.AsCreated(typed, v.sealed.At)
	for _, each := range ways {
		if accessor, err := meta.Accessor(typed); err == nil {
			each.name = accessor.GetName()
			if accessor.GetLabels() != nil {
				each.labels = accessor.GetLabels()
			}
		}
		each.object = inNamespace(typed, each)
	}
	s.others = ways[1:]
	if pod, ok := typed.(*corev1.Pod); ok {
		s.pod, s.template = pod, template{spec: "spec"}
	}
	v.subjects = append(v.subjects, s)
	if s.pod == nil {
		v.addPods(s, object)
	}
}

func labelsOf(metadata map[string]any) map[string]string {
	labels := map[string]string{}
	for key, value := range mapAt(metadata, "labels") {
		if text, ok := value.(string); ok {
			labels[key] = text
		}
	}
	return labels
}

// inNamespace is the object as admission sees it: in the destination namespace,
// when it has none of its own. Rendered fields are not changed.
func inNamespace(object runtime.Object, s *subject) runtime.Object {
	if s.namespace == "" || s.id.Namespace != "" {
		return object
	}
	return apiserver.InNamespace(object, s.namespace)
}

// addDecodeFindings says what the API server would drop or refuse.
func (v *view) addDecodeFindings(s *subject, fields map[string]any, err error) {
	if err == nil {
		return
	}
	if strict, ok := runtime.AsStrictDecodingError(err); ok {
		for _, each := range strict.Errors() {
			finding := s.finding(ruleUnknownField, plugin.Warn, each.Error())
			finding.Why = "the API server drops fields that it does not know, or refuses the object"
			finding.Hint = "correct the field's name or place"
			v.findings = append(v.findings, finding)
		}
		return
	}
	finding := s.finding(ruleInvalidObject, plugin.Deny, "")
	finding.Message, finding.Field = unreadable(s.kind, fields, err)
	finding.Why = "an object that cannot be read cannot be judged, and would fail to apply"
	finding.Hint = "correct the field's type"
	v.findings = append(v.findings, finding)
}

// addPods adds the Pods that the object makes.
func (v *view) addPods(owner *subject, object plugin.Object) {
	made := typedTemplate(owner.object)
	for _, place := range templates(object) {
		pod, err := v.newPod(place, made)
		if err != nil {
			finding := owner.finding(ruleInvalidObject, plugin.Deny, "the Pod template cannot be read: "+place.unreadable(err))
			finding.Field, finding.Indeterminate = place.path, true
			finding.Hint = "correct the field's type, or waive the finding when this is not a Pod template"
			v.findings = append(v.findings, finding)
			continue
		}
		pod.Namespace = owner.namespace
		pod.GenerateName = owner.id.Name + "-"
		apiserver.AsCreated(pod, v.sealed.At)
		v.subjects = append(v.subjects, &subject{
			index: owner.index, id: owner.id, origin: owner.origin,
			kind: corev1.SchemeGroupVersion.WithKind("Pod"), resource: corev1.SchemeGroupVersion.WithResource("pods"),
			name: pod.Name, namespace: owner.namespace, namespaced: true, labels: pod.Labels,
			object: pod, pod: pod, template: place, made: true,
		})
	}
}

// newPod is the Pod that a template makes. Of a custom resource the shape is
// read, and what it adds to a template is left out.
func (v *view) newPod(place template, made *corev1.PodTemplateSpec) (*corev1.Pod, error) {
	if made == nil {
		made = &corev1.PodTemplateSpec{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(place.fields, made); err != nil {
			return nil, err
		}
	}
	return v.defaults.Pod(made), nil
}

// typedTemplate is the Pod template of a built-in workload, else nil.
func typedTemplate(object runtime.Object) *corev1.PodTemplateSpec {
	switch workload := object.(type) {
	case *corev1.PodTemplate:
		return &workload.Template
	case *corev1.ReplicationController:
		return workload.Spec.Template
	case *appsv1.ReplicaSet:
		return &workload.Spec.Template
	case *appsv1.Deployment:
		return &workload.Spec.Template
	case *appsv1.StatefulSet:
		return &workload.Spec.Template
	case *appsv1.DaemonSet:
		return &workload.Spec.Template
	case *batchv1.Job:
		return &workload.Spec.Template
	case *batchv1.CronJob:
		return &workload.Spec.JobTemplate.Spec.Template
	}
	return nil
}
