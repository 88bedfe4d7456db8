package render

import (
	"fmt"
	"os"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// workloadPair is one Deployment and its Service.
const workloadPair = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-%[1]d
spec:
  replicas: 2
  selector:
    matchLabels:
      app: app-%[1]d
  template:
    metadata:
      labels:
        app: app-%[1]d
    spec:
      containers:
      - name: app
        image: registry.example.com/team/app-%[1]d:1.%[1]d.0
        ports:
        - containerPort: 8080
        env:
        - name: LEVEL
          value: info
        resources:
          requests:
            cpu: 100m
            memory: 64Mi
          limits:
            memory: 128Mi
        readinessProbe:
          httpGet:
            path: /ready
            port: 8080
---
apiVersion: v1
kind: Service
metadata:
  name: app-%[1]d
spec:
  selector:
    app: app-%[1]d
  ports:
  - port: 80
    targetPort: 8080
`

// workload generates 110 objects: 50 Deployments, 50 Services, 10 ConfigMaps,
// once as a base with an overlay, once as a chart.
func workload(b *testing.B) *os.Root {
	files := map[string]string{
		"overlay/kustomization.yaml": "namespace: team-a\nresources: [../base]\nlabels: [{pairs: {team: a}}]\n" +
			"patches:\n- target: {kind: Deployment, name: app-1}\n  patch: |\n    - {op: replace, path: /spec/replicas, value: 3}\n",
		"chart/Chart.yaml": goodChart, "chart/values.yaml": "replicas: 2\n",
	}
	resources := ""
	for i := range 50 {
		text := fmt.Sprintf(workloadPair, i)
		if i < 10 {
			text += fmt.Sprintf("---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings-%d\ndata:\n  a: b\n", i)
		}
		name := fmt.Sprintf("app-%d.yaml", i)
		files["base/"+name], files["chart/templates/"+name] = text, text
		resources += "- " + name + "\n"
	}
	files["base/kustomization.yaml"] = "resources:\n" + resources
	return writeTree(b, files)
}

func benchmarkRender(b *testing.B, path string) {
	source := plugin.Source{Root: workload(b), Path: path}
	renderer := newRenderer()
	b.ReportAllocs()
	for b.Loop() {
		if rendering, err := renderer.Render(b.Context(), source); err != nil || len(rendering.Objects) != 110 {
			b.Fatal(len(rendering.Objects), err)
		}
	}
}

func BenchmarkKustomize_Render(b *testing.B) { benchmarkRender(b, "overlay") }

// BenchmarkKustomize_LibraryAlone ends where the build does, with nodes.
func BenchmarkKustomize_LibraryAlone(b *testing.B) {
	root := workload(b)
	b.ReportAllocs()
	for b.Loop() {
		buildAlone(b, root)
	}
}

// BenchmarkKustomize_LibraryPrinted adds what the command line does with them.
func BenchmarkKustomize_LibraryPrinted(b *testing.B) {
	root := workload(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := buildAlone(b, root).AsYaml(); err != nil {
			b.Fatal(err)
		}
	}
}

func buildAlone(tb testing.TB, root *os.Root) resmap.ResMap {
	tb.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), root.Name()+"/overlay")
	if err != nil {
		tb.Fatal(err)
	}
	return built
}

func BenchmarkHelm_Render(b *testing.B) { benchmarkRender(b, "chart") }

// BenchmarkHelm_LibraryAlone is what the command line does, and the parsing
// that whoever reads its output has to do.
func BenchmarkHelm_LibraryAlone(b *testing.B) {
	root := workload(b)
	b.ReportAllocs()
	for b.Loop() {
		loaded, err := loader.LoadDir(root.Name() + "/chart")
		if err != nil {
			b.Fatal(err)
		}
		if err := chartutil.ProcessDependencies(loaded, nil); err != nil {
			b.Fatal(err)
		}
		top, err := commonutil.ToRenderValues(loaded, nil, common.ReleaseOptions{Name: "x", Namespace: "y"}, nil)
		if err != nil {
			b.Fatal(err)
		}
		files, err := engine.Render(loaded, top)
		if err != nil {
			b.Fatal(err)
		}
		_, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
		if err != nil {
			b.Fatal(err)
		}
		for _, manifest := range manifests {
			var fields map[string]any
			if err := yaml.Unmarshal([]byte(manifest.Content), &fields); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkCache_Hit(b *testing.B) {
	source := plugin.Source{Root: workload(b), Path: "overlay"}
	renderer := New(Options{Limits: plugin.DefaultLimits(), Cache: NewCache(1 << 30)})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := renderer.Render(b.Context(), source); err != nil {
			b.Fatal(err)
		}
	}
}
