package change

import (
	"slices"
	"strconv"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// step is one part of a field path: a key, or an item of a list.
type step struct {
	text string
	// item marks what stands in brackets: "0", "name=web".
	item bool
}

// pathOf writes a path as plugin.JoinField does, items by what tells them apart.
func pathOf(steps []step) string {
	path := ""
	for _, each := range steps {
		if each.item {
			path += "[" + each.text + "]"
			continue
		}
		path = plugin.JoinField(path, each.text)
	}
	return path
}

// absent is the value of a field that is not there, which null is not.
type absent struct{}

// difference is one leaf that is not the same on both sides.
type difference struct {
	// path is the walk's own memory: who keeps it clones it.
	path     []step
	was, now any
	// secret values are not shown.
	secret bool
	// order marks items that are the same in another order.
	order bool
}

// walker finds where two values differ. Its work is linear in their size, but
// for sorting.
type walker struct{ found func(difference) }

// walk compares the values at a path. Either may be absent; what stands on one
// side alone is told by its leaves. There is a difference if and only if the
// values are not equal.
func (w walker) walk(path []step, was, now any, secret bool) {
	if secret {
		if !equal(was, now) {
			w.found(difference{path: path, was: was, now: now, secret: true})
		}
		return
	}
	wasMap, nowMap, maps := both[map[string]any](was, now)
	if maps {
		w.maps(path, wasMap, nowMap)
		return
	}
	wasList, nowList, lists := both[[]any](was, now)
	if lists && !(scalars(wasList) && scalars(nowList)) {
		w.lists(path, wasList, nowList)
		return
	}
	if !equal(was, now) {
		w.found(difference{path: path, was: was, now: now, order: lists && isSet(path) && sameItems(wasList, nowList)})
	}
}

// both are the values as a container that both are, or that one is, and is not
// empty, while the other is absent: an empty one is a leaf.
func both[C interface{ map[string]any | []any }](was, now any) (wasAs, nowAs C, ok bool) {
	wasAs, isWas := was.(C)
	nowAs, isNow := now.(C)
	switch {
	case isWas && isNow:
		return wasAs, nowAs, (wasAs == nil) == (nowAs == nil)
	case isWas:
		return wasAs, nowAs, now == absent{} && len(wasAs) > 0
	case isNow:
		return wasAs, nowAs, was == absent{} && len(nowAs) > 0
	}
	return wasAs, nowAs, false
}

func (w walker) maps(path []step, was, now map[string]any) {
	keys := make([]string, 0, max(len(was), len(now)))
	for key := range was {
		keys = append(keys, key)
	}
	for key := range now {
		if _, there := was[key]; !there {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	within := isSecretMap(was) || isSecretMap(now)
	for _, key := range keys {
		below := append(path, step{text: key})
		if key == "stringData" || key == "data" && within {
			w.members(below, member(was, key), member(now, key))
			continue
		}
		w.walk(below, member(was, key), member(now, key), isCopy(path, key))
	}
}

// members shows the keys of what is secret, and no value.
func (w walker) members(path []step, was, now any) {
	wasMap, nowMap, maps := both[map[string]any](was, now)
	if !maps {
		w.walk(path, was, now, true)
		return
	}
	secretly := walker{found: func(d difference) {
		d.secret = true
		w.found(d)
	}}
	keys := map[string]bool{}
	for key := range wasMap {
		keys[key] = true
	}
	for key := range nowMap {
		keys[key] = true
	}
	for _, key := range sortedKeys(keys) {
		secretly.walk(append(path, step{text: key}), member(wasMap, key), member(nowMap, key), true)
	}
}

func member(fields map[string]any, key string) any {
	if value, there := fields[key]; there {
		return value
	}
	return absent{}
}

// isSecretMap reports whether a map is a Secret, at whatever depth it stands.
func isSecretMap(fields map[string]any) bool {
	return fields["kind"] == "Secret" && fields["apiVersion"] == "v1"
}

// isCopy reports whether the member is the annotation in which kubectl keeps a
// copy of the whole object.
func isCopy(path []step, key string) bool {
	return len(path) > 0 && path[len(path)-1].text == "annotations" && key == lastApplied
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// lists compares lists that hold more than scalars: by what tells their items
// apart, or, where nothing does, by their places.
func (w walker) lists(path []step, was, now []any) {
	names, keyed := namesOf(listName(path), was, now)
	if !keyed {
		w.sequence(path, was, now)
		return
	}
	before := make(map[string]int, len(was))
	for i := range was {
		before[names.was[i]] = i
	}
	var order []int
	for i, item := range now {
		base := any(absent{})
		if j, there := before[names.now[i]]; there {
			base = was[j]
			order = append(order, j)
			delete(before, names.now[i])
		}
		w.walk(append(path, step{names.now[i], true}), base, item, false)
	}
	for i, item := range was {
		if j, left := before[names.was[i]]; left && i == j {
			w.walk(append(path, step{names.was[i], true}), item, absent{}, false)
		}
	}
	if !slices.IsSorted(order) {
		w.found(difference{path: path, was: texts(names.was), now: texts(names.now), order: !ordered(path)})
	}
}

// sequence compares the items that are equal on both sides, in the longest order
// that both have, and between them item by item.
func (w walker) sequence(path []step, was, now []any) {
	i, j := 0, 0
	gap := func(toI, toJ int) {
		for i < toI || j < toJ {
			base, head, place := any(absent{}), any(absent{}), j
			if j < toJ {
				head = now[j]
			}
			if i < toI {
				base = was[i]
			}
			if j >= toJ {
				place = i
			}
			w.walk(append(path, step{strconv.Itoa(place), true}), base, head, false)
			i, j = min(i+1, toI), min(j+1, toJ)
		}
	}
	for _, same := range inOrder(was, now) {
		gap(same[0], same[1])
		i, j = same[0]+1, same[1]+1
	}
	gap(len(was), len(now))
}

// inOrder pairs equal items so that the places grow on both sides; of repeated
// items the first ones are paired with the first.
func inOrder(was, now []any) [][2]int {
	places := map[string][]int{}
	for j, item := range now {
		key := exact(item)
		places[key] = append(places[key], j)
	}
	var pairs [][2]int
	for i, item := range was {
		key := exact(item)
		if left := places[key]; len(left) > 0 {
			pairs = append(pairs, [2]int{i, left[0]})
			places[key] = left[1:]
		}
	}
	return longestGrowing(pairs)
}

// longestGrowing keeps the most pairs whose second numbers grow (patience
// sorting).
func longestGrowing(pairs [][2]int) [][2]int {
	before := make([]int, len(pairs))
	var ends []int // ends[n] is the pair that ends the best run of n+1 pairs
	for p, pair := range pairs {
		n, _ := slices.BinarySearchFunc(ends, pair[1], func(end, j int) int { return pairs[end][1] - j })
		before[p] = -1
		if n > 0 {
			before[p] = ends[n-1]
		}
		ends = append(ends[:n], append([]int{p}, ends[min(n+1, len(ends)):]...)...)
	}
	if len(ends) == 0 {
		return nil
	}
	var kept [][2]int
	for p := ends[len(ends)-1]; p >= 0; p = before[p] {
		kept = append(kept, pairs[p])
	}
	slices.Reverse(kept)
	return kept
}

func listName(path []step) string {
	for i := len(path) - 1; i >= 0; i-- {
		if !path[i].item {
			return path[i].text
		}
	}
	return ""
}

func texts(names []string) []any {
	out := make([]any, len(names))
	for i, name := range names {
		_, value, _ := strings.Cut(name, "=")
		out[i] = value
	}
	return out
}
