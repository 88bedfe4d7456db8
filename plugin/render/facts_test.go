package render

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func TestFacts_HoldUntilSomethingThatWasReadChanges(t *testing.T) {
	limits := plugin.DefaultLimits()
	files := func() map[string]string {
		return map[string]string{
			"app/kustomization.yml": "resources: [a.yaml]\n", "app/a.yaml": goodConfigMap, "other/b.yaml": goodConfigMap,
		}
	}
	source := plugin.Source{Root: writeTree(t, files()), Path: "app"}
	rendering, err := New(Options{Limits: limits}).Render(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	facts := throughJSON(t, rendering.Facts)
	for name, c := range map[string]struct {
		file, text string
		want       bool
	}{
		"nothing":                {want: true},
		"a file beside":          {file: "other/b.yaml", text: "x: 1\n", want: true},
		"the resource":           {file: "app/a.yaml", text: goodConfigMap + "\n# changed\n"},
		"the kustomization":      {file: "app/kustomization.yml", text: "resources: [a.yaml]\nnamePrefix: x-\n"},
		"one that goes before":   {file: "app/kustomization.yaml", text: "resources: [a.yaml]\n"},
		"a chart, which is last": {file: "app/Chart.yaml", text: "name: x\nversion: 1.0.0\n", want: true},
	} {
		t.Run(name, func(t *testing.T) {
			changed := files()
			if c.file != "" {
				changed[c.file] = c.text
			}
			if got := facts.Hold(plugin.Source{Root: writeTree(t, changed), Path: "app"}, limits); got != c.want {
				t.Errorf("the facts hold: %t, want %t", got, c.want)
			}
		})
	}
}

func TestFacts_ARefusedRenderingHasThem(t *testing.T) {
	limits := plugin.DefaultLimits()
	broken := map[string]string{"app/kustomization.yaml": "resources: [missing.yaml]\n"}
	rendering, err := New(Options{Limits: limits}).Render(t.Context(), plugin.Source{Root: writeTree(t, broken), Path: "app"})
	var refusal *plugin.Refusal
	if !errors.As(err, &refusal) || rendering.Facts == nil {
		t.Fatalf("got %v with facts %v, want a refusal with facts", err, rendering.Facts)
	}
	facts := throughJSON(t, rendering.Facts)
	if !facts.Hold(plugin.Source{Root: writeTree(t, broken), Path: "app"}, limits) {
		t.Error("the facts do not hold of the same tree")
	}
	broken["app/missing.yaml"] = goodConfigMap
	if facts.Hold(plugin.Source{Root: writeTree(t, broken), Path: "app"}, limits) {
		t.Error("the facts hold of a tree in which the missing file is there")
	}
}

func TestFacts_AnOverlayIsPartOfTheTree(t *testing.T) {
	limits := plugin.DefaultLimits()
	source := plugin.Source{
		Root: writeTree(t, map[string]string{"app/readme": ""}), Path: "app", Overlay: map[string][]byte{"app/a.yaml": []byte(goodConfigMap)},
	}
	rendering, err := New(Options{Limits: limits}).Render(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	if !rendering.Facts.Hold(source, limits) {
		t.Error("the facts do not hold of the same tree and overlay")
	}
	source.Overlay = nil
	if rendering.Facts.Hold(source, limits) {
		t.Error("the facts hold without the overlay")
	}
}

func TestFacts_EmptyOnesAreRefused(t *testing.T) {
	for _, text := range []string{"", "{}", "null", "[]", `{"a":{"2":5}}`} {
		if facts, err := ParseFacts([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, facts)
		}
	}
}

func throughJSON(t *testing.T, facts plugin.TreeFacts) plugin.TreeFacts {
	t.Helper()
	data, err := json.Marshal(facts)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ParseFacts(data)
	if err != nil {
		t.Fatal(err)
	}
	return read
}
