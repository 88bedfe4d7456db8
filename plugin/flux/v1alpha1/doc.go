// Package v1alpha1 holds the API of the Flux door, assay.dev/v1alpha1: the
// GatedSource. Its definition for the API server, manifests/flux/crd, and the
// deep copies are generated from it by `make generate`.
//
// +kubebuilder:object:generate=true
// +groupName=assay.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of this API.
func GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: "assay.dev", Version: "v1alpha1"}
}

// AddToScheme makes the kinds of this API known to a scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion(), &GatedSource{}, &GatedSourceList{})
	metav1.AddToGroupVersion(scheme, GroupVersion())
	return nil
}
