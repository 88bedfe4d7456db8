package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

const (
	someDigest  = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	otherDigest = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
	fieldHash   = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
)

func day(text string) Date {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return Date{at}
}

func at(text string) time.Time {
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return moment
}

func imageWaiver() Waiver {
	return Waiver{
		Rule: "image/not-signed", Image: "registry.example.com/team-a/legacy", Content: someDigest, Owner: "team-a", Reason: "it moves",
		Reference: "https://tickets.example.com/17", Approver: "platform@example.com", Until: day("2026-12-31"), At: plugin.Origin{File: "g.yaml", Line: 7},
	}
}

func imageFinding() plugin.Finding {
	return plugin.Finding{Rule: "image/not-signed", Gate: "g", Image: "registry.example.com/team-a/legacy:v1", Digest: someDigest, Message: "nobody signed it"}
}

func objectWaiver() Waiver {
	w := imageWaiver()
	w.Rule, w.Image, w.Content, w.Field = "pss/restricted", "", fieldHash, "spec.hostNetwork"
	w.Object = &WaivedObject{APIVersion: "v1", Kind: "Pod", Namespace: "team-a", Name: "agent"}
	return w
}

func objectFinding() plugin.Finding {
	return plugin.Finding{
		Rule: "pss/restricted", Gate: "g", Object: plugin.ObjectID{APIVersion: "v1", Kind: "Pod", Namespace: "team-a", Name: "agent"},
		Field: "spec.hostNetwork", Content: fieldHash, Message: "host network",
	}
}

func someSource() plugin.Source {
	return plugin.Source{Revision: "4b825dc", Application: plugin.Application{Name: "shop"}}
}

func deciderOf(waivers []Waiver, entries ...BreakGlass) *Decider {
	return NewDecider(Gate{Metadata: Metadata{Name: "g"}, Spec: Spec{Waivers: waivers, BreakGlass: entries}}, WaiverTerms{})
}

func TestDecider_WaiverCoversExactlyWhatItNames(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(w *Waiver, f *plugin.Finding, s *plugin.Source)
		want   bool
	}{
		{"the twin", func(*Waiver, *plugin.Finding, *plugin.Source) {}, true},
		{"a finding of no gate", func(_ *Waiver, f *plugin.Finding, _ *plugin.Source) { f.Gate = "" }, true},
		{"the image at another tag of the same digest", func(_ *Waiver, f *plugin.Finding, _ *plugin.Source) {
			f.Image = "registry.example.com/team-a/legacy:v2"
		}, true},
		{"for this application", func(w *Waiver, _ *plugin.Finding, _ *plugin.Source) { w.Application = "shop" }, true},
		{"any field of an image", func(_ *Waiver, f *plugin.Finding, _ *plugin.Source) { f.Field = "spec.containers[0].image" }, true},
		{"another rule", func(_ *Waiver, f *plugin.Finding, _ *plugin.Source) { f.Rule = "image/not-signed-2" }, false},
		{"another gate", func(_ *Waiver, f *plugin.Finding, _ *plugin.Source) { f.Gate = "h" }, false},
		{"another repository", func(_ *Waiver, f *plugin.Finding, _ *plugin.Source) { f.Image = "registry.example.com/team-a/legacy2" }, false},
		{"a repository below it", func(_ *Waiver, f *plugin.Finding, _ *plugin.Source) { f.Image = "registry.example.com/team-a/legacy/x" }, false},
		{"another digest", func(_ *Waiver, f *plugin.Finding, _ *plugin.Source) { f.Digest = otherDigest }, false},
		{"no digest", func(_ *Waiver, f *plugin.Finding, _ *plugin.Source) { f.Digest = "" }, false},
		{"the digest as the field's content", func(_ *Waiver, f *plugin.Finding, _ *plugin.Source) { f.Digest, f.Content = "", someDigest }, false},
		{"neither has content", func(w *Waiver, f *plugin.Finding, _ *plugin.Source) { w.Content, f.Digest = "", "" }, false},
		{"a reference that cannot be parsed", func(_ *Waiver, f *plugin.Finding, _ *plugin.Source) { f.Image = "::" }, false},
		{"another application", func(w *Waiver, _ *plugin.Finding, _ *plugin.Source) { w.Application = "web" }, false},
		{"another field", func(w *Waiver, f *plugin.Finding, _ *plugin.Source) { w.Field, f.Field = "a", "b" }, false},
		{"undetermined", func(_ *Waiver, f *plugin.Finding, _ *plugin.Source) { f.Level = plugin.Undetermined }, false},
		{"already a warning", func(_ *Waiver, f *plugin.Finding, _ *plugin.Source) { f.Level = plugin.Warn }, false},
		{"unwaivable", func(_ *Waiver, f *plugin.Finding, _ *plugin.Source) { f.Unwaivable = true }, false},
		{"self", func(w *Waiver, f *plugin.Finding, _ *plugin.Source) { w.Rule, f.Rule = "self/kinds", "self/kinds" }, false},
		{"a waiver of nothing in particular", func(w *Waiver, _ *plugin.Finding, _ *plugin.Source) { w.Image = "" }, false},
	} {
		waiver, finding, source := imageWaiver(), imageFinding(), someSource()
		test.change(&waiver, &finding, &source)
		got := deciderOf([]Waiver{waiver}).Waive(source, at("2026-11-23T12:00:00Z"), finding)
		if (got != nil) != test.want {
			t.Errorf("%s: %+v", test.name, got)
		}
		if got != nil && (got.Kind != "waiver" || got.Owner != "team-a" || got.Approver != "platform@example.com" || got.Reason != "it moves" || !got.Until.Equal(at("2026-12-31T23:59:59Z"))) {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

func TestDecider_WaiverOfAnObjectIsExact(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(w *Waiver, f *plugin.Finding)
		want   bool
	}{
		{"the twin", func(*Waiver, *plugin.Finding) {}, true},
		{"a finding without a field", func(w *Waiver, f *plugin.Finding) { w.Field, f.Field = "", "" }, true},
		{"another field of the same value", func(_ *Waiver, f *plugin.Finding) { f.Field = "spec.hostPID" }, false},
		{"a waiver without a field", func(w *Waiver, _ *plugin.Finding) { w.Field = "" }, false},
		{"the value has changed", func(_ *Waiver, f *plugin.Finding) { f.Content = otherDigest }, false},
		{"no content", func(_ *Waiver, f *plugin.Finding) { f.Content = "" }, false},
		{"another name", func(_ *Waiver, f *plugin.Finding) { f.Object.Name = "agent2" }, false},
		{"another namespace", func(_ *Waiver, f *plugin.Finding) { f.Object.Namespace = "" }, false},
		{"another kind", func(_ *Waiver, f *plugin.Finding) { f.Object.Kind = "Deployment" }, false},
		{"another version", func(_ *Waiver, f *plugin.Finding) { f.Object.APIVersion = "v2" }, false},
	} {
		waiver, finding := objectWaiver(), objectFinding()
		test.change(&waiver, &finding)
		if got := deciderOf([]Waiver{waiver}).Waive(someSource(), at("2026-11-23T12:00:00Z"), finding); (got != nil) != test.want {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

func TestDecider_WaiverHoldsToTheEndOfItsDayInUTC(t *testing.T) {
	decider := deciderOf([]Waiver{imageWaiver()})
	for moment, want := range map[string]bool{
		"2026-12-31T23:59:59Z":      true,
		"2026-12-31T00:00:00Z":      true,
		"2027-01-01T00:30:00+01:00": true,
		"2027-01-01T00:00:00Z":      false,
		"2026-12-31T23:30:00-01:00": false,
		"2026-07-04T00:00:00Z":      true, // 180 days before
		"2026-07-03T23:59:59Z":      false,
	} {
		if got := decider.Waive(someSource(), at(moment), imageFinding()); (got != nil) != want {
			t.Errorf("%s: %+v", moment, got)
		}
	}
	if got := deciderOf([]Waiver{{Rule: "image/not-signed", Image: "registry.example.com/team-a/legacy", Content: someDigest}}).Waive(someSource(), time.Time{}, imageFinding()); got != nil {
		t.Error("a waiver without an end holds")
	}
}

func TestDecider_NotesOnWaivers(t *testing.T) {
	for _, test := range []struct {
		name, moment, application string
		met                       bool
		want                      string
	}{
		{"past its day", "2027-01-01T00:00:00Z", "", true, "waiver/expired warn"},
		{"past its day and met by nothing", "2027-01-01T00:00:00Z", "", false, ""},
		{"past its day, met by nothing, for this application", "2027-01-01T00:00:00Z", "shop", false, "waiver/expired warn"},
		{"its last day", "2026-12-31T12:00:00Z", "", true, "waiver/ending warn"},
		{"fourteen days", "2026-12-17T00:00:01Z", "", true, "waiver/ending warn"},
		{"fifteen days", "2026-12-16T12:00:00Z", "", true, ""},
		{"the day before", "2026-12-30T12:00:00Z", "", true, "waiver/ending warn"},
		{"unused by another application", "2026-11-23T12:00:00Z", "web", false, ""},
		{"unused by this application", "2026-11-23T12:00:00Z", "shop", false, "waiver/unused info"},
		{"too far away", "2026-01-01T12:00:00Z", "", true, "waiver/too-long warn"},
	} {
		waiver := imageWaiver()
		waiver.Application = test.application
		finding := imageFinding()
		if !test.met {
			finding.Image = "registry.example.com/team-a/other:v1"
		}
		if waived := deciderOf([]Waiver{waiver}).Waive(someSource(), at(test.moment), finding); waived != nil {
			finding.Level, finding.Waiver = plugin.Warn, waived
		}
		notes, banner := deciderOf([]Waiver{waiver}).Notes(someSource(), at(test.moment), []plugin.Finding{finding})
		got := ""
		for _, note := range notes {
			got += note.Rule + " " + note.Level.String()
			if note.Origin.Line != 7 || note.Gate != "g" || note.Hint == "" {
				t.Errorf("%s: %+v", test.name, note)
			}
		}
		if got != test.want || banner != "" {
			t.Errorf("%s: %q, banner %q", test.name, got, banner)
		}
	}
}

func TestDecider_WaiverOfAnObjectWithoutTheFindingsFieldIsNoted(t *testing.T) {
	notes := func(change func(w *Waiver, f *plugin.Finding)) []plugin.Finding {
		waiver, finding := objectWaiver(), objectFinding()
		waiver.Field = ""
		change(&waiver, &finding)
		notes, _ := deciderOf([]Waiver{waiver}).Notes(someSource(), at("2026-11-23T12:00:00Z"), []plugin.Finding{finding})
		return notes
	}
	got := notes(func(*Waiver, *plugin.Finding) {})
	if len(got) != 1 || got[0].Rule != "waiver/unused" || got[0].Level != plugin.Warn || got[0].Hint != "write field: spec.hostNetwork" || got[0].Gate != "g" {
		t.Errorf("got %+v", got)
	}
	for name, change := range map[string]func(w *Waiver, f *plugin.Finding){
		"the waiver names the field": func(w *Waiver, f *plugin.Finding) { w.Field = f.Field },
		"the finding has no field":   func(_ *Waiver, f *plugin.Finding) { f.Field = "" },
		"another content":            func(_ *Waiver, f *plugin.Finding) { f.Content = otherDigest },
		"another object":             func(_ *Waiver, f *plugin.Finding) { f.Object.Name = "agent2" },
		"nothing is denied":          func(_ *Waiver, f *plugin.Finding) { f.Level = plugin.Info },
	} {
		if got := notes(change); len(got) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestDecider_NotesAreOfItsOwnGateAndOfWhatCanBeWaived(t *testing.T) {
	for name, change := range map[string]func(*plugin.Finding){
		"another gate": func(f *plugin.Finding) { f.Gate = "h" },
		"unwaivable":   func(f *plugin.Finding) { f.Unwaivable = true },
	} {
		finding := imageFinding()
		change(&finding)
		if notes, _ := deciderOf([]Waiver{imageWaiver()}).Notes(someSource(), at("2027-01-01T00:00:00Z"), []plugin.Finding{finding}); len(notes) != 0 {
			t.Errorf("%s: %+v", name, notes)
		}
	}
}

func TestDecider_EndingSaysInHowManyDays(t *testing.T) {
	for moment, want := range map[string]string{
		"2026-12-31T00:00:00Z": "ends on 2026-12-31, today", "2026-12-30T23:00:00Z": "ends on 2026-12-31, tomorrow", "2026-12-24T09:00:00Z": "ends on 2026-12-31, in 7 days",
	} {
		finding := imageFinding()
		notes, _ := deciderOf([]Waiver{imageWaiver()}).Notes(someSource(), at(moment), []plugin.Finding{finding})
		if len(notes) != 1 || !strings.HasSuffix(notes[0].Message, want+" (g.yaml:7)") {
			t.Errorf("%s: %+v", moment, notes)
		}
	}
}

func TestDecider_ZeroValueCoversNothing(t *testing.T) {
	if got := new(Decider).Waive(plugin.Source{}, time.Time{}, plugin.Finding{}); got != nil {
		t.Errorf("%+v", got)
	}
}

func TestValidate_SaysWhatDependsOnTheDay(t *testing.T) {
	config := mustParse(t, fullText(t))
	for moment, want := range map[string]string{
		"2026-11-23T12:00:00Z": "gate/break-glass warn",
		"2026-11-23T07:00:00Z": "gate/break-glass warn",
		"2026-12-20T00:00:00Z": "waiver/ending warn, waiver/ending warn, gate/break-glass info",
		"2027-01-01T00:00:00Z": "waiver/expired warn, waiver/expired warn, gate/break-glass info",
		"2026-01-01T00:00:00Z": "waiver/too-long warn, waiver/too-long warn, gate/break-glass warn",
	} {
		var got []string
		for _, finding := range config.Validate(at(moment)) {
			got = append(got, finding.Rule+" "+finding.Level.String())
			if finding.Gate != "team-a" || finding.Origin.Line == 0 || finding.Level.Blocks() {
				t.Errorf("%s: %+v", moment, finding)
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %v", moment, got)
		}
	}
}
