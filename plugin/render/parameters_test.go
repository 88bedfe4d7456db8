package render

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// TestRender_ValuesForWhatIsNoChartAreRefused: its twin without values passes.
func TestRender_ValuesForWhatIsNoChartAreRefused(t *testing.T) {
	dir := t.TempDir()
	manifest := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	renderer := New(Options{Limits: plugin.DefaultLimits()})
	source := plugin.Source{Root: root, Path: "."}
	if _, err := renderer.Render(context.Background(), source); err != nil {
		t.Fatalf("without values: %v", err)
	}
	source.Parameters.Helm.Set = []string{"a=b"}
	var refusal *plugin.Refusal
	if _, err := renderer.Render(context.Background(), source); !errors.As(err, &refusal) || refusal.Rule != ruleNotSupported {
		t.Fatalf("with values: %v, want a refusal", err)
	}
}
