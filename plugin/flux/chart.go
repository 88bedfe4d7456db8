package flux

import (
	"fmt"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/render"
)

// frozen are the files of the chart that is published: its templates are what
// was judged, and no value changes them.
func frozen(object *v1alpha1.GatedSource, made outcome, seals [][]byte) (map[string][]byte, error) {
	if len(seals) != 1 {
		return nil, stalled(reasonNotVerified, "putting the chart together: spec.paths names %d; a chart has one, so write a GatedSource for each", len(seals))
	}
	files, err := render.FreezeChart(render.FrozenOptions{
		Chart: made.chart, Namespace: applicationOf(object, made.seen).Namespace,
		Sealed: seals[0], Encoding: plugin.JSONEncoding{}, Limits: plugin.DefaultLimits(),
	})
	if err != nil {
		return nil, fmt.Errorf("freezing the chart: %w", err)
	}
	return files, nil
}
