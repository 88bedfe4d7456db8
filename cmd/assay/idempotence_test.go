package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/assay-gitops/assay/examples/showcase"
)

// exampleFolders are the applications among the examples.
func exampleFolders(t *testing.T) []string {
	t.Helper()
	var folders []string
	for _, pattern := range []string{"shop-plain", "shop-chart", "platform-umbrella", "shop-kustomize/base", "shop-kustomize/overlays/*", "hostile/*"} {
		found, err := filepath.Glob(filepath.Join("../../examples", pattern))
		must(t, err)
		for _, folder := range found {
			if info, err := os.Stat(folder); err == nil && info.IsDir() {
				folders = append(folders, folder)
			}
		}
	}
	if len(folders) < 15 {
		t.Fatalf("only %d examples were found: %q", len(folders), folders)
	}
	return folders
}

// renderOnce runs `assay render` as somebody at a prompt does.
func renderOnce(input []byte, args ...string) (manifests, said []byte, code int) {
	var out, errs bytes.Buffer
	code = run(context.Background(), streams{in: bytes.NewReader(input), out: &out, err: &errs}, append([]string{"render"}, args...))
	return out.Bytes(), errs.Bytes(), code
}

// unchanged renders a folder, and then what came out of it.
func unchanged(t *testing.T, folder string, args ...string) {
	t.Helper()
	first, said, code := renderOnce(nil, append([]string{folder}, args...)...)
	if code != exitAllowed || len(first) == 0 {
		t.Fatalf("rendering it: exit code %d\n%s", code, said)
	}
	again, said, code := renderOnce(first, append([]string{"-"}, args...)...)
	if code != exitAllowed {
		t.Fatalf("rendering the output: exit code %d\n%s", code, said)
	}
	if !bytes.Equal(first, again) {
		t.Errorf("rendering the output changes it:\n%s\n--- is now\n%s", first, again)
	}
}

// auditGate is the example that stops nobody, with the showcase's registry in
// the place of the one that the examples name.
func auditGate(t *testing.T, show *showcase.Showcase) string {
	t.Helper()
	audit, err := os.ReadFile("../../examples/gates/audit/gate.yaml")
	must(t, err)
	starter, err := os.ReadFile(filepath.Join(show.Dir, "gate/gate.yaml"))
	must(t, err)
	at := bytes.Index(starter, []byte("\n  registries:"))
	if at < 0 {
		t.Fatalf("the showcase's gate names no registry:\n%s", starter)
	}
	gate := filepath.Join(t.TempDir(), "gate.yaml")
	must(t, os.WriteFile(gate, append(bytes.TrimRight(audit, "\n"), starter[at:]...), 0o600))
	return gate
}

// TestRender_ItsOwnOutputRendersToItself for every example, as it stands.
func TestRender_ItsOwnOutputRendersToItself(t *testing.T) {
	// These give no output even where nobody is stopped.
	silent := []string{"five-reasons", "reads-passwd", "remote-base", "renders-application", "renders-gate", "symlink", "yaml-bomb"}
	show, err := showcase.Start(t.Context(), t.TempDir())
	must(t, err)
	defer func() { must(t, show.Close()) }()
	gate := auditGate(t, show)
	for _, folder := range exampleFolders(t) {
		for _, format := range []string{"yaml", "json"} {
			t.Run(format+" "+folder, func(t *testing.T) {
				args := []string{"--gate", gate, "--output", format}
				if slices.Contains(silent, filepath.Base(folder)) {
					if out, _, code := renderOnce(nil, append([]string{folder}, args...)...); code != exitDenied || len(out) > 0 {
						t.Fatalf("exit code %d and %d bytes of output, want none", code, len(out))
					}
					return
				}
				unchanged(t, folder, args...)
			})
		}
	}
}

// TestRender_ItsPinnedAndHardenedOutputRendersToItself for the examples whose
// images are signed.
func TestRender_ItsPinnedAndHardenedOutputRendersToItself(t *testing.T) {
	show, err := showcase.Start(t.Context(), t.TempDir())
	must(t, err)
	defer func() { must(t, show.Close()) }()
	for _, folder := range []string{"shop-plain", "shop-chart", "platform-umbrella", "shop-kustomize/overlays/dev", "shop-kustomize/overlays/prod"} {
		for _, format := range []string{"yaml", "json"} {
			t.Run(format+" "+folder, func(t *testing.T) {
				unchanged(t, filepath.Join("../../examples", folder), "--gate", filepath.Join(show.Dir, "gate"), "--project", "team-a", "--output", format)
			})
		}
	}
}
