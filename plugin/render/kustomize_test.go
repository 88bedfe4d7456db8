package render

import (
	"fmt"
	"os"
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

	"github.com/assay-gitops/assay/plugin"
)

// fakeHelm stands for the helm command that kustomize starts: version, and
// template RELEASE CHART with --namespace and -f.
func fakeHelm(arguments []string) int {
	if arguments[0] == "version" {
		fmt.Println("v4.3.1")
		return 0
	}
	options := common.ReleaseOptions{Name: arguments[1], Namespace: "default", Revision: 1, IsInstall: true}
	values := map[string]any{}
	loaded, err := loader.LoadDir(arguments[2])
	for i, argument := range arguments {
		switch argument {
		case "--namespace":
			options.Namespace = arguments[i+1]
		case "-f":
			file, openErr := os.Open(arguments[i+1])
			if openErr != nil {
				return 1
			}
			read, readErr := loader.LoadValues(file)
			if readErr != nil {
				return 1
			}
			values = loader.MergeMaps(values, read)
		}
	}
	if err == nil {
		err = chartutil.ProcessDependencies(loaded, values)
	}
	top, valuesErr := commonutil.ToRenderValues(loaded, values, options, nil)
	files, renderErr := engine.Render(loaded, top)
	hooks, manifests, sortErr := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil || valuesErr != nil || renderErr != nil || sortErr != nil {
		return 1
	}
	for _, manifest := range manifests {
		fmt.Printf("---\n# Source: %s\n%s\n", manifest.Name, manifest.Content)
	}
	for _, hook := range hooks {
		fmt.Printf("---\n# Source: %s\n%s\n", hook.Path, hook.Manifest)
	}
	return 0
}

func TestKustomize_InflatesChartsAsEnableHelmDoes(t *testing.T) {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	options := commandLine()
	options.PluginConfig.HelmConfig.Enabled = true
	options.PluginConfig.HelmConfig.Command = executable
	built, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), "testdata/kustomize/charts-app")
	if err != nil {
		t.Fatal(err)
	}
	text, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	rendering := mustRender(t, plugin.Source{Root: openTree(t, "testdata/kustomize"), Path: "charts-app"})
	compare(t, readStream(t, string(text)), rendering.Objects)
}

func TestKustomize_ParametersDoWhatEditDoes(t *testing.T) {
	parameters := plugin.KustomizeParameters{
		NamePrefix: "p-", NameSuffix: "-s", Namespace: "team-b",
		Images:       []string{"registry.example.com/web=mirror.example.com/web:3.0"},
		CommonLabels: map[string]string{"tier": "web"}, CommonAnnotations: map[string]string{"example.com/a": "b"},
		Patches: []plugin.KustomizePatch{
			{Patch: "- op: replace\n  path: /spec/replicas\n  value: 7\n", Target: "kind: Deployment\n"},
			{Patch: "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: NodePort}\n"},
		},
		Components: []string{"../component"},
	}
	const edited = `
resources: [../base]
namePrefix: p-
nameSuffix: -s
namespace: team-b
images: [{name: registry.example.com/web, newName: mirror.example.com/web, newTag: "3.0"}]
commonLabels: {tier: web}
commonAnnotations: {example.com/a: b}
patches:
- target: {kind: Deployment}
  patch: |
    - {op: replace, path: /spec/replicas, value: 7}
- patch: |
    apiVersion: v1
    kind: Service
    metadata: {name: web}
    spec: {type: NodePort}
components: [../component]
`
	files := map[string]string{"plain/kustomization.yaml": "resources: [../base]\n", "edited/kustomization.yaml": edited}
	for _, name := range []string{"base/kustomization.yaml", "base/deployment.yaml", "base/many.yaml", "base/app.properties", "component/kustomization.yaml", "component/role.yaml"} {
		data, err := os.ReadFile("testdata/kustomize/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(data)
	}
	root := writeTree(t, files)
	want := mustRender(t, plugin.Source{Root: root, Path: "edited"})
	got := mustRender(t, plugin.Source{Root: root, Path: "plain", Parameters: plugin.Parameters{Kustomize: parameters}})
	if !reflect.DeepEqual(fieldsOf(got), fieldsOf(want)) {
		t.Errorf("parameters give\n%v\nthe edited file gives\n%v", fieldsOf(got), fieldsOf(want))
	}
	if text, err := root.ReadFile("plain/kustomization.yaml"); err != nil || string(text) != files["plain/kustomization.yaml"] {
		t.Errorf("the tree was written to: %q %v", text, err)
	}
}

func fieldsOf(rendering plugin.Rendering) []map[string]any {
	var out []map[string]any
	for _, object := range rendering.Objects {
		out = append(out, object.Fields)
	}
	return out
}

func TestKustomize_ImageParameters(t *testing.T) {
	for written, want := range map[string]string{
		"web:1":                      "web,,1,",
		"web@sha256:ab":              "web,,,sha256:ab",
		"web=other":                  "web,other,,",
		"web=r.example.com:5000/o:2": "web,r.example.com:5000/o,2,",
		"web=r.example.com:5000/o":   "web,r.example.com:5000/o,,",
		"web=o@sha256:cd":            "web,o,,sha256:cd",
		"r.example.com:5000/web:*":   "r.example.com:5000/web,,*,",
		"web":                        "error",
		"=x":                         "error",
		"":                           "error",
	} {
		image, err := parseImage(written)
		got := strings.Join([]string{image.Name, image.NewName, image.NewTag, image.Digest}, ",")
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", written, got, want)
		}
	}
}

func TestKustomize_OriginsDoNotLeakAndNameFileAndLine(t *testing.T) {
	rendering := mustRender(t, plugin.Source{Root: openTree(t, "testdata"), Path: "kustomize/overlay"})
	origins := map[string]string{}
	for _, object := range rendering.Objects {
		origins[object.ID().String()] = object.Origin.String()
		metadata, _ := object.Fields["metadata"].(map[string]any)
		annotations, _ := metadata["annotations"].(map[string]any)
		for key := range annotations {
			if strings.Contains(key, "config.kubernetes.io") {
				t.Errorf("%s has the annotation %s", object.ID(), key)
			}
		}
	}
	for id, want := range map[string]string{
		"deployment/team-a/blue-web":        "kustomize/base/deployment.yaml:1",
		"serviceaccount/team-a/blue-runner": "kustomize/base/many.yaml:13",
		"rolebinding/team-a/blue-runner":    "kustomize/component/role.yaml:1",
		"widget/team-a/blue-shape":          "kustomize/overlay/widget.yaml:1",
	} {
		if origins[id] != want {
			t.Errorf("%s comes from %q, want %q", id, origins[id], want)
		}
	}
}

func TestKustomize_APatchOfAnnotationsFindsWhatTheToolFinds(t *testing.T) {
	for _, object := range []string{goodConfigMap, goodConfigMap + "  annotations: {z: w}\n"} {
		for _, operation := range []string{
			"{op: add, path: /metadata/annotations/x, value: v}", "{op: add, path: /metadata/annotations, value: {x: v}}",
			"{op: remove, path: /metadata/annotations}", "{op: test, path: /metadata/annotations, value: {z: w}}",
		} {
			root := writeTree(t, map[string]string{
				"a.yaml":             object,
				"kustomization.yaml": "resources: [a.yaml]\npatches:\n- target: {kind: ConfigMap}\n  patch: |\n    - " + operation + "\n",
			})
			built, toolErr := krusty.MakeKustomizer(commandLine()).Run(filesys.MakeFsOnDisk(), root.Name())
			rendering, err := newRenderer().Render(t.Context(), plugin.Source{Root: root, Path: "."})
			if toolErr != nil || err != nil {
				if (toolErr == nil) != (err == nil) {
					t.Errorf("%s: the tool says %v, the renderer %v", operation, toolErr, err)
				}
				continue
			}
			text, err := built.AsYaml()
			if err != nil {
				t.Fatal(err)
			}
			compare(t, readStream(t, string(text)), rendering.Objects)
		}
	}
}

func TestKustomize_AnOpenAPISchemaDoesNotReachTheNextApplication(t *testing.T) {
	const widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {parts: [%s]}\n"
	files := map[string]string{
		"kustomization.yaml": "resources: [a.yaml]\npatches:\n- path: p.yaml\n",
		"a.yaml":             fmt.Sprintf(widget, "{name: x}, {name: z}"), "p.yaml": fmt.Sprintf(widget, "{name: x, size: 1}"),
		"schema.json": `{"definitions": {"Widget": {"type": "object", "x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "Widget", "version": "v1"}],
			"properties": {"spec": {"type": "object", "properties": {"parts": {"type": "array", "x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge",
			"items": {"type": "object", "properties": {"name": {"type": "string"}}}}}}}}}}`,
	}
	root := writeTree(t, files)
	files["kustomization.yaml"] += "openapi: {path: schema.json}\n"
	own := writeTree(t, files)
	renderer := newRenderer()
	render := func(root *os.Root) string {
		rendering, err := renderer.Render(t.Context(), plugin.Source{Root: root, Path: "."})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(rendering.Objects[0].Fields["spec"])
	}
	before := render(root)
	if changed := render(own); changed == before {
		t.Fatal("the schema of its own changes nothing, the test proves nothing")
	}
	if after := render(root); after != before {
		t.Errorf("after another application's schema: %s, before: %s", after, before)
	}
}
