package render

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// everyType is an object with what JSON could change: numbers of both kinds, large
// ones, texts that look like others, and what is empty.
const everyType = `apiVersion: v1
kind: ConfigMap
metadata: {name: types, labels: {}}
data: {text: "<&> é \u2028", number: "1", "yes": "yes", long: "a\n  b\n"}
spec: {whole: 7, large: 9007199254740993, negative: -1, part: 1.5, one: 1.0, tiny: 1e-7, flag: true, none: null, list: [], objects: [{a: 1}, [2, 3.5]]}
`

func newPackedCache(bytes int64) *Cache {
	cache := NewCache(bytes)
	cache.Packed = true
	return cache
}

// TestPackedCache_GivesWhatWasRendered, each time to somebody who may change it.
func TestPackedCache_GivesWhatWasRendered(t *testing.T) {
	root := writeTree(t, map[string]string{"app/a.yaml": everyType, "app/b.yaml": goodConfigMap})
	source := plugin.Source{Root: root, Path: "app", Parameters: plugin.Parameters{Kind: KindDirectory}}
	want, err := New(Options{Limits: plugin.DefaultLimits()}).Render(t.Context(), source)
	if err != nil || len(want.Objects) != 2 {
		t.Fatal(len(want.Objects), err)
	}
	cache := newPackedCache(1 << 20)
	renderer := New(Options{Limits: plugin.DefaultLimits(), Cache: cache})
	for range 3 {
		got, err := renderer.Render(t.Context(), source)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %#v and %v, want %#v", got, err, want)
		}
		got.Objects[0].Fields["data"] = "changed by a later stage"
	}
	if hits, misses := cache.Stats(); hits != 2 || misses != 1 {
		t.Errorf("%d hits and %d misses", hits, misses)
	}
	if err := root.WriteFile("app/b.yaml", []byte(everyType), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, hit := cache.lookup(source, plugin.DefaultLimits()); hit {
		t.Error("a changed file is not noticed")
	}
}

// TestPackedCache_TakesATenth of what objects take, and is bounded by what it
// takes.
func TestPackedCache_TakesATenth(t *testing.T) {
	rendering := plugin.Rendering{}
	for i := range 20 {
		rendering.Objects = append(rendering.Objects, plugin.Object{Fields: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": fmt.Sprint("config-", i), "labels": map[string]any{"app": "web"}},
			"data": map[string]any{"key": "value", "another": "value"},
		}})
	}
	source := plugin.Source{Root: openTree(t, "testdata"), Path: "plain"}
	plain, packed := NewCache(1<<20), newPackedCache(1<<20)
	plain.keep(source, rendering, nil)
	packed.keep(source, rendering, nil)
	if packed.bytes == 0 || packed.bytes*10 > plain.bytes {
		t.Errorf("%d bytes packed, %d bytes as they are", packed.bytes, plain.bytes)
	}
	small := newPackedCache(4 * packed.bytes)
	for i := range 100 {
		source.Path = fmt.Sprint(i)
		small.keep(source, rendering, nil)
	}
	if small.bytes > 4*packed.bytes || small.order.Len() != 4 {
		t.Errorf("%d renderings of %d bytes are kept, of %d", small.order.Len(), small.bytes, 4*packed.bytes)
	}
}
