package harden

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

var update = flag.Bool("update", false, "write the table of docs/hardening.md anew")

var trapTable = regexp.MustCompile(`(?s)<!-- traps -->\n.*<!-- end of traps -->`)

// trap is an image, or a container, on which a careless default breaks.
type trap struct {
	name      string
	config    *plugin.ImageConfig
	container string
}

func traps() []trap {
	with := func(change func(*plugin.ImageConfig)) *plugin.ImageConfig {
		config := good()
		change(config)
		return config
	}
	return []trap{
		{"a user by number (`USER 65532`)", good(), ""},
		{"no user, which is root", with(func(c *plugin.ImageConfig) { c.User = "" }), ""},
		{"a user by name (`USER nginx`)", with(func(c *plugin.ImageConfig) { c.User = "nginx" }), ""},
		{"distroless (`USER nonroot`)", with(func(c *plugin.ImageConfig) { c.User = "nonroot" }), ""},
		{"scratch with an empty configuration", &plugin.ImageConfig{}, ""},
		{"port 80, by number", with(func(c *plugin.ImageConfig) { c.ExposedPorts = []string{"80/tcp"} }), ""},
		{"port 80 in the container's ports", good(), "ports: [{containerPort: 80}]"},
		{"volumes (`VOLUME /data`)", with(func(c *plugin.ImageConfig) { c.Volumes = []string{"/data"} }), ""},
		{"a setuid program starts it (`gosu`), as root", with(func(c *plugin.ImageConfig) { c.User, c.Entrypoint = "", []string{"gosu", "app"} }), ""},
		{"Windows", with(func(c *plugin.ImageConfig) { c.OS = "windows" }), ""},
		{"a configuration that could not be read", nil, ""},
		{"root, but the manifest says `runAsUser: 1000`", with(func(c *plugin.ImageConfig) { c.User = "" }), "securityContext: {runAsUser: 1000}"},
	}
}

// TestTraps_TableIsCurrent: what the page says is what hardening does.
func TestTraps_TableIsCurrent(t *testing.T) {
	hardener, err := New(Config{Profile: restricted, More: gate.Harden{ReadOnlyRootFilesystem: true, EmptyDirSize: "1Gi", AppArmor: true}})
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{"| the image | filled in | held back, and why |", "|---|---|---|"}
	for _, trap := range traps() {
		objects := []plugin.Object{workload{container: trap.container}.object(t)}
		_, findings := hardener.Harden(t.Context(), plugin.Unhardened{Objects: objects, Images: imagesOf(objects, trap.config)})
		var filled, back []string
		for _, finding := range findings {
			field := finding.Field[strings.LastIndex(finding.Field, ".")+1:]
			if finding.Rule == ruleHeldBack {
				_, why, _ := strings.Cut(finding.Message, "was not filled in: ")
				back = append(back, fmt.Sprintf("%s: %s", field, why))
				continue
			}
			filled = append(filled, field)
		}
		slices.Sort(filled)
		slices.Sort(back)
		lines = append(lines, fmt.Sprintf("| %s | %s | %s |", trap.name, strings.Join(filled, ", "), strings.Join(back, "; ")))
	}
	const file = "../../docs/hardening.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	table := "<!-- traps -->\n" + strings.Join(lines, "\n") + "\n<!-- end of traps -->"
	want := trapTable.ReplaceAllLiteralString(string(page), table)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(page) != want || !strings.Contains(want, table) {
		t.Error("the table of docs/hardening.md is not what hardening does; write it with: go test ./plugin/harden -update")
	}
}
