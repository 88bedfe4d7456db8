package change_test

import (
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/preview/change"
)

// waiverOf is a waiver of a finding about the Deployment, that ends on that day.
func waiverOf(t *testing.T, until time.Time) gate.Waiver {
	t.Helper()
	return gate.Waiver{
		Rule: "x/y", Object: &gate.WaivedObject{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}, Content: "sha256:1",
		Owner: "team-a", Reason: "it goes", Reference: "https://tickets.example.com/1", Approver: "platform@example.com", Until: gate.Date{Time: until},
	}
}

// gated has the waivers of a real gate.
func gated(t *testing.T, waivers ...gate.Waiver) world {
	t.Helper()
	decider := gate.NewDecider(gate.Gate{Metadata: gate.Metadata{Name: "base"}, Spec: gate.Spec{Waivers: waivers}}, gate.WaiverTerms{})
	return world{
		manifests: deployment, decider: decider,
		findings: []plugin.Finding{{Rule: "x/y", Object: web(), Message: "it is wrong", Content: "sha256:1"}},
	}
}

func TestWaivers_AreToldByUseAndSide(t *testing.T) {
	day := judged().Truncate(24 * time.Hour)
	none, holds, past := gated(t), gated(t, waiverOf(t, day.AddDate(0, 0, 40))), gated(t, waiverOf(t, day.AddDate(0, 0, -3)))
	for name, test := range map[string]struct {
		base, head world
		state      change.State
		use        string
		until      string
		denials    int
	}{
		"Granted":     {none, holds, change.New, "used", "2026-04-23", 0},
		"Kept":        {holds, holds, change.Still, "used", "2026-04-23", 0},
		"TakenAway":   {holds, none, change.Fixed, "used", "2026-04-23", 1},
		"Ended":       {past, past, change.Still, "ended", "2026-03-11", 0},
		"EndedAnew":   {none, past, change.New, "ended", "2026-03-11", 0},
		"EndedNoMore": {past, none, change.Fixed, "ended", "2026-03-11", 0},
	} {
		app := compare(t, test.base, test.head)
		if len(app.Waivers) != 1 {
			t.Fatalf("%s: got %+v", name, app.Waivers)
		}
		waiver := app.Waivers[0]
		if waiver.State != test.state || waiver.Use != test.use || waiver.Rule != "x/y" || waiver.Until.Format(time.DateOnly) != test.until || waiver.Object != web() {
			t.Errorf("%s: got %+v", name, waiver)
		}
		if summary := change.Summarise(change.Header{}, []change.Application{app}).Summary; summary.NewDenials != test.denials {
			t.Errorf("%s: %d new denials, want %d", name, summary.NewDenials, test.denials)
		}
	}
}

func TestWaivers_OfAPolicyExceptionThatEnded(t *testing.T) {
	past := world{manifests: deployment, findings: []plugin.Finding{{
		Rule: "waiver/expired", Level: plugin.Warn, Object: web(), Message: `the PolicyException "late" for x/y ended at 2026-03-11T00:00:00Z`,
	}}}
	app := compare(t, world{manifests: deployment}, past)
	if len(app.Waivers) != 1 || app.Waivers[0].Rule != "x/y" || app.Waivers[0].Until.Format(time.DateOnly) != "2026-03-11" {
		t.Errorf("got %+v", app.Waivers)
	}
}

func TestWaivers_ARequestIsToldWithWhatItAsksFor(t *testing.T) {
	asks := gated(t)
	asks.requests = []plugin.Finding{{Rule: plugin.RuleWaiverRequested, Level: plugin.Info, Object: web(), Message: "x/y: it goes next week"}}
	for name, test := range map[string]struct {
		base, head world
		state      change.State
	}{"Asked": {gated(t), asks, change.New}, "StillAsked": {asks, asks, change.Still}, "Withdrawn": {asks, gated(t), change.Fixed}} {
		app := compare(t, test.base, test.head)
		if len(app.Waivers) != 1 || app.Waivers[0].State != test.state || app.Waivers[0].Use != "requested" || app.Waivers[0].Rule != "x/y" || app.Waivers[0].Object != web() {
			t.Errorf("%s: got %+v", name, app.Waivers)
		}
	}
}
