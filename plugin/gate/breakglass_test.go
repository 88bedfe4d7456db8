package gate

import (
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

func someBreakGlass() BreakGlass {
	return BreakGlass{
		Application: "shop", Revision: "4b825dc", Reason: "the log is down", Approver: "platform@example.com",
		From: at("2026-11-23T08:00:00Z"), Until: at("2026-11-23T20:00:00Z"), At: plugin.Origin{File: "g.yaml", Line: 9},
	}
}

func TestDecider_BreakGlassIsForOneApplicationAndRevisionAndTime(t *testing.T) {
	for _, test := range []struct {
		name   string
		moment string
		change func(b *BreakGlass, f *plugin.Finding, s *plugin.Source)
		want   bool
	}{
		{"the twin", "2026-11-23T12:00:00Z", func(*BreakGlass, *plugin.Finding, *plugin.Source) {}, true},
		{"its first moment", "2026-11-23T08:00:00Z", func(*BreakGlass, *plugin.Finding, *plugin.Source) {}, true},
		{"undetermined", "2026-11-23T12:00:00Z", func(_ *BreakGlass, f *plugin.Finding, _ *plugin.Source) { f.Level = plugin.Undetermined }, true},
		{"any rule", "2026-11-23T12:00:00Z", func(_ *BreakGlass, f *plugin.Finding, _ *plugin.Source) { f.Rule = "pss/baseline" }, true},
		{"a finding of no gate", "2026-11-23T12:00:00Z", func(_ *BreakGlass, f *plugin.Finding, _ *plugin.Source) { f.Gate = "" }, true},
		{"before", "2026-11-23T07:59:59Z", func(*BreakGlass, *plugin.Finding, *plugin.Source) {}, false},
		{"its end", "2026-11-23T20:00:00Z", func(*BreakGlass, *plugin.Finding, *plugin.Source) {}, false},
		{"another application", "2026-11-23T12:00:00Z", func(_ *BreakGlass, _ *plugin.Finding, s *plugin.Source) { s.Application.Name = "shop2" }, false},
		{"another revision", "2026-11-23T12:00:00Z", func(_ *BreakGlass, _ *plugin.Finding, s *plugin.Source) { s.Revision = "4b825dd" }, false},
		{"a longer revision", "2026-11-23T12:00:00Z", func(_ *BreakGlass, _ *plugin.Finding, s *plugin.Source) { s.Revision = "4b825dc642cb" }, false},
		{"no revision known", "2026-11-23T12:00:00Z", func(b *BreakGlass, _ *plugin.Finding, s *plugin.Source) { b.Revision, s.Revision = "", "" }, false},
		{"no application known", "2026-11-23T12:00:00Z", func(b *BreakGlass, _ *plugin.Finding, s *plugin.Source) { b.Application, s.Application.Name = "", "" }, false},
		{"another gate", "2026-11-23T12:00:00Z", func(_ *BreakGlass, f *plugin.Finding, _ *plugin.Source) { f.Gate = "h" }, false},
		{"self", "2026-11-23T12:00:00Z", func(_ *BreakGlass, f *plugin.Finding, _ *plugin.Source) { f.Rule = "self/kinds" }, false},
		{"unwaivable", "2026-11-23T12:00:00Z", func(_ *BreakGlass, f *plugin.Finding, _ *plugin.Source) { f.Unwaivable = true }, false},
		{"longer than a day", "2026-11-23T12:00:00Z", func(b *BreakGlass, _ *plugin.Finding, _ *plugin.Source) { b.Until = b.From.Add(24*time.Hour + 1) }, false},
	} {
		entry, finding, source := someBreakGlass(), imageFinding(), someSource()
		test.change(&entry, &finding, &source)
		got := deciderOf(nil, entry).Waive(source, at(test.moment), finding)
		if (got != nil) != test.want {
			t.Errorf("%s: %+v", test.name, got)
		}
		if got != nil && (got.Kind != "break-glass" || got.Approver != "platform@example.com" || got.Reason != "the log is down") {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

func TestDecider_BreakGlassIsTheBanner(t *testing.T) {
	decider := deciderOf(nil, someBreakGlass())
	notes, banner := decider.Notes(someSource(), at("2026-11-23T12:00:00Z"), nil)
	if len(notes) != 1 || notes[0].Rule != "gate/break-glass" || notes[0].Level != plugin.Warn || notes[0].Origin.Line != 9 {
		t.Errorf("%+v", notes)
	}
	if want := `BREAK GLASS: gate "g" is open for shop at revision 4b825dc until 2026-11-23T20:00:00Z, approved by platform@example.com: the log is down`; banner != want {
		t.Errorf("%s", banner)
	}
	if notes, banner := decider.Notes(someSource(), at("2026-11-23T21:00:00Z"), nil); len(notes) != 0 || banner != "" {
		t.Errorf("after its end: %+v %q", notes, banner)
	}
}

func TestDecider_WaiverIsPreferredToBreakGlass(t *testing.T) {
	got := deciderOf([]Waiver{imageWaiver()}, someBreakGlass()).Waive(someSource(), at("2026-11-23T12:00:00Z"), imageFinding())
	if got == nil || got.Kind != "waiver" {
		t.Errorf("%+v", got)
	}
}
