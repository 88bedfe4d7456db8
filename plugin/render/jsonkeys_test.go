package render

import (
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// TestRender_KeyTwiceInJSONIsAFinding in a file, in YAML's place and piped in;
// the same key in two objects, in a list, and as a value is none.
func TestRender_KeyTwiceInJSONIsAFinding(t *testing.T) {
	const good = `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"name": "name"}},` + "\n" + `"data": {"k": "v", "kind": "k"}, "list": [{"k": 1}, {"k": 2}, "k", ["k"]]}`
	const bad = `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},` + "\n" + `"data": {"k": {"x": []},` + "\n" + `"k": "w"}}`
	for text, want := range map[string]string{good: "", bad: "warn render/duplicate-key"} {
		for name, line := range map[string]string{"a.json": " a.json:3", "a.yaml": " a.yaml:3"} {
			wanted := want
			if want != "" {
				wanted += line
			}
			if got := rules(mustRender(t, plugin.Source{Root: writeTree(t, map[string]string{name: text}), Path: "."}).Findings); got != wanted {
				t.Errorf("%s: got %q, want %q", name, got, wanted)
			}
		}
		second := `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"}}`
		if got := mustRender(t, plugin.Source{Rendered: []byte(text + "\n" + second)}).Findings; (len(got) == 1) != (want != "") {
			t.Errorf("piped in: %v", got)
		}
	}
}
