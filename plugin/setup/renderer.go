package setup

import (
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/render"
)

// renderer renders in this process, or in the workers. Workers have no network,
// so that chart dependencies have to be vendored for them.
func (s *Setup) renderer(effective gate.Effective, client *registry.Client) (plugin.Renderer, error) {
	if s.workers != nil {
		return s.workers, nil
	}
	options := render.Options{Limits: effective.Limits, Cache: s.cache}
	if len(effective.ChartHosts) > 0 {
		options.Charts = charts{client, slices.Clone(effective.ChartHosts)}
	}
	return render.New(options), nil
}
