package render

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// told are the findings that an error becomes, a line each.
func told(err error) string {
	var out []string
	for _, finding := range plugin.FindingsFromError("render", err) {
		out = append(out, finding.Rule+" "+finding.Origin.String()+" "+finding.Message)
	}
	return strings.Join(out, "\n")
}

// TestDirectory_TellsEveryBadFileAtOnce, and every bad document in it; the
// twin, in which they are good, passes.
func TestDirectory_TellsEveryBadFileAtOnce(t *testing.T) {
	root := writeTree(t, map[string]string{
		"a.yaml": goodConfigMap + "---\nkind: [\n---\n# a comment\n\napiVersion: v1\nmetadata: {name: a}\n",
		"b.json": "{", "c.jsonnet": "error 'x'", "d.yaml": goodConfigMap,
		"sub/e.yaml": "apiVersion: v1\nkind: Pod\n",
	})
	source := plugin.Source{Root: root, Path: ".", Parameters: plugin.Parameters{Directory: plugin.DirectoryParameters{Recurse: true}}}
	rendering, err := newRenderer().Render(t.Context(), source)
	want := `render/invalid a.yaml:6 this is not valid YAML: did not find expected node content
render/not-an-object a.yaml:10 an object (/a) has no kind
render/invalid b.json this is not valid JSON: unexpected EOF
render/invalid c.jsonnet:1 evaluating Jsonnet: x
render/not-an-object sub/e.yaml:1 an object (pod/) has no metadata.name`
	if got := told(err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if len(rendering.Objects) > 0 {
		t.Errorf("a refusal comes with %d objects", len(rendering.Objects))
	}
	data, errWritten := json.Marshal(newFailure(err))
	var carried failure
	if errWritten != nil || json.Unmarshal(data, &carried) != nil || told(carried.err()) != want {
		t.Errorf("a worker carries\n%s\nwant\n%s", told(carried.err()), want)
	}
	source.Parameters.Directory = plugin.DirectoryParameters{Include: "d.yaml"}
	mustRender(t, source)
}

func TestDirectory_TellsAtMostAHundredProblems(t *testing.T) {
	for _, test := range []struct{ documents, want int }{{99, 99}, {150, maxProblems}} {
		root := writeTree(t, map[string]string{"a.yaml": strings.Repeat("---\nkind: x\n", test.documents)})
		_, err := newRenderer().Render(t.Context(), plugin.Source{Root: root, Path: "."})
		if got := len(plugin.FindingsFromError("render", err)); got != test.want {
			t.Errorf("%d bad documents give %d findings, want %d", test.documents, got, test.want)
		}
	}
}

// TestRender_BrokenYAMLIsToldByItsLineInTheFile: the libraries count from the
// beginning of what they are given, which is one document.
func TestRender_BrokenYAMLIsToldByItsLineInTheFile(t *testing.T) {
	before := goodConfigMap + "---\n# a comment\n\n"
	for _, test := range []struct {
		name, text string
		line       int
	}{
		{name: "a tab", text: "a: b\nc:\n\t- d\n", line: 10},
		{name: "a colon too many", text: "a: b\nc: d: e\n", line: 9},
		{name: "a list in a mapping", text: "a: b\nc: d\n- e\nf: g\n", line: 10},
		{name: "a bracket that stays open", text: "a: b\nc: [d\n", line: 9},
		{name: "with aliases", text: "a: &x b\nc: *x\nd: e: f\n", line: 10},
		{name: "a key twice", text: "a: b\nkind: c\nkind: d\n", line: 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := writeTree(t, map[string]string{"a.yaml": before + test.text})
			rendering, err := newRenderer().Render(t.Context(), plugin.Source{Root: root, Path: "."})
			findings := append(rendering.Findings, plugin.FindingsFromError("render", err)...)
			if len(findings) == 0 || findings[0].Origin.Line != test.line || strings.Contains(findings[0].Message, "line ") {
				t.Errorf("got %v, want line %d", findings, test.line)
			}
		})
	}
}
