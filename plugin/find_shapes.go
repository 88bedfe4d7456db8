package plugin

import (
	"slices"
	"strings"
)

// scope is what is known of the place that a search has reached.
type scope struct {
	// groups are the API groups of the object and of the objects around the
	// place that are embedded in it.
	groups []string
	// patterns is set where Pod shapes describe what a policy matches.
	patterns bool
	// strict is set in workloads, where a container without an image is an
	// error.
	strict bool
}

// claimShapes claims images wherever a Pod's spec occurs, in whatever kind. An
// object embedded in another (a Template's, a ManifestWork's) adds the places
// of its own kind and takes none away: what it calls itself is the author's
// text.
func (s *search) claimShapes(value any, path []step, around scope) {
	switch value := value.(type) {
	case map[string]any:
		if len(path) > 0 && isEmbedded(value) {
			group := Object{Fields: value}.ID().Group()
			if _, speaks := s.dialects[group]; speaks && !slices.Contains(around.groups, group) {
				around.groups = append(slices.Clip(around.groups), group)
			}
			s.claimDeclared(value, path)
			s.claimKnown(value, path)
		}
		if !around.patterns {
			s.claimPod(value, path, around)
			s.claimDialect(value, path, around)
		}
		for name, member := range value {
			s.claimShapes(member, along(path, key(name)), around)
		}
	case []any:
		for i, item := range value {
			s.claimShapes(item, along(path, index(i)), around)
		}
	}
}

// isEmbedded reports whether the fields call themselves an object.
func isEmbedded(fields map[string]any) bool {
	kind, _ := fields["kind"].(string)
	version, _ := fields["apiVersion"].(string)
	return kind != "" && version != ""
}

// claimPod claims the containers and image volumes of a Pod's spec.
func (s *search) claimPod(spec map[string]any, path []step, around scope) {
	for _, list := range []string{"containers", "initContainers", "ephemeralContainers"} {
		if containers := spec[list]; containers != nil {
			s.claimContainers(containers, at(path, key(list)), around)
		}
	}
	volumes, _ := spec["volumes"].([]any)
	for i, volume := range volumes {
		fields, _ := volume.(map[string]any)
		image, _ := fields["image"].(map[string]any)
		if image == nil {
			continue
		}
		where := at(path, key("volumes"), index(i), key("image"), key("reference"))
		if !s.claim(place{path: where}) && around.strict {
			s.invalid(formatPath(where), "", "the image volume names no image")
		}
	}
}

// claimContainers claims the images of one list of containers.
func (s *search) claimContainers(list any, path []step, around scope) {
	items, isList := list.([]any)
	if !isList {
		if around.strict {
			s.invalid(formatPath(path), "", "this is "+typeName(list)+" where containers are listed")
		}
		return
	}
	for i, item := range items {
		container, _ := item.(map[string]any)
		s.claimContainer(container, at(path, index(i)), around)
	}
}

func (s *search) claimContainer(container map[string]any, path []step, around scope) {
	name, _ := container["name"].(string)
	where := at(path, key("image"))
	if s.claim(place{path: where, container: name}) {
		return
	}
	if text, empty := container["image"].(string); around.strict || empty && text == "" {
		s.claimed[formatPath(where)] = true
		s.invalid(formatPath(where), "", "the container names no image")
	}
}

// claimDialect claims what only some groups call a container: Tekton's steps
// and sidecars, the templates of Argo Workflows and Argo Events.
func (s *search) claimDialect(fields map[string]any, path []step, around scope) {
	for _, group := range around.groups {
		dialect := s.dialects[group]
		for _, list := range dialect.lists {
			items, _ := fields[list].([]any)
			for i, item := range items {
				if container, ok := item.(map[string]any); ok && container["image"] != nil {
					s.claimContainer(container, at(path, key(list), index(i)), scope{})
				}
			}
		}
		for _, single := range dialect.singles {
			if container, ok := fields[single].(map[string]any); ok && container["image"] != nil {
				s.claimContainer(container, at(path, key(single)), scope{})
			}
		}
	}
}

// claimKnown claims the fields of a known kind at path, and reports it when it
// makes Pods from an image that it does not name.
func (s *search) claimKnown(fields map[string]any, path []step) {
	id := Object{Fields: fields}.ID()
	kind, known := s.kind(id)
	if _, whole := fields["spec"].(map[string]any); !known || !whole {
		return // without a spec it is a mere reference to such an object
	}
	named := false
	for _, text := range kind.images {
		text, prefix, _ := strings.Cut(text, " ")
		pattern, err := parsePath(text)
		if err != nil {
			panic(err) // a test reads every row
		}
		for _, matched := range expand(fields, pattern) {
			named = s.claim(place{path: at(path, matched...), prefix: prefix}) || named
		}
	}
	if len(path) == 0 && judgedItself(id, fields) {
		return
	}
	if kind.makes != "" && !named {
		s.report(Finding{
			Rule: "image/implicit", Level: Warn, Field: formatPath(path),
			Message: "this " + id.Kind + " makes Pods from images that it does not name: " + kind.makes,
			Why:     "what is not named here is neither pinned nor verified here",
			Hint:    "name the image where the kind has a field for it, or let admission control verify what its controller makes",
		})
	}
}
