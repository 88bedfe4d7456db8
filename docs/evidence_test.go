package docs_test

import (
	"testing"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/setup"
)

// TestEvidence_ExamplesLoadAndCompile: what is on the page can be copied.
func TestEvidence_ExamplesLoadAndCompile(t *testing.T) {
	found := blocks(t, "evidence.md")
	if len(found) == 0 {
		t.Fatal("the page has no block")
	}
	for i, block := range found {
		config, err := gate.Parse("evidence.md", []byte(block))
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
