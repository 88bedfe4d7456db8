package render

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/kio"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// object makes an object of JSON's types.
func object(kind, name string, more map[string]any) plugin.Object {
	version := "v1"
	switch kind {
	case "Deployment":
		version = "apps/v1"
	case "Job":
		version = "batch/v1"
	case "ClusterRole":
		version = "rbac.authorization.k8s.io/v1"
	case "CustomResourceDefinition":
		version = "apiextensions.k8s.io/v1"
	case "Widget":
		version = "example.com/v1"
	}
	fields := map[string]any{"apiVersion": version, "kind": kind, "metadata": map[string]any{"name": name}}
	maps.Copy(fields, more)
	return plugin.Object{Fields: fields}
}

// hook is a Job that is one.
func hook(name, events, weight string) plugin.Object {
	annotations := map[string]any{release.HookAnnotation: events, release.HookWeightAnnotation: weight}
	return object("Job", name, map[string]any{"metadata": map[string]any{"name": name, "namespace": "prod", "annotations": annotations}})
}

func seal(t testing.TB, objects ...plugin.Object) []byte {
	t.Helper()
	sealed, err := plugin.JSONEncoding{}.Encode(objects)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func frozenOptions(sealed []byte) FrozenOptions {
	return FrozenOptions{
		Chart: ChartFacts{Name: "web", Version: "1.2.3", AppVersion: "1.10"}, Sealed: sealed,
		Encoding: plugin.JSONEncoding{}, Limits: plugin.DefaultLimits(),
	}
}

func mustFreeze(t testing.TB, options FrozenOptions) map[string][]byte {
	t.Helper()
	files, err := FreezeChart(options)
	if err != nil {
		t.Fatalf("freezing: %v", err)
	}
	return files
}

// helmChart loads a frozen chart as helm-controller does: out of an archive.
func helmChart(t testing.TB, files map[string][]byte) *chart.Chart {
	t.Helper()
	texts := map[string]string{}
	for name, data := range files {
		texts[name] = string(data)
	}
	loaded, err := loader.LoadArchive(strings.NewReader(tarball(texts)))
	if err != nil {
		t.Fatalf("helm does not load the chart: %v", err)
	}
	return loaded
}

// circumstances are all that a release may differ in from what was judged.
type circumstances struct {
	values  map[string]any
	release common.ReleaseOptions
	kube    string
	// rewritten passes the manifests through kustomize, as helm-controller does
	// with every release to add its labels.
	rewritten bool
}

func hostileCircumstances() []circumstances {
	hostile := map[string]any{
		"global": map[string]any{"image": "evil", "web": map[string]any{"x": "{{ fail `x` }}"}}, "web": map[string]any{"enabled": false},
		"Files": map[string]any{"Get": "evil"}, "Template": "evil", "objects": []any{"a"}, "tags": map[string]any{"web": false}, "Release": map[string]any{"Name": "evil"},
		"nothing": nil, "number": 1.5,
	}
	install := common.ReleaseOptions{Name: "web", Namespace: "prod", Revision: 1, IsInstall: true}
	return []circumstances{
		{values: nil, release: install, kube: "v1.37.0"},
		{values: hostile, release: install, kube: "v1.37.0"},
		{values: map[string]any{"global": "no map"}, release: common.ReleaseOptions{Name: "{{ .Values }}", Namespace: "other", Revision: 9, IsUpgrade: true}, kube: "v1.20.0"},
		{values: hostile, release: install, kube: "v1.37.0", rewritten: true},
	}
}

// released is what helm makes of a chart: the manifests that it applies, and
// the hooks, each in its order.
type released struct{ manifests, hooks, crds []plugin.Object }

func (c circumstances) releaseOf(t testing.TB, loaded *chart.Chart) (released, error) {
	t.Helper()
	if err := chartutil.ProcessDependencies(loaded, c.values); err != nil {
		return released{}, err
	}
	capabilities := common.DefaultCapabilities.Copy()
	version, err := common.ParseKubeVersion(c.kube)
	if err != nil {
		t.Fatal(err)
	}
	capabilities.KubeVersion, capabilities.APIVersions = *version, common.VersionSet{"v1"}
	top, err := commonutil.ToRenderValues(loaded, c.values, c.release, capabilities)
	if err != nil {
		return released{}, err
	}
	files, err := engine.Render(loaded, top)
	if err != nil {
		return released{}, err
	}
	if c.rewritten {
		files = rewritten(t, files)
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return released{}, err
	}
	var out released
	for _, manifest := range manifests {
		out.manifests = append(out.manifests, readOne(t, manifest.Content))
	}
	for _, hook := range hooks {
		out.hooks = append(out.hooks, readOne(t, hook.Manifest))
	}
	for _, crd := range loaded.CRDObjects() {
		out.crds = append(out.crds, readOne(t, string(crd.File.Data)))
	}
	return out, nil
}

func readOne(t testing.TB, text string) plugin.Object {
	t.Helper()
	objects := readStream(t, text)
	if len(objects) != 1 {
		t.Fatalf("%d objects in one manifest:\n%s", len(objects), text)
	}
	return plugin.Object{Fields: objects[0]}
}

// rewritten does what helm's renderResources (pkg/action/action.go) and
// helm-controller's post-renderer (internal/postrender) do to the manifests,
// and takes the added labels out again.
func rewritten(t testing.TB, files map[string]string) map[string]string {
	t.Helper()
	const label, file = "helm.toolkit.fluxcd.io/name", "postrenderer.helm.sh/postrender-filename"
	var all []*kyaml.RNode
	for _, name := range slices.Sorted(maps.Keys(files)) {
		nodes, err := kio.ParseAll(files[name])
		check(t, err)
		for _, node := range nodes {
			check(t, node.PipeE(kyaml.SetAnnotation(file, name)))
			all = append(all, node)
		}
	}
	merged, err := kio.StringAll(all)
	check(t, err)
	built, err := resmap.NewFactory(provider.NewDefaultDepProvider().GetResourceFactory()).NewResMapFromBytes([]byte(merged))
	check(t, err)
	for _, each := range built.Resources() {
		check(t, each.PipeE(kyaml.SetLabel(label, "web")))
	}
	text, err := built.AsYaml()
	check(t, err)
	nodes, err := kio.ParseAll(string(text))
	check(t, err)
	out := map[string]string{}
	for _, node := range nodes {
		name := node.GetAnnotations()[file]
		check(t, node.PipeE(kyaml.ClearAnnotation(file)))
		check(t, kyaml.ClearEmptyAnnotations(node))
		check(t, node.PipeE(kyaml.Lookup("metadata", "labels"), kyaml.Clear(label)))
		if len(node.GetLabels()) == 0 {
			check(t, node.PipeE(kyaml.Lookup("metadata"), kyaml.Clear("labels")))
		}
		text, err := kio.StringAll([]*kyaml.RNode{node})
		check(t, err)
		out[name] += "---\n" + text
	}
	return out
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// same demands the objects, in this order.
func same(t testing.TB, what string, got, want []plugin.Object) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d objects, want %d", what, len(got), len(want))
	}
	for i := range want {
		judged, err := newNormaliser(plugin.DefaultLimits(), plugin.Origin{}).value(want[i].DeepCopy().Fields, 1) // 1.0 is read as 1
		check(t, err)
		if !reflect.DeepEqual(any(got[i].Fields), judged) {
			t.Errorf("%s: object %d is\n%v\nand was judged as\n%v", what, i, got[i].Fields, want[i].Fields)
		}
	}
}
