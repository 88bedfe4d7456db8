package migrate

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// differenceOf says what is not the same; empty for none. It names fields, and
// never what they hold: it may be a Secret's.
func differenceOf(want, have []plugin.Object) string {
	if len(want) != len(have) {
		return fmt.Sprintf("the plugin renders %d objects instead of %d", len(have), len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(want[i].Fields, have[i].Fields) {
			found := fieldsOf(want[i].Fields, have[i].Fields)
			return "the plugin renders another " + want[i].ID().String() + ": " + few(found)
		}
	}
	return ""
}

// few are the first of the fields.
func few(fields []string) string {
	const shown = 3
	if len(fields) <= shown {
		return strings.Join(fields, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(fields[:shown], ", "), len(fields)-shown)
}

// fieldsOf are the deepest places in which two values differ, in order.
func fieldsOf(want, have any) []string {
	var found []string
	walk("", want, have, func(place string) { found = append(found, place) })
	return found
}

func walk(at string, want, have any, differs func(string)) {
	switch want := want.(type) {
	case map[string]any:
		if have, both := have.(map[string]any); both {
			names := maps.Clone(want)
			maps.Copy(names, have)
			for _, name := range slices.Sorted(maps.Keys(names)) {
				walk(strings.TrimPrefix(at+"."+name, "."), want[name], have[name], differs)
			}
			return
		}
	case []any:
		if have, both := have.([]any); both && len(want) == len(have) {
			for i := range want {
				walk(fmt.Sprintf("%s[%d]", at, i), want[i], have[i], differs)
			}
			return
		}
	}
	if !reflect.DeepEqual(want, have) {
		differs(at)
	}
}

// again tells a chart that renders to something else each time from a
// difference: it is rendered as it was written some times more. Fields that are
// not the same then are no difference, and are told.
func (m *mover) again(ctx context.Context, c comparison, before rendered, have []plugin.Object) (answer, error) {
	const times = 2
	want := before.Objects
	random := map[string]bool{}
	for range times {
		other, err := m.render(ctx, before.source)
		if _, refused := refusal(err); refused || err == nil && !sameObjects(want, other.Objects) {
			return answer{unproven: []Problem{{
				c.native.Origin, c.native.Name, "it renders to other objects each time, as it is written", "take the random values out of the chart, or write it with --unproven",
			}}}, nil
		} else if err != nil {
			return answer{}, err
		}
		for i := range want {
			for _, field := range fieldsOf(want[i].Fields, other.Objects[i].Fields) {
				random[want[i].ID().String()+": "+field] = true
			}
		}
	}
	if !sameObjects(want, have) {
		return c.differs(differenceOf(want, have)), nil
	}
	out := answer{proven: true}
	for i, object := range have { // as many as there are in want
		for _, field := range fieldsOf(want[i].Fields, object.Fields) {
			place := want[i].ID().String() + ": " + field
			if !random[place] {
				return c.differs("the plugin renders another " + place), nil
			}
		}
	}
	for _, place := range slices.Sorted(maps.Keys(random)) {
		out.varies = append(out.varies, Problem{
			c.native.Origin, c.native.Name, place + " is another value each time, as it is written", "a chart that renders the same each time can be reviewed; take the value from a Secret that exists",
		})
	}
	return out, nil
}

func (c comparison) differs(reason string) answer {
	return answer{different: []Problem{{c.native.Origin, c.native.Name, reason, differenceHint}}}
}

// sameObjects reports whether both have the same objects in the same order,
// whatever their fields are.
func sameObjects(want, have []plugin.Object) bool {
	return slices.EqualFunc(want, have, func(a, b plugin.Object) bool { return a.ID() == b.ID() })
}
