package render

import (
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// setCommonMetadata sets labels and annotations of an object over its own, as
// kustomize-controller does after the build: templates in it are left alone,
// and so is metadata where nothing is to be set.
func setCommonMetadata(fields map[string]any, common plugin.FluxMetadata) {
	metadata, is := fields["metadata"].(map[string]any)
	if !is {
		return
	}
	setAll(metadata, "labels", common.Labels)
	setAll(metadata, "annotations", common.Annotations)
}

// setAll replaces what is no mapping of strings: so does the library there,
// which reads it as none.
func setAll(metadata map[string]any, field string, values map[string]string) {
	if len(values) == 0 {
		return
	}
	merged := map[string]any{}
	own, _ := metadata[field].(map[string]any) // others have none
	for key, value := range own {
		if _, is := value.(string); !is {
			clear(merged)
			break
		}
		merged[key] = value
	}
	for key, value := range values {
		merged[key] = value
	}
	metadata[field] = merged
}

// isKustomization reports whether an object configures kustomize. Flux does
// not apply those.
func isKustomization(id plugin.ObjectID) bool {
	return strings.EqualFold(id.Kind, "kustomization") && strings.HasPrefix(id.APIVersion, "kustomize.config.k8s.io/")
}
