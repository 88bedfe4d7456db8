package render

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"reflect"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// openTree confines a test to a folder.
func openTree(t testing.TB, folder string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

// writeTree makes a source tree of texts by path.
func writeTree(t testing.TB, files map[string]string) *os.Root {
	t.Helper()
	root := openTree(t, t.TempDir())
	for name, text := range files {
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := root.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func newRenderer() *Renderer { return New(Options{Limits: plugin.DefaultLimits()}) }

// mustRender renders and fails the test on an error.
func mustRender(t testing.TB, source plugin.Source) plugin.Rendering {
	t.Helper()
	rendering, err := newRenderer().Render(t.Context(), source)
	if err != nil {
		t.Fatalf("rendering %s: %v", source.Path, err)
	}
	return rendering
}

// readStream decodes YAML by sigs.k8s.io/yaml and encoding/json alone, the way
// a reader of the tool's output would.
func readStream(t testing.TB, text string) []map[string]any {
	t.Helper()
	var objects []map[string]any
	for _, document := range strings.Split("\n"+text, "\n---\n") {
		data, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		if string(data) == "null" {
			continue
		}
		value, err := decodeJSON(data, plugin.DefaultLimits(), plugin.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		fields, _ := value.(map[string]any)
		objects = append(objects, fields)
	}
	return objects
}

func compare(t *testing.T, want []map[string]any, got []plugin.Object) {
	t.Helper()
	if len(want) == 0 || len(want) != len(got) {
		t.Fatalf("the tool has %d objects, the renderer %d", len(want), len(got))
	}
	for i := range want {
		if !reflect.DeepEqual(want[i], got[i].Fields) {
			t.Errorf("object %d differs:\n tool     %v\n renderer %v", i, want[i], got[i].Fields)
		}
	}
	t.Logf("%d objects equal, field for field and in order", len(want))
}

func TestKustomize_EqualsTheToolsOwnOutput(t *testing.T) {
	for _, folder := range []string{"base", "overlay", "metadata"} {
		t.Run(folder, func(t *testing.T) {
			built, err := krusty.MakeKustomizer(commandLine()).Run(filesys.MakeFsOnDisk(), "testdata/kustomize/"+folder)
			if err != nil {
				t.Fatal(err)
			}
			text, err := built.AsYaml()
			if err != nil {
				t.Fatal(err)
			}
			rendering := mustRender(t, plugin.Source{Root: openTree(t, "testdata/kustomize"), Path: folder})
			compare(t, readStream(t, string(text)), rendering.Objects)
		})
	}
}

// helmTemplate composes helm's own functions as `helm template --skip-tests`
// does, with --include-crds unless the parameters leave them out.
func helmTemplate(t testing.TB, folder string, values map[string]any, parameters plugin.HelmParameters) string {
	t.Helper()
	loaded, err := loader.LoadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := chartutil.ProcessDependencies(loaded, values); err != nil {
		t.Fatal(err)
	}
	capabilities := common.DefaultCapabilities.Copy()
	version, err := common.ParseKubeVersion(defaultKubeVersion)
	if err != nil {
		t.Fatal(err)
	}
	capabilities.KubeVersion = *version
	capabilities.APIVersions = append(capabilities.APIVersions, parameters.APIVersions...)
	options := common.ReleaseOptions{Name: "prod", Namespace: "team-a", Revision: 1, IsInstall: true}
	top, err := commonutil.ToRenderValues(loaded, values, options, capabilities)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Render(loaded, top)
	if err != nil {
		t.Fatal(err)
	}
	for name := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(files, name)
		}
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	crds := loaded.CRDObjects()
	if parameters.SkipCRDs {
		crds = nil
	}
	for _, crd := range crds {
		fmt.Fprintf(&out, "---\n# Source: %s\n%s\n", crd.Filename, crd.File.Data)
	}
	for _, manifest := range manifests {
		fmt.Fprintf(&out, "---\n# Source: %s\n%s\n", manifest.Name, manifest.Content)
	}
	for _, hook := range hooks {
		if hook.Events[0] != "test" {
			fmt.Fprintf(&out, "---\n# Source: %s\n%s\n", hook.Path, hook.Manifest)
		}
	}
	return out.String()
}

func TestHelm_EqualsTheToolsOwnOutput(t *testing.T) {
	for _, test := range []struct {
		name       string
		parameters plugin.HelmParameters
		values     map[string]any
	}{
		{name: "defaults"},
		{
			name:       "values from every source",
			parameters: plugin.HelmParameters{ValueFiles: []string{"values-*.yaml"}, Values: "settings: {c: inline, d: 1}", Set: []string{"settings.d=2"}, SetString: []string{"settings.e=3"}},
			values:     map[string]any{"replicas": float64(5), "settings": map[string]any{"c": "inline", "d": int64(2), "e": "3"}},
		},
		{
			name:       "a condition, a tag and an alias",
			parameters: plugin.HelmParameters{Values: "db: {enabled: false}\ntags: {extras: true}\narchive: {size: 3Gi}"},
			values:     map[string]any{"db": map[string]any{"enabled": false}, "tags": map[string]any{"extras": true}, "archive": map[string]any{"size": "3Gi"}},
		},
		{name: "API versions", parameters: plugin.HelmParameters{APIVersions: []string{"example.com/v1"}}},
		{name: "without CRDs", parameters: plugin.HelmParameters{SkipCRDs: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.values == nil {
				test.values = map[string]any{}
			}
			want := readStream(t, helmTemplate(t, "testdata/chart", test.values, test.parameters))
			source := plugin.Source{
				Root: openTree(t, "testdata"), Path: "chart", Parameters: plugin.Parameters{Helm: test.parameters},
				Application: plugin.Application{Name: "prod", Namespace: "team-a"},
			}
			got := mustRender(t, source).Objects
			compare(t, want, got)
			if first := got[0].ID().Kind == "CustomResourceDefinition"; first == test.parameters.SkipCRDs {
				t.Errorf("the CRDs are rendered: %t", first)
			}
		})
	}
}

func TestDirectory_ReadsAsArgoCDDoes(t *testing.T) {
	names := func(rendering plugin.Rendering) (out []string) {
		for _, object := range rendering.Objects {
			out = append(out, object.ID().String()+" "+object.Origin.String())
		}
		return out
	}
	for _, test := range []struct {
		name       string
		parameters plugin.DirectoryParameters
		want       []string
	}{
		{name: "one folder", want: []string{"configmap/first app.yaml:1", "deployment/web app.yaml:9", "service/web list.json:1"}},
		{name: "recurse", parameters: plugin.DirectoryParameters{Recurse: true}, want: []string{"configmap/first app.yaml:1", "deployment/web app.yaml:9", "service/web list.json:1", "secret/nested nested/more.yml:1"}},
		{name: "include with braces", parameters: plugin.DirectoryParameters{Recurse: true, Include: "{*.json,nested/*.yml}"}, want: []string{"service/web list.json:1", "secret/nested nested/more.yml:1"}},
		{name: "exclude", parameters: plugin.DirectoryParameters{Recurse: true, Exclude: "*.y*ml"}, want: []string{"service/web list.json:1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			source := plugin.Source{Root: openTree(t, "testdata/plain"), Path: ".", Parameters: plugin.Parameters{Directory: test.parameters}}
			rendering := mustRender(t, source)
			if got := names(rendering); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	rendering := mustRender(t, plugin.Source{Root: openTree(t, "testdata/plain"), Path: "app.yaml"})
	if got := rendering.Objects[1].Fields["spec"]; !reflect.DeepEqual(got, map[string]any{"replicas": int64(1), "paused": false}) {
		t.Errorf("YAML 1.1 is not read as kubectl does: %#v", got)
	}
}
