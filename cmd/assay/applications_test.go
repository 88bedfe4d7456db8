package main

import (
	"os"
	"path/filepath"
	"testing"
)

// treeOfFiles is a folder with these files.
func treeOfFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func TestFindApplications_OnlyALibraryIsNone(t *testing.T) {
	if got, err := findApplications(t.Context(), treeOfFiles(t, map[string]string{"lib/Chart.yaml": "type: library"})); err == nil {
		t.Errorf("found %v", got)
	}
}
