package controlplane

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// TestServersBuild_RemovesWhatAnInterruptedBuildLeft asks for a set that does
// not exist, so that nothing is built.
func TestServersBuild_RemovesWhatAnInterruptedBuildLeft(t *testing.T) {
	cache := t.TempDir()
	sets := filepath.Join(cache, "assay", "servers")
	for _, folder := range []string{".partial-Ab12Cd", "argocd-0123456789abcdef"} {
		if err := os.MkdirAll(filepath.Join(sets, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), "../servers/build", "none")
	command.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache)
	if out, err := command.CombinedOutput(); err == nil {
		t.Fatalf("a set that does not exist was built: %s", out)
	}
	left, err := os.ReadDir(sets)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range left {
		names = append(names, entry.Name())
	}
	if want := []string{".lock", "argocd-0123456789abcdef"}; !slices.Equal(names, want) {
		t.Errorf("the cache holds %v; it should hold %v", names, want)
	}
}
