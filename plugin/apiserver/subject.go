package apiserver

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"
)

// Subject is an object as the API server would be asked about it.
type Subject struct {
	Kind schema.GroupVersionKind
	// Name is that of the object, and Namespace the effective one: empty for
	// cluster-scoped objects, and when nobody said where the application goes.
	Name, Namespace string
	Namespaced      bool
	Labels          map[string]string
	Object          runtime.Object
	// Made marks a Pod that a workload makes.
	Made bool
	// Deployer is who makes the request; nil when that is not known.
	Deployer *user.DefaultInfo
}

// AdmissionNamespace is the namespace of the request: admission sees a
// Namespace as being in itself.
func (s Subject) AdmissionNamespace() string {
	if s.Kind.Kind == "Namespace" && s.Kind.Group == "" {
		return s.Name
	}
	return s.Namespace
}

// UserInfo is who makes the request; without a name when that is not known.
func (s Subject) UserInfo() user.Info {
	if s.Deployer == nil {
		return &user.DefaultInfo{}
	}
	return s.Deployer
}

// UserUnknown says why the user is not known, or only by name; empty when it
// is. details asks for what no configuration tells, such as the uid.
func (s Subject) UserUnknown(details bool) string {
	switch {
	case s.Made:
		return "request.userInfo (a controller of the cluster makes the Pod)"
	case s.Deployer == nil:
		return "request.userInfo (who will apply it; a gate says so in spec.judge.deployer)"
	case details:
		return "request.userInfo beside username and groups"
	}
	return ""
}
