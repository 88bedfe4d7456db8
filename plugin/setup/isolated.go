package setup

import (
	"context"
	"sync"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/render"
)

// isolated renders in worker processes, which start with the first rendering:
// a gate that is only loaded and checked starts none.
type isolated struct {
	options render.WorkerOptions
	mu      sync.Mutex
	workers *render.Workers
	closed  bool
}

// Render implements plugin.Renderer.
func (i *isolated) Render(ctx context.Context, source plugin.Source) (plugin.Rendering, error) {
	i.mu.Lock()
	if i.workers == nil && !i.closed {
		i.workers = render.NewWorkers(i.options)
	}
	workers := i.workers
	i.mu.Unlock()
	if workers == nil {
		return plugin.Rendering{}, &plugin.StageError{Stage: "render", Cause: context.Canceled, Hint: "the process is ending; try again"}
	}
	return workers.Render(ctx, source)
}

func (i *isolated) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	if i.workers != nil {
		i.workers.Close()
	}
}

// workersKey is what makes workers differ: what one gate's charts may come
// from, another's may not.
type workersKey struct {
	limits plugin.Limits
	client *registry.Client
	hosts  string
}

func (s *Setup) workersFor(key workersKey, options render.WorkerOptions) *isolated {
	if known := s.workers[key]; known != nil {
		return known
	}
	made := &isolated{options: options}
	s.workers[key] = made
	return made
}
