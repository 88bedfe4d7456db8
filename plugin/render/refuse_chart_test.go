package render

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func TestRender_BadChartsAreRefused(t *testing.T) {
	good := goodChartFiles()
	with := chartWith
	dependency := goodChart + "dependencies:\n- name: redis\n  version: 1.x\n  repository: https://charts.example.com\n"
	for _, bad := range []badSource{
		{name: "a missing dependency", files: with("Chart.yaml", dependency), rule: ruleDependency, part: "redis", origin: "Chart.yaml:5", repair: good},
		{
			name: "a value file that climbs out", files: good, parameters: plugin.Parameters{Helm: plugin.HelmParameters{ValueFiles: []string{"../../etc/passwd"}}}, rule: ruleEscape, part: "out of the source tree",
			repaired: plugin.Parameters{Helm: plugin.HelmParameters{ValueFiles: []string{"../none.yaml"}, IgnoreMissingValueFiles: true}}, path: "c",
		},
		{
			name: "a remote value file", files: good, parameters: plugin.Parameters{Helm: plugin.HelmParameters{ValueFiles: []string{"https://u:p@example.com/v.yaml"}}}, rule: ruleRemote, part: "example.com",
		},
		{
			name: "a value file that does not exist", files: good, parameters: plugin.Parameters{Helm: plugin.HelmParameters{ValueFiles: []string{"x.yaml"}}}, rule: ruleMissing, part: "x.yaml", origin: "x.yaml",
		},
		{
			name: "a YAML bomb in the values", files: with("values.yaml", yamlBomb()), rule: ruleLimit, part: "yamlNodes", origin: "values.yaml", repair: map[string]string{"values.yaml": ""},
		},
		{
			name: "values a million levels deep", files: with("values.yaml", "a: "+strings.Repeat("[", 1_000_000)), rule: ruleLimit, part: "yamlDepth", origin: "values.yaml:1", repair: map[string]string{"values.yaml": ""},
		},
		{
			name: "a schema that reads a file", files: with("values.schema.json", `{"$ref": "file:///etc/passwd"}`), rule: ruleRemote, part: "/etc/passwd", origin: "values.schema.json",
			repair: map[string]string{"values.schema.json": `{"$ref": "#/$defs/x", "$defs": {"x": {"type": "object"}}}`},
		},
		{
			name: "a schema in a dialect of its own", files: with("values.schema.json", `{"$schema": "https://example.com/dialect"}`), rule: ruleRemote, part: "dialect", origin: "values.schema.json",
			repair: map[string]string{"values.schema.json": `{"$schema": "https://json-schema.org/draft/2020-12/schema"}`},
		},
		{
			name: "values that break the schema", files: with("values.schema.json", `{"required": ["size"]}`), rule: ruleInvalid, part: "size", origin: "values.schema.json",
			repaired: plugin.Parameters{Helm: plugin.HelmParameters{SkipSchemaValidation: true}},
		},
		{name: "a library chart", files: with("Chart.yaml", goodChart+"type: library\n"), rule: ruleInvalid, part: "library", origin: "Chart.yaml", repair: good},
		{name: "a chart for another Kubernetes", files: with("Chart.yaml", goodChart+"kubeVersion: '<1.20.0'\n"), rule: ruleInvalid, part: "requires Kubernetes", origin: "Chart.yaml", repair: good},
		{name: "a template that fails", files: with("templates/b.yaml", `{{ fail "no size" }}`), rule: ruleInvalid, part: "no size", origin: "templates/b.yaml:1", repair: map[string]string{"templates/b.yaml": ""}},
		{name: "a template out of the tree", files: good, links: map[string]string{"templates/b.yaml": "/etc/passwd"}, rule: ruleEscape, part: "symlink", origin: "templates/b.yaml", repair: map[string]string{"templates/b.yaml": ""}},
	} {
		if bad.path == "c" {
			moved := map[string]string{}
			for name, text := range bad.files {
				moved["c/"+name] = text
			}
			bad.files = moved
		}
		t.Run(bad.name, bad.run)
	}
}

func goodChartFiles() map[string]string {
	return map[string]string{"Chart.yaml": goodChart, "templates/a.yaml": goodConfigMap}
}

// chartWith is a good chart with one file changed or added.
func chartWith(name, text string) map[string]string {
	files := goodChartFiles()
	files[name] = text
	return files
}

func TestRender_BadChartArchivesAreRefused(t *testing.T) {
	with := chartWith
	for _, bad := range []badSource{
		{name: "an archive that is none", files: with("charts/x.tgz", "text"), rule: ruleInvalid, part: "gzip", origin: "charts/x.tgz", repair: map[string]string{"charts/x.tgz": chartArchive(nil)}},
		{
			name: "an archive that climbs out", files: with("charts/x.tgz", chartArchive(map[string]string{"x/../../evil": "x"})), rule: ruleEscape, part: "out of the chart", origin: "charts/x.tgz",
			repair: map[string]string{"charts/x.tgz": chartArchive(map[string]string{"x/fine": "x"})},
		},
		{
			name: "an archive of zeros", files: with("charts/x.tgz", chartArchive(map[string]string{"x/zeros": strings.Repeat("\x00", 65<<20)})), rule: ruleLimit, part: "archiveBytes", origin: "charts/x.tgz",
			repair: map[string]string{"charts/x.tgz": chartArchive(nil)},
		},
	} {
		t.Run(bad.name, bad.run)
	}
}

// chartArchive packages a chart named x.
func chartArchive(more map[string]string) string {
	files := map[string]string{
		"x/Chart.yaml":       "apiVersion: v2\nname: x\nversion: 1.0.0\n",
		"x/templates/x.yaml": strings.Replace(goodConfigMap, "name: a", "name: from-x", 1),
	}
	maps.Copy(files, more)
	return tarball(files)
}

// tarball packs files in the order of their names.
func tarball(files map[string]string) string {
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg}); err != nil {
			panic(err)
		}
		if _, err := archive.Write([]byte(files[name])); err != nil {
			panic(err)
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		panic(err)
	}
	return out.String()
}

func TestRender_AValuesFileOf200MBIsRefusedUnread(t *testing.T) {
	root := writeTree(t, map[string]string{"Chart.yaml": goodChart, "templates/a.yaml": goodConfigMap})
	file, err := root.Create("big.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Truncate(200<<20), file.Close()); err != nil { // a hole: the size counts
		t.Fatal(err)
	}
	source := plugin.Source{Root: root, Path: ".", Parameters: plugin.Parameters{Helm: plugin.HelmParameters{ValueFiles: []string{"big.yaml"}}}}
	_, err = newRenderer().Render(t.Context(), source)
	if refusal := refused(t, err, ruleLimit, "fileBytes"); refusal.Origin.File != "big.yaml" {
		t.Errorf("the refusal names %q", refusal.Origin)
	}
	if err := root.WriteFile("big.yaml", []byte("a: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := root.Remove("big.yaml"); err != nil {
		t.Fatal(err)
	}
	source.Parameters.Helm.IgnoreMissingValueFiles = true
	mustRender(t, source)
}
