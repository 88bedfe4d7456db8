//go:build e2e

package argosources_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/render"
)

// TestSources_PluginFileIsReadByTheCMPServer: with its own reader it finds every
// parameter, and a plugin that is used by name alone.
func TestSources_PluginFileIsReadByTheCMPServer(t *testing.T) {
	program := filepath.Join(t.TempDir(), "pluginfile")
	source, err := filepath.Abs("testdata/pluginfile/main.go")
	must(t, err)
	run(t, t.Context(), "../servers/argocd", "build", "-buildvcs=false", "-o", program, source)
	output, err := exec.CommandContext(t.Context(), program, "../../manifests/argocd/cmp-server").Output()
	must(t, err)
	var read struct {
		Address   string
		Discovers bool
		Command   []string
		Static    []struct{ Name, Title, Tooltip, ItemType, CollectionType string }
	}
	must(t, json.Unmarshal(output, &read))
	if filepath.Base(read.Address) != "assay.sock" || read.Discovers || !slices.Equal(read.Command, []string{"assay", "generate", "--gate=/etc/assay/gate"}) {
		t.Errorf("%+v", read)
	}
	known := render.ArgoParameters()
	if len(read.Static) != len(known) {
		t.Fatalf("%d parameters, and there are %d", len(read.Static), len(known))
	}
	for i, each := range read.Static {
		if each.Name != known[i].Name || each.Title != known[i].Title || each.Tooltip != known[i].Tooltip || each.CollectionType != known[i].Collection || strings.Contains("boolean", each.ItemType) != known[i].Boolean {
			t.Errorf("%+v is read for %+v", each, known[i])
		}
	}
}
