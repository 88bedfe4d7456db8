package change_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
)

// rendering is the identities of count ConfigMaps, of which the first own are
// the application's alone.
func rendering(name string, count, own int) []plugin.ObjectID {
	var out []plugin.ObjectID
	for i := range count {
		id := plugin.ObjectID{APIVersion: "v1", Kind: "ConfigMap", Namespace: name, Name: fmt.Sprintf("m%d", i)}
		if i < own {
			id.Name = name + id.Name
		}
		out = append(out, id)
	}
	return out
}

func TestMatchRenamed(t *testing.T) {
	app := func(kind, source string, objects []plugin.ObjectID) change.Candidate {
		return change.Candidate{Kind: kind, Source: source, Objects: objects}
	}
	for name, test := range map[string]struct {
		removed, added []change.Candidate
		want           map[int]int
	}{
		"TheSameSource":          {[]change.Candidate{app("Application", "a", nil)}, []change.Candidate{app("Application", "b", nil), app("Application", "a", nil)}, map[int]int{1: 0}},
		"AnotherKind":            {[]change.Candidate{app("Application", "a", nil)}, []change.Candidate{app("Kustomization", "a", nil)}, nil},
		"ASourceThatTwoHave":     {[]change.Candidate{app("Application", "a", nil)}, []change.Candidate{app("Application", "a", nil), app("Application", "a", nil)}, nil},
		"NoSource":               {[]change.Candidate{app("Application", "", nil)}, []change.Candidate{app("Application", "", nil)}, nil},
		"FourInFive":             {[]change.Candidate{app("Application", "a", rendering("x", 10, 2))}, []change.Candidate{app("Application", "b", rendering("y", 10, 2))}, map[int]int{0: 0}},
		"LessThanFourInFive":     {[]change.Candidate{app("Application", "a", rendering("x", 10, 3))}, []change.Candidate{app("Application", "b", rendering("y", 10, 3))}, nil},
		"APartOfALargerOne":      {[]change.Candidate{app("Application", "a", rendering("x", 10, 0))}, []change.Candidate{app("Application", "b", rendering("y", 5, 0))}, nil},
		"NothingRendered":        {[]change.Candidate{app("Application", "a", nil)}, []change.Candidate{app("Application", "b", nil)}, nil},
		"TheOneThatSharesMore":   {[]change.Candidate{app("Application", "a", rendering("x", 10, 2)), app("Application", "c", rendering("z", 10, 0))}, []change.Candidate{app("Application", "b", rendering("y", 10, 0))}, map[int]int{0: 1}},
		"EachOnce":               {[]change.Candidate{app("Application", "a", rendering("x", 10, 0))}, []change.Candidate{app("Application", "b", rendering("y", 10, 0)), app("Application", "c", rendering("z", 10, 0))}, map[int]int{0: 0}},
		"TheSourceBeforeObjects": {[]change.Candidate{app("Application", "a", rendering("x", 10, 0))}, []change.Candidate{app("Application", "b", rendering("y", 10, 0)), app("Application", "a", nil)}, map[int]int{1: 0}},
	} {
		if got := change.MatchRenamed(test.removed, test.added); !maps.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func TestCompare_ARenamedApplicationIsToldAsRenamed(t *testing.T) {
	in := input()
	in.WasName = "store"
	in.Base, in.Head = world{manifests: deployment}.judged(t), world{manifests: deployment}.judged(t)
	app := change.Compare(in)
	if app.Status != change.Renamed || app.WasName != "store" || len(app.Objects) > 0 {
		t.Errorf("got %+v", app)
	}
	if summary := change.Summarise(change.Header{}, []change.Application{app}).Summary; summary.Renamed != 1 {
		t.Errorf("got %+v", summary)
	}
}
