package render

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// refused demands a refusal of that rule whose text holds a part.
func refused(t *testing.T, err error, rule, part string) *plugin.Refusal {
	t.Helper()
	var refusal *plugin.Refusal
	if !errors.As(err, &refusal) {
		t.Errorf("got %v, want a refusal by %s", err, rule)
		return &plugin.Refusal{}
	}
	if refusal.Rule != rule || !strings.Contains(refusal.Error(), part) {
		t.Errorf("got %s: %v, want %s about %q", refusal.Rule, refusal, rule, part)
	}
	return refusal
}

const (
	goodConfigMap = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
	goodChart     = "apiVersion: v2\nname: c\nversion: 0.1.0\n"
)

// badSource is a source that is refused, and the one change that makes it
// good.
type badSource struct {
	name       string
	files      map[string]string
	links      map[string]string
	path       string
	parameters plugin.Parameters
	rule, part string
	origin     string
	repair     map[string]string
	repaired   plugin.Parameters
}

func (b badSource) run(t *testing.T) {
	root := writeTree(t, b.files)
	for name, target := range b.links {
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, path.Join(root.Name(), name)); err != nil {
			t.Fatal(err)
		}
	}
	if b.path == "" {
		b.path = "."
	}
	source := plugin.Source{Root: root, Path: b.path, Parameters: b.parameters}
	rendering, err := newRenderer().Render(t.Context(), source)
	refusal := refused(t, err, b.rule, b.part)
	if refusal.Origin.String() != b.origin {
		t.Errorf("the refusal names %q, want %q", refusal.Origin, b.origin)
	}
	if len(rendering.Objects) > 0 {
		t.Errorf("a refusal comes with %d objects", len(rendering.Objects))
	}
	for name, text := range b.repair {
		if err := root.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
		if err := root.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	source.Parameters = b.repaired
	if _, err := newRenderer().Render(t.Context(), source); err != nil {
		t.Errorf("the twin fails: %v", err)
	}
}

func TestRender_BadKustomizationsAreRefusedWithTheLine(t *testing.T) {
	good := "resources:\n- a.yaml\n"
	for _, bad := range []badSource{
		{
			name: "reads /etc/passwd", rule: ruleEscape, part: "absolute", origin: "kustomization.yaml:4",
			files:  map[string]string{"kustomization.yaml": "configMapGenerator:\n- name: x\n  files:\n  - passwd=/etc/passwd\n"},
			repair: map[string]string{"kustomization.yaml": "configMapGenerator:\n- name: x\n  files:\n  - passwd\n", "passwd": "x"},
		},
		{
			name: "climbs out of the tree", rule: ruleEscape, part: "out of the source tree", origin: "kustomization.yaml:2",
			files:  map[string]string{"kustomization.yaml": "resources:\n- ../../etc/passwd\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "symlink out of the tree", rule: ruleEscape, part: "symlink", origin: "kustomization.yaml:2",
			files: map[string]string{"kustomization.yaml": good}, links: map[string]string{"a.yaml": "/etc/passwd"},
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "relative symlink out of the tree", rule: ruleEscape, part: "out of the source tree", origin: "kustomization.yaml:2",
			files: map[string]string{"kustomization.yaml": good}, links: map[string]string{"a.yaml": "../../../../etc/passwd"},
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "remote base over https", rule: ruleRemote, part: "example.com/x.yaml", origin: "kustomization.yaml:3",
			files:  map[string]string{"kustomization.yaml": "resources:\n- a.yaml\n- https://user:secret@example.com/x.yaml\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "remote base on GitHub, although a folder has that name", rule: ruleRemote, part: "GitHub.com/a/b", origin: "kustomization.yaml:2",
			files:  map[string]string{"kustomization.yaml": "resources:\n- GitHub.com/a/b\n", "GitHub.com/a/b/kustomization.yaml": "resources: [a.yaml]\n", "GitHub.com/a/b/a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": "resources:\n- ./GitHub.com/a/b\n"},
		},
		{
			name: "remote base over ssh", rule: ruleRemote, part: "git@example.com", origin: "kustomization.yaml:2",
			files:  map[string]string{"kustomization.yaml": "components:\n- git@example.com:a/b.git\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "remote base two folders down", rule: ruleRemote, part: "example.com/x", origin: "sub/kustomization.yml:2",
			files: map[string]string{
				"kustomization.yaml": "resources:\n- sub\n", "sub/kustomization.yml": "resources:\n- ssh://example.com/x\n", "sub/a.yaml": goodConfigMap,
			},
			repair: map[string]string{"sub/kustomization.yml": good},
		},
		{
			name: "an entry that does not exist", rule: ruleMissing, part: "owner/repo", origin: "kustomization.yaml:2",
			files:  map[string]string{"kustomization.yaml": "resources:\n- owner/repo\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "remote patch", rule: ruleRemote, part: "example.com", origin: "kustomization.yaml:4",
			files:  map[string]string{"kustomization.yaml": "resources:\n- a.yaml\npatches:\n- path: http://example.com/p.yaml\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "exec plugin", rule: ruleExec, part: "Exec", origin: "kustomization.yaml:4",
			files: map[string]string{"kustomization.yaml": "resources:\n- a.yaml\ntransformers:\n- |\n  apiVersion: example.com/v1\n  kind: Exec\n  metadata: {name: x, annotations: {config.kubernetes.io/function: 'exec: {path: ./run.sh}'}}\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": "resources:\n- a.yaml\ntransformers:\n- |\n  apiVersion: builtin\n  kind: NamespaceTransformer\n  metadata: {name: x, namespace: team-a}\n" +
				"  fieldSpecs: [{path: metadata/namespace, create: true}]\n"},
		},
		{
			name: "container function in a file", rule: ruleExec, part: "Fn", origin: "gen.yaml:1",
			files: map[string]string{
				"kustomization.yaml": "resources:\n- a.yaml\ngenerators:\n- gen.yaml\n", "a.yaml": goodConfigMap,
				"gen.yaml": "apiVersion: v1\nkind: Fn\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: 'container: {image: x}'\n",
			},
			repair: map[string]string{"gen.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata:\n  name: x\nliterals: [a=b]\n"},
		},
		{
			name: "a built-in plugin that fetches", rule: ruleRemote, part: "example.com", origin: "kustomization.yaml:4",
			files:  map[string]string{"kustomization.yaml": "resources:\n- a.yaml\ngenerators:\n- |\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n  metadata: {name: x}\n  files: ['k=https://example.com/f']\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "the helm generator as a plugin", rule: ruleExec, part: "HelmChartInflationGenerator", origin: "kustomization.yaml:4",
			files:  map[string]string{"kustomization.yaml": "resources:\n- a.yaml\ngenerators:\n- |\n  apiVersion: builtin\n  kind: HelmChartInflationGenerator\n  metadata: {name: x}\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "a file above the kustomization", rule: ruleEscape, part: "not in or below", origin: "app/kustomization.yaml:2", path: "app",
			files:  map[string]string{"app/kustomization.yaml": "resources:\n- ../a.yaml\n", "a.yaml": goodConfigMap, "app/a.yaml": goodConfigMap},
			repair: map[string]string{"app/kustomization.yaml": good},
		},
		{
			name: "a chart that is not in the tree", rule: ruleDependency, part: "charts/redis", origin: "kustomization.yaml",
			files:  map[string]string{"kustomization.yaml": "resources:\n- a.yaml\nhelmCharts:\n- name: redis\n  repo: https://charts.example.com\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
		{
			name: "a YAML bomb", rule: ruleLimit, part: "yamlNodes", origin: "a.yaml",
			files:  map[string]string{"kustomization.yaml": good, "a.yaml": yamlBomb()},
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "an unknown field", rule: ruleInvalid, part: "resorces", origin: "kustomization.yaml",
			files:  map[string]string{"kustomization.yaml": "resorces: [a.yaml]\n", "a.yaml": goodConfigMap},
			repair: map[string]string{"kustomization.yaml": good},
		},
	} {
		t.Run(bad.name, bad.run)
	}
}

// yamlBomb expands to ten thousand million nodes.
func yamlBomb() string {
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nb0: &b0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 10 {
		item := fmt.Sprintf("*b%d", i)
		text += fmt.Sprintf("b%d: &b%d [%s]\n", i+1, i+1, strings.Repeat(item+", ", 9)+item)
	}
	return text
}

func TestRender_BadManifestsAreRefused(t *testing.T) {
	for _, bad := range []badSource{
		{name: "a YAML bomb", files: map[string]string{"a.yaml": yamlBomb()}, rule: ruleLimit, part: "yamlNodes", origin: "a.yaml:1", repair: map[string]string{"a.yaml": goodConfigMap}},
		{
			name: "a million levels of flow", files: map[string]string{"a.yaml": "a: " + strings.Repeat("[", 1_000_000)}, rule: ruleLimit, part: "yamlDepth", origin: "a.yaml:1",
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "a million levels of dashes", files: map[string]string{"a.yaml": strings.Repeat("- ", 1_000_000) + "x"}, rule: ruleLimit, part: "yamlDepth", origin: "a.yaml:1",
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "a million levels of JSON", files: map[string]string{"a.json": strings.Repeat("[", 1_000_000)}, rule: ruleLimit, part: "yamlDepth", origin: "a.json",
			repair: map[string]string{"a.json": `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}`},
		},
		{
			name: "six hundred levels", files: map[string]string{"a.yaml": goodConfigMap + "x: " + strings.Repeat("[", 600) + strings.Repeat("]", 600)}, rule: ruleLimit, part: "yamlDepth", origin: "a.yaml:1",
			repair: map[string]string{"a.yaml": goodConfigMap + "x: " + strings.Repeat("[", 400) + strings.Repeat("]", 400)},
		},
		{
			name: "an object without kind", files: map[string]string{"a.yaml": "\napiVersion: v1\nmetadata: {name: a}\n"}, rule: ruleNotAnObject, part: "no kind", origin: "a.yaml:2",
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "an object without a name", files: map[string]string{"a.yaml": "apiVersion: v1\nkind: Pod\n"}, rule: ruleNotAnObject, part: "metadata.name", origin: "a.yaml:1",
			repair: map[string]string{"a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}\n"},
		},
		{
			name: "a list with something else in it", files: map[string]string{"a.yaml": "apiVersion: v1\nkind: List\nitems: [text]\n"}, rule: ruleNotAnObject, part: "item of a list", origin: "a.yaml:1",
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "Jsonnet", files: map[string]string{"a.yaml": goodConfigMap, "b.jsonnet": "{}"}, rule: ruleNotSupported, part: "Jsonnet", origin: "b.jsonnet",
			repaired: plugin.Parameters{Directory: plugin.DirectoryParameters{Exclude: "*.jsonnet"}},
		},
		{
			name: "nothing at all", files: map[string]string{"README.md": "x"}, rule: ruleEmpty, part: "no objects", origin: ".",
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "an empty list", files: map[string]string{"a.yaml": "apiVersion: v1\nkind: List\nitems: []\n"}, rule: ruleEmpty, part: "no objects", origin: ".",
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "broken YAML", files: map[string]string{"a.yaml": goodConfigMap + "---\na: [\n"}, rule: ruleInvalid, part: "YAML", origin: "a.yaml:6",
			repair: map[string]string{"a.yaml": goodConfigMap},
		},
		{
			name: "symlink out of the tree", files: map[string]string{"a.yaml": goodConfigMap}, links: map[string]string{"b.yaml": "/etc/passwd"}, rule: ruleEscape, part: "symlink", origin: "b.yaml",
			repair: map[string]string{"b.yaml": strings.Replace(goodConfigMap, "name: a", "name: b", 1)},
		},
		{
			name: "an unknown renderer", files: map[string]string{"a.yaml": goodConfigMap}, parameters: plugin.Parameters{Kind: "cue"}, rule: ruleNotSupported, part: `"cue"`, origin: ".",
			repaired: plugin.Parameters{Kind: "directory"},
		},
		{name: "a path that does not exist", path: "app", files: map[string]string{"x": ""}, rule: ruleMissing, part: "app", origin: "app", repair: map[string]string{"app": goodConfigMap}},
	} {
		t.Run(bad.name, bad.run)
	}
}

func TestRender_BadChartsAreRefused(t *testing.T) {
	good := map[string]string{"Chart.yaml": goodChart, "templates/a.yaml": goodConfigMap}
	with := func(name, text string) map[string]string {
		files := map[string]string{name: text}
		for other, text := range good {
			if other != name {
				files[other] = text
			}
		}
		return files
	}
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
			name: "values a million levels deep", files: with("values.yaml", "a: "+strings.Repeat("[", 1_000_000)), rule: ruleLimit, part: "yamlDepth", origin: "values.yaml", repair: map[string]string{"values.yaml": ""},
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
		{name: "a template that fails", files: with("templates/b.yaml", `{{ fail "no size" }}`), rule: ruleInvalid, part: "no size", origin: "Chart.yaml", repair: map[string]string{"templates/b.yaml": ""}},
		{name: "a template out of the tree", files: good, links: map[string]string{"templates/b.yaml": "/etc/passwd"}, rule: ruleEscape, part: "symlink", origin: "templates/b.yaml", repair: map[string]string{"templates/b.yaml": ""}},
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

// chartArchive packages a chart named x.
func chartArchive(more map[string]string) string {
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	add := func(name, text string) {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
			panic(err)
		}
		if _, err := archive.Write([]byte(text)); err != nil {
			panic(err)
		}
	}
	add("x/Chart.yaml", "apiVersion: v2\nname: x\nversion: 1.0.0\n")
	add("x/templates/x.yaml", strings.Replace(goodConfigMap, "name: a", "name: from-x", 1))
	for name, text := range more {
		add(name, text)
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

func TestRender_ACancelledCallerIsNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newRenderer().Render(ctx, plugin.Source{Root: openTree(t, "testdata"), Path: "plain"})
	var noAnswer *plugin.StageError
	if !errors.As(err, &noAnswer) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want no answer", err)
	}
}

func TestRender_WithoutLimitsNothingIsRendered(t *testing.T) {
	_, err := New(Options{}).Render(t.Context(), plugin.Source{Root: openTree(t, "testdata"), Path: "plain"})
	refused(t, err, ruleLimit, "fileBytes")
}
