package gate

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// notesAt are the notes of one waiver that is met by its finding, or not
// covered by it.
func notesAt(t *testing.T, moment string, terms WaiverTerms, waiver Waiver, finding plugin.Finding) []plugin.Finding {
	t.Helper()
	decider := NewDecider(Gate{Metadata: Metadata{Name: "g"}, Spec: Spec{Waivers: []Waiver{waiver}}}, terms)
	if waived := decider.Waive(someSource(), at(moment), finding); waived != nil {
		finding.Level, finding.Waiver = plugin.Warn, waived
	}
	notes, _ := decider.Notes(someSource(), at(moment), []plugin.Finding{finding})
	return notes
}

func TestWaiver_IsAnnouncedFourteenSevenAndOneDayBeforeItsEnd(t *testing.T) {
	for moment, want := range map[string]string{
		"2026-12-16T23:59:59Z": "", // 15 days
		"2026-12-17T00:00:00Z": "the first warning",
		"2026-12-23T23:59:59Z": "the first warning", // 8 days
		"2026-12-24T00:00:00Z": "the second warning",
		"2026-12-29T23:59:59Z": "the second warning", // 2 days
		"2026-12-30T00:00:00Z": "the last warning",
		"2026-12-31T23:59:59Z": "the last warning",
	} {
		notes := notesAt(t, moment, WaiverTerms{}, imageWaiver(), imageFinding())
		got := ""
		if len(notes) == 1 && notes[0].Rule == "waiver/ending" {
			got, _, _ = strings.Cut(notes[0].Why, ":")
		}
		if got != want || want == "" && len(notes) > 0 {
			t.Errorf("%s: %q, want %q; %+v", moment, got, want, notes)
		}
	}
}

func TestWaiver_HoldsNoLongerThanTheTermsAllow(t *testing.T) {
	for _, test := range []struct {
		days   int64
		moment string
		holds  bool
	}{
		{0, "2026-07-04T00:00:00Z", true}, // 180 days before
		{0, "2026-07-03T23:59:59Z", false},
		{30, "2026-12-01T00:00:00Z", true}, // 30 days before
		{30, "2026-11-30T23:59:59Z", false},
		{999, "2026-07-03T23:59:59Z", false},
		{-1, "2026-12-31T12:00:00Z", true}, // its last day is not ahead
		{-1, "2026-12-30T12:00:00Z", false},
	} {
		terms := WaiverTerms{MaxDays: test.days}
		waived := NewDecider(Gate{Metadata: Metadata{Name: "g"}, Spec: Spec{Waivers: []Waiver{imageWaiver()}}}, terms).Waive(someSource(), at(test.moment), imageFinding())
		if (waived != nil) != test.holds {
			t.Errorf("%d days, %s: %+v", test.days, test.moment, waived)
		}
		if notes := notesAt(t, test.moment, terms, imageWaiver(), imageFinding()); !test.holds && (len(notes) != 1 || notes[0].Rule != "waiver/too-long") {
			t.Errorf("%d days, %s: %+v", test.days, test.moment, notes)
		}
	}
}

func TestWaiver_OfARuleThatAnotherGateForbidsIsDenied(t *testing.T) {
	const moment = "2026-11-23T12:00:00Z"
	for never, covered := range map[string]bool{
		"image/not-signed": false, "image/*": false, "image/not-signed-2": true, "images/*": true, "imag/*": true,
	} {
		terms := WaiverTerms{Never: []string{never}}
		gate := Gate{Metadata: Metadata{Name: "g"}, Spec: Spec{Waivers: []Waiver{imageWaiver()}, BreakGlass: []BreakGlass{{
			Application: "shop", Revision: "4b825dc", Reason: "r", Approver: "a", From: at("2026-11-23T11:00:00Z"), Until: at("2026-11-23T13:00:00Z"),
		}}}}
		if waived := NewDecider(gate, terms).Waive(someSource(), at(moment), imageFinding()); waived == nil || (waived.Kind == "waiver") != covered {
			t.Errorf("%s, under break glass: %+v", never, waived)
		}
		gate.Spec.BreakGlass = nil
		if waived := NewDecider(gate, terms).Waive(someSource(), at(moment), imageFinding()); (waived != nil) != covered {
			t.Errorf("%s: %+v", never, waived)
		}
		notes := notesAt(t, moment, terms, imageWaiver(), imageFinding())
		if told := len(notes) == 1 && notes[0].Rule == "waiver/not-allowed"; told == covered {
			t.Errorf("%s: %+v", never, notes)
		}
	}
}

func TestWaiver_WhoseContentHasChangedIsTold(t *testing.T) {
	const moment = "2026-11-23T12:00:00Z"
	image, object := imageFinding(), objectFinding()
	image.Digest, object.Content = otherDigest, otherDigest
	for name, notes := range map[string][]plugin.Finding{
		"image":  notesAt(t, moment, WaiverTerms{}, imageWaiver(), image),
		"object": notesAt(t, moment, WaiverTerms{}, objectWaiver(), object),
	} {
		if len(notes) != 1 || notes[0].Rule != "waiver/unused" || notes[0].Level != plugin.Warn || !strings.Contains(notes[0].Message, "now: "+otherDigest) || notes[0].Origin.Line != 7 {
			t.Errorf("%s: %+v", name, notes)
		}
	}
	object.Field = "spec.hostPID"
	image.Rule = "image/not-found"
	for name, notes := range map[string][]plugin.Finding{
		"another rule":      notesAt(t, moment, WaiverTerms{}, imageWaiver(), image),
		"another field":     notesAt(t, moment, WaiverTerms{}, objectWaiver(), object),
		"as it was":         notesAt(t, moment, WaiverTerms{}, imageWaiver(), imageFinding()),
		"an ended waiver":   notesAt(t, "2027-01-01T00:00:00Z", WaiverTerms{}, objectWaiver(), object),
		"nothing is denied": notesAt(t, moment, WaiverTerms{}, objectWaiver(), plugin.Finding{Rule: "pss/restricted", Level: plugin.Info}),
	} {
		if len(notes) != 0 {
			t.Errorf("%s: %+v", name, notes)
		}
	}
}

func TestLoad_WaiverTermsThatAreRefused(t *testing.T) {
	full := fullText(t)
	const place = "  breakGlass:\n"
	for _, test := range []refusal{
		{"more days than 180", place, "  waiverTerms: {maxDays: 181}\n" + place, "spec.waiverTerms.maxDays: 181 is not between 1 and 180"},
		{"no days", place, "  waiverTerms: {maxDays: 0}\n" + place, "0 is not between 1 and 180"},
		{"fewer than no days", place, "  waiverTerms: {maxDays: -1}\n" + place, "maxDays"},
		{"no rule", place, "  waiverTerms: {never: [image]}\n" + place, "write area/name"},
		{"self, which is always among them", place, "  waiverTerms: {never: [self/*]}\n" + place, "is never waived in any case"},
		{"a glob in the area", place, "  waiverTerms: {never: ['*/not-signed']}\n" + place, "write area/name"},
		{"a rule that the gate waives", place, "  waiverTerms: {never: [image/not-signed]}\n" + place, "spec.waivers[0].rule: \"image/not-signed\" is among the rules of spec.waiverTerms.never"},
		{"an area that the gate waives", place, "  waiverTerms: {never: ['pss/*']}\n" + place, "spec.waivers[1].rule"},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, full) })
	}
	for _, twin := range []string{"{maxDays: 180}", "{maxDays: 1}", "{never: [image/not-found, 'secret/*']}"} {
		if _, err := Parse("a.yaml", []byte(strings.Replace(full, place, "  waiverTerms: "+twin+"\n"+place, 1))); err != nil {
			t.Errorf("%s: %v", twin, err)
		}
	}
}
