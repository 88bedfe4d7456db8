package harden

import "maps"

// edit puts a value at a place in an object.
type edit struct {
	// steps are names, numbers of list entries, and atEnd.
	steps []any
	value any
}

// atEnd is the step behind a list's last entry.
type atEnd struct{}

// apply returns the fields with every value in place, in the order of the edits.
// Every map and list on the way is new, and copied once however many values are
// put below it.
func apply(fields map[string]any, edits []edit) map[string]any {
	if len(edits) == 0 {
		return fields
	}
	replaced, _ := put(fields, edits, 0).(map[string]any)
	return replaced
}

// put applies the edits, of which the first depth steps are done.
func put(holder any, edits []edit, depth int) any {
	if last := edits[len(edits)-1]; len(last.steps) == depth {
		return last.value
	}
	if _, isName := edits[0].steps[depth].(string); isName {
		written, _ := holder.(map[string]any)
		members := make(map[string]any, len(written)+len(edits))
		maps.Copy(members, written)
		for _, group := range grouped(edits, depth) {
			if name, ok := group[0].steps[depth].(string); ok {
				members[name] = put(members[name], group, depth+1)
			}
		}
		return members
	}
	written, _ := holder.([]any)
	items := append(make([]any, 0, len(written)+len(edits)), written...)
	for _, group := range grouped(edits, depth) {
		if at, isEntry := group[0].steps[depth].(int); isEntry {
			items[at] = put(items[at], group, depth+1)
			continue
		}
		for _, each := range group {
			items = append(items, put(nil, []edit{each}, depth+1))
		}
	}
	return items
}

// grouped are the edits that share their next step, in the order of the first of
// each.
func grouped(edits []edit, depth int) [][]edit {
	if len(edits) == 1 {
		return [][]edit{edits}
	}
	var groups [][]edit
	places := make(map[any]int, len(edits))
	for _, each := range edits {
		at, known := places[each.steps[depth]]
		if !known {
			at = len(groups)
			places[each.steps[depth]] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], each)
	}
	return groups
}
