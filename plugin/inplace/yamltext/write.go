package yamltext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// style is how an author indents.
type style struct {
	// step is the number of spaces from a mapping to one in it.
	step int
	// compact lists are no deeper than their key.
	compact bool
}

// styleOf reads the style of the first mapping and the first list that stand in
// another one.
func (t *Text) styleOf(document int) style {
	found := style{step: 2, compact: true}
	var stepSeen, listSeen bool
	var look func(node *yaml.Node)
	look = func(node *yaml.Node) {
		for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			if value.Style&yaml.FlowStyle != 0 || len(value.Content) == 0 || value.Line == key.Line {
				continue
			}
			switch depth := value.Column - key.Column; {
			case value.Kind == yaml.MappingNode && !stepSeen && depth > 1 && depth < 9:
				found.step, stepSeen = depth, true
			case value.Kind == yaml.SequenceNode && !listSeen:
				found.compact, listSeen = depth == 0, true
			}
		}
		for _, child := range node.Content {
			look(child)
		}
	}
	if root := t.root(document); root != nil {
		look(root)
	}
	return found
}

// block writes a value as lines.
func (s style) block(value any) ([][]byte, error) {
	node, err := nodeOf(value)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(s.step)
	if s.compact {
		encoder.CompactSeqIndent()
	}
	if err := encoder.Encode(node); err != nil {
		return nil, fmt.Errorf("writing an addition: %w", err)
	}
	return bytes.Split(bytes.TrimRight(out.Bytes(), "\n"), []byte("\n")), nil
}

// inline writes a value on one line, as JSON in a JSON file.
func (t *Text) inline(value any) ([]byte, error) {
	if t.json {
		return marshal(value, "", "")
	}
	node, err := nodeOf(value)
	if err != nil {
		return nil, err
	}
	node.Style = yaml.FlowStyle
	out, err := yaml.Marshal(node)
	if err != nil {
		return nil, fmt.Errorf("writing an addition: %w", err)
	}
	out = bytes.TrimRight(out, "\n")
	if bytes.ContainsAny(out, "\n") {
		return nil, fmt.Errorf("writing an addition: it does not fit on one line")
	}
	return out, nil
}

// marshal writes JSON, on one line where there is no indent.
func marshal(value any, prefix, indent string) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if indent != "" {
		encoder.SetIndent(prefix, indent)
	}
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("writing an addition: %w", err)
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}

// nodeOf sorts the members of mappings, a name before all others.
func nodeOf(value any) (*yaml.Node, error) {
	node := &yaml.Node{}
	switch value := value.(type) {
	case map[string]any:
		node.Kind, node.Tag = yaml.MappingNode, "!!map"
		names := slices.SortedFunc(maps.Keys(value), func(a, b string) int {
			switch {
			case a == b:
				return 0
			case a == "name" || b != "name" && a < b:
				return -1
			}
			return 1
		})
		for _, name := range names {
			child, err := nodeOf(value[name])
			if err != nil {
				return nil, err
			}
			key := &yaml.Node{}
			if err := key.Encode(name); err != nil {
				return nil, fmt.Errorf("writing an addition: %w", err)
			}
			node.Content = append(node.Content, key, child)
		}
		return node, nil
	case []any:
		node.Kind, node.Tag = yaml.SequenceNode, "!!seq"
		for _, item := range value {
			child, err := nodeOf(item)
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, child)
		}
		return node, nil
	}
	if err := node.Encode(value); err != nil {
		return nil, fmt.Errorf("writing an addition: %w", err)
	}
	return node, nil
}

// lastMember is the last key of a mapping, or the last item of a list.
func lastMember(holder *yaml.Node) *yaml.Node {
	if holder.Kind == yaml.MappingNode {
		return holder.Content[len(holder.Content)-2]
	}
	return holder.Content[len(holder.Content)-1]
}

// onItsOwnLine reports whether nothing but white space stands in front of a
// node.
func (t *Text) onItsOwnLine(node *yaml.Node) bool {
	at, err := t.offset(node)
	return err == nil && len(bytes.TrimSpace(t.data[t.lines[t.line(at)-1]:at])) == 0
}

// appendSpread adds a member on a line of its own to a mapping in brackets that
// is written so.
func (t *Text) appendSpread(last *yaml.Node, end brackets, members any) (insertion, error) {
	at, err := t.offset(last)
	if err != nil {
		return insertion{}, err
	}
	prefix := string(t.data[t.lines[t.line(at)-1]:at])
	closing := t.content(t.line(end.close))
	indent := "  "
	if outer := len(closing) - len(bytes.TrimLeft(closing, " \t")); outer < len(prefix) {
		indent = prefix[outer:]
	}
	var text []byte
	if t.json {
		if text, err = marshal(members, prefix[:len(prefix)-len(indent)], indent); err != nil {
			return insertion{}, err
		}
		text = bytes.Trim(text[1:len(text)-1], " \t\r\n")
		text = bytes.ReplaceAll(text, []byte("\n"), []byte(t.newline()))
	} else {
		if text, err = t.inline(members); err != nil {
			return insertion{}, err
		}
		text = text[1 : len(text)-1]
	}
	return insertion{at: end.last, end: end.last, text: "," + t.newline() + prefix + string(text)}, nil
}
