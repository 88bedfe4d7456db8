package yamltext

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Replacement puts one member of a mapping in the place of another.
type Replacement struct {
	// Document counts from 0; Path leads to the mapping.
	Document int
	Path     []any
	// Old is the member that goes away; empty adds the new one at the end.
	Old string
	// New is the member's name, Value what it holds. Comments and styles of the
	// nodes are written, but within brackets.
	New   string
	Value *yaml.Node
}

// Mapping is the mapping at a path, and the line on which it begins. The error
// says what stands in the way of changing it.
func (t *Text) Mapping(document int, path []any) (*yaml.Node, error) {
	holder, err := t.holder(Edit{Document: document, Path: append(slices.Clone(path), "")})
	if err == nil && holder.Kind != yaml.MappingNode {
		err = fmt.Errorf("line %d is not a mapping", holder.Line)
	}
	return holder, err
}

// Lines is the text of a mapping's member below its name, as its author wrote
// it; false when it is not spread over lines of its own.
func (t *Text) Lines(holder *yaml.Node, name string) ([]byte, bool) {
	key, value := memberOf(holder, name)
	if key == nil || value.Kind != yaml.MappingNode || value.Style&yaml.FlowStyle != 0 || value.Line == key.Line {
		return nil, false
	}
	last, err := t.lastLine(value, key.Column)
	if err != nil {
		return nil, false
	}
	var out bytes.Buffer
	for line := key.Line + 1; line <= last; line++ {
		content := t.content(line)
		out.Write(content[min(indentation(content), value.Column-1):])
		out.WriteByte('\n')
	}
	return out.Bytes(), true
}

// Replace returns the text with all replacements. It was parsed again: its
// documents hold what the old ones held but for the members, and no comment of
// a member that went away is lost.
func (t *Text) Replace(replacements []Replacement) ([]byte, error) {
	var insertions []insertion
	for _, each := range replacements {
		made, err := t.replacement(each)
		if err != nil {
			return nil, err
		}
		insertions = append(insertions, made)
	}
	slices.SortStableFunc(insertions, func(a, b insertion) int { return cmp.Compare(a.at, b.at) })
	var out bytes.Buffer
	done := 0
	for _, each := range insertions {
		if each.at < done {
			return nil, errors.New("two replacements fall on the same place")
		}
		out.Write(t.data[done:each.at])
		out.WriteString(each.text)
		done = each.end
	}
	out.Write(t.data[done:])
	return out.Bytes(), t.proveReplaced(out.Bytes(), replacements)
}

func memberOf(holder *yaml.Node, name string) (key, value *yaml.Node) {
	for i := 0; i+1 < len(holder.Content); i += 2 {
		if holder.Content[i].Value == name {
			return holder.Content[i], holder.Content[i+1]
		}
	}
	return nil, nil
}

// replacement finds the place of one and writes its text.
func (t *Text) replacement(r Replacement) (insertion, error) {
	holder, err := t.Mapping(r.Document, r.Path)
	if err != nil {
		return insertion{}, err
	}
	if _, there := memberOf(holder, r.New); there != nil {
		return insertion{}, fmt.Errorf("line %d has %s already", there.Line, r.New)
	}
	if r.Old == "" {
		var value any
		if err := r.Value.Decode(&value); err != nil {
			return insertion{}, fmt.Errorf("reading an addition: %w", err)
		}
		return t.append(holder, map[string]any{r.New: value}, Edit{Document: r.Document})
	}
	key, value := memberOf(holder, r.Old)
	if key == nil {
		return insertion{}, fmt.Errorf("line %d has no %s", holder.Line, r.Old)
	}
	if err := t.apart(value); err != nil {
		return insertion{}, err
	}
	at, err := t.offset(key)
	if err != nil {
		return insertion{}, err
	}
	if holder.Style&yaml.FlowStyle != 0 {
		return t.replaceInline(r, at, value)
	}
	if err := t.plainKeys(holder); err != nil {
		return insertion{}, err
	}
	return t.replaceBlock(r, at, holder)
}

// apart refuses a value that shares text with another place.
func (t *Text) apart(node *yaml.Node) error {
	if err := t.own(node); err != nil {
		return err
	}
	for _, child := range node.Content {
		if err := t.apart(child); err != nil {
			return err
		}
	}
	return nil
}

// replaceInline writes the new member within brackets.
func (t *Text) replaceInline(r Replacement, at int, old *yaml.Node) (insertion, error) {
	if isAbsent(old) {
		return insertion{}, fmt.Errorf("line %d has a key without a value, within brackets", old.Line)
	}
	end, err := t.inlineEnd(old)
	if err != nil {
		return insertion{}, err
	}
	if comments(old) != nil {
		return insertion{}, fmt.Errorf("line %d has a comment within brackets", old.Line)
	}
	var value any
	if err := r.Value.Decode(&value); err != nil {
		return insertion{}, fmt.Errorf("reading a replacement: %w", err)
	}
	text, err := t.inline(map[string]any{r.New: value})
	if err != nil {
		return insertion{}, err
	}
	return insertion{at: at, end: end, text: string(text[1 : len(text)-1])}, nil
}

// replaceBlock writes the new member on lines of its own. A comment that stood
// in the old one and is nowhere in the new one goes to its top.
func (t *Text) replaceBlock(r Replacement, at int, holder *yaml.Node) (insertion, error) {
	key, value := memberOf(holder, r.Old)
	last := key.Line
	if !isAbsent(value) {
		var err error
		if last, err = t.lastLine(value, key.Column); err != nil {
			return insertion{}, err
		}
	}
	end := t.lines[last-1] + len(t.content(last))
	if end < at {
		return insertion{}, fmt.Errorf("line %d has a value whose end is not known", key.Line)
	}
	lines, err := t.styleOf(r.Document).member(r)
	if err != nil {
		return insertion{}, err
	}
	var lost [][]byte
	for _, comment := range append(comments(key), comments(value)...) {
		for line := range bytes.Lines([]byte(comment)) {
			line = bytes.TrimSpace(line)
			if len(line) > 0 && bytes.Contains(t.data[at:end], line) && !bytes.Contains(bytes.Join(lines, []byte("\n")), line) {
				lost = append(lost, append([]byte("  "), line...))
			}
		}
	}
	lines = slices.Insert(lines, 1, lost...)
	indent := t.newline() + string(bytes.Repeat([]byte(" "), key.Column-1))
	var out bytes.Buffer
	for i, line := range lines {
		switch {
		case i > 0 && len(line) > 0:
			out.WriteString(indent)
		case i > 0:
			out.WriteString(t.newline())
		}
		out.Write(line)
	}
	return insertion{at: at, end: end, text: out.String()}, nil
}

// comments are those of a node and of all in it.
func comments(node *yaml.Node) []string {
	var found []string
	for _, comment := range []string{node.HeadComment, node.LineComment, node.FootComment} {
		if comment != "" {
			found = append(found, comment)
		}
	}
	for _, child := range node.Content {
		found = append(found, comments(child)...)
	}
	return found
}

// member writes the new member as lines.
func (s style) member(r Replacement) ([][]byte, error) {
	key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: r.New}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(s.step)
	if s.compact {
		encoder.CompactSeqIndent()
	}
	if err := encoder.Encode(&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{key, r.Value}}); err != nil {
		return nil, fmt.Errorf("writing a replacement: %w", err)
	}
	return bytes.Split(bytes.TrimRight(out.Bytes(), "\n"), []byte("\n")), nil
}
