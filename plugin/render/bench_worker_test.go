//go:build linux && (amd64 || arm64)

package render

import (
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func BenchmarkWorkers_Render(b *testing.B) {
	source := plugin.Source{Root: workload(b), Path: "overlay"}
	workers := newWorkers(b, nil)
	b.ReportAllocs()
	for b.Loop() {
		if rendering, err := workers.Render(b.Context(), source); err != nil || len(rendering.Objects) != 110 {
			b.Fatal(len(rendering.Objects), err)
		}
	}
}
