package yamltext_test

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/inplace/yamltext"
)

func path(steps ...any) []any { return steps }

// TestApply_AddsWhereItBelongsAndNothingElse: "+" marks what is added, so that
// each case shows the old text and the new one.
func TestApply_AddsWhereItBelongsAndNothingElse(t *testing.T) {
	object := map[string]any{"a": "x", "b": []any{"ALL"}}
	for name, c := range map[string]struct {
		old, want string
		edits     []yamltext.Edit
	}{
		"a mapping":                            {"spec:\n  a: 1 # one\n  # last\n", "spec:\n  a: 1 # one\n  new:\n    a: x\n    b:\n    - ALL\n  # last\n", []yamltext.Edit{{Path: path("spec", "new"), Value: object}}},
		"the author's indentation":             {"spec:\n    list:\n      - one\n    a: 1\n", "spec:\n    list:\n      - one\n    a: 1\n    new:\n        a: x\n        b:\n            - ALL\n", []yamltext.Edit{{Path: path("spec", "new"), Value: object}}},
		"a list's item":                        {"list:\n- name: x\n  v: 1\n- name: y\n", "list:\n- name: x\n  v: 1\n  new: true\n- name: y\n", []yamltext.Edit{{Path: path("list", 0, "new"), Value: true}}},
		"deeper first":                         {"spec:\n  list:\n  - name: x\nother: 1\n", "spec:\n  list:\n  - name: x\n    in: 1\n  out: 2\nother: 1\n", []yamltext.Edit{{Path: path("spec", "out"), Value: int64(2)}, {Path: path("spec", "list", 0, "in"), Value: int64(1)}}},
		"a list's end before its holder's":     {"spec:\n  list:\n  - 1\n", "spec:\n  list:\n  - 1\n  - 2\n  out: 3\n", []yamltext.Edit{{Path: path("spec", "out"), Value: int64(3)}, {Path: path("spec", "list", yamltext.End{}), Value: int64(2)}}},
		"the end of a list":                    {"spec:\n  list:\n    - name: x\n  a: 1\n", "spec:\n  list:\n    - name: x\n    - name: z\n      v: 1\n  a: 1\n", []yamltext.Edit{{Path: path("spec", "list", yamltext.End{}), Value: map[string]any{"v": int64(1), "name": "z"}}}},
		"brackets":                             {"spec: {a: 1, b: [x]}\n", "spec: {a: 1, b: [x], new: true}\n", []yamltext.Edit{{Path: path("spec", "new"), Value: true}}},
		"empty brackets, twice":                {"spec: {} # none\n", "spec: {x: 1, z: 2} # none\n", []yamltext.Edit{{Path: path("spec", "x"), Value: int64(1)}, {Path: path("spec", "z"), Value: int64(2)}}},
		"a comma at the end":                   {"spec: {a: 1, }\n", "spec: {a: 1, x: 1, }\n", []yamltext.Edit{{Path: path("spec", "x"), Value: int64(1)}}},
		"brackets over lines":                  {"spec: {\n  a: 1, # one\n  b: 'it''s }'\n}\n", "spec: {\n  a: 1, # one\n  b: 'it''s }',\n  x: 1\n}\n", []yamltext.Edit{{Path: path("spec", "x"), Value: int64(1)}}},
		"null":                                 {"spec:\n  a: null # none\n", "spec:\n  a: {x: 1} # none\n", []yamltext.Edit{{Path: path("spec", "a"), Value: map[string]any{"x": int64(1)}}}},
		"nothing":                              {"spec:\n  a: # none\n  b: 1\n", "spec:\n  a: {x: 1} # none\n  b: 1\n", []yamltext.Edit{{Path: path("spec", "a"), Value: map[string]any{"x": int64(1)}}}},
		"CRLF":                                 {"spec:\r\n  a: 1\r\nb: 2\r\n", "spec:\r\n  a: 1\r\n  x: 1\r\nb: 2\r\n", []yamltext.Edit{{Path: path("spec", "x"), Value: int64(1)}}},
		"no line end":                          {"spec:\n  a: 1", "spec:\n  a: 1\n  x: 1", []yamltext.Edit{{Path: path("spec", "x"), Value: int64(1)}}},
		"a byte order mark":                    {"\xef\xbb\xbfspec:\n  a: 1\n", "\xef\xbb\xbfspec:\n  a: 1\n  x: 1\n", []yamltext.Edit{{Path: path("spec", "x"), Value: int64(1)}}},
		"a literal text":                       {"spec:\n  a: |\n    one\n    --- # no\n\n    two\n\n# end\n", "spec:\n  a: |\n    one\n    --- # no\n\n    two\n  x: 1\n\n# end\n", []yamltext.Edit{{Path: path("spec", "x"), Value: int64(1)}}},
		"a literal text that ends with spaces": {"spec:\n  a: |-\n    one\n      \n", "spec:\n  a: |-\n    one\n      \n  x: 1\n", []yamltext.Edit{{Path: path("spec", "x"), Value: int64(1)}}},
		"a literal text that keeps its end":    {"spec:\n  a: |+\n    one\n\nb: 1\n", "spec:\n  a: |+\n    one\n\n  x: 1\nb: 1\n", []yamltext.Edit{{Path: path("spec", "x"), Value: int64(1)}}},
		"a plain text over lines":              {"spec:\n  a: one\n    two\n\n    three\n  # end\n", "spec:\n  a: one\n    two\n\n    three\n  x: 1\n  # end\n", []yamltext.Edit{{Path: path("spec", "x"), Value: int64(1)}}},
		"quotes over lines":                    {"spec:\n  a: \"one\n\n  two: \\\" \"\nb: 1\n", "spec:\n  a: \"one\n\n  two: \\\" \"\n  x: 1\nb: 1\n", []yamltext.Edit{{Path: path("spec", "x"), Value: int64(1)}}},
		"the second document":                  {"a: 1\n---\n# two\nspec:\n  a: ü # é\n  b: {ü: é}\n...\n---\nc: 1\n", "a: 1\n---\n# two\nspec:\n  a: ü # é\n  b: {ü: é, x: 1}\n...\n---\nc: 1\n", []yamltext.Edit{{Document: 1, Path: path("spec", "b", "x"), Value: int64(1)}}},
		"the end of a document":                {"spec:\n  a: 1\n---\nb: 1\n", "spec:\n  a: 1\n  x: 1\n---\nb: 1\n", []yamltext.Edit{{Path: path("spec", "x"), Value: int64(1)}}},
		"JSON":                                 {"{\n\t\"spec\": {\n\t\t\"a\": [1],\n\t\t\"b\": {}\n\t}\n}\n", "{\n\t\"spec\": {\n\t\t\"a\": [1],\n\t\t\"b\": {},\n\t\t\"x\": {\n\t\t\t\"a\": \"x\",\n\t\t\t\"b\": [\n\t\t\t\t\"ALL\"\n\t\t\t]\n\t\t}\n\t}\n}\n", []yamltext.Edit{{Path: path("spec", "x"), Value: object}}},
		"JSON on one line":                     {`{"spec":{"a":"don't, {"}}`, `{"spec":{"a":"don't, {", "x":{"a":"x","b":["ALL"]}}}`, []yamltext.Edit{{Path: path("spec", "x"), Value: object}}},
		"an anchor that nobody uses":           {"spec: &it\n  a: 1\n", "spec: &it\n  a: 1\n  x: 1\n", []yamltext.Edit{{Path: path("spec", "x"), Value: int64(1)}}},
		"a text that must be quoted":           {"a: 1\n", "a: 1\nx: \"true\"\n", []yamltext.Edit{{Path: path("x"), Value: "true"}}},
	} {
		t.Run(name, func(t *testing.T) {
			read, err := yamltext.Parse([]byte(c.old))
			if err != nil {
				t.Fatal(err)
			}
			got, err := read.Apply(c.edits)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("have:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

// TestApply_Refuses what would change another place, or cannot be placed.
func TestApply_Refuses(t *testing.T) {
	for name, c := range map[string]struct{ old, want string }{
		"an alias":                     {"base: &b\n  a: 1\nspec: *b\n", "is an alias"},
		"an anchor that is used":       {"spec: &b\n  a: 1\nother: *b\n", "has an anchor"},
		"a merge key":                  {"base: &b {a: 1}\nspec:\n  <<: *b\n", "takes members from elsewhere"},
		"a key that stands twice":      {"spec:\n  a: 1\n  a: 2\n", "for the second time"},
		"a key that stands twice, far": {"spec:\n  a: 1\nother: {b: 1, b: 2}\n", "already defined"},
		"a value that is there":        {"spec:\n  x: 2\n", "another value"},
		"no such parent":               {"other: 1\n", "has no spec"},
		"a parent that is a list":      {"spec: [1]\n", "not a mapping"},
		"a key behind a question mark": {"spec:\n  ? a\n  : 1\n", "behind \"?\""},
	} {
		t.Run(name, func(t *testing.T) {
			read, err := yamltext.Parse([]byte(c.old))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := read.Apply([]yamltext.Edit{{Path: path("spec", "x"), Value: int64(1)}}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q, error %v; want one with %q", got, err, c.want)
			}
		})
	}
}

func TestParse_Refuses(t *testing.T) {
	for name, text := range map[string]string{
		"broken YAML": "a: [1\n", "tabs": "a:\n\tb: 1\n", "no UTF-8": "a: \xff\n", "a lone carriage return": "a: 1\rb: 2\n", "another line break": "a: \"x\u2028y\"\n",
	} {
		if _, err := yamltext.Parse([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestHideSecrets_ShowsNoLineOfOne(t *testing.T) {
	text := "kind: ConfigMap\nmetadata: {name: a}\ndata: {a: shown}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b}\nstringData:\n  a: |\n    hunter2\n    hunter3\n---\nkind: List\nitems:\n- kind: Secret\n  data: {a: hunter4}\n- kind: Pod\n  metadata: {name: shown}\n"
	got := string(yamltext.HideSecrets([]byte(text)))
	if strings.Contains(got, "hunter") || strings.Count(got, "shown") != 2 {
		t.Errorf("%s", got)
	}
	if got := string(yamltext.HideSecrets([]byte("a: [hunter2"))); strings.Contains(got, "hunter") {
		t.Errorf("%s", got)
	}
}
