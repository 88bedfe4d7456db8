package harden

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/corpus"
	"github.com/assay-gitops/assay/plugin"
)

// versionsFile has a line for each profile, and one for what spec.harden asks
// for: the digest of what goes in, and of what comes out.
const versionsFile = "testdata/versions.txt"

// TestVersions_WriteTheSameBytesForever: a byte more in a template restarts a
// workload, so an upgrade of assay must not write one until the gate names
// another version. Digests of what is written to the examples and to the trap
// Pods, under every image, tell.
func TestVersions_WriteTheSameBytesForever(t *testing.T) {
	examples, err := corpus.Applications(t.Context(), "examples", "../../examples")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(versionsFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	pinned := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, digests, _ := strings.Cut(strings.TrimSpace(line), ": ")
		pinned[name] = digests
	}
	all, now := hardeners(t), map[string]string{}
	for name, hardener := range all {
		now[name] = digestsOf(t, hardener, append(examples, corpus.Traps()))
		before, in := pinned[name], strings.Fields(now[name])[0]
		switch {
		case before == now[name]:
		case before == "" && !*update:
			t.Errorf("%s is not pinned: run the test with -update", name)
		case before != "" && strings.HasPrefix(before, in):
			t.Errorf("%s writes other bytes than before, which restarts workloads at an upgrade: make the change a new version (@2) and leave this one as it was. "+
				"Only if no release has it yet: delete its line in %s and run the test with -update", name, versionsFile)
			now[name] = before
		case !*update:
			t.Errorf("the examples or the traps have changed, so %s writes something else: check out the change of the examples alone, and run the test with -update", name)
		}
	}
	for name := range pinned {
		if all[name] == nil {
			t.Errorf("%s is gone: gates name it", name)
		}
	}
	if *update {
		lines := ""
		for _, name := range slices.Sorted(maps.Keys(now)) {
			lines += name + ": " + now[name] + "\n"
		}
		if err := os.MkdirAll(filepath.Dir(versionsFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(versionsFile, []byte(lines), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// digestsOf hardens the applications under each image, and sums up what went in
// and what came out.
func digestsOf(t *testing.T, hardener *Hardener, apps []corpus.Application) string {
	t.Helper()
	in, out := sha256.New(), sha256.New()
	for _, app := range apps {
		images := imagesAt(app.Objects)
		before, err := plugin.JSONEncoding{}.Encode(app.Objects)
		if err != nil {
			t.Fatal(err)
		}
		for _, config := range corpus.Images() {
			trial := trial{app, images, hardener, func(string) *plugin.ImageConfig { return config }}
			hardened, _, err := trial.hardened(t, app.Objects)
			if err != nil {
				t.Fatal(err)
			}
			after, err := plugin.JSONEncoding{}.Encode(hardened)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(in, "%s\x00%s\x00%+v\x00", app.Name, before, configText(config))
			out.Write(after)
		}
	}
	return hex.EncodeToString(in.Sum(nil)) + " " + hex.EncodeToString(out.Sum(nil))
}

// configText is what of an image's configuration is an input.
func configText(config *plugin.ImageConfig) string {
	if config == nil {
		return "unknown"
	}
	named := "not asked"
	if config.Named != nil {
		named = fmt.Sprint(*config.Named)
	}
	return fmt.Sprint(config.User, config.OS, config.ExposedPorts, config.Volumes, config.Entrypoint, config.Cmd, config.Elevated, named)
}
