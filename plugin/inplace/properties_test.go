package inplace_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/inplace"
	"github.com/assay-gitops/assay/plugin/render"
)

// moduleDir is the source of a module that this one needs.
func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("finding %s: %v", module, err)
	}
	return strings.TrimSpace(string(out))
}

// copyTree copies the regular files of a tree, so that they can be written. A Pod
// gets its name from the API server: with one of its own it is left alone.
func copyTree(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	err := filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		relative, relativeErr := filepath.Rel(from, name)
		if err != nil || relativeErr != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, relative), 0o755)
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		data = bytes.ReplaceAll(data, []byte("kind: Pod\nmetadata:\n  name:"), []byte("kind: Pod\nmetadata:\n  generateName:"))
		return os.WriteFile(filepath.Join(to, relative), data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// applications are the folders of a tree that hold manifests or a
// kustomization, sorted.
func applications(t *testing.T, dir string) []string {
	t.Helper()
	var folders []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if ext := filepath.Ext(name); err == nil && entry.Type().IsRegular() && (ext == ".yaml" || ext == ".yml" || ext == ".json" || entry.Name() == "Kustomization") {
			folders = append(folders, filepath.ToSlash(filepath.Dir(name)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}

// TestProperty_WrittenSourcesRenderToTheSame over every folder of the examples,
// of the renderer's test data and of modules: what is handed on stays the same,
// nothing is left to fill in of what was written, and a second run writes
// nothing.
func TestProperty_WrittenSourcesRenderToTheSame(t *testing.T) {
	trees := map[string]struct{ dir string }{
		"examples": {"../../examples"}, "renderer": {"../render/testdata"},
		"kustomize": {moduleDir(t, "sigs.k8s.io/kustomize/api")}, "kyaml": {moduleDir(t, "sigs.k8s.io/kustomize/kyaml")},
		"kubernetes": {filepath.Join(moduleDir(t, "k8s.io/pod-security-admission"), "test/testdata/restricted/v1.30")},
		"helm":       {filepath.Join(moduleDir(t, "helm.sh/helm/v4"), "pkg")},
	}
	var total tally
	for name, tree := range trees {
		t.Run(name, func(t *testing.T) {
			dir := copyTree(t, tree.dir)
			for _, folder := range applications(t, dir) {
				one := newTally(t, dir, folder)
				total.add(one)
			}
		})
	}
	t.Logf("%+v", total)
	if total.manifests < 25 || total.kustomizations < 5 || total.charts < 40 || total.settings < 1400 {
		t.Errorf("too few were looked at: %+v", total)
	}
}

// tally counts what was written.
type tally struct{ manifests, kustomizations, charts, settings, left int }

func (t *tally) add(one tally) {
	t.manifests += one.manifests
	t.kustomizations += one.kustomizations
	t.charts += one.charts
	t.settings += one.settings
	t.left += one.left
}

// newTally hardens one folder, where it renders at all.
func newTally(t *testing.T, dir, folder string) tally {
	t.Helper()
	s := openScene(t, newPipeline(t, everything()), dir, folder)
	filled, _ := s.Fill(t.Context(), s.source)
	if !filled.Done {
		return tally{} // what does not render is the renderer's business
	}
	kind := render.KindOf(s.source, plugin.DefaultLimits())
	files := map[string]string{}
	if kind == render.KindHelm {
		files = s.filesBelow(t, folder)
	}
	plan, err := inplace.Make(t.Context(), s, s.source)
	if err != nil {
		t.Errorf("%s: %v", folder, err)
		return tally{}
	}
	if err := plan.Write(s.source.Root); err != nil {
		t.Errorf("%s: %v", folder, err)
		return tally{}
	}
	count := tally{settings: plan.Settings, left: len(plan.Left)}
	switch {
	case kind == render.KindHelm:
		count.charts++
		if len(plan.Files) > 0 {
			t.Errorf("%s: files of a chart would be written: %+v", folder, plan.Files)
		}
		sameFiles(t, files, s.filesBelow(t, folder))
		return count // some charts make new passwords each time
	case len(plan.Files) == 0:
	case kind == render.KindKustomize:
		count.kustomizations++
	default:
		count.manifests++
	}
	after, _ := s.hardened(t)
	sameObjects(t, filled.After, after)
	if again := s.make(t); len(again.Files) > 0 {
		t.Errorf("%s: a second run would write %+v", folder, again.Files)
	}
	for _, left := range plan.Left {
		t.Logf("%s: left: %s: %s", folder, left.Object, left.Reason)
	}
	return count
}
