package render

import (
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/resource"

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
	if len(common.Labels)+len(common.Annotations) > 0 {
		setAll(metadata, "labels", common.Labels)
		setAll(metadata, "annotations", common.Annotations)
	}
}

// setAll reads a mapping as the library there does: null is an empty text, and
// a mapping with anything else that is no text is none.
func setAll(metadata map[string]any, field string, values map[string]string) {
	merged := map[string]any{}
	own, _ := metadata[field].(map[string]any) // others have none
	for key, value := range own {
		if value == nil {
			value = ""
		}
		if _, is := value.(string); !is {
			clear(merged)
			break
		}
		merged[key] = value
	}
	for key, value := range values {
		merged[key] = value
	}
	if len(merged) > 0 {
		metadata[field] = merged
	}
}

// builtAgain takes away the annotations that kustomize keeps for itself, as the
// Kustomization that consumes the published objects builds them once more and
// takes them away, too: what is judged is what is applied. An object that it
// would leave out is denied.
func builtAgain(objects []plugin.Object) []plugin.Finding {
	var findings []plugin.Finding
	for _, object := range objects {
		metadata, _ := object.Fields["metadata"].(map[string]any)
		annotations, is := metadata["annotations"].(map[string]any)
		if !is {
			continue
		}
		if value, has := annotations[konfig.IgnoredByKustomizeAnnotation]; has && value != "false" {
			findings = append(findings, plugin.Finding{
				Rule: ruleNotSupported, Unwaivable: true, Object: object.ID(), Field: "metadata.annotations", Origin: object.Origin,
				Message: "the annotation " + konfig.IgnoredByKustomizeAnnotation + " is set by a variable or by commonMetadata",
				Why:     "the Kustomization that applies the published objects leaves such an object out", Hint: "remove the annotation",
			})
		}
		before := len(annotations)
		for _, own := range kustomizeAnnotations() {
			delete(annotations, own)
		}
		if len(annotations) == 0 && before > 0 {
			delete(metadata, "annotations")
		}
	}
	return findings
}

func kustomizeAnnotations() []string {
	return append([]string{"config.kubernetes.io/origin", "alpha.config.kubernetes.io/transformations"}, resource.BuildAnnotations...)
}

// isKustomization reports whether an object configures kustomize. Flux does
// not apply those.
func isKustomization(id plugin.ObjectID) bool {
	return strings.EqualFold(id.Kind, "kustomization") && strings.HasPrefix(id.APIVersion, "kustomize.config.k8s.io/")
}
