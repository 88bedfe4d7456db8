package plugin

// argoPlugin is the name by which an Application of Argo CD has its sources
// rendered and judged by assay.
const argoPlugin = "assay"

// judgedItself reports whether the object is an Application of Argo CD all of
// whose sources name the plugin, so that the images which it does not name are
// pinned and verified at its own sync. What the Source Hydrator commits is
// synced without the plugin, so such an Application is not meant.
func judgedItself(id ObjectID, fields map[string]any) bool {
	spec, _ := fields["spec"].(map[string]any)
	if id.Group() != "argoproj.io" || id.Kind != "Application" || spec["sourceHydrator"] != nil {
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
