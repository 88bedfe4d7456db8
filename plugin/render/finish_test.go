package render

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func rules(findings []plugin.Finding) string {
	var out []string
	for _, finding := range findings {
		out = append(out, finding.Level.String()+" "+finding.Rule+" "+finding.Origin.String())
	}
	return strings.Join(out, "; ")
}

func TestRender_WhatIsNoticedIsAFinding(t *testing.T) {
	second := strings.Replace(goodConfigMap, "name: a", "name: b", 1)
	for _, test := range []struct {
		name, text, namespace, want string
	}{
		{name: "two objects", text: goodConfigMap + "---\n" + second},
		{name: "one object twice", text: goodConfigMap + "---\n" + goodConfigMap, want: "deny render/duplicate a.yaml:6"},
		{name: "twice, once with the destination's namespace", text: goodConfigMap + "---\n" + goodConfigMap + "  namespace: team-a\n", namespace: "team-a", want: "deny render/duplicate a.yaml:6"},
		{name: "the same name in two namespaces", text: goodConfigMap + "---\n" + goodConfigMap + "  namespace: team-a\n", namespace: "team-b"},
		{name: "two groups", text: "apiVersion: a.example.com/v1\nkind: X\nmetadata: {name: a}\n---\napiVersion: b.example.com/v1\nkind: X\nmetadata: {name: a}\n"},
		{name: "two versions of one group", text: "apiVersion: a.example.com/v1\nkind: X\nmetadata: {name: a}\n---\napiVersion: a.example.com/v2\nkind: X\nmetadata: {name: a}\n", want: "deny render/duplicate a.yaml:5"},
		{name: "generated names", text: "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a}\n---\napiVersion: v1\nkind: Pod\nmetadata: {generateName: a}\n"},
		{name: "a key twice", text: goodConfigMap + "data: {k: v}\ndata: {k: w}\n", want: "warn render/duplicate-key a.yaml:6"},
		{name: "something else", text: goodConfigMap + "---\nreplicas: 3\n", want: "warn render/not-an-object a.yaml:6"},
		{name: "only comments", text: goodConfigMap + "---\n# nothing\n---\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			source := plugin.Source{Root: writeTree(t, map[string]string{"a.yaml": test.text}), Path: ".", Application: plugin.Application{Namespace: test.namespace}}
			if got := rules(mustRender(t, source).Findings); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestRender_WhateverHasItemsIsTakenApart(t *testing.T) {
	const pod = "  - apiVersion: v1\n    kind: Pod\n    metadata: {name: hidden}\n"
	for _, kind := range []string{"List", "PodList", "Anything"} {
		text := "apiVersion: v1\nkind: " + kind + "\nmetadata: {name: a}\nitems:\n" + pod
		rendering := mustRender(t, plugin.Source{Rendered: []byte(text)})
		if len(rendering.Objects) != 1 || rendering.Objects[0].ID().String() != "pod/hidden" {
			t.Errorf("%s: got %v", kind, rendering.Objects)
		}
	}
}

func TestRender_ListOfNothingHidesNothing(t *testing.T) {
	for _, list := range []string{
		"apiVersion: v1\nkind: ConfigMapList\nitems: null\n", "apiVersion: v1\nkind: List\nmetadata: {name: x}\nitems: []\n",
		"apiVersion: v1\nkind: List\nmetadata: {name: x}\nitems:\n",
	} {
		if rendering := mustRender(t, plugin.Source{Rendered: []byte(list + "---\n" + goodConfigMap)}); len(rendering.Objects) != 1 {
			t.Errorf("%q beside an object: %v", list, rendering.Objects)
		}
		_, err := newRenderer().Render(t.Context(), plugin.Source{Rendered: []byte(list)})
		refused(t, err, ruleEmpty, "no objects")
	}
	_, err := newRenderer().Render(t.Context(), plugin.Source{Rendered: []byte("apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: x}\nitems: []\n---\n" + goodConfigMap)})
	refused(t, err, ruleNotAnObject, "allowlist")
}

func TestRender_OwnAnnotationsAreStripped(t *testing.T) {
	text := "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\n  annotations: {assay.dev/verified: 'true', example.com/x: z}\n" +
		"spec: {template: {metadata: {annotations: {gate.assay.dev/skip: 'true'}}}}\n"
	got := fmt.Sprint(mustRender(t, plugin.Source{Rendered: []byte(text)}).Objects[0].Fields)
	want := "map[apiVersion:apps/v1 kind:Deployment metadata:map[annotations:map[example.com/x:z] name:a] spec:map[template:map[metadata:map[]]]]"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRender_ItsOwnOutputRendersToItself(t *testing.T) {
	for _, path := range []string{"kustomize/overlay", "kustomize/charts-app", "chart", "plain"} {
		first := mustRender(t, plugin.Source{Root: openTree(t, "testdata"), Path: path})
		var out strings.Builder
		for _, object := range first.Objects {
			data, err := json.Marshal(object.Fields)
			if err != nil {
				t.Fatal(err)
			}
			out.WriteString("---\n" + string(data) + "\n")
		}
		second := mustRender(t, plugin.Source{Rendered: []byte(out.String())})
		if !reflect.DeepEqual(fieldsOf(first), fieldsOf(second)) {
			t.Errorf("%s changes when it is rendered again", path)
		}
	}
}

func TestCache_AnswersOnlyForTheSameFilesAndOptions(t *testing.T) {
	files := map[string]string{"Chart.yaml": goodChart, "templates/a.yaml": goodConfigMap + "data: {v: {{ .Values.v | quote }}}\n", "values.yaml": "v: 1\n"}
	root := writeTree(t, files)
	cache := NewCache(1 << 20)
	renderer := New(Options{Limits: plugin.DefaultLimits(), Cache: cache})
	source := plugin.Source{Root: root, Path: "."}
	render := func() string {
		rendering, err := renderer.Render(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint(rendering.Objects[0].Fields["data"])
		rendering.Objects[0].Fields["data"] = "changed by a later stage"
		return text
	}
	hits := func() bool { _, hit := cache.lookup(source, plugin.DefaultLimits()); return hit }
	if hits() || render() != "map[v:1]" || !hits() || render() != "map[v:1]" {
		t.Error("the second rendering does not come from the cache, or a later stage changed it")
	}
	write := func(name, text string) {
		if err := root.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("values.yaml", "v: 2\n")
	if hits() || render() != "map[v:2]" {
		t.Error("a changed file is not noticed")
	}
	write("templates/b.yaml", strings.Replace(goodConfigMap, "name: a", "name: b", 1))
	if hits() {
		t.Error("a new file is not noticed")
	}
	if err := root.Remove("templates/b.yaml"); err != nil {
		t.Fatal(err)
	}
	source.Parameters.Helm.Set = []string{"v=3"}
	if hits() || render() != "map[v:3]" {
		t.Error("a changed option is not noticed")
	}
	source.Parameters.Helm.Set = nil
	source.Partition = "another credential"
	if hits() || render() != "map[v:2]" || !hits() {
		t.Error("what was rendered under one partition serves another")
	}
	write("templates/a.yaml", goodConfigMap+"data: {v: {{ uuidv4 }}}\n")
	if render(); hits() {
		t.Error("a random rendering was kept")
	}
}

func TestCache_IsBoundedByBytes(t *testing.T) {
	cache := NewCache(4096)
	source := plugin.Source{Root: openTree(t, "testdata"), Path: "plain"}
	for i := range 100 {
		source.Path = fmt.Sprint(i)
		cache.keep(source, plugin.Rendering{Objects: []plugin.Object{{Fields: map[string]any{"data": strings.Repeat("x", 500)}}}}, nil)
		if cache.bytes > 4096 {
			t.Fatalf("%d bytes are kept", cache.bytes)
		}
	}
	if cache.order.Len() < 2 || len(cache.byInput) != cache.order.Len() {
		t.Errorf("%d renderings in order, %d by input", cache.order.Len(), len(cache.byInput))
	}
	cache.keep(source, plugin.Rendering{Objects: []plugin.Object{{Fields: map[string]any{"data": strings.Repeat("x", 5000)}}}}, nil)
	if cache.bytes > 4096 {
		t.Error("one that is larger than the cache was kept")
	}
}
