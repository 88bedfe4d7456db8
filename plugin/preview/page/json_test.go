package page_test

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/assay-gitops/assay/plugin/preview/change"
)

func TestJSON_EveryReportConformsToItsSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("..", "..", "..", "docs", "schema", "diff.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]change.Report{"empty": empty(), "rich": rich(), "hostile": hostile(), "nothing": {}} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(write(t, "json", r, options())))
		if err != nil {
			t.Fatal(err)
		}
		if name == "nothing" { // its fields have no values; it has them all the same
			if fields := value.(map[string]any); fields["applications"] == nil || fields["gates"] == nil {
				t.Errorf("%v", fields)
			}
			continue
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		value.(map[string]any)["summary"] = "none"
		if schema.Validate(value) == nil {
			t.Error("the schema accepts everything")
		}
	}
}

func TestJSON_IsTheReportAsItIs(t *testing.T) {
	var back change.Report
	if err := json.Unmarshal([]byte(write(t, "json", rich(), options())), &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, rich()) {
		t.Error("what is read back is another report")
	}
}
