package predicate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
)

const (
	typeSPDX      = "https://spdx.dev/Document/v2.3"
	typeSPDX3     = "https://spdx.dev/Document/v3.0"
	typeCycloneDX = "https://cyclonedx.org/bom/v1.6"
)

// bills are the samples; each lists openssl 3.0.15-1~deb12u1 and nothing else.
func bills() map[string]string {
	return map[string]string{"spdx23.json": typeSPDX, "spdx30.json": typeSPDX3, "cyclonedx16.json": typeCycloneDX}
}

func newSBOM(t *testing.T, declared gate.SBOM) *predicate.SBOM {
	t.Helper()
	demand, err := predicate.NewSBOM(declared, plugin.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return demand
}

func TestSBOM_EveryFormatMeetsTheDemand(t *testing.T) {
	declared := gate.SBOM{
		MaxAge: gate.Duration(30 * 24 * time.Hour), Makers: []string{"*syft-1.*"}, DenyLicenses: []string{"AGPL-*", "GPL-2.0-only"},
		DenyPackages: []gate.DeniedPackage{{PURL: "pkg:deb/debian/openssl", Versions: "<3.0.15-1~deb12u1"}},
		Deny:         []gate.ComponentRule{{Name: "old", When: `component.type == "deb" && component.name == "openssl" && older(component.version, "3.0.11")`}},
	}
	for name, predicateType := range bills() {
		met(t, judge(t, newSBOM(t, declared), subject(), statement(predicateType, sample(t, name))))
	}
}

// TestSBOM_EachPartOfTheDemandIsDenied changes one thing of what the test above
// passes with.
func TestSBOM_EachPartOfTheDemandIsDenied(t *testing.T) {
	for _, test := range []struct {
		name     string
		declared gate.SBOM
		why      string
	}{
		{"too old", gate.SBOM{MaxAge: gate.Duration(10 * 24 * time.Hour)}, "longer ago than 10 days"},
		{"made by others", gate.SBOM{Makers: []string{"*trivy*"}}, "the gate accepts those made by *trivy*"},
		{"denied licence", gate.SBOM{DenyLicenses: []string{"apache-*"}}, "openssl 3.0.15-1~deb12u1 has the denied licence Apache-2.0"},
		{"all branches of a choice", gate.SBOM{DenyLicenses: []string{"GPL-*", "MIT"}}, "has the denied licence"},
		{"denied version", gate.SBOM{DenyPackages: []gate.DeniedPackage{{PURL: "pkg:deb/debian/openssl", Versions: ">=3.0.0, <=3.0.15-1", Message: "use 3.3"}}},
			"openssl 3.0.15-1~deb12u1 is denied: pkg:deb/debian/openssl >=3.0.0, <=3.0.15-1: use 3.3"},
		{"denied package", gate.SBOM{DenyPackages: []gate.DeniedPackage{{PURL: "pkg:deb/*/openssl"}}}, "is denied: pkg:deb/*/openssl"},
		{"denied by a rule", gate.SBOM{Deny: []gate.ComponentRule{{Name: "no-openssl", When: `component.purl.startsWith("pkg:deb/debian/openssl@")`, Message: "use another"}}},
			"evidence/component: 1 component denied: openssl 3.0.15-1~deb12u1: use another"},
		{"by licences", gate.SBOM{Deny: []gate.ComponentRule{{Name: "l", When: `component.licenses.exists(l, l.contains("GPL"))`}}}, "denied by the rule l"},
		{"a rule that fails", gate.SBOM{Deny: []gate.ComponentRule{{Name: "broken", When: `older("abc", component.version)`}}}, "rule broken cannot be evaluated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, predicateType := range bills() {
				notMetUnless(t, test.why, name, judge(t, newSBOM(t, test.declared), subject(), statement(predicateType, sample(t, name))))
			}
		})
	}
}

func notMetUnless(t *testing.T, why, name string, answer predicate.Answer) {
	t.Helper()
	if t.Run(name, func(t *testing.T) { notMet(t, answer, why) }) {
		return
	}
	t.Logf("%s", told(answer))
}

func TestSBOM_WhatIsNoBillIsRefused(t *testing.T) {
	for _, test := range []struct {
		name, predicateType string
		data                []byte
		why                 string
	}{
		{"another digest (SPDX 2.3)", typeSPDX, sample(t, "spdx23.json", strings.Repeat("1", 64), strings.Repeat("2", 64)), "it is about another image: it names " + otherImage},
		{"another digest (SPDX 3.0)", typeSPDX3, sample(t, "spdx30.json", strings.Repeat("1", 64), strings.Repeat("2", 64)), "it is about another image"},
		{"another digest (CycloneDX)", typeCycloneDX, sample(t, "cyclonedx16.json", strings.Repeat("1", 64), strings.Repeat("2", 64)), "it is about another image"},
		{"from the future", typeSPDX, sample(t, "spdx23.json", "2026-11-10T08:00:00Z", "2026-11-20T12:06:00Z"), "in the future"},
		{"without a time", typeCycloneDX, sample(t, "cyclonedx16.json", `"timestamp": "2026-11-10T08:00:00Z",`, ""), "it does not say when it was made"},
		{"a time that is none", typeCycloneDX, sample(t, "cyclonedx16.json", "2026-11-10T08:00:00Z", "yesterday"), `metadata.timestamp is "yesterday", which is no time`},
		{"unknown version", typeSPDX, sample(t, "spdx23.json", "SPDX-2.3", "SPDX-9.9"), `its spdxVersion is "SPDX-9.9"`},
		{"CycloneDX of a version to come", typeCycloneDX, sample(t, "cyclonedx16.json", `"1.6"`, `"9.9"`), `its specVersion "9.9"`},
		{"unknown version of SPDX 3", typeSPDX3, sample(t, "spdx30.json", `"3.0.1"`, `"4.0.0"`), "does not say specVersion 3.0"},
		{"SPDX under CycloneDX's type", typeCycloneDX, sample(t, "spdx23.json"), `its bomFormat is ""`},
		{"CycloneDX under SPDX's type", typeSPDX, sample(t, "cyclonedx16.json"), `its spdxVersion is ""`},
		{"two elements of one id", typeSPDX3, sample(t, "spdx30.json", "urn:example:openssl", "urn:example:image"), "two elements have the id"},
		{"no document", typeSPDX3, sample(t, "spdx30.json", `"SpdxDocument"`, `"Bundle"`), "it has 0 elements SpdxDocument"},
		{"empty", typeSPDX, nil, "it is empty"},
		{"an empty object", typeSPDX, []byte("{}"), `its spdxVersion is ""`},
		{"null", typeSPDX, []byte("null"), "tag-value form, or none"},
		{"a list", typeCycloneDX, []byte("[]"), "cannot be read"},
		{"tag-value", typeSPDX, quoted(t, "SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n"), "tag-value form"},
		{"broken", typeSPDX, []byte(`{"spdxVersion": "SPDX-2.3"`), "it cannot be read"},
		{"not UTF-8", typeSPDX, []byte("{\"spdxVersion\": \"\xff\"}"), "it is not UTF-8"},
		{"something behind it", typeSPDX, append(sample(t, "spdx23.json"), "{}"...), "it cannot be read"},
		{"duplicate key", typeSPDX, sample(t, "spdx23.json", `"dataLicense"`, `"spdxVersion": "SPDX-2.3", "dataLicense"`), "it can be read in two ways"},
		{"duplicate key in a package", typeSPDX, sample(t, "spdx23.json", `"name": "openssl",`, `"name": "openssl", "versionInfo": "9",`), "it can be read in two ways"},
		{"deep nesting", typeSPDX, sample(t, "spdx23.json", `"name": "openssl",`, `"name": "openssl", "x": `+strings.Repeat("[", 300)+strings.Repeat("]", 300)+`,`), "nested more than 200 levels"},
		{"zero components", typeCycloneDX, []byte(`{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"timestamp":"2026-11-10T08:00:00Z"},"components":[]}`), "it lists no component"},
		{"the image alone", typeSPDX, onlyTheImage(t), "it lists no component"},
	} {
		t.Run(test.name, func(t *testing.T) {
			notMet(t, judge(t, newSBOM(t, gate.SBOM{}), subject(), statement(test.predicateType, test.data)), test.why)
		})
	}
}

// onlyTheImage is SPDX that lists nothing but the image.
func onlyTheImage(t *testing.T) []byte {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal(sample(t, "spdx23.json"), &document); err != nil {
		t.Fatal(err)
	}
	document["packages"] = document["packages"].([]any)[:1]
	data, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func quoted(t *testing.T, text string) []byte {
	t.Helper()
	data, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSBOM_TheShapesInWhichCosignAttestsAreRead(t *testing.T) {
	document := sample(t, "spdx23.json")
	for name, data := range map[string][]byte{
		"document":       document,
		"text":           quoted(t, string(document)),
		"Data as text":   fmt.Appendf(nil, `{"Data": %s, "Timestamp": ""}`, quoted(t, string(document))),
		"Data as object": fmt.Appendf(nil, `{"Data": %s, "Timestamp": ""}`, document),
	} {
		t.Run(name, func(t *testing.T) {
			met(t, judge(t, newSBOM(t, gate.SBOM{}), subject(), statement("https://spdx.dev/Document", data)))
		})
	}
}

func TestSBOM_MadeByNobodyIsMadeByNoneOfTheMakers(t *testing.T) {
	tools, authors := `{"components": [{"type": "application", "name": "syft", "version": "1.18.0"}]}`, `[{"name": "Example"}]`
	anybody := newSBOM(t, gate.SBOM{Makers: []string{"*"}})
	for _, nobody := range []string{`{"components": []}`, `{"components": [{"type": "application", "name": "", "version": "1.18.0"}]}`} {
		data := sample(t, "cyclonedx16.json", tools, nobody, authors, `[]`)
		notMet(t, judge(t, anybody, subject(), statement("https://cyclonedx.org/bom", data)), "the gate accepts those made by *")
		data = sample(t, "cyclonedx16.json", tools, nobody)
		met(t, judge(t, anybody, subject(), statement("https://cyclonedx.org/bom", data)))
	}
}

func TestSBOM_OlderShapesOfCycloneDXAreRead(t *testing.T) {
	data := sample(t, "cyclonedx16.json", `"specVersion": "1.6"`, `"specVersion": "1.4"`,
		`{"components": [{"type": "application", "name": "syft", "version": "1.18.0"}]}`, `[{"vendor": "anchore", "name": "syft", "version": "1.18.0"}]`)
	met(t, judge(t, newSBOM(t, gate.SBOM{Makers: []string{"syft-1.18.*"}}), subject(), statement("https://cyclonedx.org/bom", data)))
	notMet(t, judge(t, newSBOM(t, gate.SBOM{Makers: []string{"syft-2.*"}}), subject(), statement("https://cyclonedx.org/bom", data)), "syft-1.18.0")
}

func TestSBOM_EveryVersionOfCycloneDXIsRead(t *testing.T) {
	for _, version := range []string{"1.4", "1.5", "1.7"} {
		data := sample(t, "cyclonedx16.json", `"specVersion": "1.6"`, fmt.Sprintf(`"specVersion": %q`, version))
		met(t, judge(t, newSBOM(t, gate.SBOM{}), subject(), statement(typeCycloneDX, data)))
	}
}

func TestSBOM_ComponentsInsideComponentsAreJudged(t *testing.T) {
	data := sample(t, "cyclonedx16.json", `"bom-ref": "openssl",`, `"bom-ref": "openssl", "components": [{"type": "library", "name": "hidden", "version": "1.0"}],`)
	rule := gate.SBOM{Deny: []gate.ComponentRule{{Name: "hidden", When: `component.name == "hidden"`}}}
	notMet(t, judge(t, newSBOM(t, rule), subject(), statement(typeCycloneDX, data)), "hidden 1.0: denied by the rule hidden")
	met(t, judge(t, newSBOM(t, rule), subject(), statement(typeCycloneDX, sample(t, "cyclonedx16.json"))))
}

func TestSBOM_ABillOfAPlatformIsAboutTheIndex(t *testing.T) {
	bill := statement(typeSPDX, sample(t, "spdx23.json", strings.Repeat("1", 64), strings.Repeat("2", 64)))
	about := subject()
	about.Leaves = leaves(otherImage)
	met(t, judge(t, newSBOM(t, gate.SBOM{}), about, bill))
	about.Leaves = leaves()
	notMet(t, judge(t, newSBOM(t, gate.SBOM{}), about, bill), "about another image")
	about.Leaves = func(context.Context) ([]string, error) { return nil, errors.New("the registry throttles") }
	undetermined(t, judge(t, newSBOM(t, gate.SBOM{}), about, bill), "the registry throttles")
}

// TestSBOM_WhatAnyAcceptedBillListsIsInTheImage has a clean bill beside one that
// lists what is denied.
func TestSBOM_WhatAnyAcceptedBillListsIsInTheImage(t *testing.T) {
	rule := gate.SBOM{DenyPackages: []gate.DeniedPackage{{PURL: "pkg:deb/debian/xz-utils"}}}
	clean := statement(typeSPDX, sample(t, "spdx23.json"))
	bad := statement(typeCycloneDX, sample(t, "cyclonedx16.json", "openssl", "xz-utils"))
	notMet(t, judge(t, newSBOM(t, rule), subject(), clean, bad), "pkg:deb/debian/xz-utils")
	notMet(t, judge(t, newSBOM(t, rule), subject(), bad, clean), "pkg:deb/debian/xz-utils")
	met(t, judge(t, newSBOM(t, rule), subject(), clean))
}

func TestSBOM_NoStatementMeetsNothing(t *testing.T) {
	notMet(t, judge(t, newSBOM(t, gate.SBOM{}), subject()), "")
	notMet(t, judge(t, newSBOM(t, gate.SBOM{}), subject(), statement("https://slsa.dev/provenance/v1", sample(t, "spdx23.json"))), "")
}

func TestSBOM_AVersionThatCannotBeComparedIsDenied(t *testing.T) {
	rule := gate.SBOM{DenyPackages: []gate.DeniedPackage{{PURL: "pkg:deb/debian/openssl", Versions: "<1.0"}}}
	met(t, judge(t, newSBOM(t, rule), subject(), statement(typeSPDX, sample(t, "spdx23.json"))))
	notMet(t, judge(t, newSBOM(t, rule), subject(), statement(typeSPDX, sample(t, "spdx23.json", "3.0.15-1~deb12u1", "unstable"))), "its version cannot be compared")
}

func TestSBOM_LimitsAreLoud(t *testing.T) {
	limits := plugin.DefaultLimits()
	limits.BundleBytes = 100
	small, err := predicate.NewSBOM(gate.SBOM{}, limits)
	if err != nil {
		t.Fatal(err)
	}
	notMet(t, judge(t, small, subject(), statement(typeSPDX, sample(t, "spdx23.json"))), "the limit bundleBytes is 100")

	limits = plugin.DefaultLimits()
	limits.AttestedItems = 1
	few, err := predicate.NewSBOM(gate.SBOM{}, limits)
	if err != nil {
		t.Fatal(err)
	}
	met(t, judge(t, few, subject(), statement(typeCycloneDX, sample(t, "cyclonedx16.json"))))
	two := sample(t, "cyclonedx16.json", `"components": [
    {`, `"components": [{"type":"library","name":"a","version":"1"},
    {`)
	notMet(t, judge(t, few, subject(), statement(typeCycloneDX, two)), "more than 1 components (limit attestedItems)")
}

// TestSBOM_APredicateOf100MBIsRefused does not read it.
func TestSBOM_APredicateOf100MBIsRefused(t *testing.T) {
	huge := append([]byte(`{"spdxVersion":"SPDX-2.3","x":"`), bytes.Repeat([]byte("a"), 100<<20)...)
	notMet(t, judge(t, newSBOM(t, gate.SBOM{}), subject(), statement(typeSPDX, append(huge, `"}`...))), "the limit bundleBytes is")
}

func TestSBOM_RulesThatCostTooMuchDeny(t *testing.T) {
	costly := gate.SBOM{Deny: []gate.ComponentRule{{Name: "costly", When: `[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c,
		[1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9].all(e, [1,2,3,4,5,6,7,8,9].all(f, a < 0 || b < 100))))))`}}}
	notMet(t, judge(t, newSBOM(t, costly), subject(), statement(typeSPDX, sample(t, "spdx23.json"))), "rule costly cannot be evaluated")
}

func TestSBOM_ADeadlineIsNoAnswer(t *testing.T) {
	rule := newSBOM(t, gate.SBOM{Deny: []gate.ComponentRule{{Name: "a", When: `[1,2,3].all(i, component.name != string(i)) && false`}}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	undetermined(t, rule.Judge(ctx, subject(), []predicate.Statement{statement(typeSPDX, sample(t, "spdx23.json"))}), "canceled")
}

func TestNewSBOM_MistakesNameTheirLine(t *testing.T) {
	at := plugin.Origin{File: "gate.yaml", Line: 7}
	for _, test := range []struct {
		declared gate.SBOM
		want     string
	}{
		{gate.SBOM{Deny: []gate.ComponentRule{{Name: "a", When: "component.nme == ''", At: at}}}, `gate.yaml:7: rule "a" does not compile`},
		{gate.SBOM{Deny: []gate.ComponentRule{{Name: "a", When: "component.name", At: at}}}, `gate.yaml:7: rule "a" gives a value of the type string, not bool`},
		{gate.SBOM{Deny: []gate.ComponentRule{{Name: "a", When: "true &&", At: at}}}, `gate.yaml:7: rule "a" does not compile`},
		{gate.SBOM{DenyPackages: []gate.DeniedPackage{{PURL: "openssl", At: at}}}, `gate.yaml:7: denyPackages: "openssl" is no package URL`},
		{gate.SBOM{DenyPackages: []gate.DeniedPackage{{PURL: "pkg:deb/debian/openssl@3", At: at}}}, "is no package URL without version"},
		{gate.SBOM{DenyPackages: []gate.DeniedPackage{{PURL: "pkg:deb/debian/openssl", Versions: "3.0", At: at}}}, `"3.0" does not begin with`},
		{gate.SBOM{DenyPackages: []gate.DeniedPackage{{PURL: "pkg:deb/debian/openssl", Versions: "<new", At: at}}}, "names no version that can be compared"},
	} {
		if _, err := predicate.NewSBOM(test.declared, plugin.DefaultLimits()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q", test.declared, err, test.want)
		}
	}
}
