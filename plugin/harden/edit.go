package harden

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
)

// edit puts a value at a place in an object.
type edit struct {
	// steps are names, numbers of list entries, and atEnd.
	steps []any
	value any
}

// atEnd is the step behind a list's last entry.
type atEnd struct{}

// apply returns the fields with every value in place; of values for the same
// place, and of those behind a list's last entry, the order counts. Every map and
// list on the way is new, and copied once however many values are put below it.
// The edits are sorted, so that those with a way in common stand together.
func apply(fields map[string]any, edits []edit) map[string]any {
	if len(edits) == 0 {
		return fields
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return slices.CompareFunc(a.steps, b.steps, compareSteps) })
	replaced, _ := put(fields, edits, 0).(map[string]any)
	return replaced
}

// compareSteps orders names by their text, and entries by their number, with the
// end behind them.
func compareSteps(a, b any) int {
	aName, _ := a.(string)
	bName, _ := b.(string)
	if aName != "" || bName != "" {
		return strings.Compare(aName, bName)
	}
	return cmp.Compare(entryOf(a), entryOf(b))
}

func entryOf(step any) int {
	if at, isEntry := step.(int); isEntry {
		return at
	}
	return math.MaxInt
}

// put applies the edits, of which the first depth steps are done.
func put(holder any, edits []edit, depth int) any {
	if last := edits[len(edits)-1]; len(last.steps) == depth {
		return last.value
	}
	if _, isName := edits[0].steps[depth].(string); isName {
		written, _ := holder.(map[string]any)
		members := make(map[string]any, len(written)+ways(edits, depth))
		maps.Copy(members, written)
		for len(edits) > 0 {
			var group []edit
			group, edits = cutGroup(edits, depth)
			if name, ok := group[0].steps[depth].(string); ok {
				members[name] = put(members[name], group, depth+1)
			}
		}
		return members
	}
	written, _ := holder.([]any)
	items := append(make([]any, 0, len(written)+len(edits)), written...)
	for len(edits) > 0 {
		var group []edit
		group, edits = cutGroup(edits, depth)
		if at, isEntry := group[0].steps[depth].(int); isEntry {
			items[at] = put(items[at], group, depth+1)
			continue
		}
		for i := range group {
			items = append(items, put(nil, group[i:i+1], depth+1))
		}
	}
	return items
}

// cutGroup cuts off the first edits, which share their next step.
func cutGroup(edits []edit, depth int) (group, rest []edit) {
	first, end := edits[0].steps[depth], 1
	for end < len(edits) && compareSteps(edits[end].steps[depth], first) == 0 {
		end++
	}
	return edits[:end], edits[end:]
}

// ways is how many groups the edits are.
func ways(edits []edit, depth int) (count int) {
	for ; len(edits) > 0; count++ {
		_, edits = cutGroup(edits, depth)
	}
	return count
}
