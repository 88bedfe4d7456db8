package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// findApplications lists the folders below dir that are applications: Helm
// charts, kustomizations, and folders with manifests, unless another of them is
// made of it: a base, a component, a library chart or a chart that another one
// depends on is judged as part of what uses it.
func findApplications(dir string) ([]string, error) {
	f := found{used: map[string]bool{}}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !entry.IsDir():
			return nil
		case path != dir && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		}
		return f.folder(path)
	})
	if err != nil {
		return nil, fmt.Errorf("looking for applications below %s: %w", dir, err)
	}
	applications := f.applications()
	if len(applications) == 0 {
		return nil, fmt.Errorf("looking for applications below %s: there is no chart, kustomization or manifest", dir)
	}
	return applications, nil
}

// found is what was found below a folder.
type found struct {
	charts, kustomizations, plain []string
	// used are the folders that something else is made of.
	used map[string]bool
}

// folder takes one folder in.
func (f *found) folder(path string) error {
	switch kind, file := kindOf(path); kind {
	case "helm":
		chart := readChart(file)
		for _, local := range chart.locals() {
			f.used[filepath.Join(path, local)] = true
		}
		if chart.Type != "library" {
			f.charts = append(f.charts, path)
		}
		return fs.SkipDir
	case "kustomize":
		kustomization := readKustomization(file)
		for _, local := range kustomization.locals() {
			f.used[filepath.Join(path, local)] = true
		}
		if kustomization.Kind != "Component" {
			f.kustomizations = append(f.kustomizations, path)
		}
	case "directory":
		f.plain = append(f.plain, path)
	}
	return nil
}

// applications are the folders that nothing else is made of, sorted.
func (f *found) applications() []string {
	below := func(path string) bool {
		return slices.ContainsFunc(f.kustomizations, func(k string) bool { return strings.HasPrefix(path, k+string(filepath.Separator)) })
	}
	var applications []string
	for _, path := range slices.Concat(f.charts, f.kustomizations) {
		if !f.used[path] {
			applications = append(applications, path)
		}
	}
	for _, path := range f.plain {
		if !f.used[path] && !below(path) {
			applications = append(applications, path)
		}
	}
	slices.Sort(applications)
	return applications
}

// kindOf says what an application folder is, by the file that makes it one.
func kindOf(dir string) (kind, file string) {
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		if path := filepath.Join(dir, name); isFile(path) {
			return "kustomize", path
		}
	}
	if path := filepath.Join(dir, "Chart.yaml"); isFile(path) {
		return "helm", path
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

// kustomization is the part of a kustomization that names what it is made of.
type kustomization struct {
	Kind                         string
	Resources, Bases, Components []string
	HelmCharts                   []struct{ Name string }
	HelmGlobals                  struct{ ChartHome string }
}

// readKustomization reads what it can: a file that is broken is told when its
// application is judged.
func readKustomization(file string) kustomization {
	var read kustomization
	if data, err := os.ReadFile(file); err == nil {
		_ = yaml.Unmarshal(data, &read)
	}
	return read
}

// locals are the folders that it is made of, relative to its own.
func (k kustomization) locals() []string {
	locals := slices.Concat(k.Resources, k.Bases, k.Components)
	for _, resource := range k.Resources {
		if dir := filepath.Dir(resource); dir != "." {
			locals = append(locals, dir) // it may be a file of that folder
		}
	}
	for _, chart := range k.HelmCharts {
		locals = append(locals, filepath.Join(cmp.Or(k.HelmGlobals.ChartHome, "charts"), chart.Name))
	}
	return locals
}

// chart is the part of a Chart.yaml that names what it is made of.
type chart struct {
	Type         string
	Dependencies []struct{ Repository string }
}

func readChart(file string) chart {
	var read chart
	if data, err := os.ReadFile(file); err == nil {
		_ = yaml.Unmarshal(data, &read)
	}
	return read
}

// locals are the folders of the charts that it depends on, relative to its own.
func (c chart) locals() []string {
	var locals []string
	for _, dependency := range c.Dependencies {
		if local, isLocal := strings.CutPrefix(dependency.Repository, "file://"); isLocal {
			locals = append(locals, local)
		}
	}
	return locals
}
