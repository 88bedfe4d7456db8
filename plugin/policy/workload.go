package policy

import (
	"fmt"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// template is one place in an object from which Pods are made.
type template struct {
	// path is where the template stands: spec.template; empty for a Pod.
	path string
	// spec is where the Pod's spec stands: spec.template.spec.
	spec string
	// fields hold metadata and spec as a Pod would.
	fields map[string]any
	// structural marks a template of a custom resource, found by its shape.
	structural bool
}

// templateDepth bounds the search for templates in custom resources.
const templateDepth = 12

// templates are all places in the object from which Pods are made. Built-in
// workloads have theirs at a fixed path; in any other kind whatever has the
// shape of a Pod template is one.
func templates(object plugin.Object) []template {
	id := object.ID()
	if path, builtin := builtinTemplate(id); builtin {
		return builtinTemplates(object.Fields, path)
	}
	if id.Kind == "CustomResourceDefinition" {
		return nil
	}
	var found []template
	for _, name := range sortedKeys(object.Fields) {
		if name != "metadata" && name != "status" {
			found = append(found, structuralIn(object.Fields[name], name, templateDepth)...)
		}
	}
	return found
}

// builtinTemplate is the path of the Pod template in a kind of the API server.
func builtinTemplate(id plugin.ObjectID) (path []string, builtin bool) {
	switch id.Group() + "/" + id.Kind {
	case "/Pod":
		return nil, true
	case "/PodTemplate":
		return []string{"template"}, true
	case "/ReplicationController", "apps/ReplicaSet", "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "batch/Job":
		return []string{"spec", "template"}, true
	case "batch/CronJob":
		return []string{"spec", "jobTemplate", "spec", "template"}, true
	}
	return nil, false
}

func builtinTemplates(fields map[string]any, path []string) []template {
	at := ""
	for _, step := range path {
		fields = mapAt(fields, step)
		at = joinPath(at, step)
	}
	if fields == nil {
		return nil
	}
	return []template{{path: at, spec: joinPath(at, "spec"), fields: fields}}
}

// structuralTemplates finds Pod templates by their shape: a map whose spec
// holds a list of containers, or a map that is such a spec itself.
func structuralTemplates(fields map[string]any, path string, depth int) []template {
	if fields == nil || depth == 0 {
		return nil
	}
	var found []template
	if isPodSpec(fields) {
		found = append(found, template{path: path, spec: path, fields: map[string]any{"spec": fields}, structural: true})
	}
	for _, name := range sortedKeys(fields) {
		if name == "spec" && isPodSpec(mapAt(fields, name)) {
			found = append(found, template{path: path, spec: path + ".spec", fields: fields, structural: true})
			continue
		}
		found = append(found, structuralIn(fields[name], joinPath(path, name), depth-1)...)
	}
	return found
}

func structuralIn(value any, path string, depth int) []template {
	switch value := value.(type) {
	case map[string]any:
		return structuralTemplates(value, path, depth)
	case []any:
		var found []template
		for i, item := range value {
			found = append(found, structuralIn(item, fmt.Sprintf("%s[%d]", path, i), depth-1)...)
		}
		return found
	}
	return nil
}

// isPodSpec reports whether the map has containers that have a name or an
// image.
func isPodSpec(fields map[string]any) bool {
	for _, item := range listAt(fields, "containers") {
		container, _ := item.(map[string]any)
		if stringAt(container, "image") != "" || stringAt(container, "name") != "" {
			return true
		}
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
