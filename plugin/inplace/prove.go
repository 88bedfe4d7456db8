package inplace

import (
	"context"
	"reflect"

	"github.com/assay-gitops/assay/plugin"
)

// proof is what a plan must hold to.
type proof struct {
	files   []File
	written []task
	// first is the hardening of the source without the files.
	first plugin.Filled
}

// prove renders and hardens the source with the new files. What was written
// must be there before hardening, nothing else may have changed, and hardening
// must come to the same objects as before. It returns what is wrong, by the
// number of the object.
func (m *maker) prove(ctx context.Context, p proof) (map[int]string, error) {
	second, err := fill(ctx, m.hardening, m.with(p.files))
	if err != nil {
		return nil, err
	}
	written := map[int]bool{}
	for _, each := range p.written {
		written[each.index] = true
	}
	wrong := map[int]string{}
	before, after := newShelf(second.Before), newShelf(second.After)
	for i, want := range p.first.After {
		id := want.ID()
		first, isRendered := want.Fields, written[i]
		if i < len(p.first.Before) && !written[i] {
			first, isRendered = p.first.Before[i].Fields, true
		}
		has := before.take(id, isRendered)
		switch {
		case isRendered && !reflect.DeepEqual(has, first):
			wrong[i] = "what would be written does not render to what hardening makes, as something else in the source changes it afterwards"
		case !reflect.DeepEqual(after.take(id, true), want.Fields):
			wrong[i] = "hardening would fill in something else after it was written"
		}
	}
	if len(before.left())+len(after.left()) > 0 && len(wrong) == 0 {
		for _, each := range p.written {
			wrong[each.index] = "the source would render to objects that were not there before"
		}
	}
	return wrong, nil
}

// shelf holds objects by identity, those of one identity in order.
type shelf map[plugin.ObjectID][]map[string]any

func newShelf(objects []plugin.Object) shelf {
	s := shelf{}
	for _, object := range objects {
		s[object.ID()] = append(s[object.ID()], object.Fields)
	}
	return s
}

// take removes the next object of an identity, if it is wanted; nil when there
// is none.
func (s shelf) take(id plugin.ObjectID, wanted bool) map[string]any {
	if !wanted || len(s[id]) == 0 {
		return nil
	}
	next := s[id][0]
	s[id] = s[id][1:]
	return next
}

// left are the identities of which objects are left.
func (s shelf) left() []plugin.ObjectID {
	var ids []plugin.ObjectID
	for id, objects := range s {
		if len(objects) > 0 {
			ids = append(ids, id)
		}
	}
	return ids
}
