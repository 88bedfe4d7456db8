package change_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
)

// FuzzSecrets: whatever the value of a Secret is, no report shows it, wherever
// else it stands.
func FuzzSecrets(f *testing.F) {
	for _, seed := range []string{
		"correct-horse", "a\nb\nlonger", `<&"'\\> and more`, "pässword-x", "https://user:pass@example.com/x", "tabs\t\tand spaces", "{\"a\":\"bcdef\"}", "12345678", "\u202eabcdefgh\x1b[0m",
	} {
		f.Add(seed, "before "+seed+" after", seed+seed)
		f.Add(seed, "line\n"+seed+"\nline", "line\nanother\nline")
	}
	f.Fuzz(func(t *testing.T, value, first, second string) {
		const own = 8 // a shorter text stands in the report's own words by chance
		if len(value) < own || !utf8.ValidString(value+first+second) || strings.Contains(told(t, "", "x", "y"), inJSON(t, value)) {
			t.Skip("no secret of its own")
		}
		for _, pair := range [][2]string{{first, second}, {second, value}, {value, first + value}} {
			if text := told(t, value, pair[0], pair[1]); strings.Contains(text, inJSON(t, value)) {
				t.Errorf("%q is shown: %s", value, text)
			}
		}
	})
}

// told is the report on a ConfigMap whose text changes, beside a Secret.
func told(t *testing.T, secret, was, now string) string {
	t.Helper()
	side := func(text string) *change.Judged {
		return world{objects: []plugin.Object{
			{Fields: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s"}, "stringData": map[string]any{"v": secret}}},
			{Fields: map[string]any{
				"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "c", "annotations": map[string]any{"note": text}},
				"data": map[string]any{"v": text, "list": []any{text}},
			}},
		}}.judged(t)
	}
	in := input()
	in.Base, in.Head = side(was), side(now)
	return shown(t, change.Compare(in))
}

// inJSON is the text as it stands within a JSON document.
func inJSON(t *testing.T, text string) string {
	t.Helper()
	data, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(string(data), `"`)
}
