package yamltext

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Edit is one addition.
type Edit struct {
	// Document counts from 0.
	Document int
	// Path leads through names and numbers of list items to what is added: a
	// name that is not there yet or is null, or [End] of a list.
	Path []any
	// Value is in JSON's types.
	Value any
}

// End is the step behind the last item of a list.
type End struct{}

// insertion is text that is put at an offset, in the place of what stands up to
// end. What is deeper in the document comes first at the same offset.
type insertion struct {
	at, end, depth int
	text           string
	// first is set in brackets that hold nothing yet.
	first bool
}

// Locate says what stands in the way of an edit; nil when nothing does.
func (t *Text) Locate(edit Edit) error {
	_, err := t.insertion(edit)
	return err
}

// Apply returns the text with all edits. It was parsed again: its documents
// hold what the old ones held and the edits, and every byte of the old text
// but the null values that were replaced is in it, in order.
func (t *Text) Apply(edits []Edit) ([]byte, error) {
	insertions := make([]insertion, 0, len(edits))
	for _, edit := range edits {
		made, err := t.insertion(edit)
		if err != nil {
			return nil, err
		}
		made.depth = len(edit.Path)
		insertions = append(insertions, made)
	}
	slices.SortStableFunc(insertions, func(a, b insertion) int {
		return cmp.Or(cmp.Compare(a.at, b.at), -cmp.Compare(a.depth, b.depth))
	})
	var out bytes.Buffer
	done := 0
	for i, each := range insertions {
		if i > 0 && each.first && insertions[i-1].first && insertions[i-1].at == each.at {
			each.text = ", " + each.text
			insertions[i].text = each.text
		}
		if each.at < done {
			return nil, errors.New("two additions fall on the same place")
		}
		out.Write(t.data[done:each.at])
		out.WriteString(each.text)
		done = each.end
	}
	out.Write(t.data[done:])
	return out.Bytes(), t.prove(out.Bytes(), insertions, edits)
}

// insertion finds the place of an edit and writes its text.
func (t *Text) insertion(edit Edit) (insertion, error) {
	holder, err := t.holder(edit)
	if err != nil {
		return insertion{}, err
	}
	switch last := edit.Path[len(edit.Path)-1].(type) {
	case End:
		if holder.Kind != yaml.SequenceNode {
			return insertion{}, errors.New("what is to be longer is not a list")
		}
		return t.append(holder, []any{edit.Value}, edit)
	case string:
		if holder.Kind != yaml.MappingNode {
			return insertion{}, fmt.Errorf("what is to hold %s is not a mapping", last)
		}
		for i := 0; i+1 < len(holder.Content); i += 2 {
			if holder.Content[i].Value == last {
				return t.replaceNull(holder, i, edit)
			}
		}
		return t.append(holder, map[string]any{last: edit.Value}, edit)
	}
	return insertion{}, errors.New("a path ends with a number")
}

// holder is what an edit adds to. Everything on the way to it must be written
// there, once, and for no other place.
func (t *Text) holder(edit Edit) (*yaml.Node, error) {
	node := t.root(edit.Document)
	if node == nil || len(edit.Path) == 0 {
		return nil, errors.New("there is no such document")
	}
	for _, step := range edit.Path[:len(edit.Path)-1] {
		if err := t.own(node); err != nil {
			return nil, err
		}
		next, err := follow(node, step)
		if err != nil {
			return nil, err
		}
		node = next
	}
	return node, t.own(node)
}

// own refuses a node whose text counts somewhere else, too, or that takes
// members from somewhere else.
func (t *Text) own(node *yaml.Node) error {
	if node.Kind == yaml.AliasNode {
		return fmt.Errorf("line %d is an alias (*%s)", node.Line, node.Value)
	}
	if t.aliased[node] {
		return fmt.Errorf("line %d has an anchor (&%s) that is used elsewhere", node.Line, node.Anchor)
	}
	if node.Kind != yaml.MappingNode {
		return nil
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		switch {
		case key.ShortTag() == "!!merge":
			return fmt.Errorf("line %d takes members from elsewhere (<<)", key.Line)
		case key.Kind != yaml.ScalarNode:
			return fmt.Errorf("line %d has a key that is not text", key.Line)
		case seen[key.Value]:
			return fmt.Errorf("line %d has the key %s for the second time", key.Line, key.Value)
		}
		seen[key.Value] = true
	}
	return nil
}

func follow(node *yaml.Node, step any) (*yaml.Node, error) {
	switch step := step.(type) {
	case string:
		for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == step {
				return node.Content[i+1], nil
			}
		}
		return nil, fmt.Errorf("it has no %s, which something other than this file puts there", step)
	case int:
		if node.Kind == yaml.SequenceNode && step < len(node.Content) {
			return node.Content[step], nil
		}
		return nil, fmt.Errorf("a list has no item %d, which something other than this file puts there", step)
	}
	return nil, errors.New("a step of a path is neither a name nor a number")
}

// append adds members to a mapping or items to a list.
func (t *Text) append(holder *yaml.Node, members any, edit Edit) (insertion, error) {
	if holder.Style&yaml.FlowStyle != 0 || len(holder.Content) == 0 {
		return t.appendInline(holder, members)
	}
	if err := t.plainKeys(holder); err != nil {
		return insertion{}, err
	}
	column := holder.Content[0].Column - dashWidth(holder)
	last, err := t.lastLine(holder, column)
	if err != nil {
		return insertion{}, err
	}
	lines, err := t.styleOf(edit.Document).block(members)
	if err != nil {
		return insertion{}, err
	}
	return t.afterLine(last, lines, column), nil
}

// plainKeys refuses keys behind "?", whose values end elsewhere.
func (t *Text) plainKeys(holder *yaml.Node) error {
	if holder.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(holder.Content); i += 2 {
		key := holder.Content[i]
		if bytes.HasPrefix(bytes.TrimLeft(t.content(key.Line), " -"), []byte("?")) {
			return fmt.Errorf("line %d has a key behind \"?\"", key.Line)
		}
	}
	return nil
}

// afterLine puts lines behind one, indented to a column.
func (t *Text) afterLine(line int, lines [][]byte, column int) insertion {
	var out bytes.Buffer
	at := t.after(line)
	newline := t.newline()
	ended := at > 0 && t.data[at-1] == '\n'
	for _, each := range lines {
		if !ended {
			out.WriteString(newline)
		}
		if len(each) > 0 {
			out.Write(bytes.Repeat([]byte(" "), column-1))
			out.Write(each)
		}
		if ended {
			out.WriteString(newline)
		}
	}
	return insertion{at: at, end: at, text: out.String()}
}

// replaceNull writes the value of a key whose value is null.
func (t *Text) replaceNull(holder *yaml.Node, i int, edit Edit) (insertion, error) {
	key, value := holder.Content[i], holder.Content[i+1]
	if value.ShortTag() != "!!null" || value.Kind != yaml.ScalarNode || value.Anchor != "" {
		return insertion{}, fmt.Errorf("line %d has another value than was read from it", value.Line)
	}
	if !isAbsent(value) {
		at, err := t.offset(value)
		if err != nil {
			return insertion{}, err
		}
		text, err := t.inline(edit.Value)
		return insertion{at: at, end: at + len(value.Value), text: string(text)}, err
	}
	if holder.Style&yaml.FlowStyle != 0 {
		return insertion{}, fmt.Errorf("line %d has a key without a value, within brackets", key.Line)
	}
	at, err := t.inlineEnd(key)
	if err != nil {
		return insertion{}, err
	}
	at = t.skip(at)
	if at >= len(t.data) || t.data[at] != ':' {
		return insertion{}, fmt.Errorf("line %d has a key whose end is not known", key.Line)
	}
	text, err := t.inline(edit.Value)
	return insertion{at: at + 1, end: at + 1, text: " " + string(text)}, err
}

// appendInline adds members within brackets.
func (t *Text) appendInline(holder *yaml.Node, members any) (insertion, error) {
	end, err := t.bracketEnd(holder)
	if err != nil {
		return insertion{}, err
	}
	separator := ", "
	if len(holder.Content) == 0 {
		separator = ""
	} else if last := lastMember(holder); t.onItsOwnLine(last) {
		return t.appendSpread(last, end, members)
	}
	text, err := t.inline(members)
	if err != nil {
		return insertion{}, err
	}
	return insertion{at: end.last, end: end.last, text: separator + string(text[1:len(text)-1]), first: separator == ""}, nil
}
