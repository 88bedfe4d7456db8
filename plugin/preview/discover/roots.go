package discover

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// Roots are the folders of the tree that are applications of themselves: Helm
// charts, kustomizations and folders with manifests, unless another of them is
// made of it. A base, a component, a library chart and a chart that another one
// depends on are judged as part of what uses them. Charts are rendered with
// their default values: which other files of values are used, and how, is for a
// definition to say.
func Roots(ctx context.Context, tree Tree) ([]Application, error) {
	walk := rootWalk{tree: tree, used: map[string]bool{}}
	err := fs.WalkDir(tree.Root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !entry.IsDir():
			return context.Cause(ctx)
		case name != "." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		}
		return walk.folder(name)
	})
	if err != nil {
		return nil, fmt.Errorf("looking for charts, kustomizations and manifests: %w", err)
	}
	return walk.applications(), nil
}

// rootWalk is what was found in a tree.
type rootWalk struct {
	tree                          Tree
	charts, kustomizations, plain []Application
	// used are the folders that something else is made of.
	used map[string]bool
}

// folder takes one folder in.
func (w *rootWalk) folder(name string) error {
	file, isKustomization := render.KustomizationOf(plugin.Source{Root: w.tree.Root, Path: name}, w.tree.Limits)
	kustomization := readKustomization(w.tree, file, isKustomization)
	w.use(name, kustomization.locals())
	switch kind := render.KindOf(plugin.Source{Root: w.tree.Root, Path: name}, w.tree.Limits); {
	case kind == render.KindHelm:
		chart := readChart(w.tree, path.Join(name, "Chart.yaml"))
		w.use(name, chart.locals())
		if chart.Type != "library" {
			w.charts = append(w.charts, w.chart(name))
		}
		return fs.SkipDir
	case isKustomization:
		if kustomization.Kind != "Component" {
			w.kustomizations = append(w.kustomizations, root(render.KindKustomize, name, file))
		}
	case hasManifest(w.tree, name):
		w.plain = append(w.plain, root(render.KindDirectory, name, name))
	}
	return nil
}

func (w *rootWalk) use(folder string, locals []string) {
	for _, local := range locals {
		w.used[path.Join(folder, local)] = true
	}
}

func root(kind, folder, file string) Application {
	app := Application{Kind: kind, Name: folder, Origin: plugin.Origin{File: file}, Parts: []Part{{Path: folder, Parameters: plugin.Parameters{Kind: kind}}}}
	if folder != "." {
		app.Identity.Name = path.Base(folder)
	}
	return app
}

// chart is a chart with a remark on the values that lie beside its own.
func (w *rootWalk) chart(folder string) Application {
	app := root(render.KindHelm, folder, path.Join(folder, "Chart.yaml"))
	entries, err := fs.ReadDir(w.tree.Root.FS(), folder)
	if err != nil {
		return app // rendering it says why
	}
	var others []string
	for _, entry := range entries {
		if name := entry.Name(); isYAML(name) && strings.HasPrefix(name, "values-") || entry.IsDir() && name == "values" {
			others = append(others, name)
		}
	}
	if len(others) > 0 {
		app.Notes = append(app.Notes, "it is rendered with its default values alone; no definition says what "+strings.Join(others[:min(len(others), mostNamed)], ", ")+" is for")
	}
	return app
}

// mostNamed bounds the files that a remark names.
const mostNamed = 5

// applications are the folders that nothing else is made of, sorted by path.
func (w *rootWalk) applications() []Application {
	within := map[string]bool{}
	for _, each := range w.kustomizations {
		within[each.Name] = true
	}
	var applications []Application
	for _, each := range slices.Concat(w.charts, w.kustomizations) {
		if !w.used[each.Name] {
			applications = append(applications, each)
		}
	}
	for _, each := range w.plain {
		if !w.used[each.Name] && !isBelow(within, each.Name) {
			applications = append(applications, each)
		}
	}
	slices.SortFunc(applications, func(a, b Application) int { return cmp.Compare(a.Name, b.Name) })
	return applications
}

// isBelow reports whether a folder is below one of the others.
func isBelow(folders map[string]bool, name string) bool {
	for name != "." {
		name = path.Dir(name)
		if folders[name] {
			return true
		}
	}
	return false
}

// Unreached are the roots that no definition deploys: whose folder is neither
// that of an application nor below it, and that hold more than definitions.
func Unreached(roots, defined []Application, tree Tree) []Application {
	reached, defines := map[string]bool{}, map[string]bool{}
	for _, app := range defined {
		defines[path.Dir(app.Origin.File)] = true
		for _, part := range app.Parts {
			if part.isIn(tree) {
				reached[path.Clean(part.Path)] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(roots), func(root Application) bool {
		switch {
		case reached[root.Name], isBelow(reached, root.Name):
			return true
		case root.Kind != render.KindDirectory:
			return defines[root.Name]
		}
		return !manifestIn(tree, root.Name, isOther)
	})
}

// groupOf finds the API groups of a file.
var groupOf = regexp.MustCompile(`apiVersion["']?\s*:\s*["']?([^\s"'/,}]+)`)

// isOther reports whether a file holds objects of other groups than those that
// define applications and what they refer to.
func isOther(data []byte) bool {
	return slices.ContainsFunc(groupOf.FindAllSubmatch(data, -1), func(found [][]byte) bool {
		group := string(found[1])
		return group != groupArgo && group != groupOwn && group != groupOperator && !strings.HasSuffix(group, ".fluxcd.io")
	})
}

// isIn reports whether a part is a folder of the tree.
func (p Part) isIn(tree Tree) bool {
	return p.Path != "" && (p.Repository == "" || tree.Own != nil && tree.Own(p.Repository))
}

// hasManifest reports whether a file of the folder looks like Kubernetes
// objects of an application: assay's own configuration is not one.
func hasManifest(tree Tree, folder string) bool {
	return manifestIn(tree, folder, func([]byte) bool { return true })
}

// manifestIn reports whether there is such a file for which is holds.
func manifestIn(tree Tree, folder string, is func(data []byte) bool) bool {
	entries, err := fs.ReadDir(tree.Root.FS(), folder)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(entries, func(entry fs.DirEntry) bool {
		name := path.Join(folder, entry.Name())
		if !entry.Type().IsRegular() || !isYAML(name) && path.Ext(name) != ".json" {
			return false
		}
		data, ok := readBounded(tree.Root, name, tree.Limits)
		for _, own := range []string{"assay.dev/", "policy.sigstore.dev/"} {
			if bytes.Contains(data, []byte("apiVersion: "+own)) {
				return false
			}
		}
		return ok && bytes.Contains(data, []byte("apiVersion")) && bytes.Contains(data, []byte("kind")) && is(data)
	})
}

// readBounded reads a regular file; false when it cannot be read or is larger
// than any that is rendered.
func readBounded(root *os.Root, name string, limits plugin.Limits) ([]byte, bool) {
	info, err := root.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > limits.FileBytes {
		return nil, false
	}
	data, err := root.ReadFile(name)
	return data, err == nil
}

// kustomizationFile is the part of a kustomization that names what it is made
// of.
type kustomizationFile struct {
	Kind                         string
	Resources, Bases, Components []string
	HelmCharts                   []struct{ Name string }
	HelmGlobals                  struct{ ChartHome string }
}

// readKustomization reads what it can: a file that is broken is told when its
// application is judged.
func readKustomization(tree Tree, file string, there bool) kustomizationFile {
	var read kustomizationFile
	if !there {
		return read
	}
	if data, ok := readBounded(tree.Root, file, tree.Limits); ok {
		_ = yaml.Unmarshal(data, &read)
	}
	return read
}

// locals are the folders that it is made of, relative to its own.
func (k kustomizationFile) locals() []string {
	locals := slices.Concat(k.Resources, k.Bases, k.Components)
	for _, resource := range k.Resources {
		if dir := path.Dir(resource); dir != "." {
			locals = append(locals, dir) // it may be a file of that folder
		}
	}
	for _, chart := range k.HelmCharts {
		locals = append(locals, path.Join(cmp.Or(k.HelmGlobals.ChartHome, "charts"), chart.Name))
	}
	return locals
}

// chartFile is the part of a Chart.yaml that names what it is made of.
type chartFile struct {
	Type         string
	Dependencies []struct{ Repository string }
}

func readChart(tree Tree, file string) chartFile {
	var read chartFile
	if data, ok := readBounded(tree.Root, file, tree.Limits); ok {
		_ = yaml.Unmarshal(data, &read)
	}
	return read
}

// locals are the folders of the charts that it depends on, relative to its own.
func (c chartFile) locals() []string {
	var locals []string
	for _, dependency := range c.Dependencies {
		if local, isLocal := strings.CutPrefix(dependency.Repository, "file://"); isLocal {
			locals = append(locals, local)
		}
	}
	return locals
}
