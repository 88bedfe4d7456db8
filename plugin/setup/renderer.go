package setup

import (
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/render"
)

// renderer renders in this process, or in workers. Only this process fetches
// charts, from the hosts that the gates allow; where they allow none it is what
// says so.
func (s *Setup) renderer(effective gate.Effective, client *registry.Client) plugin.Renderer {
	fetcher := charts{client, slices.Clone(effective.ChartHosts)}
	if s.options.Isolated {
		key := workersKey{effective.Limits, client, strings.Join(effective.ChartHosts, " ")}
		return s.workersFor(key, render.WorkerOptions{Limits: effective.Limits, Charts: fetcher, Cache: s.cache, Clock: s.options.Clock})
	}
	return render.New(render.Options{Limits: effective.Limits, Charts: fetcher, Cache: s.cache})
}
