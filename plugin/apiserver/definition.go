package apiserver

import (
	"fmt"
	"strings"

	"k8s.io/client-go/kubernetes/scheme"

	"github.com/assay-gitops/assay/plugin"
)

// Definition is what a CustomResourceDefinition says of its kind.
type Definition struct {
	IsDefinition              bool
	Name, Group, Kind, Plural string
}

// ReadDefinition reads an object; IsDefinition is false of another kind.
func ReadDefinition(object plugin.Object) Definition {
	id := object.ID()
	if !IsDefinition(id) {
		return Definition{}
	}
	spec := mapAt(object.Fields, "spec")
	names := mapAt(spec, "names")
	return Definition{
		IsDefinition: true, Name: stringAt(mapAt(object.Fields, "metadata"), "name"),
		Group: stringAt(spec, "group"), Kind: stringAt(names, "kind"), Plural: stringAt(names, "plural"),
	}
}

// IsDefinition reports whether the object is a CustomResourceDefinition, in
// whatever case it is written.
func IsDefinition(id plugin.ObjectID) bool {
	return strings.EqualFold(id.Group(), "apiextensions.k8s.io") && strings.EqualFold(id.Kind, "CustomResourceDefinition")
}

// Problem is why the definition is not believed, or empty. The API server
// refuses such definitions (k8s.io/apiextensions-apiserver
// pkg/apis/apiextensions/validation) or lets its own kinds win; a rendering can
// hold them all the same.
func (d Definition) Problem() string {
	switch {
	case BuiltinGroup(d.Group):
		return fmt.Sprintf("the API group %q is Kubernetes' own", d.Group)
	case d.Plural == "" || d.Kind == "":
		return "it does not name its kind and plural"
	case d.Name != d.Plural+"."+d.Group:
		return fmt.Sprintf("its name is not %q, as that of a definition has to be", d.Plural+"."+d.Group)
	}
	return ""
}

// BuiltinGroup reports whether the API server defines the group itself. Groups
// without a dot are reserved for it.
func BuiltinGroup(group string) bool {
	group = strings.ToLower(strings.TrimSpace(group))
	if !strings.Contains(group, ".") || scheme.Scheme.IsGroupRegistered(group) {
		return true
	}
	_, cluster := ClusterScopedKinds()[group]
	return cluster
}
