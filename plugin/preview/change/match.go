package change

import (
	"cmp"
	"maps"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// pair is one object on both sides, or on one.
type pair struct{ was, now *object }

// object is one object of a side.
type object struct {
	id     plugin.ObjectID
	fields map[string]any
	// authored are the fields as the author's source renders them; nil when a
	// stage put the whole object there, or when that is not known.
	authored map[string]any
	// known is set when authored is.
	known  bool
	origin plugin.Origin
}

// identity is what an object is called whatever its version is.
type identity struct{ group, kind, namespace, name string }

func identityOf(id plugin.ObjectID) identity {
	return identity{id.Group(), id.Kind, id.Namespace, id.Name}
}

// comparable lists the objects of both sides that can be compared. A part that
// did not render on one side is left out on both, so that nothing is told as
// added that was only not seen.
func (c *comparison) comparable() (was, now []object, whole bool) {
	if !c.base.there || !c.head.there {
		return c.base.list(nil, nil), c.head.list(nil, nil), true
	}
	skip, unsealed := map[int]bool{}, map[int]bool{}
	empty := false
	for _, side := range []*side{c.base, c.head} {
		for i, part := range side.parts {
			skip[i] = skip[i] || part.objects() == nil
			unsealed[i] = unsealed[i] || part.sealed == nil
		}
		empty = empty || len(side.parts) == 0
	}
	maps.DeleteFunc(skip, func(_ int, skipped bool) bool { return !skipped })
	if empty || len(skip) > 0 && len(c.base.parts) != len(c.head.parts) {
		return nil, nil, false
	}
	return c.base.list(skip, unsealed), c.head.list(skip, unsealed), len(skip) == 0
}

// list is every object of the parts that are not skipped; of those that one side
// did not seal as the author's source renders them, which both sides have.
func (s *side) list(skip, unsealed map[int]bool) []object {
	var out []object
	for p, part := range s.parts {
		if skip[p] {
			continue
		}
		objects := part.objects()
		if unsealed[p] {
			objects = part.rendered
		}
		for i, each := range objects {
			one := object{id: each.ID(), fields: each.Fields, origin: each.Origin, known: true}
			if i < len(part.rendered) {
				one.authored = part.rendered[i].Fields
			}
			out = append(out, one)
		}
	}
	return out
}

// note says why objects are not compared.
func (c *comparison) note() string {
	if _, _, whole := c.comparable(); whole {
		return ""
	}
	switch base, head := c.base.renders(), c.head.renders(); {
	case head:
		return "the base does not render, so its objects are not compared"
	case base:
		return "the head does not render, so its objects are not compared"
	}
	return "neither side renders, so no objects are compared"
}

// renders reports whether every part came to its objects.
func (s *side) renders() bool {
	return len(s.parts) > 0 && !slices.ContainsFunc(s.parts, func(p part) bool { return p.objects() == nil })
}

// match pairs the objects: by identity, then those with generated names. Doubles
// are paired in the order in which they stand.
func (c *comparison) match() []pair {
	was, now, _ := c.comparable()
	waiting := map[identity][]int{}
	for i := range was {
		key := identityOf(was[i].id)
		waiting[key] = append(waiting[key], i)
	}
	paired := make([]bool, len(was))
	var pairs []pair
	var added []*object
	for i := range now {
		key := identityOf(now[i].id)
		if left := waiting[key]; len(left) > 0 {
			pairs = append(pairs, pair{&was[left[0]], &now[i]})
			paired[left[0]], waiting[key] = true, left[1:]
			continue
		}
		added = append(added, &now[i])
	}
	var removed []*object
	for i := range was {
		if !paired[i] {
			removed = append(removed, &was[i])
		}
	}
	pairs = append(pairs, renamed(removed, added)...)
	slices.SortStableFunc(pairs, func(a, b pair) int { return compareIDs(a.id(), b.id()) })
	return pairs
}

// renamed pairs what has a generated name on both sides, and returns all others
// alone.
func renamed(removed, added []*object) []pair {
	waiting := map[identity][]*object{}
	byName := func(a, b *object) int { return cmp.Compare(a.id.Name, b.id.Name) }
	slices.SortStableFunc(removed, byName)
	slices.SortStableFunc(added, byName)
	for _, each := range removed {
		if key, generated := generatedKey(each.id); generated {
			waiting[key] = append(waiting[key], each)
		}
	}
	var pairs []pair
	taken := map[*object]bool{}
	for _, each := range added {
		key, generated := generatedKey(each.id)
		if left := waiting[key]; generated && len(left) > 0 {
			pairs = append(pairs, pair{left[0], each})
			taken[left[0]], waiting[key] = true, left[1:]
			continue
		}
		pairs = append(pairs, pair{now: each})
	}
	for _, each := range removed {
		if !taken[each] {
			pairs = append(pairs, pair{was: each})
		}
	}
	return pairs
}

// generatedKey is the identity without the hash behind a name that kustomize
// generates.
func generatedKey(id plugin.ObjectID) (identity, bool) {
	key := identityOf(id)
	if id.Group() != "" || id.Kind != "ConfigMap" && id.Kind != "Secret" {
		return key, false
	}
	name, generated := stem(id.Name)
	key.name = name
	return key, generated
}

// id is the object's on the head, or else on the base.
func (p pair) id() plugin.ObjectID {
	if p.now != nil {
		return p.now.id
	}
	return p.was.id
}

func compareIDs(a, b plugin.ObjectID) int {
	return cmp.Or(cmp.Compare(a.Group(), b.Group()), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.APIVersion, b.APIVersion))
}
