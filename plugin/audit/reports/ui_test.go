package reports_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/reports"
)

// What the tests of the Argo CD UI show (ui/testdata) is what the store answers:
// every field is one of the answer, and none that is always there is missing.
func TestUI_ShowsWhatTheStoreAnswers(t *testing.T) {
	files, err := filepath.Glob("../../../ui/testdata/*.json")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		check(t, err)
		var answer reports.Last
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&answer); err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		var given struct{ Records []map[string]json.RawMessage }
		check(t, json.Unmarshal(data, &given))
		for i, record := range answer.Records {
			if record.Schema != audit.Schema {
				t.Errorf("%s: the schema is %s", file, record.Schema)
			}
			text, err := json.Marshal(record)
			check(t, err)
			var whole map[string]json.RawMessage
			check(t, json.Unmarshal(text, &whole))
			for name := range whole {
				if given.Records[i][name] == nil {
					t.Errorf("%s has no %s", file, name)
				}
			}
		}
	}
}
