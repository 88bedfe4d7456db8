package apiserver

import (
	"maps"
	"reflect"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// What stands for values that only the API server knows. They say that there is
// one, and nobody can have meant them.
const (
	generatedSuffix = "00000"
	unknownUID      = "00000000-0000-0000-0000-000000000000"
)

// AsCreated fills in what the API server writes into every object before
// admission's policies look (k8s.io/apiserver pkg/registry/rest, BeforeCreate):
// the generated name, when and as what it was created, by whom its fields are
// managed. It drops the status, which authors do not write, and puts a Secret's
// stringData where it is stored. Typed objects are changed in place; of others
// it is a copy, as they share the rendering's fields.
func AsCreated(object runtime.Object, at time.Time) runtime.Object {
	if custom, ok := object.(*unstructured.Unstructured); ok {
		fields := maps.Clone(custom.Object)
		metadata, ok := fields["metadata"].(map[string]any)
		if !ok && fields["metadata"] != nil {
			return object // it is no object that the API server takes
		}
		fields["metadata"] = maps.Clone(metadata)
		if metadata == nil {
			fields["metadata"] = map[string]any{}
		}
		object = &unstructured.Unstructured{Object: fields}
	}
	accessor, err := meta.Accessor(object)
	if err != nil {
		return object
	}
	if accessor.GetName() == "" && accessor.GetGenerateName() != "" {
		accessor.SetName(accessor.GetGenerateName() + generatedSuffix)
	}
	if at.IsZero() {
		at = time.Unix(0, 0)
	}
	created := metav1.NewTime(at.UTC().Truncate(time.Second))
	accessor.SetUID(unknownUID)
	accessor.SetCreationTimestamp(created)
	kind := object.GetObjectKind().GroupVersionKind()
	accessor.SetManagedFields([]metav1.ManagedFieldsEntry{{
		Manager: "sync", Operation: metav1.ManagedFieldsOperationApply, APIVersion: kind.GroupVersion().String(), Time: &created,
		FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1("{}"),
	}})
	withoutStatus(object)
	if secret, ok := object.(*corev1.Secret); ok {
		StoreStrings(secret)
	}
	return object
}

// withoutStatus empties the status and writes what the API server begins with.
func withoutStatus(object runtime.Object) {
	if value := reflect.ValueOf(object); value.Kind() == reflect.Pointer && value.Elem().Kind() == reflect.Struct {
		if status := value.Elem().FieldByName("Status"); status.IsValid() && status.CanSet() {
			status.SetZero()
		}
	}
	switch typed := object.(type) {
	case *corev1.Pod:
		typed.Status.Phase = corev1.PodPending
		AdmitPod(&typed.Spec)
	case *corev1.Namespace:
		typed.Status.Phase = corev1.NamespaceActive
		typed.Spec.Finalizers = []corev1.FinalizerName{corev1.FinalizerKubernetes}
	case *corev1.PersistentVolume:
		typed.Status.Phase = corev1.VolumePending
	case *corev1.PersistentVolumeClaim:
		typed.Status.Phase = corev1.ClaimPending
	}
}

// StoreStrings does what the conversion of a Secret does
// (k8s.io/kubernetes pkg/apis/core/v1, Convert_v1_Secret_To_core_Secret).
func StoreStrings(secret *corev1.Secret) {
	if len(secret.StringData) == 0 {
		return
	}
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	for key, text := range secret.StringData {
		secret.Data[key] = []byte(text)
	}
	secret.StringData = nil
}

// AdmitPod does what the API server's own mutating plugins do to every Pod
// unless they are switched off: Priority, without a class and without a default
// one, and DefaultTolerationSeconds (k8s.io/kubernetes plugin/pkg/admission).
func AdmitPod(spec *corev1.PodSpec) {
	if spec.PriorityClassName == "" && spec.Priority == nil {
		priority, preempt := int32(0), corev1.PreemptLowerPriority
		spec.Priority = &priority
		if spec.PreemptionPolicy == nil {
			spec.PreemptionPolicy = &preempt
		}
	}
	seconds := int64(300)
	for _, taint := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		tolerates := func(toleration corev1.Toleration) bool {
			return (toleration.Key == taint || toleration.Key == "") && (toleration.Effect == corev1.TaintEffectNoExecute || toleration.Effect == "")
		}
		if !slices.ContainsFunc(spec.Tolerations, tolerates) {
			spec.Tolerations = append(spec.Tolerations, corev1.Toleration{Key: taint, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: &seconds})
		}
	}
}
