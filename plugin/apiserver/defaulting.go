package apiserver

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	admissionregistrationv1 "k8s.io/kubernetes/pkg/apis/admissionregistration/v1"
	appsv1 "k8s.io/kubernetes/pkg/apis/apps/v1"
	authenticationv1 "k8s.io/kubernetes/pkg/apis/authentication/v1"
	autoscalingv1 "k8s.io/kubernetes/pkg/apis/autoscaling/v1"
	autoscalingv2 "k8s.io/kubernetes/pkg/apis/autoscaling/v2"
	batchv1 "k8s.io/kubernetes/pkg/apis/batch/v1"
	certificatesv1 "k8s.io/kubernetes/pkg/apis/certificates/v1"
	apiv1 "k8s.io/kubernetes/pkg/apis/core/v1"
	discoveryv1 "k8s.io/kubernetes/pkg/apis/discovery/v1"
	flowcontrolv1 "k8s.io/kubernetes/pkg/apis/flowcontrol/v1"
	networkingv1 "k8s.io/kubernetes/pkg/apis/networking/v1"
	rbacv1 "k8s.io/kubernetes/pkg/apis/rbac/v1"
	resourcev1 "k8s.io/kubernetes/pkg/apis/resource/v1"
	schedulingv1 "k8s.io/kubernetes/pkg/apis/scheduling/v1"
	storagev1 "k8s.io/kubernetes/pkg/apis/storage/v1"
)

/*
Defaulting fills in what the API server fills in before admission looks, by the
API server's own functions (k8s.io/kubernetes pkg/apis, release 1.37, with the
feature gates that it has switched on). It works on decoded copies alone: what
is handed on keeps the author's bytes.

The list holds every group and version with defaults that a server of that
release serves without being asked to; what is written in a beta version is
judged as it is written.
*/
type Defaulting struct{ scheme *runtime.Scheme }

// NewDefaulting lists the functions; that costs some microseconds, so whoever
// needs them makes them.
func NewDefaulting() Defaulting {
	scheme := runtime.NewScheme()
	for _, register := range []func(*runtime.Scheme) error{
		admissionregistrationv1.RegisterDefaults, appsv1.RegisterDefaults, authenticationv1.RegisterDefaults,
		autoscalingv1.RegisterDefaults, autoscalingv2.RegisterDefaults, batchv1.RegisterDefaults, certificatesv1.RegisterDefaults, apiv1.RegisterDefaults, discoveryv1.RegisterDefaults,
		flowcontrolv1.RegisterDefaults, networkingv1.RegisterDefaults, rbacv1.RegisterDefaults, resourcev1.RegisterDefaults,
		schedulingv1.RegisterDefaults, storagev1.RegisterDefaults,
	} {
		utilruntime.Must(register(scheme)) // the generated functions return nil
	}
	return Defaulting{scheme: scheme}
}

// Object fills in the defaults of a decoded object, in place. A kind that has
// none stays as it is.
func (d Defaulting) Object(object runtime.Object) { d.scheme.Default(object) }

// Pod is the Pod that a template makes, with the defaults of a Pod: some, such
// as the requests that follow from limits, a template does not get. The
// template is not changed.
func (d Defaulting) Pod(template *corev1.PodTemplateSpec) *corev1.Pod {
	made := template.DeepCopy()
	pod := &corev1.Pod{ObjectMeta: made.ObjectMeta, Spec: made.Spec}
	pod.APIVersion, pod.Kind = "v1", "Pod"
	d.Object(pod)
	return pod
}
