package predicate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
)

const (
	typeCosignVuln = "https://cosign.sigstore.dev/attestation/vuln/v1"
	typeVulns      = "https://in-toto.io/attestation/vulns/v0.2"
	typeSARIF      = "https://docs.oasis-open.org/sarif/sarif/v2.1.0"
)

// cosignVuln puts a scanner's report into cosign's predicate.
func cosignVuln(result []byte) []byte {
	return fmt.Appendf(nil, `{"invocation": {"parameters": null, "uri": "", "event_id": "", "builder.id": ""},
		"scanner": {"uri": "pkg:github/example/scanner@1.2.3", "version": "1.2.3", "db": {"uri": "", "version": ""}, "result": %s},
		"metadata": {"scanStartedOn": "2026-11-19T05:59:00Z", "scanFinishedOn": "2026-11-19T06:00:00Z"}}`, result)
}

func trivyScan(t *testing.T, replacements ...string) predicate.Statement {
	t.Helper()
	return statement(typeCosignVuln, cosignVuln(sample(t, "trivy.json", replacements...)))
}

func grypeScan(t *testing.T, replacements ...string) predicate.Statement {
	t.Helper()
	return statement(typeCosignVuln, cosignVuln(sample(t, "grype.json", replacements...)))
}

func newScan(t *testing.T, declared gate.Scan, vex *gate.VEX) *predicate.Scan {
	t.Helper()
	demand, err := predicate.NewScan(declared, vex, plugin.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return demand
}

// scans are the samples of every format, and what to take out of each so that
// nothing that is denied is left.
func scans(t *testing.T) map[string][2]predicate.Statement {
	t.Helper()
	return map[string][2]predicate.Statement{
		"trivy":   {trivyScan(t), trivyScan(t, `"CRITICAL"`, `"MEDIUM"`, `"HIGH"`, `"low"`)},
		"grype":   {grypeScan(t), grypeScan(t, `"Critical"`, `"medium"`)},
		"sarif":   {statement(typeSARIF, sample(t, "sarif.json")), statement(typeSARIF, sample(t, "sarif.json", `"9.8"`, `"6.9"`))},
		"in-toto": {statement(typeVulns, sample(t, "vulns02.json")), statement(typeVulns, sample(t, "vulns02.json", `"9.1"`, `"6.9"`))},
		"sarif inside cosign's predicate": {
			statement(typeCosignVuln, cosignVuln(sample(t, "sarif.json"))), statement(typeCosignVuln, cosignVuln(sample(t, "sarif.json", `"9.8"`, `4.0`))),
		},
	}
}

func TestScan_WhatTheGateDeniesIsDeniedInEveryFormat(t *testing.T) {
	for name, pair := range scans(t) {
		t.Run(name, func(t *testing.T) {
			notMet(t, judge(t, newScan(t, gate.Scan{}, nil), subject(), pair[0]), "of severity CRITICAL or HIGH: ")
			met(t, judge(t, newScan(t, gate.Scan{}, nil), subject(), pair[1]))
			notMet(t, judge(t, newScan(t, gate.Scan{Deny: []string{"CRITICAL", "HIGH", "MEDIUM"}}, nil), subject(), pair[1]), "MEDIUM: ")
		})
	}
}

func TestScan_TheMessageNamesTheWorstFirst(t *testing.T) {
	answer := judge(t, newScan(t, gate.Scan{Deny: []string{"CRITICAL", "HIGH", "MEDIUM", "LOW"}}, nil), subject(), trivyScan(t))
	if len(answer.Findings) != 1 {
		t.Fatalf("%+v", answer)
	}
	finding := answer.Findings[0]
	want := "3 vulnerabilities of severity CRITICAL or HIGH or MEDIUM or LOW: CVE-2024-0001 in openssl 3.0.1-1 (fixed in 3.0.2-1), CVE-2024-0002 in zlib1g 1.2.13, CVE-2024-0003 in tar 1.34"
	if finding.Message != want || finding.Rule != "evidence/vulnerability" || finding.Level != plugin.Deny || len(finding.Details) != 4 || finding.Details[3] != "scan by trivy 1.2.3 of 2026-11-19T06:00:00Z" {
		t.Errorf("got %+v, want %q", finding, want)
	}
}

func TestScan_EachPartOfTheDemand(t *testing.T) {
	day := gate.Duration(24 * time.Hour)
	clean := func(replacements ...string) predicate.Statement {
		return grypeScan(t, append([]string{`"Critical"`, `"Low"`}, replacements...)...)
	}
	for _, test := range []struct {
		name     string
		declared gate.Scan
		scan     predicate.Statement
		why      string // empty when it is met
	}{
		{"young enough", gate.Scan{MaxAge: 2 * day}, clean(), ""},
		{"too old", gate.Scan{MaxAge: day}, clean(), "the scan ended on 2026-11-19T06:00:00Z, longer ago than a day"},
		{"database young enough", gate.Scan{MaxDatabaseAge: 3 * day}, clean(), ""},
		{"database too old", gate.Scan{MaxDatabaseAge: 2 * day}, clean(), "the scanner's database was updated on 2026-11-18T00:00:00Z, longer ago than 2 days"},
		{"database of no age", gate.Scan{MaxDatabaseAge: 3 * day}, clean(`"built": "2026-11-18T00:00:00Z", `, ""), "does not say when the scanner's database was updated"},
		{"database's age is not asked", gate.Scan{}, clean(`"built": "2026-11-18T00:00:00Z", `, ""), ""},
		{"database from the future", gate.Scan{}, clean("2026-11-18T00:00:00Z", "2027-01-01T00:00:00Z"), "in the future"},
		{"accepted scanner", gate.Scan{Scanners: []gate.Scanner{{Name: "grype"}}}, clean(), ""},
		{"accepted by its URI", gate.Scan{Scanners: []gate.Scanner{{Name: "pkg:github/example/scanner@*"}}}, clean(), ""},
		{"another scanner", gate.Scan{Scanners: []gate.Scanner{{Name: "trivy"}}}, clean(), "by the scanner grype, which the gate does not accept"},
		{"new enough", gate.Scan{Scanners: []gate.Scanner{{Name: "grype", MinVersion: "1.2.3"}}}, clean(), ""},
		{"too old a scanner", gate.Scan{Scanners: []gate.Scanner{{Name: "grype", MinVersion: "1.3"}}}, clean(), `by grype of the version "1.2.3", older than the gate accepts`},
		{"fixed only, fixed", gate.Scan{FixedOnly: true}, grypeScan(t), "GHSA-aaaa-bbbb-cccc in golang.org/x/net v0.15.0 (fixed in 0.17.0)"},
		{"fixed only, not fixed", gate.Scan{FixedOnly: true}, grypeScan(t, `{"versions": ["0.17.0"], "state": "fixed"}`, `{"versions": [], "state": "not-fixed"}`), ""},
		{"fixed only, not said", gate.Scan{FixedOnly: true}, statement(typeVulns, sample(t, "vulns02.json")), "CVE-2024-0001"},
		{"unknown is denied", gate.Scan{Unknown: "Deny"}, clean("Negligible", "Unknown"), "deny evidence/vulnerability: 1 vulnerability of severity CRITICAL or HIGH or UNKNOWN: CVE-2005-2541"},
		{"unknown is ignored", gate.Scan{Unknown: "Ignore"}, clean("Negligible", "Unknown"), ""},
		{"unknown is warned of", gate.Scan{}, clean("Negligible", ""), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := judge(t, newScan(t, test.declared, nil), subject(), test.scan)
			if test.why == "" {
				met(t, answer)
				return
			}
			notMet(t, answer, test.why)
		})
	}
}

func TestScan_WithoutARatingIsAWarning(t *testing.T) {
	answer := judge(t, newScan(t, gate.Scan{}, nil), subject(), grypeScan(t, `"Critical"`, `"Unknown"`))
	met(t, answer)
	if want := "warn evidence/vulnerability: 1 vulnerability that nobody has rated: GHSA-aaaa-bbbb-cccc"; !strings.Contains(told(answer), want) {
		t.Errorf("told %q, want %q", told(answer), want)
	}
	if ignored := judge(t, newScan(t, gate.Scan{Unknown: "Ignore"}, nil), subject(), grypeScan(t, `"Critical"`, `"Unknown"`)); told(ignored) != "" {
		t.Errorf("ignored, and told %q", told(ignored))
	}
}

// TestScan_WhatIsNoScanIsRefused changes one thing of a clean scan.
func TestScan_WhatIsNoScanIsRefused(t *testing.T) {
	cleanTrivy := func(replacements ...string) predicate.Statement {
		return trivyScan(t, append([]string{`"CRITICAL"`, `"LOW"`, `"HIGH"`, `"LOW"`}, replacements...)...)
	}
	met(t, judge(t, newScan(t, gate.Scan{}, nil), subject(), cleanTrivy()))
	noResults := `{"SchemaVersion": 2, "ArtifactName": "x", "ArtifactType": "container_image", "Results": %s}`
	result := func(text string) predicate.Statement { return statement(typeCosignVuln, cosignVuln([]byte(text))) }
	replaced := func(before, after string) predicate.Statement {
		one := cleanTrivy()
		one.Predicate = []byte(strings.ReplaceAll(string(one.Predicate), before, after))
		return one
	}
	for _, test := range []struct {
		name string
		scan predicate.Statement
		why  string
	}{
		{"dated in the future", replaced(`"scanFinishedOn": "2026-11-19T06:00:00Z"`, `"scanFinishedOn": "2026-11-20T12:05:01Z"`), "the scan ended on 2026-11-20T12:05:01Z, which is in the future"},
		{"ended before it began", replaced(`"scanStartedOn": "2026-11-19T05:59:00Z"`, `"scanStartedOn": "2026-11-19T07:00:00Z"`), "it ended before it began"},
		{"without a time", statement(typeSARIF, sample(t, "sarif.json", `"9.8"`, `"1"`, `, "endTimeUtc": "2026-11-19T06:00:00Z"`, "")), "does not say when the scan ended"},
		{"Go's zero time", statement(typeVulns, sample(t, "vulns02.json", "2026-11-19T05:59:00Z", "0001-01-01T00:00:00Z", "2026-11-19T06:00:00Z", "0001-01-01T00:00:00Z")), "does not say when the scan ended"},
		{"no result", result("null"), "it has no result, which is not a result without vulnerabilities"},
		{"an empty result", result("{}"), "it has no result"},
		{"a result of no scanner", result(`{"vulnerabilities": []}`), "its result is of no format that is read"},
		{"a text", result(`"no vulnerabilities"`), "cannot be read"},
		{"an empty predicate", statement(typeCosignVuln, []byte("{}")), "it has no result"},
		{"Trivy's null results", result(fmt.Sprintf(noResults, "null")), "nothing was scanned for vulnerabilities"},
		{"Trivy's empty results", result(fmt.Sprintf(noResults, "[]")), "nothing was scanned for vulnerabilities"},
		{"Trivy without results", result(`{"SchemaVersion": 2, "ArtifactType": "container_image"}`), "nothing was scanned for vulnerabilities"},
		{"Trivy's scan for secrets alone", result(fmt.Sprintf(noResults, `[{"Target": "x", "Class": "secret"}]`)), "nothing was scanned for vulnerabilities"},
		{"Trivy's scan of a folder", cleanTrivy("container_image", "filesystem"), `its ArtifactType is "filesystem"`},
		{"another schema of Trivy", cleanTrivy(`"SchemaVersion": 2`, `"SchemaVersion": 3`), "its SchemaVersion is 3"},
		{"a scan of another image (Trivy)", cleanTrivy(strings.Repeat("1", 64), strings.Repeat("2", 64)), "it is about another image: it names " + otherImage},
		{"a scan of another image (Grype)", grypeScan(t, strings.Repeat("1", 64), strings.Repeat("2", 64)), "it is about another image"},
		{"a scan of another image (SARIF)", statement(typeSARIF, sample(t, "sarif.json", strings.Repeat("1", 64), strings.Repeat("2", 64))), "it is about another image"},
		{"Grype's null matches", result(`{"matches": null, "descriptor": {"name": "grype"}, "source": {"type": "image"}}`), "it has no result"},
		{"Grype of a folder", grypeScan(t, `"type": "image"`, `"type": "directory"`), `its source is of the type "directory"`},
		{"another tool in Grype's shape", grypeScan(t, `"name": "grype"`, `"name": "other"`), `its descriptor names "other"`},
		{"SARIF without results", statement(typeSARIF, sample(t, "sarif.json", `"results": [`, `"resultz": [`)), "it has no result"},
		{"SARIF that failed", statement(typeSARIF, sample(t, "sarif.json", `"executionSuccessful": true`, `"executionSuccessful": false`)), "its run was not successful"},
		{"SARIF without runs", statement(typeSARIF, []byte(`{"version": "2.1.0", "runs": []}`)), "it has 0 runs"},
		{"SARIF of another version", statement(typeSARIF, sample(t, "sarif.json", `"version": "2.1.0"`, `"version": "2.2"`)), `its SARIF version is "2.2"`},
		{"an unknown severity", cleanTrivy(`"LOW"`, `"SEVERE"`), `CVE-2024-0001: the severity "SEVERE" is not known`},
		{"a score out of range", statement(typeSARIF, sample(t, "sarif.json", `"9.8"`, `"98"`)), "the score 98 is not between 0 and 10"},
		{"a score that is none", statement(typeSARIF, sample(t, "sarif.json", `"9.8"`, `"NaN"`)), "is not between 0 and 10"},
		{"duplicate key", cleanTrivy(`"Severity": "LOW"`, `"Severity": "CRITICAL", "Severity": "LOW"`), "it can be read in two ways"},
		{"fields in another case", cleanTrivy(`"Class"`, `"class"`), "nothing was scanned for vulnerabilities"},
		{"a vulnerability without a name", cleanTrivy(`"VulnerabilityID": "CVE-2024-0003"`, `"VulnerabilityID": ""`), "has no VulnerabilityID"},
		{"deep nesting", cleanTrivy(`"PkgID": "openssl@3.0.1-1"`, `"PkgID": `+strings.Repeat("[", 300)+strings.Repeat("]", 300)), "nested more than 200 levels"},
	} {
		t.Run(test.name, func(t *testing.T) {
			notMet(t, judge(t, newScan(t, gate.Scan{}, nil), subject(), test.scan), test.why)
		})
	}
}

func TestScan_AnEmptyListOfInTotoIsAScanThatFoundNothing(t *testing.T) {
	data := string(sample(t, "vulns02.json"))
	begin, end := strings.Index(data, `"result": [`), strings.Index(data, `"metadata"`)
	empty := data[:begin] + `"result": []},` + data[end:]
	met(t, judge(t, newScan(t, gate.Scan{}, nil), subject(), statement(typeVulns, []byte(empty))))
}

func TestScan_OfEachScannerTheNewestCounts(t *testing.T) {
	clean := []string{`"CRITICAL"`, `"LOW"`, `"HIGH"`, `"LOW"`}
	dated := func(one predicate.Statement, day string) predicate.Statement {
		one.Predicate = []byte(strings.ReplaceAll(string(one.Predicate), "2026-11-19T", "2026-11-"+day+"T"))
		return one
	}
	oldClean, newBad := dated(trivyScan(t, clean...), "10"), trivyScan(t)
	oldBad, newClean := dated(trivyScan(t), "10"), trivyScan(t, clean...)
	demand := newScan(t, gate.Scan{}, nil)
	for _, order := range [][]predicate.Statement{{oldClean, newBad}, {newBad, oldClean}} {
		notMet(t, judge(t, demand, subject(), order...), "CVE-2024-0001")
	}
	for _, order := range [][]predicate.Statement{{oldBad, newClean}, {newClean, oldBad}} {
		met(t, judge(t, demand, subject(), order...))
	}
	for _, order := range [][]predicate.Statement{{newBad, newClean}, {newClean, newBad}} { // of the same moment
		notMet(t, judge(t, demand, subject(), order...), "CVE-2024-0001")
	}
	notMet(t, judge(t, demand, subject(), newClean, grypeScan(t)), "GHSA-aaaa-bbbb-cccc")
	met(t, judge(t, demand, subject(), newClean, grypeScan(t, `"Critical"`, `"Low"`)))
}

// TestScan_AnOlderScanThatIsNotAcceptedDoesNotCount has a clean scan from the
// future, which would be the newest.
func TestScan_ARefusedScanDoesNotHideAnother(t *testing.T) {
	future := trivyScan(t, `"CRITICAL"`, `"LOW"`, `"HIGH"`, `"LOW"`)
	future.Predicate = []byte(strings.ReplaceAll(string(future.Predicate), "2026-11-19T", "2027-11-19T"))
	notMet(t, judge(t, newScan(t, gate.Scan{}, nil), subject(), future, trivyScan(t)), "CVE-2024-0001")
}

func TestScan_ATimeAfterTheSignatureIsRefused(t *testing.T) {
	scan := grypeScan(t, `"Critical"`, `"Low"`)
	scan.Claims.Signed = time.Date(2026, 11, 19, 5, 58, 0, 0, time.UTC) // within the skew
	met(t, judge(t, newScan(t, gate.Scan{}, nil), subject(), scan))
	scan.Claims.Signed = time.Date(2026, 11, 18, 6, 0, 0, 0, time.UTC)
	notMet(t, judge(t, newScan(t, gate.Scan{}, nil), subject(), scan), "it was signed before that")
}

func TestScan_AWitnessMeetsNothing(t *testing.T) {
	scan := grypeScan(t, `"Critical"`, `"Low"`)
	met(t, judge(t, newScan(t, gate.Scan{}, nil), subject(), scan))
	scan.Witness = true
	notMet(t, judge(t, newScan(t, gate.Scan{}, nil), subject(), scan), "")
}

func TestScan_LimitsAreLoud(t *testing.T) {
	limits := plugin.DefaultLimits()
	limits.AttestedItems = 2
	demand, err := predicate.NewScan(gate.Scan{}, nil, limits)
	if err != nil {
		t.Fatal(err)
	}
	notMet(t, judge(t, demand, subject(), trivyScan(t)), "more than 2 vulnerabilities (limit attestedItems)")
}

func TestNewScan_RefusesWhatDeniesNothing(t *testing.T) {
	for _, declared := range []gate.Scan{{Deny: []string{}}, {Deny: []string{"SEVERE"}}, {Scanners: []gate.Scanner{{Name: "trivy", MinVersion: "latest"}}}} {
		if _, err := predicate.NewScan(declared, nil, plugin.DefaultLimits()); err == nil {
			t.Errorf("%+v was accepted", declared)
		}
	}
}
