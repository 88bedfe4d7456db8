package yamltext

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"

	"go.yaml.in/yaml/v3"
)

var errUnproven = errors.New("the edited text would not say what it should")

// prove reads the edited text: it must hold the old documents and the edits.
func (t *Text) prove(edited []byte, insertions []insertion, edits []Edit) error {
	if !bytes.Equal(without(edited, t.data, insertions), t.data) {
		return errUnproven
	}
	again, err := Parse(edited)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnproven, err)
	}
	if len(again.docs) != len(t.docs) {
		return errUnproven
	}
	byDocument := map[int][]Edit{}
	for _, edit := range edits {
		byDocument[edit.Document] = append(byDocument[edit.Document], edit)
	}
	for i := range t.docs {
		want, err := decode(t.docs[i])
		if err != nil {
			return err
		}
		for _, edit := range byDocument[i] {
			if want, err = put(want, edit.Path, edit.Value); err != nil {
				return err
			}
		}
		have, err := decode(again.docs[i])
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(have, want) {
			return errUnproven
		}
	}
	return nil
}

// without takes the insertions out of an edited text again.
func without(edited, old []byte, insertions []insertion) []byte {
	var out bytes.Buffer
	done, shift := 0, 0
	for _, each := range insertions {
		out.Write(edited[done : each.at+shift])
		out.Write(old[each.at:each.end])
		done = each.at + shift + len(each.text)
		shift += len(each.text) - (each.end - each.at)
	}
	out.Write(edited[done:])
	return out.Bytes()
}

func decode(node *yaml.Node) (any, error) {
	if len(node.Content) == 0 {
		return nil, nil //nolint:nilnil // an empty document is null
	}
	var value any
	if err := node.Content[0].Decode(&value); err != nil {
		return nil, fmt.Errorf("reading a document: %w", err)
	}
	return value, nil
}

// put returns the value with an edit in it; values are shared where they stay
// as they are.
func put(holder any, path []any, value any) (any, error) {
	if len(path) == 0 {
		node, err := nodeOf(value)
		if err != nil {
			return nil, err
		}
		var read any
		if err := node.Decode(&read); err != nil {
			return nil, fmt.Errorf("reading an addition: %w", err)
		}
		return read, nil
	}
	var err error
	switch step := path[0].(type) {
	case End:
		items, _ := holder.([]any)
		added, err := put(nil, path[1:], value)
		return append(append([]any{}, items...), added), err
	case int:
		items, _ := holder.([]any)
		if step >= len(items) {
			return nil, errUnproven
		}
		items = append([]any{}, items...)
		items[step], err = put(items[step], path[1:], value)
		return items, err
	case string:
		members, _ := holder.(map[string]any)
		out := make(map[string]any, len(members)+1)
		maps.Copy(out, members)
		out[step], err = put(members[step], path[1:], value)
		return out, err
	}
	return nil, errUnproven
}
