package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestGate_PathThatIsNotThereIsWrongUsage, of every command that reads gates; its
// twin is a gate that is there and does not load, which denies.
func TestGate_PathThatIsNotThereIsWrongUsage(t *testing.T) {
	w := newWorld(t)
	w.settle()
	w.write("broken/gate.yaml", "apiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata: {name: a}\nspec: {nothing: true}\n")
	// What the gate names is its own business.
	w.write("lacking/gate.yaml", "apiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata: {name: a}\nspec: {trustedRootFile: nowhere.json}\n")
	app := filepath.Join(w.dir, "app")
	for name, args := range map[string]func(gate string) []string{
		"check":        func(gate string) []string { return []string{"check", app, "--gate", gate} },
		"render":       func(gate string) []string { return []string{"render", app, "--gate", gate} },
		"harden":       func(gate string) []string { return []string{"harden", app, "--gate", gate} },
		"lock":         func(gate string) []string { return []string{"lock", app, "--gate", gate} },
		"init":         func(gate string) []string { return []string{"init", app, "--gate", gate} },
		"trust":        func(gate string) []string { return []string{"trust", app, "--gate", gate} },
		"trust bundle": func(gate string) []string { return []string{"trust", "bundle", "--gate", gate} },
		"gate check":   func(gate string) []string { return []string{"gate", "check", gate} },
		"gate try":     func(gate string) []string { return []string{"gate", "try", gate, "--against", app} },
		"policies":     func(gate string) []string { return []string{"policies", "--gate", gate} },
		"explain":      func(gate string) []string { return []string{"explain", "--gate", gate} },
		"vendor":       func(gate string) []string { return []string{"vendor", app, "--gate", gate} },
	} {
		t.Run(name, func(t *testing.T) {
			for folder, want := range map[string]int{"missing": exitUsage, "broken": exitDenied} {
				gate := filepath.Join(w.dir, folder)
				if got := in(t, "", args(gate)...); got.code != want || got.out != "" || !strings.Contains(got.err, gate) {
					t.Errorf("%s: it ends with %d, want %d:\n%s", folder, got.code, want, got.err)
				}
			}
		})
	}
	if got := in(t, "", "check", app, "--gate", filepath.Join(w.dir, "lacking")); got.code != exitDenied {
		t.Errorf("a gate that names a file that is not there: it ends with %d\n%s", got.code, got.err)
	}
}
