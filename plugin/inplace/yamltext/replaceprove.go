package yamltext

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// proveReplaced reads the new text: it must hold the old documents with the
// members replaced.
func (t *Text) proveReplaced(edited []byte, replacements []Replacement) error {
	again, err := Parse(edited)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnproven, err)
	}
	if len(again.docs) != len(t.docs) {
		return errUnproven
	}
	for i := range t.docs {
		want, err := decode(t.docs[i])
		if err != nil {
			return err
		}
		for _, each := range replacements {
			if each.Document != i {
				continue
			}
			var value any
			if err := each.Value.Decode(&value); err != nil {
				return fmt.Errorf("reading a replacement: %w", err)
			}
			if want, err = exchange(want, each.Path, each, value); err != nil {
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

// exchange is the value with one member replaced; the rest is shared.
func exchange(holder any, path []any, r Replacement, value any) (any, error) {
	var err error
	switch holder := holder.(type) {
	case map[string]any:
		out := maps.Clone(holder)
		if len(path) == 0 {
			delete(out, r.Old)
			out[r.New] = value
			return out, nil
		}
		if name, isName := path[0].(string); isName {
			out[name], err = exchange(out[name], path[1:], r, value)
			return out, err
		}
	case []any:
		if len(path) == 0 {
			return nil, errUnproven
		}
		if at, isNumber := path[0].(int); isNumber && at < len(holder) {
			out := slices.Clone(holder)
			out[at], err = exchange(out[at], path[1:], r, value)
			return out, err
		}
	}
	return nil, errUnproven
}
