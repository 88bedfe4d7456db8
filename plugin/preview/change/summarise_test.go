package change_test

import (
	"slices"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
)

// named is an application that changes, and more.
func named(name string, more func(*change.Application)) change.Application {
	app := change.Application{Kind: "Application", Name: name, Status: change.Changed, Before: &change.Answer{Outcome: plugin.Allowed}, After: &change.Answer{Outcome: plugin.Allowed}}
	if more != nil {
		more(&app)
	}
	return app
}

func finding(state change.State, level plugin.Level) change.Finding {
	return change.Finding{State: state, Finding: plugin.Finding{Rule: "x/y", Level: level}}
}

func TestSummarise_TheMostImportantComesFirst(t *testing.T) {
	objects := func(count int) func(*change.Application) {
		return func(app *change.Application) {
			app.Objects = slices.Repeat([]change.Object{{Status: change.Changed}}, count)
		}
	}
	apps := []change.Application{
		named("b", nil), named("a", nil), named("much", objects(9)),
		named("old", func(app *change.Application) {
			app.After.Outcome, app.Findings = plugin.Denied, []change.Finding{finding(change.Still, plugin.Deny)}
		}),
		named("weaker", func(app *change.Application) {
			app.Images = []change.Image{{Status: change.Changed, Weaker: true}}
		}),
		named("unanswered", func(app *change.Application) {
			app.After.Outcome, app.Findings = plugin.Unanswered, []change.Finding{finding(change.New, plugin.Undetermined)}
		}),
		named("denied", func(app *change.Application) {
			app.After.Outcome, app.Findings = plugin.Denied, []change.Finding{finding(change.New, plugin.Deny)}
		}),
	}
	want := []string{"denied", "unanswered", "weaker", "much", "a", "b", "old"}
	for range 2 {
		slices.Reverse(apps)
		var got []string
		for _, app := range change.Summarise(change.Header{}, apps).Applications {
			got = append(got, app.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestSummarise_Counts(t *testing.T) {
	apps := []change.Application{
		named("new", func(app *change.Application) {
			app.Status, app.Before, app.After.Outcome = change.Added, nil, plugin.Denied
			app.Findings = []change.Finding{
				finding(change.New, plugin.Deny), finding(change.New, 99), finding(change.New, plugin.Undetermined), finding(change.New, plugin.Warn),
				finding(change.Fixed, plugin.Warn), finding(change.Fixed, plugin.Info), finding(change.Still, plugin.Deny),
			}
			app.Objects = []change.Object{{Status: change.Added}, {Status: change.Changed}, {Status: change.Renamed}, {Status: change.Removed}}
			app.Images = []change.Image{{Status: change.Added}, {Status: change.Same}}
			app.Rollouts = []plugin.ObjectID{web(), web()}
		}),
		named("gone", func(app *change.Application) { app.Status, app.After = change.Removed, nil }),
		named("same", func(app *change.Application) { app.Status = change.Same }),
		named("same and denied", func(app *change.Application) { app.Status, app.After.Outcome = change.Same, plugin.Denied }),
	}
	at := time.Date(2026, 3, 14, 16, 9, 26, 0, time.FixedZone("", 3600))
	report := change.Summarise(change.Header{At: at, Gates: []string{"b", "a", "b"}, Unaffected: 7}, apps)
	want := change.Summary{
		Added: 1, Removed: 1, Same: 2, Unaffected: 7, Denied: 2, NewDenials: 2, NewUndetermined: 1, Fixed: 1, Still: 1,
		Objects: change.Counts{Added: 1, Changed: 2, Removed: 1}, Images: change.Counts{Added: 1}, Rollouts: 2,
	}
	if report.Summary != want {
		t.Errorf("got  %+v\nwant %+v", report.Summary, want)
	}
	if len(report.Applications) != 3 || !slices.Equal(report.Gates, []string{"a", "b"}) || report.At.Format(time.RFC3339) != "2026-03-14T15:09:26Z" || report.Schema != change.Schema {
		t.Errorf("got %+v", report)
	}
}

func TestSummarise_NothingIsAnEmptyListAndNoNull(t *testing.T) {
	report := change.Summarise(change.Header{}, nil)
	if report.Applications == nil || report.Gates == nil {
		t.Errorf("got %+v", report)
	}
}
