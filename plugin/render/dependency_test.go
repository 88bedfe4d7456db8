package render

import (
	"context"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// shelf is a chart repository in memory that counts.
type shelf struct {
	mu      sync.Mutex
	charts  map[ChartReference]string
	fetched int
	// manifest is the digest under which the charts are published; empty for a
	// chart repository.
	manifest string
}

func (s *shelf) FetchChart(_ context.Context, chart ChartReference) (PublishedChart, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetched++
	data, has := s.charts[chart]
	if !has {
		return PublishedChart{}, &plugin.Refusal{Rule: "registry/not-found", Message: "no such chart"}
	}
	return PublishedChart{
		Archive: []byte(data), Manifest: s.manifest, Reference: plugin.Reference{Repository: "charts.example.com/" + chart.Name, Tag: chart.Version},
	}, nil
}

// pinnedChart is a chart with one dependency that is locked and pinned, and a
// repository that has it.
type pinnedChart struct {
	archive   string
	reference ChartReference
	charts    *shelf
}

const chartLock = "dependencies:\n- name: x\n  version: 1.0.0\n  repository: https://charts.example.com\n"

func newPinnedChart() pinnedChart {
	p := pinnedChart{archive: chartArchive(nil), reference: ChartReference{Repository: "https://charts.example.com", Name: "x", Version: "1.0.0"}}
	p.charts = &shelf{charts: map[ChartReference]string{p.reference: p.archive}}
	return p
}

func pinnedBy(digest string) string {
	return "apiVersion: assay.dev/v1alpha1\nkind: ImagesLock\ncharts:\n- chart: https://charts.example.com/x\n  version: 1.0.0\n  digest: sha256:" + digest + "\n"
}

// files are the chart's, with changes: a name, a text, and so on.
func (p pinnedChart) files(change ...string) map[string]string {
	out := map[string]string{
		"Chart.yaml": goodChart + "dependencies:\n- name: x\n  version: 1.x.x\n  repository: https://charts.example.com\n",
		"Chart.lock": chartLock, plugin.LockFile: pinnedBy(hashOf([]byte(p.archive))), "templates/a.yaml": goodConfigMap,
	}
	for i := 0; i < len(change); i += 2 {
		out[change[i]] = change[i+1]
	}
	return out
}

func renderWith(t *testing.T, files map[string]string, fetcher ChartFetcher) (plugin.Rendering, error) {
	t.Helper()
	return New(Options{Limits: plugin.DefaultLimits(), Charts: fetcher}).Render(t.Context(), plugin.Source{Root: writeTree(t, files), Path: "."})
}

func TestDependencies_ThoseOfARegistryAreNamedForWhoeverVerifiesThem(t *testing.T) {
	p := newPinnedChart()
	if rendering, err := renderWith(t, p.files(), p.charts); err != nil || rendering.Charts != nil {
		t.Errorf("of a chart repository: %+v, %v", rendering.Charts, err)
	}
	p.charts.manifest = "sha256:" + hashOf([]byte("manifest"))
	want := []plugin.Image{{
		Written: "charts.example.com/x:1.0.0", Chart: true, Reference: plugin.Reference{Repository: "charts.example.com/x", Tag: "1.0.0"},
		Digest: p.charts.manifest, DigestFrom: plugin.DigestResolved,
	}}
	cache := NewCache(1 << 20)
	workers := newWorkers(t, func(o *WorkerOptions) { o.Charts, o.Cache = p.charts, cache })
	for name, renderer := range map[string]plugin.Renderer{
		"in process": New(Options{Limits: plugin.DefaultLimits(), Charts: p.charts}), "in a worker": workers,
		"from the cache": New(Options{Limits: plugin.DefaultLimits(), Cache: cache, Charts: p.charts}),
	} {
		rendering, err := renderer.Render(t.Context(), plugin.Source{Root: writeTree(t, p.files()), Path: "."})
		if err != nil || !reflect.DeepEqual(rendering.Charts, want) {
			t.Errorf("%s: %+v, %v; want %+v", name, rendering.Charts, err, want)
		}
	}
}

func TestDependencies_ComeOnlyPinnedAndFromWhereTheGateAllows(t *testing.T) {
	p := newPinnedChart()
	rendering, err := renderWith(t, p.files(), p.charts)
	if err != nil || len(rendering.Objects) != 2 || p.charts.fetched != 1 {
		t.Fatalf("the pinned chart is not rendered: %v %v, fetched %d times", rendering.Objects, err, p.charts.fetched)
	}
	for name, bad := range map[string]struct {
		files map[string]string
		part  string
	}{
		"no Chart.lock":         {p.files("Chart.lock", ""), "Chart.lock"},
		"another version in it": {p.files("Chart.lock", strings.Replace(chartLock, "1.0.0", "2.0.0", 1)), "Chart.lock"},
		"no digest":             {p.files(plugin.LockFile, "apiVersion: assay.dev/v1alpha1\nkind: ImagesLock\n"), plugin.LockFile},
		"another digest":        {p.files(plugin.LockFile, pinnedBy(strings.Repeat("a", 64))), "pins"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := renderWith(t, bad.files, p.charts)
			if refusal := refused(t, err, ruleDependency, bad.part); !strings.Contains(refusal.Hint, "assay vendor") || refusal.Origin.Line != 5 {
				t.Errorf("the refusal says %q at %s", refusal.Hint, refusal.Origin)
			}
		})
	}
	t.Run("nothing may fetch", func(t *testing.T) {
		_, err := renderWith(t, p.files(), nil)
		refused(t, err, ruleDependency, "allowed to fetch")
	})
	t.Run("a folder of the tree", func(t *testing.T) {
		rendering, err := renderWith(t, p.files("Chart.yaml", goodChart+"dependencies:\n- name: x\n  version: 1.x.x\n  repository: file://lib/x\n",
			"lib/x/Chart.yaml", "apiVersion: v2\nname: x\nversion: 1.2.0\n", "lib/x/templates/x.yaml", strings.Replace(goodConfigMap, "name: a", "name: x", 1)), nil)
		if err != nil || len(rendering.Objects) != 2 {
			t.Errorf("got %v %v", rendering.Objects, err)
		}
	})
}

func TestVendor_WritesWhatIsLockedAndPinned(t *testing.T) {
	p := newPinnedChart()
	t.Run("vendored", func(t *testing.T) {
		root := writeTree(t, p.files())
		written, err := Vendor(t.Context(), VendorOptions{Root: root, Path: ".", Charts: p.charts, Limits: plugin.DefaultLimits()})
		want := []Vendored{{ChartReference: p.reference, File: "charts/x-1.0.0.tgz", Digest: "sha256:" + hashOf([]byte(p.archive))}}
		if err != nil || !reflect.DeepEqual(written, want) {
			t.Fatalf("got %v %v", written, err)
		}
		names, err := newTree(root, plugin.DefaultLimits()).readDir("charts")
		if err != nil || !reflect.DeepEqual(names, []string{"x-1.0.0.tgz"}) {
			t.Errorf("charts holds %q %v", names, err)
		}
		if rendering := mustRender(t, plugin.Source{Root: root, Path: "."}); len(rendering.Objects) != 2 {
			t.Errorf("got %v", rendering.Objects)
		}
	})
	t.Run("vendoring a replaced version", func(t *testing.T) {
		root := writeTree(t, p.files(plugin.LockFile, pinnedBy(strings.Repeat("a", 64))))
		_, err := Vendor(t.Context(), VendorOptions{Root: root, Path: ".", Charts: p.charts, Limits: plugin.DefaultLimits()})
		refused(t, err, ruleDependency, "pins")
		if newTree(root, plugin.DefaultLimits()).isDir("charts") {
			t.Error("something was written")
		}
	})
}
