package docs_test

import (
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/setup"
)

// The gate of the page loads, compiles and asks for what the page says.
func TestProvenance_TheExampleLoadsAndCompiles(t *testing.T) {
	found := blocks(t, "provenance.md")
	if len(found) != 1 {
		t.Fatalf("%d blocks, want 1", len(found))
	}
	config, err := gate.Parse("provenance.md", []byte(found[0]))
	if err != nil {
		t.Fatal(err)
	}
	set, err := setup.New(setup.Options{Config: config})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := set.Pipeline(plugin.Source{}); err != nil {
		t.Fatal(err)
	}
	if wanted := config.Gates[0].Spec.Evidence[0].Provenance; wanted.MinLevel != 2 || len(wanted.Builders) != 2 {
		t.Errorf("%+v", wanted)
	}
}
