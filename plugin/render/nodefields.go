package render

import (
	yaml3 "go.yaml.in/yaml/v3"
)

// nodeFields reads a mapping node as the YAML library's own Decode does, which
// spends most of its time on reflection. What is not plain (an alias, a merge
// key, a key that is no string or stands twice, a tag of somebody's own) is
// left to Decode, whole.
func nodeFields(node *yaml3.Node) (map[string]any, error) {
	if value, plain := plainValue(node, false); plain {
		if fields, isMapping := value.(map[string]any); isMapping {
			return fields, nil
		}
	}
	var fields map[string]any
	err := node.Decode(&fields)
	return fields, err //nolint:wrapcheck // the caller names the object
}

// plainValue reads a node; flow is set inside of braces and brackets. There the
// library writes a null without a sign as an empty text, which kustomize then
// reads again.
func plainValue(node *yaml3.Node, flow bool) (value any, plain bool) {
	flow = flow || node.Style&yaml3.FlowStyle != 0
	switch tag := node.ShortTag(); {
	case node.Kind == yaml3.MappingNode && tag == "!!map":
		return plainMapping(node, flow)
	case node.Kind == yaml3.SequenceNode && tag == "!!seq":
		items := make([]any, len(node.Content))
		for i, item := range node.Content {
			if items[i], plain = plainValue(item, flow); !plain {
				return nil, false
			}
		}
		return items, true
	case node.Kind == yaml3.ScalarNode && (tag == "!!str" || tag == "!!null" && flow && node.Value == ""):
		return node.Value, true
	case node.Kind == yaml3.ScalarNode:
		err := node.Decode(&value)
		return value, err == nil
	}
	return nil, false
}

func plainMapping(node *yaml3.Node, flow bool) (any, bool) {
	fields := make(map[string]any, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if key.Kind != yaml3.ScalarNode || key.ShortTag() != "!!str" || key.Value == "<<" {
			return nil, false
		}
		if _, twice := fields[key.Value]; twice {
			return nil, false
		}
		value, plain := plainValue(node.Content[i+1], flow)
		if !plain {
			return nil, false
		}
		fields[key.Value] = value
	}
	return fields, true
}
