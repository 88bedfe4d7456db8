package docs_test

import (
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/setup"
)

// blocks are the YAML blocks of a page.
func blocks(t *testing.T, page string) []string {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for rest, more := string(data), true; more; {
		var block string
		if _, rest, more = strings.Cut(rest, "```yaml\n"); more {
			block, rest, _ = strings.Cut(rest, "```")
			found = append(found, block)
		}
	}
	return found
}

// TestGateExamples_LoadAndCompile: each block is a configuration that loads,
// or rendering parameters that are read strictly, and all that are gates
// compile.
func TestGateExamples_LoadAndCompile(t *testing.T) {
	found := blocks(t, "gate-examples.md")
	if len(found) != 5 {
		t.Fatalf("%d blocks, want 5", len(found))
	}
	const base = "---\napiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata: {name: base}\nspec: {base: true}\n"
	for i, block := range found {
		if !strings.Contains(block, "apiVersion: ") {
			var parameters plugin.Parameters
			if err := yaml.UnmarshalStrict([]byte(block), &parameters); err != nil {
				t.Errorf("block %d: %v", i+1, err)
			}
			continue
		}
		if !strings.Contains(block, "base: true") {
			block += base
		}
		config, err := gate.Parse("gate-examples.md", []byte(block))
		if err != nil {
			t.Errorf("block %d: %v", i+1, err)
			continue
		}
		set, err := setup.New(setup.Options{Config: config})
		if err != nil {
			t.Errorf("block %d: %v", i+1, err)
			continue
		}
		set.Close()
	}
}
