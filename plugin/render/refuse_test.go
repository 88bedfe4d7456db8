package render

import (
	"context"
	"errors"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// refused demands a refusal of that rule whose text holds a part.
func refused(t *testing.T, err error, rule, part string) *plugin.Refusal {
	t.Helper()
	var refusal *plugin.Refusal
	if !errors.As(err, &refusal) {
		t.Errorf("got %v, want a refusal by %s", err, rule)
		return &plugin.Refusal{}
	}
	if refusal.Rule != rule || !strings.Contains(refusal.Error(), part) {
		t.Errorf("got %s: %v, want %s about %q", refusal.Rule, refusal, rule, part)
	}
	return refusal
}

const (
	goodConfigMap = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
	goodChart     = "apiVersion: v2\nname: c\nversion: 0.1.0\n"
)

// badSource is a source that is refused, and the one change that makes it
// good.
type badSource struct {
	name       string
	files      map[string]string
	links      map[string]string
	path       string
	parameters plugin.Parameters
	rule, part string
	without    string // is not shown
	origin     string
	repair     map[string]string
	repaired   plugin.Parameters
}

func (b badSource) run(t *testing.T) {
	root := writeTree(t, b.files)
	for name, target := range b.links {
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, path.Join(root.Name(), name)); err != nil {
			t.Fatal(err)
		}
	}
	if b.path == "" {
		b.path = "."
	}
	source := plugin.Source{Root: root, Path: b.path, Parameters: b.parameters}
	rendering, err := newRenderer().Render(t.Context(), source)
	refusal := refused(t, err, b.rule, b.part)
	if b.without != "" && strings.Contains(refusal.Error(), b.without) {
		t.Errorf("the refusal shows %q: %v", b.without, refusal)
	}
	if refusal.Origin.String() != b.origin {
		t.Errorf("the refusal names %q, want %q", refusal.Origin, b.origin)
	}
	if len(rendering.Objects) > 0 {
		t.Errorf("a refusal comes with %d objects", len(rendering.Objects))
	}
	for name, text := range b.repair {
		if err := root.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
		if err := root.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	source.Parameters = b.repaired
	if _, err := newRenderer().Render(t.Context(), source); err != nil {
		t.Errorf("the twin fails: %v", err)
	}
}

func TestRender_ACancelledCallerIsNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newRenderer().Render(ctx, plugin.Source{Root: openTree(t, "testdata"), Path: "plain"})
	var noAnswer *plugin.StageError
	if !errors.As(err, &noAnswer) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want no answer", err)
	}
}

func TestRender_WithoutLimitsNothingIsRendered(t *testing.T) {
	_, err := New(Options{}).Render(t.Context(), plugin.Source{Root: openTree(t, "testdata"), Path: "plain"})
	refused(t, err, ruleLimit, "fileBytes")
}
