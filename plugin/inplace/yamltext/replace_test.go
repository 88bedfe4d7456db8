package yamltext_test

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin/inplace/yamltext"
)

// node is a value as YAML has it.
func node(t *testing.T, text string) *yaml.Node {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	return document.Content[0]
}

func replace(t *testing.T, text string, replacements ...yamltext.Replacement) (string, error) {
	t.Helper()
	read, err := yamltext.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out, err := read.Replace(replacements)
	return string(out), err
}

func TestReplace_ChangesOneMemberAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, old, value, want string }{
		"a block":                   {"a:\n  b: # c\n    d: 1\n  e: 2 # f\n", "b", "{x: z}", "a:\n  made: {x: z}\n    # c\n  e: 2 # f\n"},
		"the last one":              {"a:\n  e: 2\n  b:\n    d: 1\n\n# end\nz: 1\n", "b", "x: z", "a:\n  e: 2\n  made:\n    x: z\n\n# end\nz: 1\n"},
		"no end of the last line":   {"a:\n  b: 1", "b", "x: z", "a:\n  made:\n    x: z"},
		"line ends of Windows":      {"a:\r\n  b:\r\n    d: 1\r\n  e: 2\r\n", "b", "x: z", "a:\r\n  made:\r\n    x: z\r\n  e: 2\r\n"},
		"brackets":                  {"a: {b: {d: 1}, e: 2} # f\n", "b", "x: z", "a: {made: {x: z}, e: 2} # f\n"},
		"JSON":                      {"{\"a\": {\"b\": 1, \"e\": 2}}\n", "b", "x: z", "{\"a\": {\"made\":{\"x\":\"z\"}, \"e\": 2}}\n"},
		"none, so that it is added": {"a:\n  e: 2 # f\nz: 1\n", "", "x: z", "a:\n  e: 2 # f\n  made:\n    x: z\nz: 1\n"},
		"a null":                    {"a:\n  b:\n  e: 2\n", "b", "x: z", "a:\n  made:\n    x: z\n  e: 2\n"},
		"a long text":               {"a:\n  b: |\n    one\n\n    two\n  e: 2\n", "b", "x: z", "a:\n  made:\n    x: z\n  e: 2\n"},
	} {
		got, err := replace(t, c.text, yamltext.Replacement{Path: []any{"a"}, Old: c.old, New: "made", Value: node(t, c.value)})
		if err != nil || got != c.want {
			t.Errorf("%s: %v\n%q\n%q", name, err, got, c.want)
		}
	}
}

func TestReplace_SeveralInSeveralDocuments(t *testing.T) {
	t.Parallel()
	text := "# one\na: {b: 1}\n---\n# two\na:\n- b: 1\n- b: 2 # second\n"
	got, err := replace(
		t, text,
		yamltext.Replacement{Document: 1, Path: []any{"a", 1}, Old: "b", New: "made", Value: node(t, "3")},
		yamltext.Replacement{Document: 0, Path: []any{"a"}, Old: "b", New: "made", Value: node(t, "4")},
	)
	if want := "# one\na: {made: 4}\n---\n# two\na:\n- b: 1\n- made: 3\n    # second\n"; err != nil || got != want {
		t.Errorf("%v\n%q\n%q", err, got, want)
	}
}

func TestReplace_RefusesWhatItCannotDoWholly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, said string }{
		"there is no such member":       {"a: {e: 1}\n", "has no b"},
		"there is one of the new name":  {"a: {b: 1, made: 2}\n", "has made already"},
		"it is used elsewhere":          {"a:\n  b: &x {c: 1}\nz: *x\n", "line"},
		"it is an alias":                {"z: &x {c: 1}\na:\n  b: *x\n", "alias"},
		"a comment stands in brackets":  {"a: {\n  b: [1, # why\n  2]}\n", "comment within brackets"},
		"there is no such mapping":      {"z: 1\n", "has no a"},
		"it is no mapping":              {"a: [1]\n", "not a mapping"},
		"a merge brings other members":  {"z: &x {c: 1}\na:\n  <<: *x\n  b: 1\n", "<<"},
		"it stands there twice, far on": {"a:\n  e: {x: 1, x: 2}\n  b: 1\n", "already defined"},
	} {
		got, err := replace(t, c.text, yamltext.Replacement{Path: []any{"a"}, Old: "b", New: "made", Value: node(t, "1")})
		if err == nil || !strings.Contains(err.Error(), c.said) {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
	twice := yamltext.Replacement{Path: []any{"a"}, Old: "b", New: "made", Value: node(t, "1")}
	if _, err := replace(t, "a:\n  b: 1\n", twice, twice); err == nil {
		t.Error("the same place twice is no error")
	}
}
