package gate

import (
	"strings"
	"testing"
)

func TestLoad_TabInAnIndentationIsToldWithItsLine(t *testing.T) {
	const head = "apiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata:\n  name: a\nspec:\n"
	const tab = "the line is indented with a tab"
	for text, want := range map[string]string{
		"\tbase: true\n":                                       "x.yaml:6: reading YAML: " + tab,
		"  base: true\n\tprofile: none\n":                      "x.yaml:7: reading YAML: " + tab,
		"  base: true\n\n\tprofile: none\n":                    "x.yaml:8: reading YAML: " + tab,
		"  base: true\n  selector:\n  \tprojects: [a]\n":       "x.yaml:8: reading YAML: " + tab,
		"  base: true\n  profile: @none\n  # text\n\t# text\n": "x.yaml:7: reading YAML: found character that cannot start any token",
		"  base: true\n  profile: none\n":                      "",
	} {
		if _, err := Parse("x.yaml", []byte(head+text)); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
