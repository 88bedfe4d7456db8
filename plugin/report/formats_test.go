package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

// somePages is a catalogue of two rules.
func somePages(id string) (report.Rule, bool) {
	page, known := map[string]report.Rule{
		"image/not-signed": {Title: "Somebody vouches for the image", Severity: "critical", Why: "anybody could have built it", Fix: "sign it", Page: "https://docs.example.com/image-not-signed.md"},
		"pss/restricted":   {Title: "Pods are restricted", Severity: "high", Pack: "pack/workload@1", Why: "a pod is not root", Fix: "set the fields", Page: "https://docs.example.com/pss-restricted.md"},
	}[id]
	return page, known
}

// tricky is a text that tries to be more than a text, in every format.
const tricky = "a|b `c` <img src=x onerror=y> @team-a #1 [x](https://evil.example.com) www.evil.example.com \x1b[31mred\n# head ]]> & \u202e"

func trickyVerdict(t *testing.T) *plugin.Verdict {
	t.Helper()
	finding := privileged()
	finding.Message, finding.Field, finding.Hint, finding.Why = tricky, tricky, tricky, tricky
	finding.Object.Name, finding.Origin.File, finding.Details = tricky, "a b/"+tricky, []string{tricky}
	ofImage := unsigned()
	ofImage.Image = tricky
	waived := finding
	waived.Level, waived.Waiver = plugin.Warn, &plugin.Waived{Kind: "waiver", Owner: tricky, Reason: tricky, Until: judged}
	v := complete(t, []string{"starter"}, nil, finding, ofImage, waived, silent())
	v.Application.Name, v.Path, v.Banner, v.Revision = tricky, tricky, tricky, tricky
	return v
}

// cases are the verdicts of the golden files, and those that are rare.
func cases(t *testing.T) map[string]*plugin.Verdict {
	t.Helper()
	all := verdicts(t)
	all["zero"] = &plugin.Verdict{}
	all["tricky"] = trickyVerdict(t)
	unsure := privileged()
	unsure.Indeterminate, unsure.Level = true, plugin.Warn
	all["indeterminate"] = complete(t, []string{"starter"}, nil, unsure)
	return all
}

func compileSchema(t *testing.T, name string, document any) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("mem:"+name, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("mem:" + name)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func schemaText(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "schemas", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSARIF_EveryReportIsValidUnderTheOfficialSchema(t *testing.T) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaText(t, "sarif-schema-2.1.0.json")))
	if err != nil {
		t.Fatal(err)
	}
	delete(document.(map[string]any), "id") // it is compiled from the file
	schema := compileSchema(t, "sarif.json", document)
	for name, v := range cases(t) {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(write(t, "sarif", report.Options{Rule: somePages}, v)))
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

// closed forbids fields that the schema does not name, as the API server drops
// them without a word.
func closed(schema any) any {
	fields, is := schema.(map[string]any)
	if !is {
		return schema
	}
	if properties, has := fields["properties"].(map[string]any); has && len(properties) > 0 {
		fields["additionalProperties"] = false
		for name := range properties {
			properties[name] = closed(properties[name])
		}
	}
	fields["items"] = closed(fields["items"])
	if fields["items"] == nil {
		delete(fields, "items")
	}
	return fields
}

func TestPolicyReports_EveryReportIsWhatItsDefinitionTakes(t *testing.T) {
	schemas := map[string]*jsonschema.Schema{}
	for kind, file := range map[string]string{
		"PolicyReport": "wgpolicyk8s.io_policyreports.yaml", "ClusterPolicyReport": "wgpolicyk8s.io_clusterpolicyreports.yaml",
		"Report": "openreports.io_reports.yaml", "ClusterReport": "openreports.io_clusterreports.yaml",
	} {
		schemas[kind] = definitionSchema(t, kind, file)
	}
	seen := map[string]bool{}
	for name, v := range cases(t) {
		for _, namespace := range []string{"shop", "", "Not A Namespace"} {
			v.Application.Namespace = namespace
			for _, format := range []string{"policyreport", "openreports"} {
				value := decodeYAML(t, write(t, format, report.Options{Rule: somePages}, v))
				kind, _ := value["kind"].(string)
				seen[kind] = true
				if err := schemas[kind].Validate(value); err != nil {
					t.Errorf("%s, %s: %v", name, kind, err)
				}
				if namespaced := !strings.HasPrefix(kind, "Cluster"); namespaced != (namespace == "shop") {
					t.Errorf("%s: a %s in namespace %q", name, kind, namespace)
				}
			}
		}
	}
	if len(seen) != 4 {
		t.Errorf("kinds %v", seen)
	}
}

// definitionSchema is the schema of the version that is served.
func definitionSchema(t *testing.T, kind, file string) *jsonschema.Schema {
	t.Helper()
	want := map[bool]string{true: "v1alpha1", false: "v1alpha2"}[strings.HasPrefix(file, "openreports")]
	versions := decodeYAML(t, schemaText(t, file))["spec"].(map[string]any)["versions"].([]any)
	for _, version := range versions {
		version := version.(map[string]any)
		if version["name"] != want {
			continue
		}
		schema := version["schema"].(map[string]any)["openAPIV3Schema"].(map[string]any)
		metadata := map[string]any{"type": "object", "required": []any{"name"}}
		schema["properties"].(map[string]any)["metadata"] = metadata
		return compileSchema(t, kind, closed(schema))
	}
	t.Fatalf("%s has no version %s", file, want)
	return nil
}

// decodeYAML reads YAML as JSON's types.
func decodeYAML(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var read any
	if err := yaml.Unmarshal(data, &read); err != nil {
		t.Fatalf("%v in:\n%s", err, data)
	}
	text, err := json.Marshal(read)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return value.(map[string]any)
}

func TestPolicyReports_ResultsSayWhatTheVerdictSays(t *testing.T) {
	for name, want := range map[string]string{
		"allowed":       "pass 1, skip 1",
		"denied":        "error 1, fail 4",
		"undetermined":  "error 2",
		"audit":         "pass 1, warn 1",
		"breakglass":    "pass 1, skip 1",
		"indeterminate": "error 1, pass 1",
		"zero":          "fail 1",
	} {
		for _, format := range []string{"policyreport", "openreports"} {
			value := decodeYAML(t, write(t, format, report.Options{}, cases(t)[name]))
			counts := map[string]int{}
			for _, result := range value["results"].([]any) {
				counts[result.(map[string]any)["result"].(string)]++
			}
			var got []string
			for _, result := range slices.Sorted(maps.Keys(counts)) {
				got = append(got, fmt.Sprintf("%s %d", result, counts[result]))
				if summed := value["summary"].(map[string]any)[result]; fmt.Sprint(summed) != fmt.Sprint(counts[result]) {
					t.Errorf("%s: the summary has %v %s, there are %d", name, summed, result, counts[result])
				}
			}
			if strings.Join(got, ", ") != want {
				t.Errorf("%s, %s: %v, want %s", name, format, got, want)
			}
		}
	}
}

// suites is what CI reads of a JUnit report.
type suites struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
	Suites   []struct {
		Name  string `xml:"name,attr"`
		Tests int    `xml:"tests,attr"`
		Cases []struct {
			Name    string    `xml:"name,attr"`
			Failure *struct{} `xml:"failure"`
			Error   *struct{} `xml:"error"`
			Skipped *struct{} `xml:"skipped"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func TestJUnit_CasesSayWhatTheVerdictSays(t *testing.T) {
	for name, want := range map[string]suites{
		"allowed":       {Tests: 2, Skipped: 1},
		"denied":        {Tests: 5, Failures: 4, Errors: 1},
		"undetermined":  {Tests: 2, Errors: 2},
		"audit":         {Tests: 2},
		"breakglass":    {Tests: 2, Skipped: 1},
		"indeterminate": {Tests: 2, Errors: 1},
		"zero":          {Tests: 1, Failures: 1},
		"tricky":        {Tests: 4, Failures: 3, Errors: 1},
	} {
		var got suites
		if err := xml.Unmarshal(write(t, "junit", report.Options{Rule: somePages}, cases(t)[name]), &got); err != nil {
			t.Fatal(err)
		}
		tests, failures := 0, 0
		for _, suite := range got.Suites {
			tests += suite.Tests
			for _, one := range suite.Cases {
				if one.Failure != nil {
					failures++
				}
			}
			if suite.Tests != len(suite.Cases) || suite.Tests == 0 {
				t.Errorf("%s: suite %s says %d tests and has %d", name, suite.Name, suite.Tests, len(suite.Cases))
			}
		}
		if tests != got.Tests || failures != got.Failures {
			t.Errorf("%s: counts %+v", name, got)
		}
		got.Suites = nil
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}
