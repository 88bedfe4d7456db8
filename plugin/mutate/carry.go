package mutate

import (
	"maps"
	"reflect"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// carrier carries changes over. whole writes lists as a whole that differ in
// anything, where the order of what the server adds by itself matters.
type carrier struct{ whole bool }

/*
carry writes a change into the object as its author wrote it: where before and
after are the same, authored stays as it is, also where it is absent, as
defaults are; where they differ, it becomes what after is. before and after are
two states of the decoded copy, and nil is absent, as in the API.
*/
func (c carrier) carry(authored, before, after any) any {
	if same(before, after) {
		return authored
	}
	switch after := after.(type) {
	case map[string]any:
		if before, ok := before.(map[string]any); ok {
			authored, _ := authored.(map[string]any)
			return c.carryMap(authored, before, after)
		}
	case []any:
		if before, ok := before.([]any); ok && !c.whole {
			authored, _ := authored.([]any)
			return c.carryList(authored, before, after)
		}
	}
	return copied(after)
}

func (c carrier) carryMap(authored, before, after map[string]any) map[string]any {
	out := maps.Clone(authored)
	if out == nil {
		out = map[string]any{}
	}
	for name := range union(before, after) {
		written, found := authored[name]
		value := c.carry(written, before[name], after[name])
		switch {
		case value != nil:
			out[name] = value
		case !found || written != nil: // a null of the author's stays
			delete(out, name)
		}
	}
	return out
}

func union(a, b map[string]any) map[string]bool {
	names := map[string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	return names
}

// carryList finds each item of after among those before, which are the author's
// in the same order and, at the end, what the API server added by itself. What
// was added by itself and stayed as it was is left to it.
func (c carrier) carryList(authored, before, after []any) []any {
	out := make([]any, 0, len(after))
	places := align(before, after)
	for i, item := range after {
		switch at := places[i]; {
		case at < 0:
			out = append(out, copied(item))
		case at < len(authored):
			out = append(out, c.carry(authored[at], before[at], item))
		case !same(before[at], item):
			out = append(out, copied(item))
		}
	}
	return out
}

// align is, for each item of after, its place in before; -1 for a new one. Items
// with names are found by their name, others where they are equal, and by their
// place where nothing was added or taken away.
func align(before, after []any) []int {
	places := make([]int, len(after))
	taken := make([]bool, len(before))
	find := func(i int, is func(any) bool) {
		places[i] = slices.IndexFunc(before, is)
		if places[i] >= 0 {
			taken[places[i]] = true
		}
	}
	if named(before) && named(after) {
		for i, item := range after {
			find(i, func(other any) bool { return nameOf(other) == nameOf(item) })
		}
		return places
	}
	for i, item := range after {
		free := -1
		for at, other := range before {
			if !taken[at] && same(other, item) {
				free = at
				break
			}
		}
		if places[i] = free; free >= 0 {
			taken[free] = true
		}
	}
	for i := range after {
		if len(before) == len(after) && places[i] < 0 && !taken[i] {
			places[i], taken[i] = i, true
		}
	}
	return places
}

// named reports whether every item has a name of its own.
func named(list []any) bool {
	seen := map[string]bool{}
	for _, item := range list {
		name := nameOf(item)
		if name == "" || seen[name] {
			return false
		}
		seen[name] = true
	}
	return true
}

func nameOf(item any) string {
	fields, _ := item.(map[string]any)
	name, _ := fields["name"].(string)
	return name
}

// same compares values of JSON: null is absent, and numbers are equal whatever
// Go's type of them is.
func same(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			return false
		}
		for name := range union(a, b) {
			if !same(a[name], b[name]) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case int64:
		if b, ok := b.(float64); ok {
			return float64(a) == b
		}
	case float64:
		if b, ok := b.(int64); ok {
			return a == float64(b)
		}
	}
	return reflect.DeepEqual(a, b)
}

// copied shares nothing with the value.
func copied(value any) any {
	return plugin.Object{Fields: map[string]any{"value": value}}.DeepCopy().Fields["value"]
}
