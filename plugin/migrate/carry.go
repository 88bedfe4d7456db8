package migrate

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/inplace/yamltext"
	"github.com/assay-gitops/assay/plugin/render"
)

// carrying is one source whose block becomes parameters.
type carrying struct {
	text   *yamltext.Text
	source render.ArgoSource
	// references are the sources that "$name" stands for.
	references map[string]render.ArgoSource
	// at is the source's place in its object, and block its node.
	at     string
	block  *yaml.Node
	out    []*yaml.Node
	refuse func(line int, field, reason, hint string)
	// checkout is the tree of another repository, nil where nobody named one;
	// inlined are value files of it.
	checkout func(url string) *os.Root
	own      func(url string) bool
	inlined  []inlined
	limits   plugin.Limits
}

// field carries one field of a block.
type field func(c *carrying, path string, key, value *yaml.Node)

// blocks is the one list of what is carried, by block and field.
func blocks() map[string]map[string]field {
	return map[string]map[string]field{
		render.KindHelm: helmFields(), render.KindKustomize: kustomizeFields(), render.KindDirectory: directoryFields(),
	}
}

// plugin is the value of the plugin block.
func (c *carrying) plugin(kind string) *yaml.Node {
	if kind == "" {
		return mapping("name", word(render.ArgoPluginName))
	}
	c.add("renderer", nil, "string", word(kind))
	fields := blocks()[kind]
	for i := 0; c.block != nil && i+1 < len(c.block.Content); i += 2 {
		c.one(fields, c.at+"."+kind+"."+c.block.Content[i].Value, c.block.Content[i], c.block.Content[i+1])
	}
	c.writeIn(c.at + "." + kind + ".valueFiles")
	return mapping("name", word(render.ArgoPluginName), "parameters", list(c.out))
}

// one carries one field.
func (c *carrying) one(fields map[string]field, path string, key, value *yaml.Node) {
	if value.ShortTag() == "!!null" {
		return
	}
	carry, known := fields[key.Value]
	if !known {
		c.refuse(key.Line, path, "there is no such field, and Argo CD passes over it", "correct its name, or remove it")
		return
	}
	carry(c, path, key, value)
}

// add adds a parameter; the comment above the field goes with it.
func (c *carrying) add(name string, key *yaml.Node, form string, value *yaml.Node) {
	parameter := mapping("name", word(name), form, value)
	if key != nil {
		parameter.HeadComment = key.HeadComment
	}
	c.out = append(c.out, parameter)
}

func text(parameter string) field {
	return func(c *carrying, _ string, key, value *yaml.Node) { c.add(parameter, key, "string", scalar(value)) }
}

func flag(parameter string) field {
	return func(c *carrying, _ string, key, value *yaml.Node) {
		var set bool
		if value.Decode(&set) == nil && set {
			c.add(parameter, key, "string", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "true", Style: yaml.DoubleQuotedStyle})
		}
	}
}

func array(parameter string) field {
	return func(c *carrying, _ string, key, value *yaml.Node) {
		var items []*yaml.Node
		for _, item := range value.Content {
			items = append(items, scalar(item))
		}
		if len(items) > 0 {
			c.add(parameter, key, "array", list(items))
		}
	}
}

// labels are a mapping of texts.
func labels(parameter string) field {
	return func(c *carrying, _ string, key, value *yaml.Node) {
		out := mapping()
		for i := 0; i+1 < len(value.Content); i += 2 {
			out.Content = append(out.Content, scalar(value.Content[i]), scalar(value.Content[i+1]))
		}
		if len(out.Content) > 0 {
			c.add(parameter, key, "map", out)
		}
	}
}

// never refuses a field that says something; without says nothing of the rest.
func never(reason, hint string) field {
	return func(c *carrying, path string, key, value *yaml.Node) {
		if value.Value != "" && value.Value != "false" || len(value.Content) > 0 {
			c.refuse(key.Line, path, reason, hint)
		}
	}
}

func dropped(*carrying, string, *yaml.Node, *yaml.Node) {}

func kubeVersion(c *carrying, path string, key, value *yaml.Node) {
	out := scalar(value)
	if parsed, err := version.ParseGeneric(value.Value); err == nil {
		out.Value = parsed.String()
	} else if !strings.Contains(value.Value, "{{") && value.Value != "" {
		c.refuse(value.Line, path, fmt.Sprintf("%q is no version", value.Value), `write a version, as "1.35.0"`)
		return
	}
	c.add("helm-kube-version", key, "string", out)
}

// file is where a value file stands below the repository's root. One of another
// source is only there when that is the same tree.
func (c *carrying) file(path string, item *yaml.Node) (*yaml.Node, bool) {
	out := scalar(item)
	name, rest, _ := strings.Cut(item.Value, "/")
	reference, known := c.references[strings.TrimPrefix(name, "$")]
	if !strings.HasPrefix(name, "$") || !known {
		return out, !c.nobodys(path, item, name)
	}
	if c.source.Chart != "" || reference.RepoURL != c.source.RepoURL || reference.TargetRevision != c.source.TargetRevision {
		c.refuse(item.Line, path, fmt.Sprintf("%q is a file of another source, and Argo CD gives a plugin its own source alone", item.Value),
			"put the file into the repository of this source, or write what it says in helm.valuesObject")
		return nil, false
	}
	out.Value = "/" + strings.TrimLeft(rest, "/")
	return out, true
}

// nobodys refuses a file of a source that is not there: Argo CD looks for it
// below the repository's root.
func (c *carrying) nobodys(path string, item *yaml.Node, name string) bool {
	if !strings.HasPrefix(name, "$") || strings.HasPrefix(strings.Trim(name, "${}"), "ARGOCD_") || name == item.Value {
		return false
	}
	c.refuse(item.Line, path, fmt.Sprintf("no source has the ref of %q", item.Value), "correct the name, or write the path from the repository's root, as \"/...\"")
	return true
}

// pairs collects name and value of list items; a name that is there twice is
// refused, and not added.
func (c *carrying) pairs(path string, into, name, value *yaml.Node) bool {
	for i := 0; i < len(into.Content); i += 2 {
		if into.Content[i].Value == name.Value {
			c.refuse(name.Line, path, fmt.Sprintf("%q is given twice", name.Value), "keep one of them")
			return false
		}
	}
	into.Content = append(into.Content, scalar(name), scalar(value))
	return true
}

func member(node *yaml.Node, name string) *yaml.Node {
	for i := 0; node != nil && node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			return node.Content[i+1]
		}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle}
}

// scalar is a text as it is written, without what stands behind it.
func scalar(node *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: node.Value, Style: node.Style &^ yaml.TaggedStyle, HeadComment: node.HeadComment, LineComment: node.LineComment}
}

func word(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

func literal(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Style: yaml.LiteralStyle}
}

func list(items []*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: slices.Clone(items)}
}

// mapping is made of names and nodes in turn.
func mapping(members ...any) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, each := range members {
		switch each := each.(type) {
		case string:
			out.Content = append(out.Content, word(each))
		case *yaml.Node:
			out.Content = append(out.Content, each)
		}
	}
	return out
}
