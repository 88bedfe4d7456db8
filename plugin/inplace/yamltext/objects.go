package yamltext

import (
	"go.yaml.in/yaml/v3"
)

// Object is one Kubernetes object in a text.
type Object struct {
	// Document and Path say where it stands: a list's items have a path.
	Document int
	Path     []any

	APIVersion, Kind, Name string

	node *yaml.Node
}

// maxNestedLists is the depth to which lists are taken apart.
const maxNestedLists = 10

// Objects are the objects of a text, lists taken apart, in order.
func (t *Text) Objects() []Object {
	var objects []Object
	for i := range t.docs {
		objects = append(objects, objectsOf(Object{Document: i, node: t.root(i)}, 0)...)
	}
	return objects
}

func objectsOf(at Object, depth int) []Object {
	if at.node == nil || at.node.Kind != yaml.MappingNode || len(at.node.Content) == 0 || depth > maxNestedLists {
		return nil
	}
	apiVersion, kind, metadata := member(at.node, "apiVersion"), member(at.node, "kind"), member(at.node, "metadata")
	if items := member(at.node, "items"); items != nil && items.Kind == yaml.SequenceNode {
		var objects []Object
		for i, item := range items.Content {
			path := append(append([]any(nil), at.Path...), "items", i)
			objects = append(objects, objectsOf(Object{Document: at.Document, Path: path, node: item}, depth+1)...)
		}
		return objects
	} else if items != nil && items.ShortTag() == "!!null" && member(at.node, "spec") == nil && member(at.node, "status") == nil {
		return nil
	}
	if apiVersion == nil && kind == nil && metadata == nil {
		return nil
	}
	at.APIVersion, at.Kind = text(apiVersion), text(kind)
	if at.Name = text(member(metadata, "name")); at.Name == "" {
		at.Name = text(member(metadata, "generateName"))
	}
	return []Object{at}
}

// member is the value of a mapping's key, aliases followed; nil when there is
// none.
func member(node *yaml.Node, name string) *yaml.Node {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value != name {
			continue
		}
		if value := node.Content[i+1]; value.Kind != yaml.AliasNode {
			return value
		}
		return node.Content[i+1].Alias
	}
	return nil
}

func text(node *yaml.Node) string {
	if node == nil || node.Kind != yaml.ScalarNode {
		return ""
	}
	return node.Value
}
