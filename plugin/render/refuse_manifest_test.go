package render

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

const jsonConfigMap = `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}`

// yamlBomb expands to ten thousand million nodes.
func yamlBomb() string {
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nb0: &b0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 10 {
		item := fmt.Sprintf("*b%d", i)
		text += fmt.Sprintf("b%d: &b%d [%s]\n", i+1, i+1, strings.Repeat(item+", ", 9)+item)
	}
	return text
}

func TestRender_BadManifestsAreRefused(t *testing.T) {
	for _, bad := range []badSource{
		{name: "a YAML bomb", files: map[string]string{"a.yaml": yamlBomb()}, rule: ruleLimit, part: "yamlNodes", origin: "a.yaml:1", repair: map[string]string{"a.yaml": goodConfigMap}},
		{
			name: "a million levels of flow", files: map[string]string{"a.yaml": "a: " + strings.Repeat("[", 1_000_000)}, rule: ruleLimit, part: "yamlDepth", origin: "a.yaml:1",
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "a million levels of dashes", files: map[string]string{"a.yaml": strings.Repeat("- ", 1_000_000) + "x"}, rule: ruleLimit, part: "yamlDepth", origin: "a.yaml:1",
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "a million levels of JSON", files: map[string]string{"a.json": strings.Repeat("[", 1_000_000)}, rule: ruleLimit, part: "yamlDepth", origin: "a.json",
			repair: map[string]string{"a.json": `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}`},
		},
		{
			name: "six hundred levels", files: map[string]string{"a.yaml": goodConfigMap + "x: " + strings.Repeat("[", 600) + strings.Repeat("]", 600)}, rule: ruleLimit, part: "yamlDepth", origin: "a.yaml:1",
			repair: map[string]string{"a.yaml": goodConfigMap + "x: " + strings.Repeat("[", 400) + strings.Repeat("]", 400)},
		},
		{
			name: "keys that are one in JSON", files: map[string]string{"a.yaml": "# x\n" + goodConfigMap + "data: {1: a, \"1\": b, true: c, \"true\": d}\n"}, rule: ruleInvalid, part: `all "1"`, origin: "a.yaml:2",
			repair: map[string]string{"a.yaml": goodConfigMap + "data: {1: a, \"2\": b, true: c, \"false\": d}\n"},
		},
		{
			name: "a bracket and an object behind JSON", files: map[string]string{"a.json": jsonConfigMap + "}\n" + jsonConfigMap}, rule: ruleInvalid, part: "more follows", origin: "a.json:1",
			repair: map[string]string{"a.json": jsonConfigMap + "\n\n"},
		},
		{
			name: "an object behind JSON", files: map[string]string{"a.json": "\n" + jsonConfigMap + "\n \n" + jsonConfigMap}, rule: ruleInvalid, part: "more follows", origin: "a.json:4",
			repair: map[string]string{"a.json": "\n" + jsonConfigMap},
		},
		{
			name: "an object behind JSON in YAML", files: map[string]string{"a.yaml": goodConfigMap + "---\n" + jsonConfigMap + "\n" + jsonConfigMap}, rule: ruleInvalid, part: "more follows", origin: "a.yaml:7",
			repair: map[string]string{"a.yaml": goodConfigMap + "---\n" + jsonConfigMap + " # the end\n---\n" + jsonConfigMap},
		},
		{
			name: "a bracket and an object behind JSON in YAML", files: map[string]string{"a.yaml": jsonConfigMap + "}\n" + jsonConfigMap}, rule: ruleInvalid, part: "more follows", origin: "a.yaml:1",
			repair: map[string]string{"a.yaml": jsonConfigMap + "\n---\n" + jsonConfigMap},
		},
		{
			name: "an object without kind", files: map[string]string{"a.yaml": "\napiVersion: v1\nmetadata: {name: a}\n"}, rule: ruleNotAnObject, part: "no kind", origin: "a.yaml:2",
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "an object without a name", files: map[string]string{"a.yaml": "apiVersion: v1\nkind: Pod\n"}, rule: ruleNotAnObject, part: "metadata.name", origin: "a.yaml:1",
			repair: map[string]string{"a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}\n"},
		},
		{
			name: "a list with something else in it", files: map[string]string{"a.yaml": "apiVersion: v1\nkind: List\nitems: [text]\n"}, rule: ruleNotAnObject, part: "item of a list", origin: "a.yaml:1",
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "items of an object are null", files: map[string]string{"a.yaml": "\n" + goodConfigMap + "items: null\n"}, rule: ruleNotAnObject, part: "configmap/a) has a field items", origin: "a.yaml:2",
			repair: map[string]string{"a.yaml": goodConfigMap + "items: null\nspec: {}\n"},
		},
		{
			name: "items of an object are null, beside another", files: map[string]string{"a.yaml": goodConfigMap, "b.json": `{"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "b"}, "items": null}`}, rule: ruleNotAnObject, part: "secret/b) has a field items", origin: "b.json:1",
			repair: map[string]string{"b.json": `{"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "b"}, "items": null, "status": null}`},
		},
		{
			name: "an object in a list has items that are null", files: map[string]string{"a.yaml": `{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, items: }]}`}, rule: ruleNotAnObject, part: "configmap/a) has a field items", origin: "a.yaml:1",
			repair: map[string]string{"a.yaml": `{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}]}`},
		},
		{
			name: "an object has empty items", files: map[string]string{"a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}\nitems: []\n"}, rule: ruleNotAnObject, part: "pod/a) has a field items", origin: "a.yaml:1",
			repair: map[string]string{"a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}\n"},
		},
		{
			name: "a list of nothing alone", files: map[string]string{"a.yaml": "apiVersion: v1\nkind: ConfigMapList\nitems: null\n"}, rule: ruleEmpty, part: "no objects", origin: ".",
			repair: map[string]string{"b.yaml": goodConfigMap},
		},
		{
			name: "items that are null in a kustomization", files: map[string]string{"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": goodConfigMap + "items: null\n"}, rule: ruleNotAnObject, part: "configmap/a) has a field items", origin: "a.yaml:1",
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "items that are null in a chart", files: map[string]string{"Chart.yaml": goodChart, "templates/a.yaml": goodConfigMap + "items: {{ .Values.items | toJson }}\n"}, rule: ruleNotAnObject, part: "configmap/a) has a field items", origin: "templates/a.yaml",
			repair: map[string]string{"templates/a.yaml": goodConfigMap + "data: {items: {{ .Values.items | toJson | quote }}}\n"},
		},
		{
			name: "Jsonnet", files: map[string]string{"a.yaml": goodConfigMap, "b.jsonnet": "error 'x'"}, rule: ruleInvalid, part: "evaluating Jsonnet", origin: "b.jsonnet:1",
			repaired: plugin.Parameters{Directory: plugin.DirectoryParameters{Exclude: "*.jsonnet"}},
		},
		{
			name: "nothing at all", files: map[string]string{"README.md": "x"}, rule: ruleEmpty, part: "no objects", origin: ".",
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "an empty list", files: map[string]string{"a.yaml": "apiVersion: v1\nkind: List\nitems: []\n"}, rule: ruleEmpty, part: "no objects", origin: ".",
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "broken YAML", files: map[string]string{"a.yaml": goodConfigMap + "---\na: [\n"}, rule: ruleInvalid, part: "YAML", origin: "a.yaml:6",
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "symlink out of the tree", files: map[string]string{"a.yaml": goodConfigMap}, links: map[string]string{"b.yaml": "/etc/passwd"}, rule: ruleEscape, part: "symlink", origin: "b.yaml",
			repair: map[string]string{"b.yaml": strings.Replace(goodConfigMap, "name: a", "name: b", 1)},
		},
		{
			name: "an unknown renderer", files: map[string]string{"a.yaml": goodConfigMap}, parameters: plugin.Parameters{Kind: "cue"}, rule: ruleNotSupported, part: `"cue"`, origin: ".",
			repaired: plugin.Parameters{Kind: "directory"},
		},
		{name: "a path that does not exist", path: "app", files: map[string]string{"x": ""}, rule: ruleMissing, part: "app", origin: "app", repair: map[string]string{"app": goodConfigMap}},
	} {
		t.Run(bad.name, bad.run)
	}
}

// TestRender_ConcatenatedJSONIsReadToItsEnd: what is piped in may be one JSON
// object behind another, and nothing of it is left out.
func TestRender_ConcatenatedJSONIsReadToItsEnd(t *testing.T) {
	second := strings.Replace(jsonConfigMap, `"a"`, `"b"`, 1)
	for _, test := range []struct{ name, text, want, rule, part string }{
		{name: "a line each", text: jsonConfigMap + "\n" + second + "\n", want: "configmap/a 1, configmap/b 2"},
		{name: "over several lines", text: "\n" + strings.ReplaceAll(jsonConfigMap, ", ", ",\n") + "\n\n " + second, want: "configmap/a 2, configmap/b 6"},
		{name: "without a space", text: jsonConfigMap + second, want: "configmap/a 1, configmap/b 1"},
		{name: "between documents", text: goodConfigMap + "---\n" + second + "\n" + jsonConfigMap + "\n---\n" + second, want: "configmap/a 1, configmap/b 6, configmap/a 7, configmap/b 9"},
		{name: "a bracket too many", text: jsonConfigMap + "}\n" + second, rule: ruleInvalid, part: "line 1: more follows"},
		{name: "a bracket too few", text: jsonConfigMap + "\n" + strings.TrimSuffix(second, "}"), rule: ruleInvalid, part: "line 2: more follows"},
		{name: "text", text: jsonConfigMap + "\n" + second + "\nand more", rule: ruleInvalid, part: "more follows"},
		{name: "YAML", text: jsonConfigMap + "\n" + goodConfigMap, rule: ruleInvalid, part: "more follows"},
		{name: "a list", text: jsonConfigMap + "\n[" + second + "]", rule: ruleNotAnObject, part: "line 2: a document is a list"},
		{name: "nothing", text: jsonConfigMap + "\nnull", rule: ruleNotAnObject, part: "line 2: a JSON value is null"},
		{name: "a million levels", text: jsonConfigMap + "\n" + strings.Repeat(`{"a":`, 1_000_000), rule: ruleInvalid, part: "line 2: more follows"},
		{name: "a million objects", text: strings.Repeat("{}", 1_000_000), rule: ruleLimit, part: "renderedObjects"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rendering, err := newRenderer().Render(t.Context(), plugin.Source{Rendered: []byte(test.text)})
			if test.rule != "" {
				refused(t, err, test.rule, test.part)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, object := range rendering.Objects {
				got = append(got, fmt.Sprintf("%s %d", object.ID(), object.Origin.Line))
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
