package mutate

import (
	"fmt"
	"maps"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// change is one field that a policy changed.
type change struct {
	field    string
	was, now any
}

// changesOf are the differences between two states of an object, each at the
// deepest field that tells it: an item that was added stands for what is in it.
func changesOf(was, now map[string]any) []change {
	var all []change
	compare("", was, now, func(each change) { all = append(all, each) })
	return all
}

func compare(field string, was, now any, tell func(change)) {
	if same(was, now) {
		return
	}
	if before, ok := was.(map[string]any); ok {
		if after, ok := now.(map[string]any); ok {
			for _, name := range slices.Sorted(maps.Keys(union(before, after))) {
				compare(plugin.JoinField(field, name), before[name], after[name], tell)
			}
			return
		}
	}
	if before, ok := was.([]any); ok {
		if after, ok := now.([]any); ok && extends(before, after) {
			for i, item := range after {
				var old any
				if i < len(before) {
					old = before[i]
				}
				compare(fmt.Sprintf("%s[%d]", field, i), old, item, tell)
			}
			return
		}
	}
	tell(change{field: field, was: was, now: now})
}

// extends reports whether the items before are still where they were.
func extends(before, after []any) bool {
	if len(before) > len(after) {
		return false
	}
	for i, item := range before {
		_, isMap := item.(map[string]any)
		_, staysMap := after[i].(map[string]any)
		if isMap != staysMap || nameOf(item) != nameOf(after[i]) || !isMap && !same(item, after[i]) {
			return false
		}
	}
	return true
}
