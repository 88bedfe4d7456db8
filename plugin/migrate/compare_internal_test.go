package migrate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/discover"
	"github.com/assay-gitops/assay/plugin/render"
)

// TestAgain_ARandomFieldHidesNoDifference: what the plugin renders is changed by
// hand, beside what is random.
func TestAgain_ARandomFieldHidesNoDifference(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n", "templates/a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: {{ randAlphaNum 20 }}, b: c}\n",
	} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	m := &mover{Options: Options{Root: root, Limits: plugin.DefaultLimits()}, renderer: render.New(render.Options{Limits: plugin.DefaultLimits()})}
	source := plugin.Source{Root: root, Path: ".", Parameters: plugin.Parameters{Kind: render.KindHelm}}
	for name, change := range map[string]struct {
		field, want string
	}{
		"nothing": {"", ""}, "another field": {"b", "the plugin renders another secret/a: stringData.b"},
	} {
		want, err := m.render(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		have, err := m.render(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		if change.field != "" {
			have.Objects[0].Fields["stringData"].(map[string]any)[change.field] = "hunter2"
		}
		got, err := m.again(t.Context(), comparison{native: discover.Application{Name: "a"}}, want, have.Objects)
		if err != nil || got.proven != (change.want == "") || change.want == "" && len(got.varies) != 1 {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
		if change.want != "" && (len(got.different) != 1 || got.different[0].Reason != change.want) {
			t.Errorf("%s: %+v", name, got.different)
		}
	}
	object := []plugin.Object{{Fields: map[string]any{"kind": "A"}}}
	if got, err := m.again(t.Context(), comparison{}, rendered{plugin.Rendering{Objects: object}, source}, object); err != nil || got.proven || len(got.unproven) != 1 {
		t.Errorf("other objects each time: %v, %+v", err, got)
	}
}

func TestDifferenceOf_NamesFieldsAndNoValues(t *testing.T) {
	t.Parallel()
	secret := func(value any) []plugin.Object {
		return []plugin.Object{{Fields: map[string]any{"kind": "Secret", "apiVersion": "v1", "metadata": map[string]any{"name": "a"}, "data": map[string]any{"a": value, "b": []any{"x", value}}}}}
	}
	got := differenceOf(secret("hunter2"), secret("hunter3"))
	if got != "the plugin renders another secret/a: data.a, data.b[1]" || strings.Contains(got, "hunter") {
		t.Errorf("%q", got)
	}
	if got := differenceOf(secret("a"), secret("a")); got != "" {
		t.Errorf("the same: %q", got)
	}
	if got := differenceOf(secret("a"), nil); !strings.Contains(got, "0 objects instead of 1") {
		t.Errorf("%q", got)
	}
}
