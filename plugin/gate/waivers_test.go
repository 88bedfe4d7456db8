package gate

import (
	"strings"
	"testing"
)

const waiversText = `---
apiVersion: assay.dev/v1alpha1
kind: Waivers
metadata: {name: more}
spec:
  gate: team-a
  waivers:
  - rule: image/not-signed
    image: registry.example.com/team-a/other
    content: sha256:2222222222222222222222222222222222222222222222222222222222222222
    owner: team-a
    reason: the build moves next month
    reference: https://tickets.example.com/17
    approver: platform@example.com
    until: 2026-12-31
`

func TestLoad_WaiversBecomeTheirGatesOwn(t *testing.T) {
	full := fullText(t)
	for name, text := range map[string]string{"after the gate": full + waiversText, "before the gate": waiversText + "---\n" + full} {
		config, err := Parse("a.yaml", []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		waivers := config.Gates[0].Spec.Waivers
		if len(waivers) != 3 || waivers[2].Image != "registry.example.com/team-a/other" {
			t.Fatalf("%s: %+v", name, waivers)
		}
		line := 1 + strings.Count(text[:strings.Index(text, "  - rule: image/not-signed\n    image: registry.example.com/team-a/other")], "\n")
		if waivers[2].At.Line != line {
			t.Errorf("%s: the waiver is at line %d, told is %d", name, line, waivers[2].At.Line)
		}
		finding := imageFinding()
		finding.Gate, finding.Image, finding.Digest = "team-a", "registry.example.com/team-a/other:v1", otherDigest
		if NewDecider(config.Gates[0], WaiverTerms{}).Waive(someSource(), at("2026-11-23T12:00:00Z"), finding) == nil {
			t.Errorf("%s: the waiver covers nothing", name)
		}
	}
}

func TestLoad_WaiversThatAreRefused(t *testing.T) {
	full := fullText(t) + waiversText
	for _, test := range []refusal{
		{"of a gate that is not loaded", "gate: team-a\n  waivers", "gate: team-b\n  waivers", `there is no Gate "team-b" in the configuration`},
		{"of no gate", "  gate: team-a\n  waivers", "  waivers", "spec.gate: is required"},
		{"none", waiversText[strings.Index(waiversText, "  waivers:"):], "  waivers: []\n", "spec.waivers: is empty"},
		{"of self", "rule: image/not-signed\n    image: registry.example.com/team-a/other", "rule: self/kinds\n    image: registry.example.com/team-a/other", "belongs to self"},
		{"an unknown field", "gate: team-a\n  waivers", "gate: team-a\n  gates: []\n  waivers", "gates"},
		{"a version that is not known", "apiVersion: assay.dev/v1alpha1\nkind: Waivers", "apiVersion: assay.dev/v1\nkind: Waivers", "write assay.dev/v1alpha1"},
		{"two of one name", waiversText, waiversText + waiversText, `there are two of Waivers "more"`},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, full) })
	}
}

func TestLoad_WaiversOfARuleThatItsGateForbidsAreRefused(t *testing.T) {
	text := strings.Replace(fullText(t)+waiversText, "rule: image/not-signed\n    image: registry.example.com/team-a/other", "rule: image/other\n    image: registry.example.com/team-a/other", 1)
	if _, err := Parse("a.yaml", []byte(text)); err != nil {
		t.Errorf("the twin: %v", err)
	}
	text = strings.Replace(text, "  breakGlass:\n", "  waiverTerms: {never: [image/other]}\n  breakGlass:\n", 1)
	if _, err := Parse("a.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), `"image/other" is among the rules`) {
		t.Errorf("got %v", err)
	}
}
