package render

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"

	"github.com/assay-gitops/assay/plugin"
)

// ignoring is a chart whose .helmignore names a template, a file and a subchart's
// template. Helm leaves hidden templates of a folder out by itself.
func ignoring() map[string]string {
	object := func(name string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
	}
	return map[string]string{
		".helmignore":                "templates/b.yaml\nnotes.txt\ncharts/sub/templates/e.yml\n",
		"Chart.yaml":                 "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"notes.txt":                  "left out\n",
		"templates/a.yaml":           object("a"),
		"templates/b.yaml":           object("b"),
		"templates/.c.yaml":          object("c"),
		"charts/sub/Chart.yaml":      "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
		"charts/sub/templates/d.yml": object("d"),
		"charts/sub/templates/e.yml": object("e"),
		"charts/sub/.helmignore":     "templates/d.yml\n",
	}
}

// TestHelm_NothingOfAPackageIsIgnored: .helmignore was followed when it was
// packaged, and Helm, helm-controller with it, reads all that is in it. Of a
// folder it leaves out what .helmignore names.
func TestHelm_NothingOfAPackageIsIgnored(t *testing.T) {
	dir := t.TempDir()
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipped)
	for name, text := range ignoring() {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, "web", name)), 0o750))
		must(t, os.WriteFile(filepath.Join(dir, "web", name), []byte(text), 0o600))
		must(t, archive.WriteHeader(&tar.Header{Name: "web/" + name, Mode: 0o644, Size: int64(len(text))}))
		_, err := archive.Write([]byte(text))
		must(t, err)
	}
	must(t, archive.Close())
	must(t, zipped.Close())
	asPackage, err := loader.LoadArchive(&packed)
	must(t, err)
	asFolder, err := loader.LoadDir(filepath.Join(dir, "web"))
	must(t, err)
	root, err := os.OpenRoot(dir)
	must(t, err)
	defer root.Close()
	for packaged, want := range map[bool]*chart.Chart{true: asPackage, false: asFolder} {
		source := plugin.Source{Root: root, Path: "web", Parameters: plugin.Parameters{Kind: KindHelm, Helm: plugin.HelmParameters{Packaged: packaged}}}
		release, err := newHelmRelease(newTree(root, plugin.DefaultLimits()), source, nil)
		must(t, err)
		loaded, err := release.load(t.Context())
		must(t, err)
		if got, want := filesOf(loaded), filesOf(want); !slices.Equal(got, want) {
			t.Errorf("packaged %v: %v, helm has %v", packaged, got, want)
		}
		rendering, err := New(Options{Limits: plugin.DefaultLimits()}).Render(t.Context(), source)
		must(t, err)
		if has := slices.ContainsFunc(rendering.Objects, func(o plugin.Object) bool { return o.ID().Name == "b" }); has != packaged {
			t.Errorf("packaged %v: the ignored template is rendered: %v", packaged, has)
		}
		facts, err := DescribeChart(t.Context(), source, Options{Limits: plugin.DefaultLimits()})
		if err != nil || facts.Name != "web" {
			t.Errorf("%+v %v", facts, err)
		}
	}
}

// filesOf are the templates and files of a chart and its subcharts, sorted.
func filesOf(of *chart.Chart) []string {
	var names []string
	for _, file := range slices.Concat(of.Templates, of.Files) {
		names = append(names, of.Name()+"/"+file.Name)
	}
	for _, sub := range of.Dependencies() {
		names = append(names, filesOf(sub)...)
	}
	slices.Sort(names)
	return names
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
