package policy

import (
	"fmt"
	"strings"

	"k8s.io/client-go/kubernetes/scheme"

	"github.com/assay-gitops/assay/plugin"
)

// definition is what a CustomResourceDefinition says of its kind.
type definition struct {
	isDefinition              bool
	name, group, kind, plural string
}

func readDefinition(object plugin.Object) definition {
	id := object.ID()
	if !isDefinition(id) {
		return definition{}
	}
	spec := mapAt(object.Fields, "spec")
	names := mapAt(spec, "names")
	return definition{
		isDefinition: true, name: stringAt(mapAt(object.Fields, "metadata"), "name"),
		group: stringAt(spec, "group"), kind: stringAt(names, "kind"), plural: stringAt(names, "plural"),
	}
}

func isDefinition(id plugin.ObjectID) bool {
	return strings.EqualFold(id.Group(), "apiextensions.k8s.io") && strings.EqualFold(id.Kind, "CustomResourceDefinition")
}

// problem is why the definition is not believed, or empty. The API server
// refuses such definitions (k8s.io/apiextensions-apiserver
// pkg/apis/apiextensions/validation) or lets its own kinds win; a rendering can
// hold them all the same.
func (d definition) problem() string {
	switch {
	case builtinGroup(d.group):
		return fmt.Sprintf("the API group %q is Kubernetes' own", d.group)
	case d.plural == "" || d.kind == "":
		return "it does not name its kind and plural"
	case d.name != d.plural+"."+d.group:
		return fmt.Sprintf("its name is not %q, as that of a definition has to be", d.plural+"."+d.group)
	}
	return ""
}

// builtinGroup reports whether the API server defines the group itself. Groups
// without a dot are reserved for it.
func builtinGroup(group string) bool {
	group = strings.ToLower(strings.TrimSpace(group))
	if !strings.Contains(group, ".") || scheme.Scheme.IsGroupRegistered(group) {
		return true
	}
	_, cluster := clusterScopedKinds()[group]
	return cluster
}

// judgeDefinition denies definitions that would be read as saying something
// about the API server's own kinds.
func judgeDefinition(o selfObject) []plugin.Finding {
	read := readDefinition(o.object)
	if !read.isDefinition {
		return nil
	}
	if problem := read.problem(); problem != "" {
		return []plugin.Finding{o.deny(ruleSelfDefinition, "spec", "the definition is not one of a custom resource: "+problem)}
	}
	return nil
}
