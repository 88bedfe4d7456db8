package apiserver

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// PodMakers are the API server's own kinds whose objects make Pods.
func PodMakers() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		{Group: "apps", Version: "v1", Kind: "DaemonSet"}, {Group: "apps", Version: "v1", Kind: "Deployment"}, {Group: "apps", Version: "v1", Kind: "ReplicaSet"},
		{Group: "apps", Version: "v1", Kind: "StatefulSet"}, {Group: "batch", Version: "v1", Kind: "CronJob"}, {Group: "batch", Version: "v1", Kind: "Job"},
		{Version: "v1", Kind: "ReplicationController"},
	}
}

// MakesPods reports whether objects of the kind make Pods.
func MakesPods(kind schema.GroupKind) bool {
	return slices.ContainsFunc(PodMakers(), func(maker schema.GroupVersionKind) bool { return maker.GroupKind() == kind })
}
