package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// findApplications lists the folders below dir that are applications: Helm
// charts, kustomizations that no other kustomization below dir uses, and
// folders with manifests that belong to neither.
func findApplications(dir string) ([]string, error) {
	var charts, kustomizations, plain []string
	used := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() {
			return nil
		}
		if path != dir && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		switch kind, file := kindOf(path); kind {
		case "helm":
			charts = append(charts, path)
			return fs.SkipDir
		case "kustomize":
			kustomizations = append(kustomizations, path)
			for _, entry := range localEntries(file) {
				used[filepath.Join(path, entry)] = true
			}
		case "directory":
			plain = append(plain, path)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for applications below %s: %w", dir, err)
	}
	found := charts
	for _, path := range kustomizations {
		if !used[path] {
			found = append(found, path)
		}
	}
	for _, path := range plain {
		if !slices.ContainsFunc(kustomizations, func(k string) bool { return path == k || strings.HasPrefix(path, k+string(filepath.Separator)) }) {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("looking for applications below %s: there is no chart, kustomization or manifest", dir)
	}
	slices.Sort(found)
	return found, nil
}

// kindOf says what an application folder is, by the file that makes it one.
func kindOf(dir string) (kind, file string) {
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		if path := filepath.Join(dir, name); isFile(path) {
			return "kustomize", path
		}
	}
	if isFile(filepath.Join(dir, "Chart.yaml")) {
		return "helm", ""
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", ""
	}
	for _, entry := range entries {
		if entry.Type().IsRegular() && isManifest(filepath.Join(dir, entry.Name())) {
			return "directory", ""
		}
	}
	return "", ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// isManifest reports whether a file looks like Kubernetes objects of an
// application: assay's own configuration is not one.
func isManifest(path string) bool {
	switch filepath.Ext(path) {
	case ".yaml", ".yml", ".json":
	default:
		return false
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	text := string(data)
	for _, own := range []string{"assay.dev/", "policy.sigstore.dev/"} {
		if strings.Contains(text, "apiVersion: "+own) {
			return false
		}
	}
	return strings.Contains(text, "apiVersion") && strings.Contains(text, "kind")
}

// localEntries are the lines of a kustomization that name folders beside it.
func localEntries(file string) []string {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var entries []string
	for line := range strings.Lines(string(data)) {
		if entry, isItem := strings.CutPrefix(strings.TrimSpace(line), "- "); isItem {
			entries = append(entries, strings.Trim(entry, `"'`+" "))
		}
	}
	return entries
}
