package appset

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// merge takes the first generator's parameter sets, and lets those of the
// others that agree on the merge keys win over them.
//
// Argo CD gives them in the order of a Go map, which is another one each time;
// here they are sorted by their keys.
func (e *expander) merge(interpolated generator, at place) ([]map[string]any, error) {
	inner := interpolated.Merge
	if len(inner.Generators) < 2 {
		return nil, &hintedError{err: fmt.Errorf("it has %d generators, and a merge has two or more", len(inner.Generators)), hint: "add one, or take the generator out of the merge"}
	}
	if len(inner.MergeKeys) == 0 {
		return nil, &hintedError{err: errors.New("it has no mergeKeys"), hint: "name the parameters by which the sets belong together"}
	}
	sets := make([]map[string]map[string]any, len(inner.Generators))
	for i, requested := range inner.Generators {
		params, err := e.child(requested, nil, at, i)
		if err != nil {
			return nil, err
		}
		if sets[i], err = byKey(inner.MergeKeys, params); err != nil {
			return nil, fmt.Errorf("generators[%d]: %w", i, err)
		}
	}
	merged := make([]map[string]any, 0, len(sets[0]))
	for _, key := range slices.Sorted(maps.Keys(sets[0])) {
		base := sets[0][key]
		for _, others := range sets[1:] {
			if err := e.overlay(&base, others[key]); err != nil {
				return nil, err
			}
		}
		merged = append(merged, base)
	}
	return merged, nil
}

func (e *expander) overlay(base *map[string]any, over map[string]any) error {
	if over == nil {
		return nil
	}
	if !e.read.GoTemplate {
		maps.Copy(*base, over)
		return nil
	}
	return mergeOver(base, over)
}

// byKey sorts parameter sets by their values for the merge keys. Two with the
// same are an error.
func byKey(keys []string, params []map[string]any) (map[string]map[string]any, error) {
	sorted := make(map[string]map[string]any, len(params))
	for _, one := range params {
		values := map[string]any{}
		for _, key := range keys {
			values[key] = one[key]
		}
		text, err := json.Marshal(values)
		if err != nil {
			return nil, fmt.Errorf("writing the merge keys: %w", err)
		}
		if _, twice := sorted[string(text)]; twice {
			return nil, &hintedError{
				err:  fmt.Errorf("its parameters are not unique by the mergeKeys: %s comes twice", text),
				hint: "add a merge key, or filter with a selector",
			}
		}
		sorted[string(text)] = one
	}
	return sorted, nil
}
