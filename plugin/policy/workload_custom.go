package policy

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

/*
podSearch finds the Pods in custom resources by their shape. It goes as deep as
the object does, which the decoder bounds (plugin.Limits.YAMLDepth).

Whoever lists containers writes a Pod's spec, and is asked everything. Other
shapes say a part of one: the steps of a Tekton Task, the container of an Argo
Workflow's template, init containers alone, the host's namespaces or paths, a
security context that asks for rights. A Pod is put together from each.
*/
type podSearch struct{ found []template }

// surroundings is what is known of a place from above it.
type surroundings struct {
	// groups are the API groups of the object and of the objects around the
	// place that are embedded in it.
	groups []string
	// contained is set in a container that is judged already.
	contained bool
	// judged is set in a Pod's spec that is judged already.
	judged bool
	// patch is set in a patch of a Pod, which leaves out what it does not change.
	patch bool
	// security is the Pod's security context, where a place above sets it.
	security map[string]any
}

func (s *podSearch) walk(value any, path string, around surroundings) {
	switch value := value.(type) {
	case map[string]any:
		s.visit(value, path, around)
	case []any:
		for i, item := range value {
			s.walk(item, fmt.Sprintf("%s[%d]", path, i), around)
		}
	}
}

func (s *podSearch) visit(fields map[string]any, path string, around surroundings) {
	if group, _, found := strings.Cut(stringAt(fields, "apiVersion"), "/"); found && stringAt(fields, "kind") != "" {
		around.groups = append(slices.Clip(around.groups), group)
	}
	whole := isPodSpec(fields) && !around.patch
	if whole && !around.judged {
		s.found = append(s.found, template{path: path, spec: path, fields: map[string]any{"spec": fields}})
	}
	part := newPartialPod(path, fields, around)
	if part.fill(whole) {
		s.found = append(s.found, part.template())
	}
	for _, name := range sortedKeys(fields) {
		below := surroundings{groups: around.groups, patch: around.patch, contained: part.judged[name] || whole && name == "containers"}
		member := mapAt(fields, name)
		switch {
		case name == "spec" && isPodSpec(member) && !around.patch:
			s.found = append(s.found, template{path: path, spec: path + ".spec", fields: fields})
			below.judged = true
		case name == "templates" && slices.Contains(around.groups, "argoproj.io"):
			below.security = mapAt(fields, "securityContext")
		case name == "podSpecPatch":
			s.patch(stringAt(fields, name), plugin.JoinField(path, name), around)
		}
		s.walk(fields[name], plugin.JoinField(path, name), below)
	}
}

// patch reads a Pod's patch that is written as text (Argo Workflows). One that
// is not YAML becomes a template that cannot be read.
func (s *podSearch) patch(text, path string, around surroundings) {
	if text == "" {
		return
	}
	var fields map[string]any
	if err := yaml.Unmarshal([]byte(text), &fields); err != nil {
		s.found = append(s.found, template{path: path, spec: path, fields: map[string]any{"spec": text}, partial: true})
		return
	}
	s.visit(fields, path, surroundings{groups: around.groups, patch: true})
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
