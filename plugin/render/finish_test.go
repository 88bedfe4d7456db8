package render

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
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
		{name: "a key twice", text: goodConfigMap + "data: {k: v}\ndata: {k: w}\n", want: "warn render/duplicate-key a.yaml:1"},
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

func TestRandom_IsNoticedWhereItCanBeReached(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{name: "none", files: map[string]string{"templates/a.yaml": goodConfigMap + "# {{ .Values.now }} {{ \"now\" }}"}},
		{name: "now", files: map[string]string{"templates/a.yaml": goodConfigMap + "# {{ now | date \"2006\" }}"}, want: "warn render/random templates/a.yaml:5"},
		{name: "in a condition", files: map[string]string{"templates/a.yaml": goodConfigMap + "\n{{ if (uuidv4) }}{{ end }}"}, want: "warn render/random templates/a.yaml:6"},
		{name: "in an included helper", files: map[string]string{
			"templates/a.yaml": goodConfigMap + "# {{ include \"x\" . }}", "templates/_h.tpl": "{{ define \"x\" }}{{ randAlphaNum 5 }}{{ end }}",
		}, want: "warn render/random templates/_h.tpl:1"},
		{name: "in a helper that nobody includes", files: map[string]string{
			"templates/a.yaml": goodConfigMap, "templates/_h.tpl": "{{ define \"x\" }}{{ randAlphaNum 5 }}{{ end }}",
		}},
		{name: "included by a computed name", files: map[string]string{
			"templates/a.yaml": goodConfigMap + "# {{ include (printf \"%s\" \"x\") . }}", "templates/_h.tpl": "{{ define \"x\" }}{{ randAlpha 3 }}{{ end }}",
		}, want: "warn render/random templates/_h.tpl:1"},
		{name: "in a value that tpl renders", files: map[string]string{"templates/a.yaml": goodConfigMap + "# {{ tpl .Values.t . }}", "values.yaml": "t: '{{ now }}'\n"}, want: "warn render/random "},
		{name: "in a value that nobody renders", files: map[string]string{"templates/a.yaml": goodConfigMap, "values.yaml": "t: '{{ now }}'\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.files["Chart.yaml"] = goodChart
			if got := rules(mustRender(t, plugin.Source{Root: writeTree(t, test.files), Path: "."}).Findings); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
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
	hits := func() bool { _, hit := cache.lookup(source, root, plugin.DefaultLimits()); return hit }
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

// shelf is a chart repository in memory that counts.
type shelf struct {
	mu      sync.Mutex
	charts  map[ChartReference]string
	fetched int
}

func (s *shelf) FetchChart(_ context.Context, chart ChartReference) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetched++
	data, has := s.charts[chart]
	if !has {
		return nil, &plugin.Refusal{Rule: "registry/not-found", Message: "no such chart"}
	}
	return []byte(data), nil
}

func TestDependencies_ComeOnlyPinnedAndFromWhereTheGateAllows(t *testing.T) {
	archive := chartArchive(nil)
	reference := ChartReference{Repository: "https://charts.example.com", Name: "x", Version: "1.0.0"}
	charts := &shelf{charts: map[ChartReference]string{reference: archive}}
	const chartLock = "dependencies:\n- name: x\n  version: 1.0.0\n  repository: https://charts.example.com\n"
	lock := func(digest string) string {
		return "apiVersion: assay.dev/v1alpha1\nkind: ImagesLock\ncharts:\n- chart: https://charts.example.com/x\n  version: 1.0.0\n  digest: sha256:" + digest + "\n"
	}
	files := func(change ...string) map[string]string {
		out := map[string]string{
			"Chart.yaml": goodChart + "dependencies:\n- name: x\n  version: 1.x.x\n  repository: https://charts.example.com\n",
			"Chart.lock": chartLock, plugin.LockFile: lock(hashOf([]byte(archive))), "templates/a.yaml": goodConfigMap,
		}
		for i := 0; i < len(change); i += 2 {
			out[change[i]] = change[i+1]
		}
		return out
	}
	render := func(files map[string]string, fetcher ChartFetcher) (plugin.Rendering, error) {
		return New(Options{Limits: plugin.DefaultLimits(), Charts: fetcher}).Render(t.Context(), plugin.Source{Root: writeTree(t, files), Path: "."})
	}
	rendering, err := render(files(), charts)
	if err != nil || len(rendering.Objects) != 2 || charts.fetched != 1 {
		t.Fatalf("the pinned chart is not rendered: %v %v, fetched %d times", rendering.Objects, err, charts.fetched)
	}
	for name, bad := range map[string]struct {
		files map[string]string
		part  string
	}{
		"no Chart.lock":         {files("Chart.lock", ""), "Chart.lock"},
		"another version in it": {files("Chart.lock", strings.Replace(chartLock, "1.0.0", "2.0.0", 1)), "Chart.lock"},
		"no digest":             {files(plugin.LockFile, "apiVersion: assay.dev/v1alpha1\nkind: ImagesLock\n"), plugin.LockFile},
		"another digest":        {files(plugin.LockFile, lock(strings.Repeat("a", 64))), "pins"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render(bad.files, charts)
			if refusal := refused(t, err, ruleDependency, bad.part); !strings.Contains(refusal.Hint, "assay vendor") || refusal.Origin.Line != 5 {
				t.Errorf("the refusal says %q at %s", refusal.Hint, refusal.Origin)
			}
		})
	}
	t.Run("nothing may fetch", func(t *testing.T) {
		_, err := render(files(), nil)
		refused(t, err, ruleDependency, "allowed to fetch")
	})
	t.Run("a folder of the tree", func(t *testing.T) {
		rendering, err := render(files("Chart.yaml", goodChart+"dependencies:\n- name: x\n  version: 1.x.x\n  repository: file://lib/x\n",
			"lib/x/Chart.yaml", "apiVersion: v2\nname: x\nversion: 1.2.0\n", "lib/x/templates/x.yaml", strings.Replace(goodConfigMap, "name: a", "name: x", 1)), nil)
		if err != nil || len(rendering.Objects) != 2 {
			t.Errorf("got %v %v", rendering.Objects, err)
		}
	})
	t.Run("vendored", func(t *testing.T) {
		root := writeTree(t, files())
		written, err := Vendor(t.Context(), VendorOptions{Root: root, Path: ".", Charts: charts, Limits: plugin.DefaultLimits()})
		want := []Vendored{{ChartReference: reference, File: "charts/x-1.0.0.tgz", Digest: "sha256:" + hashOf([]byte(archive))}}
		if err != nil || !reflect.DeepEqual(written, want) {
			t.Fatalf("got %v %v", written, err)
		}
		names, err := newTree(root, plugin.DefaultLimits()).readDir("charts")
		if err != nil || !reflect.DeepEqual(names, []string{"x-1.0.0.tgz"}) {
			t.Errorf("charts holds %q %v", names, err)
		}
		if rendering := mustRender(t, plugin.Source{Root: root, Path: "."}); len(rendering.Objects) != 2 {
			t.Errorf("got %v", rendering.Objects)
		}
	})
	t.Run("vendoring a replaced version", func(t *testing.T) {
		root := writeTree(t, files(plugin.LockFile, lock(strings.Repeat("a", 64))))
		_, err := Vendor(t.Context(), VendorOptions{Root: root, Path: ".", Charts: charts, Limits: plugin.DefaultLimits()})
		refused(t, err, ruleDependency, "pins")
		if newTree(root, plugin.DefaultLimits()).isDir("charts") {
			t.Error("something was written")
		}
	})
}
