package apiserver

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/kubernetes/pkg/apis/autoscaling"
	autoscalingv1 "k8s.io/kubernetes/pkg/apis/autoscaling/v1"
	autoscalingv2 "k8s.io/kubernetes/pkg/apis/autoscaling/v2"
)

// ServedVersions are the versions in which the API server serves a group of its
// own unless it is told otherwise (Kubernetes 1.37, pkg/controlplane,
// DefaultAPIResourceConfigSource): one, but for autoscaling.
func ServedVersions(group string) []string {
	if group == autoscaling.GroupName {
		return []string{"v1", "v2"}
	}
	return []string{"v1"}
}

// Converted is the object in another version of its kind, with that version's
// defaults, by the API server's own functions.
func Converted(object runtime.Object, to schema.GroupVersionKind) (runtime.Object, error) {
	scheme := runtime.NewScheme()
	for _, register := range []func(*runtime.Scheme) error{autoscaling.AddToScheme, autoscalingv1.AddToScheme, autoscalingv2.AddToScheme} {
		utilruntime.Must(register(scheme)) // the generated functions return nil
	}
	internal, err := scheme.ConvertToVersion(object, schema.GroupVersion{Group: to.Group, Version: runtime.APIVersionInternal})
	if runtime.IsNotRegisteredError(err) {
		return nil, fmt.Errorf("the policy asks about %s, and Kubernetes serves no other version of it that could be converted; write the object as %s", to.GroupVersion(), to.GroupVersion())
	}
	if err != nil {
		return nil, fmt.Errorf("converting to %s: %w", to.GroupVersion(), err)
	}
	out, err := scheme.ConvertToVersion(internal, to.GroupVersion())
	if err != nil {
		return nil, fmt.Errorf("converting to %s: %w", to.GroupVersion(), err)
	}
	scheme.Default(out)
	return out, nil
}
