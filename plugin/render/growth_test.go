package render

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// What we add to kustomize's own build, which is quadratic, stays the same for
// an object however many there are.
func TestGrowth_WhatWeAddToKustomizeIsLinear(t *testing.T) {
	added := func(objects int) float64 {
		var all strings.Builder
		for i := range objects {
			fmt.Fprintf(&all, "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings-%d\ndata:\n  a: b\n", i)
		}
		root := writeTree(t, map[string]string{
			"base/all.yaml": all.String(), "base/kustomization.yaml": "resources: [all.yaml]\n",
			"overlay/kustomization.yaml": "namespace: team-a\nresources: [../base]\n",
		})
		source := plugin.Source{Root: root, Path: "overlay"}
		ours := testing.AllocsPerRun(2, func() {
			if rendering, err := newRenderer().Render(t.Context(), source); err != nil || len(rendering.Objects) != objects {
				t.Fatal(len(rendering.Objects), err)
			}
		})
		return (ours - testing.AllocsPerRun(2, func() { buildAlone(t, root) })) / float64(objects)
	}
	// The difference of two large numbers is not exact; one look at each pair of
	// objects would make it five times as large.
	small, large := added(100), added(500)
	if small <= 0 || large > small*1.5 {
		t.Errorf("%.0f allocations an object with 100 objects and %.0f with 500: growth is not linear", small, large)
	}
}
