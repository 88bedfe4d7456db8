package render

import (
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// finish does what holds for every renderer: it expands lists, refuses what is
// no object, strips assay's own annotations and reports duplicates.
func finish(rendering plugin.Rendering, source plugin.Source, limits plugin.Limits) (plugin.Rendering, error) {
	objects := make([]plugin.Object, 0, len(rendering.Objects))
	for _, object := range rendering.Objects {
		expanded, err := expand(object, 0)
		if err != nil {
			return plugin.Rendering{Findings: rendering.Findings, Hidden: rendering.Hidden}, err
		}
		objects = append(objects, expanded...)
	}
	if int64(len(objects)) > limits.RenderedObjects {
		return plugin.Rendering{}, overLimit("renderedObjects", limits, plugin.Origin{File: source.Path})
	}
	for _, object := range objects {
		rendering.Findings = append(rendering.Findings, requests(object)...)
		stripOwn(object.Fields)
	}
	if len(objects) == 0 {
		return plugin.Rendering{Findings: rendering.Findings, Hidden: rendering.Hidden}, &plugin.Refusal{
			Rule: ruleEmpty, Origin: plugin.Origin{File: source.Path}, Message: "the source renders to no objects",
			Why:  "an empty answer would let GitOps delete the application",
			Hint: "check the path, the values and the include and exclude patterns",
		}
	}
	rendering.Objects = objects
	rendering.Findings = append(rendering.Findings, duplicates(objects, source.Application.Namespace)...)
	return rendering, nil
}

const ownAnnotations = "assay.dev/"

// stripOwn removes annotations under assay.dev/ at every depth: what the
// application's author writes there is not ours.
func stripOwn(value any) {
	switch value := value.(type) {
	case map[string]any:
		if metadata, ok := value["metadata"].(map[string]any); ok {
			stripAnnotations(metadata)
		}
		for _, member := range value {
			stripOwn(member)
		}
	case []any:
		for _, item := range value {
			stripOwn(item)
		}
	}
}

func stripAnnotations(metadata map[string]any) {
	annotations, ok := metadata["annotations"].(map[string]any)
	if !ok {
		return
	}
	stripped := false
	for key := range annotations {
		if strings.HasPrefix(key, ownAnnotations) || strings.Contains(key, "."+ownAnnotations) {
			delete(annotations, key)
			stripped = true
		}
	}
	if stripped && len(annotations) == 0 {
		delete(metadata, "annotations")
	}
}

// identity is what the API server keeps one object for.
type identity struct{ group, kind, namespace, name string }

// duplicates reports every object that stands for the second time. An object
// without a namespace lands in the destination's.
func duplicates(objects []plugin.Object, destination string) []plugin.Finding {
	first := map[identity]plugin.Origin{}
	var findings []plugin.Finding
	for _, object := range objects {
		metadata, _ := object.Fields["metadata"].(map[string]any)
		if name, _ := metadata["name"].(string); name == "" {
			continue // generateName: each one is new
		}
		id := object.ID()
		key := identity{id.Group(), id.Kind, id.Namespace, id.Name}
		if key.namespace == "" {
			key.namespace = destination
		}
		other, twice := first[key]
		if !twice {
			first[key] = object.Origin
			continue
		}
		finding := plugin.Finding{
			Rule: ruleDuplicate, Object: id, Origin: object.Origin, Message: "the object is rendered twice",
			Why: "which of the two the cluster gets depends on the order", Hint: "remove one of them",
		}
		if other.File != "" {
			finding.Details = []string{"also rendered from " + other.String()}
		}
		findings = append(findings, finding)
	}
	return findings
}
