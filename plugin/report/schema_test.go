package report_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/report/jsonschema"
)

const schemaFile = "../../docs/schema/report.json"

// enums are the closed sets of values, made from the types that write them.
func enums() map[reflect.Type][]string {
	var effects []string
	for _, effect := range report.Effects() {
		effects = append(effects, string(effect))
	}
	return map[reflect.Type][]string{
		reflect.TypeFor[report.Effect]():       effects,
		reflect.TypeFor[plugin.Level]():        {plugin.Deny.String(), plugin.Undetermined.String(), plugin.Warn.String(), plugin.Info.String()},
		reflect.TypeFor[plugin.Outcome]():      {plugin.Denied.String(), plugin.Unanswered.String(), plugin.Allowed.String()},
		reflect.TypeFor[plugin.DigestSource](): {string(plugin.DigestWritten), string(plugin.DigestResolved), string(plugin.DigestLocked), string(plugin.DigestStale)},
		reflect.TypeFor[plugin.EvidenceKind](): {string(plugin.EvidenceSignature), string(plugin.EvidenceAttestation), string(plugin.EvidenceStatic)},
	}
}

func reportSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	// The report's own types come last: plugin has an Image and a Use too.
	docs, err := jsonschema.FieldDocs("../*.go", "rolls.go", "json.go")
	if err != nil {
		t.Fatal(err)
	}
	out := jsonschema.Maker{Enums: enums(), Docs: docs}.Document(reflect.TypeFor[report.Document](), report.Schema)
	out.Title = "assay report"
	out.Description = "What assay says about one application. It holds no manifest and no secret."
	return out
}

func TestSchema_GeneratedFileIsInStepWithTheTypes(t *testing.T) {
	data, err := json.MarshalIndent(reportSchema(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, schemaFile, append(data, '\n'))
}

func TestSchema_EveryReportConforms(t *testing.T) {
	cases := verdicts(t)
	cases["zero"] = &plugin.Verdict{}
	for name, v := range cases {
		var value any
		if err := json.Unmarshal(write(t, "json", report.Options{}, v), &value); err != nil {
			t.Fatal(err)
		}
		for _, wrong := range reportSchema(t).Check(value, name) {
			t.Error(wrong)
		}
	}
}

func TestSchema_CheckNoticesWhatDoesNotConform(t *testing.T) {
	for _, text := range []string{`{}`, `{"outcome":"maybe"}`, `{"extra":1}`, `{"findings":{}}`, `{"findings":[null]}`, `{"allowed":"yes"}`} {
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		s := reportSchema(t)
		if text != "{}" {
			s.Required = nil // one fault at a time
		}
		if len(s.Check(value, "report")) == 0 {
			t.Errorf("%s conforms", text)
		}
	}
}
