package plugin

import "strings"

// argoPlugin is the name by which an Application of Argo CD has its sources
// rendered and judged by assay.
const argoPlugin = "assay"

// published begins the name of the ExternalArtifacts of Flux that hold what passed
// the gate.
const published = "assay-"

// judgedItself reports whether the images that the object does not name are
// pinned and verified all the same: at an Application's own sync, and before a
// Kustomization's or HelmRelease's source was published. That nothing else in
// those changes the images is the business of self.
func judgedItself(id ObjectID, fields map[string]any) bool {
	spec, _ := fields["spec"].(map[string]any)
	switch id.Group() + "/" + id.Kind {
	case "argoproj.io/Application":
		return syncsJudged(spec)
	case "kustomize.toolkit.fluxcd.io/Kustomization":
		return isPublished(spec["sourceRef"])
	case "helm.toolkit.fluxcd.io/HelmRelease":
		return spec["chart"] == nil && isPublished(spec["chartRef"])
	}
	return false
}

func isPublished(reference any) bool {
	fields, _ := reference.(map[string]any)
	name, _ := fields["name"].(string)
	return fields["kind"] == "ExternalArtifact" && strings.HasPrefix(name, published)
}

// syncsJudged reports whether all sources of an Application name the plugin. What
// the Source Hydrator commits is synced without the plugin, so such an
// Application is not meant.
func syncsJudged(spec map[string]any) bool {
	if spec["sourceHydrator"] != nil {
		return false
	}
	several, _ := spec["sources"].([]any)
	judged := false
	for _, source := range several {
		fields, _ := source.(map[string]any)
		if isReference(fields) {
			continue
		}
		if !namesPlugin(fields) {
			return false
		}
		judged = true
	}
	if spec["source"] == nil {
		return judged
	}
	single, _ := spec["source"].(map[string]any)
	return namesPlugin(single) && (judged || len(several) == 0)
}

func namesPlugin(source map[string]any) bool {
	plugin, _ := source["plugin"].(map[string]any)
	return plugin["name"] == argoPlugin
}

// isReference reports whether one of several sources renders nothing: it only
// lends its files to the others.
func isReference(source map[string]any) bool {
	name, _ := source["ref"].(string)
	return name != "" && empty(source["path"]) && empty(source["chart"])
}

func empty(value any) bool { return value == nil || value == "" }
