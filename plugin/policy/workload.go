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
	// containers are the paths of what became the containers of a partial
	// template; nil where they stand as in a Pod.
	containers []string
	// partial marks a Pod that is put together from what a custom resource says
	// of it. The rest is its controller's, so that only Pod Security is asked.
	partial bool
}

// container is the path of one container of a list.
func (t template) container(list string, index int) string {
	if list == "containers" && t.containers != nil {
		return t.containers[index]
	}
	return fmt.Sprintf("%s.%s[%d]", t.spec, list, index)
}

// templates are all places in the object from which Pods are made. Built-in
// workloads have theirs at a fixed path; in any other kind whatever has the
// shape of a Pod template is one.
func templates(object plugin.Object) []template {
	id := object.ID()
	if path, builtin := builtinTemplate(id); builtin {
		return builtinTemplates(object.Fields, path)
	}
	if id.Group() == "apiextensions.k8s.io" && id.Kind == "CustomResourceDefinition" {
		return nil
	}
	var search podSearch
	around := surroundings{groups: []string{id.Group()}}
	for _, name := range sortedKeys(object.Fields) {
		if name != "metadata" && name != "status" {
			search.walk(object.Fields[name], name, around)
		}
	}
	return search.found
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
		at = plugin.JoinField(at, step)
	}
	if fields == nil {
		return nil
	}
	return []template{{path: at, spec: plugin.JoinField(at, "spec"), fields: fields}}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
