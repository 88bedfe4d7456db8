package yamltext

import (
	"bytes"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// hidden stands in the place of each line of a Secret.
const hidden = "(a line of a Secret)"

// secretInText finds a Secret that stands in a text, as in a kustomization's
// patches.
var secretInText = regexp.MustCompile(`\bkind["']?\s*:\s*["']?Secret\b|\bstringData\b`)

// HideSecrets returns the text with every line of its Secrets hidden, comments
// and a kustomization's secretGenerator included, for a person to read. What
// cannot be read is hidden whole.
func HideSecrets(data []byte) []byte {
	t, err := Parse(data)
	if err != nil {
		return []byte(hidden + "\n")
	}
	hide := hiding{}
	for i := range t.docs {
		if root := t.root(i); root != nil {
			hide.document(t, root)
		}
	}
	var out bytes.Buffer
	for line := 1; line <= len(t.lines); line++ {
		whole := t.data[t.lines[line-1]:t.after(line)]
		if !hide[line] {
			out.Write(whole)
			continue
		}
		out.WriteString(hidden)
		out.Write(whole[len(bytes.TrimRight(whole, "\r\n")):])
	}
	return out.Bytes()
}

// hiding are the lines that are not shown.
type hiding map[int]bool

// document hides what is secret of one document: all of it where it is a Secret,
// as comments above and below may show a former value, and where an alias may
// stand for a part of one.
func (h hiding) document(t *Text, root *yaml.Node) {
	first, last := t.between(root.Line)
	found := hiding{}
	found.walk(root, last, true)
	if found[root.Line] && isSecret(root, true) || len(found) > 0 && hasAlias(root) {
		found.lines(first, last)
	}
	for line := range found {
		h[line] = true
	}
}

// between are the first and the last line of the document that a line is in.
// A mark in front of it belongs to it when there is more in its line.
func (t *Text) between(line int) (first, last int) {
	marks := func(at int) bool {
		text := t.content(at)
		return bytes.HasPrefix(text, []byte("---")) || bytes.HasPrefix(text, []byte("..."))
	}
	for first = line; first > 1 && !marks(first-1) && !marks(first); first-- {
	}
	if first > 1 && !marks(first) && len(bytes.TrimSpace(t.content(first-1))) > len("---") {
		first--
	}
	for last = line; last < len(t.lines) && !marks(last+1); last++ {
	}
	return first, last
}

func (h hiding) lines(first, last int) {
	for line := first; line <= max(first, last); line++ {
		h[line] = true
	}
}

// walk hides what is secret of a value whose text, with the comments behind it,
// ends at a line. An object is one of Kubernetes, and no part of one.
func (h hiding) walk(node *yaml.Node, end int, object bool) {
	switch {
	case node.Kind == yaml.ScalarNode && secretInText.MatchString(node.Value), node.Kind == yaml.MappingNode && isSecret(node, object):
		h.lines(node.Line, end)
	case node.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			below := endOf(node, i+2, end)
			if key.Value == "secretGenerator" {
				h.lines(key.Line, below)
				continue
			}
			h.walk(value, below, object && key.Value == "items")
		}
	case node.Kind == yaml.SequenceNode:
		for i, item := range node.Content {
			h.walk(item, endOf(node, i+1, end), object)
		}
	}
}

// endOf is the last line in front of a member, or of the whole where there is no
// further one; members in braces may share a line.
func endOf(node *yaml.Node, next, end int) int {
	if next >= len(node.Content) || node.Style&yaml.FlowStyle != 0 {
		return end
	}
	return min(end, node.Content[next].Line-1)
}

// isSecret reports whether a mapping is a Secret, as far as it can be told: a
// merge key may bring the kind, and a key may be there twice.
func isSecret(node *yaml.Node, object bool) bool {
	var keys []string
	secret := false
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i].Value, node.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		keys = append(keys, key)
		secret = secret || key == "kind" && value.Value == "Secret"
	}
	return secret && (object || slices.Contains(keys, "data")) || slices.Contains(keys, "stringData") ||
		slices.Contains(keys, "<<") && slices.Contains(keys, "data")
}

func hasAlias(node *yaml.Node) bool {
	return node.Kind == yaml.AliasNode || slices.ContainsFunc(node.Content, hasAlias)
}
