package render

import (
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

// lacksNamespace reports whether an object has no namespace and needs one. Only
// of the API server's own kinds that is known; of others it may.
func lacksNamespace(id plugin.ObjectID) (lacks, known bool) {
	if id.Namespace != "" {
		return false, true
	}
	if !apiserver.BuiltinGroup(id.Group()) {
		return true, false
	}
	return !slices.Contains(apiserver.ClusterScopedKinds()[id.Group()], id.Kind), true
}

func setNamespace(object plugin.Object, namespace string) {
	if metadata, is := object.Fields["metadata"].(map[string]any); is {
		metadata["namespace"] = namespace
	}
}

// settleNamespaces writes the namespace into the objects of the API server's
// own kinds that have none: where they would land is then what is judged, and
// not what the one who applies them makes of it.
func settleNamespaces(objects []plugin.Object, namespace string) {
	if namespace == "" {
		return
	}
	for _, object := range objects {
		if lacks, known := lacksNamespace(object.ID()); lacks && known {
			setNamespace(object, namespace)
		}
	}
}
