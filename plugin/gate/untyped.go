package gate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
)

// untyped keeps a document that another package decodes, as JSON.
func (l *loading) untyped(read decoder) {
	doc := read.doc
	before := len(l.problems.list)
	fields, _ := read.anything(doc.root, nil, read.budget.depth).(map[string]any)
	metadata, _ := fields["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	if name == "" {
		read.add(plugin.Origin{File: doc.file, Line: cmp.Or(lineOf(doc.root, "metadata"), doc.root.Line)}, "metadata.name", "is required", "write it")
	}
	if len(l.problems.list) > before {
		return
	}
	namespace, _ := metadata["namespace"].(string)
	fields["apiVersion"], fields["kind"] = doc.apiVersion, doc.kind
	text, err := json.Marshal(fields)
	if err != nil {
		read.add(read.origin(doc.root), "", fmt.Sprintf("writing %s as JSON: %v", doc.kind, err), "this is a defect of assay, please report it")
		return
	}
	l.config.Documents = append(l.config.Documents, Document{
		APIVersion: doc.apiVersion, Kind: doc.kind, Namespace: namespace, Name: name, JSON: text,
		At: plugin.Origin{File: doc.file, Line: doc.root.Line},
	})
}

// anything turns a node into JSON's types. kubectl reads YAML 1.1, others read
// YAML 1.2: what the two read differently is refused, so that the file means
// the same here and in the cluster.
func (d *decoder) anything(node *yaml.Node, field *trail, depth int64) any {
	d.budget.nodes--
	switch {
	case d.budget.nodes < 0 || depth <= 0:
		if d.budget.nodes == -1 || depth == 0 && d.budget.nodes >= 0 {
			d.add(d.origin(node), "", fmt.Sprintf("the document unfolds to more than %d nodes or %d levels (limits yamlNodes, yamlDepth)", d.budget.limit, d.budget.depth), "write fewer aliases and levels")
			d.budget.nodes = min(d.budget.nodes, -1) - 1
		}
		return nil
	case node.Kind == yaml.AliasNode && node.Alias != nil:
		return d.anything(node.Alias, field, depth-1)
	case ownTag(node):
		d.add(d.origin(node), field.String(), "has the tag "+node.Tag, "write the value without a tag")
		return nil
	case node.Kind == yaml.MappingNode:
		object := map[string]any{}
		for key, value := range d.pairs(node, field.String) {
			object[key.Value] = d.anything(value, &trail{above: field, key: key.Value}, depth-1)
		}
		return object
	case node.Kind == yaml.SequenceNode:
		list := make([]any, 0, len(node.Content))
		for i, item := range node.Content {
			list = append(list, d.anything(item, &trail{above: field, index: i}, depth-1))
		}
		return list
	}
	return d.plain(node, field)
}

// trail is the path to a node; it becomes text only when something is wrong.
type trail struct {
	above *trail
	key   string
	index int
}

func (t *trail) String() string {
	var steps []string
	for ; t != nil; t = t.above {
		if t.key == "" {
			steps = append(steps, fmt.Sprintf("[%d]", t.index))
			continue
		}
		steps = append(steps, "."+t.key)
	}
	slices.Reverse(steps)
	return strings.TrimPrefix(strings.Join(steps, ""), ".")
}

// number is a JSON number that YAML reads as one too.
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// plain turns a scalar into a JSON value.
func (d *decoder) plain(node *yaml.Node, field *trail) any {
	switch tag := node.ShortTag(); {
	case tag == "!!null":
		return nil
	case tag == "!!bool":
		return node.Value[0] == 't' || node.Value[0] == 'T'
	case tag == "!!timestamp":
		return node.Value
	case tag == "!!str" && node.Style == 0 && slices.Contains(oldBooleans(), node.Value):
		d.add(d.origin(node), field.String(), fmt.Sprintf("%s is text in YAML 1.2 and a boolean in the cluster", node.Value), "quote it, or write true or false")
		return nil
	case tag == "!!str":
		return node.Value
	case (tag == "!!int" || tag == "!!float") && number.MatchString(node.Value):
		return json.Number(node.Value)
	}
	d.add(d.origin(node), field.String(), fmt.Sprintf("%q is not read the same way everywhere", node.Value), "write a plain decimal number, or quote it")
	return nil
}

// oldBooleans are the booleans of YAML 1.1 that YAML 1.2 reads as text.
func oldBooleans() []string {
	return []string{"y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF"}
}
