package plugin

import (
	"encoding/json"
	"testing"
)

func TestVerdict_ZeroValueDenies(t *testing.T) {
	var none *Verdict
	expect(t, none, Denied)
	expect(t, &Verdict{}, Denied)
	expect(t, &Verdict{Findings: []Finding{{Level: Warn}}}, Denied)
	expect(t, &Verdict{manifests: []byte("x"), Findings: []Finding{{Level: Undetermined}}}, Unanswered)
	expect(t, &Verdict{manifests: []byte("x"), complete: true, Findings: []Finding{{Level: Info}, {Level: Warn}}}, Allowed)
}

func TestVerdict_DenyWinsOverUndeterminedInAnyOrder(t *testing.T) {
	deny, open := Finding{}, Finding{Level: Undetermined}
	for _, findings := range [][]Finding{{deny, open}, {open, deny}, {open, {Level: Warn}, deny}} {
		expect(t, &Verdict{complete: true, Findings: findings}, Denied)
	}
	expect(t, &Verdict{complete: true, Findings: []Finding{open}}, Unanswered)
}

func TestVerdict_UnknownLevelDenies(t *testing.T) {
	for _, level := range []Level{-1, 4, 99} {
		expect(t, &Verdict{complete: true, Findings: []Finding{{Level: level}}}, Denied)
	}
}

func TestLevel_JSONRoundTrip(t *testing.T) {
	for _, level := range []Level{Deny, Undetermined, Warn, Info} {
		text, err := json.Marshal(level)
		var back Level
		if err != nil || json.Unmarshal(text, &back) != nil || back != level {
			t.Errorf("%v became %s became %v", level, text, back)
		}
	}
	if text, _ := json.Marshal(Level(99)); string(text) != `"deny"` {
		t.Errorf("an unknown level is written as %s", text)
	}
	for _, text := range []string{`"Deny"`, `""`, `"none"`, `2`, `null`, `true`} {
		level := Info
		if err := json.Unmarshal([]byte(text), &level); err == nil && level != Info {
			t.Errorf("%s was read as %v", text, level)
		} else if err == nil && text != "null" {
			t.Errorf("%s was read", text)
		}
	}
}
