package setup

import (
	"context"
	"errors"
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
	if s.options.Isolated || s.options.IsolatedPrograms {
		key := workersKey{effective.Limits, client, strings.Join(effective.ChartHosts, " ")}
		workers := s.workersFor(key, render.WorkerOptions{Limits: effective.Limits, Charts: fetcher, Cache: s.cache, Clock: s.options.Clock})
		if s.options.Isolated {
			return workers
		}
		return programsApart{render.New(render.Options{Limits: effective.Limits, Cache: s.cache, NoPrograms: true}), workers}
	}
	return render.New(render.Options{Limits: effective.Limits, Charts: fetcher, Cache: s.cache})
}

// programsApart renders in this process what runs no program of the source.
type programsApart struct{ here, workers plugin.Renderer }

// Render implements plugin.Renderer.
func (p programsApart) Render(ctx context.Context, source plugin.Source) (plugin.Rendering, error) {
	rendering, err := p.here.Render(ctx, source)
	if errors.Is(err, render.ErrPrograms) {
		return p.workers.Render(ctx, source)
	}
	return rendering, err
}
