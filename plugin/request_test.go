package plugin

import (
	"context"
	"strings"
	"testing"
)

// asking is a passing pipeline whose Deployment app asks for waivers.
func asking(text string, judged ...Finding) *Pipeline {
	p := passing()
	render := p.Renderer
	p.Renderer = renderFunc(func(ctx context.Context, source Source) (Rendering, error) {
		rendering, err := render.Render(ctx, source)
		id := rendering.Objects[0].ID()
		rendering.Findings = append(rendering.Findings, Finding{Rule: RuleWaiverRequested, Level: Info, Object: id, Origin: Origin{File: "a.yaml", Line: 3}, Message: text})
		return rendering, err
	})
	p.Gates[0].Judges[0] = says(judged...)
	return p
}

func TestRun_RequestedWaiverIsShownAndGrantsNothing(t *testing.T) {
	app := ObjectID{APIVersion: "apps/v1", Kind: "Deployment", Name: "app"}
	waives := decider{waive: func(Finding) *Waived { return &Waived{Kind: "waiver", Reason: "r"} }}
	for name, test := range map[string]struct {
		text    string
		judged  Finding
		decider Decider
		outcome Outcome
		level   Level
		says    string
	}{
		"OfADenial":          {"x/y: it moves", Finding{Rule: "x/y", Object: app}, nil, Denied, Warn, `a waiver of x/y is requested, not granted: "it moves"`},
		"OfADeniedImage":     {"x/y: it moves", Finding{Rule: "x/y", Image: "nginx:1.27"}, nil, Denied, Warn, "requested, not granted"},
		"OfAnotherImage":     {"x/y: it moves", Finding{Rule: "x/y", Image: "nginx:1.28"}, nil, Denied, Info, "nothing here is denied by it"},
		"OfAnotherObject":    {"x/y: it moves", Finding{Rule: "x/y", Object: ObjectID{Kind: "Pod", Name: "app"}}, nil, Denied, Info, "nothing here is denied by it"},
		"OfAnotherRule":      {"x/z: it moves", Finding{Rule: "x/y", Object: app}, nil, Denied, Info, "nothing here is denied by it"},
		"ThatTheGateGrants":  {"x/y: it moves", Finding{Rule: "x/y", Object: app}, waives, Allowed, Info, "was requested, and what it is for no longer blocks"},
		"OfEverything":       {"*: it moves", Finding{Rule: "x/y", Object: app}, nil, Denied, Info, "nothing here is denied by it"},
		"WithoutAReason":     {"x/y", Finding{Rule: "x/y", Object: app}, nil, Denied, Warn, `cannot be read: "x/y"`},
		"WithAnEmptyReason":  {"x/y: ", Finding{Rule: "x/y", Object: app}, nil, Denied, Warn, "cannot be read"},
		"WithoutARule":       {": please", Finding{Rule: "x/y", Object: app}, nil, Denied, Warn, "cannot be read"},
		"OfNothing":          {"", Finding{Rule: "x/y", Object: app}, nil, Denied, Warn, `cannot be read: ""`},
		"WithAColonInReason": {"x/y: see OPS: 12", Finding{Rule: "x/y", Object: app}, nil, Denied, Warn, `"see OPS: 12"`},
	} {
		t.Run(name, func(t *testing.T) {
			p := asking(test.text, test.judged)
			p.Gates[0].Decider = test.decider
			v := p.Run(t.Context(), Source{})
			expect(t, v, test.outcome, "x/y")
			notes := withRule(v.Findings, RuleWaiverRequested)
			if len(notes) != 1 || notes[0].Level != test.level || !strings.Contains(notes[0].Message, test.says) || notes[0].Object != app || notes[0].Origin.Line != 3 {
				t.Errorf("got %+v", notes)
			}
		})
	}
}

func TestRun_RequestsAreOneALineAndBounded(t *testing.T) {
	v := asking("x/y: one\n\nx/z: two\n").Run(t.Context(), Source{})
	if notes := withRule(v.Findings, RuleWaiverRequested); len(notes) != 3 {
		t.Errorf("got %+v", notes)
	}
	v = asking(strings.Repeat("x/y: again\n", 150)).Run(t.Context(), Source{})
	notes := withRule(v.Findings, RuleWaiverRequested)
	if len(notes) != mostRequests+1 || !strings.Contains(notes[0].Message, "50 more requests") {
		t.Errorf("%d notes, the first %+v", len(notes), notes[0])
	}
	v = asking("x/y: "+strings.Repeat("a", 5000)).Run(t.Context(), Source{})
	if notes := withRule(v.Findings, RuleWaiverRequested); len(notes) != 1 || len(notes[0].Message) > longestReason+100 {
		t.Errorf("got %+v", notes)
	}
}
