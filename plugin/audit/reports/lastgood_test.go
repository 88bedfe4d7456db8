package reports_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/reports"
)

// judging answers by the manifests that it is given; nil for what is not listed.
type judging struct {
	t     *testing.T
	says  map[string]*plugin.Verdict
	asked []plugin.Source
}

func (j *judging) Judge(_ context.Context, source plugin.Source) *plugin.Verdict {
	j.asked = append(j.asked, source)
	return j.says[string(source.Rendered)]
}

// stages answer as little as a complete run needs.
type stages struct{}

func (stages) Render(context.Context, plugin.Source) (plugin.Rendering, error) {
	return plugin.Rendering{Objects: []plugin.Object{{Fields: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}}}}}, nil
}

func (stages) Resolve(_ context.Context, references []plugin.Reference) []plugin.Resolution {
	return make([]plugin.Resolution, len(references))
}

func (stages) Verify(_ context.Context, images []plugin.Image) []plugin.Review {
	return make([]plugin.Review, len(images))
}

func allowed(t *testing.T) *plugin.Verdict {
	t.Helper()
	pipeline := plugin.Pipeline{
		Renderer: stages{}, Resolver: stages{}, Encoding: plugin.JSONEncoding{}, Gates: []plugin.GateStages{{Name: "g", Deny: true, Verifiers: []plugin.Verifier{stages{}}}},
	}
	v := pipeline.Run(t.Context(), plugin.Source{})
	if !v.Allowed() {
		t.Fatalf("%+v", v.Findings)
	}
	return v
}

func finding(level plugin.Level) *plugin.Verdict {
	return &plugin.Verdict{Findings: []plugin.Finding{{Rule: "image/not-signed", Level: level, Message: "withdrawn"}}}
}

// past is a history: each letter a revision, in capitals one that passed.
func past(letters string) []audit.Record {
	var history []audit.Record
	for i, letter := range letters {
		each := record("shop", i, func(r *audit.Record) { r.Revision, r.Sealed = string(letter), string(letter) })
		if strings.ToUpper(string(letter)) != string(letter) {
			deniedRecord(&each)
		}
		history = append(history, each)
	}
	return history
}

func sealedAs(_ context.Context, digest string) ([]byte, error) { return []byte(digest), nil }

func TestLastGood_IsTheNewestRevisionThatPassesNow(t *testing.T) {
	for name, test := range map[string]struct {
		history string
		says    map[string]*plugin.Verdict
		tried   string
		good    string
	}{
		"the newest passes":             {"ABC", map[string]*plugin.Verdict{"C": allowed(t)}, "C", "C"},
		"it was withdrawn":              {"ABC", map[string]*plugin.Verdict{"C": finding(plugin.Deny), "B": allowed(t)}, "CB", "B"},
		"a denial lies before":          {"Ab", map[string]*plugin.Verdict{"A": allowed(t)}, "bA", "A"},
		"nothing passes":                {"AbC", map[string]*plugin.Verdict{"A": finding(plugin.Deny), "C": finding(plugin.Deny)}, "CbA", ""},
		"nobody knows":                  {"AB", map[string]*plugin.Verdict{"A": finding(plugin.Deny), "B": finding(plugin.Undetermined)}, "BA", ""},
		"a judge that says nothing":     {"A", nil, "A", ""},
		"nothing ever passed":           {"ab", nil, "ba", ""},
		"the same twice is judged once": {"AAA", map[string]*plugin.Verdict{"A": finding(plugin.Deny)}, "A", ""},
	} {
		t.Run(name, func(t *testing.T) {
			judge := &judging{t: t, says: test.says}
			standings := reports.LastGood(t.Context(), past(test.history), sealedAs, judge)
			if len(standings) != 1 {
				t.Fatalf("%d sources", len(standings))
			}
			tried := ""
			for _, each := range standings[0].Tried {
				tried += each.Record.Revision
				if want := each.Record.Outcome == plugin.Allowed; (each.Now != nil) != want {
					t.Errorf("%s was judged again: %v", each.Record.Revision, each.Now != nil)
				}
			}
			good, found := standings[0].Good()
			if tried != test.tried || found != (test.good != "") || good.Record.Revision != test.good {
				t.Errorf("tried %s, good is %q", tried, good.Record.Revision)
			}
		})
	}
}

func TestLastGood_ManifestsAreJudgedAsTheApplicationsOwn(t *testing.T) {
	judge := &judging{t: t}
	reports.LastGood(t.Context(), past("A"), sealedAs, judge)
	got := judge.asked[0]
	want := plugin.Application{Name: "shop", Project: "team-a", Namespace: "shop", Repository: "https://git.example.com/shop"}
	if got.Application != want || got.Path != "prod" || got.Revision != "A" || string(got.Rendered) != "A" || got.Root != nil {
		t.Errorf("judged %+v", got)
	}
}

func TestLastGood_WhatIsNotKeptIsNotKnown(t *testing.T) {
	for name, sealed := range map[string]func(context.Context, string) ([]byte, error){
		"gone": func(context.Context, string) ([]byte, error) { return nil, errors.New("gone") }, "empty": func(context.Context, string) ([]byte, error) { return nil, nil },
	} {
		standings := reports.LastGood(t.Context(), past("A"), sealed, &judging{t: t})
		if _, good := standings[0].Good(); good || !standings[0].Tried[0].Undecided() || standings[0].Tried[0].Problem == nil {
			t.Errorf("%s: %+v", name, standings[0].Tried)
		}
	}
	if standings := reports.LastGood(t.Context(), nil, sealedAs, &judging{t: t}); len(standings) != 0 {
		t.Errorf("of nothing it says %+v", standings)
	}
}

func TestLastGood_EachSourceHasItsOwn(t *testing.T) {
	history := past("AB")
	for i := range 2 {
		other := record("shop", 10+i, func(r *audit.Record) {
			r.Path, r.Revision, r.Sealed = "other", fmt.Sprint(i), fmt.Sprint(i)
		})
		history = append(history, other)
	}
	standings := reports.LastGood(t.Context(), history, sealedAs, &judging{t: t, says: map[string]*plugin.Verdict{"A": allowed(t), "1": allowed(t)}})
	var got []string
	for _, each := range standings {
		good, _ := each.Good()
		got = append(got, each.Path+" "+good.Record.Revision)
	}
	if strings.Join(got, ", ") != "other 1, prod A" {
		t.Errorf("good are %v", got)
	}
}
