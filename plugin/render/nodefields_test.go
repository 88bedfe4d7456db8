package render

import (
	"fmt"
	"testing"

	yaml3 "go.yaml.in/yaml/v3"
)

// nodeTexts are seeds: plain ones, and each thing that is left to the library.
func nodeTexts() []string {
	return []string{
		"a: b", "a: {}\nb: []\nc:\nd: ~", "a: 1\nb: 1.5\nc: true\nd: yes\ne: 0x10\nf: 0o17\ng: 1e3\nh: .inf",
		"a: \"1\"\nb: 'true'\nc: |\n  text\nd: >-\n  folded\n  text", "a: [1, {b: c}, [d]]", "a: 2001-12-14", "a: .nan",
		"a: &x {b: c}\nd: *x", "a: &x {b: c}\nd:\n  <<: *x", "\"<<\": a", "<<: {a: b}", "1: a", "true: a", "a: b\na: c",
		"a: !mine {b: c}", "a: !mine b", "a: !!binary aGk=", "a: !!str 1", "a: !!int \"1\"", "? [a]\n: b", "a: !!set {b: }", "- a", "a", "",
	}
}

// sameAsDecode compares with what the YAML library's own decoding says.
func sameAsDecode(t *testing.T, text string) {
	t.Helper()
	var document yaml3.Node
	if yaml3.Unmarshal([]byte(text), &document) != nil || len(document.Content) != 1 {
		return
	}
	var want map[string]any
	wantErr := document.Content[0].Decode(&want)
	got, err := nodeFields(document.Content[0])
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("%q: %v, the library says %v", text, err, wantErr)
	}
	if err == nil && fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) { // as text, in which NaN is itself
		t.Errorf("%q: %#v, the library says %#v", text, got, want)
	}
}

// TestNodeFields_AreWhatTheLibraryDecodes: with each construct by itself.
func TestNodeFields_AreWhatTheLibraryDecodes(t *testing.T) {
	for _, text := range nodeTexts() {
		sameAsDecode(t, text)
	}
}

// TestNodeFields_TagThatKustomizeSetCounts: a transformer may say that what
// looks like a number is a string.
func TestNodeFields_TagThatKustomizeSetCounts(t *testing.T) {
	key := &yaml3.Node{Kind: yaml3.ScalarNode, Tag: "!!str", Value: "replicas"}
	value := &yaml3.Node{Kind: yaml3.ScalarNode, Tag: "!!str", Value: "3"}
	node := &yaml3.Node{Kind: yaml3.MappingNode, Tag: "!!map", Content: []*yaml3.Node{key, value}}
	if fields, err := nodeFields(node); err != nil || fields["replicas"] != "3" {
		t.Errorf("%#v, %v", fields, err)
	}
	value.Tag = ""
	if fields, err := nodeFields(node); err != nil || fields["replicas"] != 3 {
		t.Errorf("%#v, %v", fields, err)
	}
}

func FuzzNodeFields(f *testing.F) {
	for _, text := range nodeTexts() {
		f.Add(text)
	}
	f.Fuzz(sameAsDecode)
}
