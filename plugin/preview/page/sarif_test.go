package page_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/assay-gitops/assay/plugin/preview/change"
)

// sarifSchema is the official one, as the tests of plugin/report have it.
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "report", "testdata", "schemas", "sarif-schema-2.1.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	delete(document.(map[string]any), "id") // it is compiled from the file
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("mem:sarif.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("mem:sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestSARIF_EveryLogIsValidUnderTheOfficialSchema(t *testing.T) {
	schema := sarifSchema(t)
	for name, r := range map[string]change.Report{"empty": empty(), "rich": rich(), "hostile": hostile()} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(write(t, "sarif", r, options())))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		value.(map[string]any)["runs"].([]any)[0].(map[string]any)["columnKind"] = "bytes"
		if schema.Validate(value) == nil {
			t.Error("the schema accepts everything")
		}
	}
}

type sarifResult struct {
	RuleID       string `json:"ruleId"`
	Level        string `json:"level"`
	Baseline     string `json:"baselineState"`
	Suppressions []any  `json:"suppressions"`
	Locations    []struct {
		Physical struct {
			Artifact struct {
				URI, URIBaseID string
			} `json:"artifactLocation"`
			Region struct{ StartLine int }
		} `json:"physicalLocation"`
	}
	Fingerprints map[string]string `json:"partialFingerprints"`
}

func sarifResults(t *testing.T, r change.Report) []sarifResult {
	t.Helper()
	var log struct {
		Runs []struct{ Results []sarifResult }
	}
	if err := json.Unmarshal([]byte(write(t, "sarif", r, options())), &log); err != nil {
		t.Fatal(err)
	}
	return log.Runs[0].Results
}

func TestSARIF_EachResultSaysOnWhichSideItStandsAndWhere(t *testing.T) {
	var lines []string
	for _, result := range sarifResults(t, rich()) {
		at := result.Locations[0].Physical
		if at.Artifact.URIBaseID != "%SRCROOT%" {
			t.Errorf("%+v", at)
		}
		lines = append(lines, strings.Join([]string{result.Baseline, result.Level, result.RuleID, at.Artifact.URI}, " "))
	}
	want := []string{
		"new error pss/restricted checkout/base/web.yaml", "new error image/not-signed apps/checkout.yaml", "new warning workload/no-probe apps/checkout.yaml", "new error image/undetermined clusters/prod/search.yaml",
		"unchanged warning workload/no-limits apps/checkout.yaml", "unchanged warning workload/no-limits clusters/prod/search.yaml",
		"absent warning workload/latest-tag apps/checkout.yaml", "absent error image/not-signed clusters/prod/cache.yaml",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s\nand not\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

func TestSARIF_AWaivedFindingIsSuppressedAndTheOthersAreNot(t *testing.T) {
	suppressed, not := 0, 0
	for _, result := range sarifResults(t, hostile()) {
		if len(result.Suppressions) > 0 {
			suppressed++
		} else {
			not++
		}
	}
	if suppressed != 2 || not != 2 {
		t.Errorf("%d suppressed and %d not", suppressed, not)
	}
}

func TestSARIF_TheSameObjectInTwoApplicationsIsTwoResults(t *testing.T) {
	seen := map[string]bool{}
	for _, result := range sarifResults(t, many(3, 1, 1, 2)) {
		print := result.Fingerprints["assay/diff/v1"]
		if print == "" || seen[print] {
			t.Errorf("the fingerprint %q occurs twice", print)
		}
		seen[print] = true
	}
	if len(seen) != 6 {
		t.Errorf("%d results", len(seen))
	}
}

func TestSARIF_HoldsWhatServicesTakeAndSaysHowManyItLeavesOut(t *testing.T) {
	r := many(3, 1, 1, 2000)
	if got := len(sarifResults(t, r)); got != 5000 {
		t.Errorf("%d results", got)
	}
	if text := write(t, "sarif", r, options()); !strings.Contains(text, "1000 findings more, not in this log") {
		t.Error("what is left out is not told")
	}
}
