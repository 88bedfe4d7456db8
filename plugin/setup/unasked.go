package setup

import (
	"context"
	"errors"

	"github.com/assay-gitops/assay/plugin"
)

// FillUnasked is Fill of what was rendered already, without a question to any
// registry: what depends on an image stays open.
func (s *Setup) FillUnasked(ctx context.Context, source plugin.Source, rendering plugin.Rendering) (plugin.Filled, error) {
	made, err := s.Pipeline(source)
	if err != nil {
		return plugin.Filled{}, err
	}
	pipeline := *made
	pipeline.Renderer, pipeline.Resolver, pipeline.Inspector = rendered{rendering}, unasked{}, nil
	return pipeline.Fill(ctx, source), nil
}

// unasked answers no question.
type unasked struct{}

// Resolve implements plugin.Resolver.
func (unasked) Resolve(_ context.Context, references []plugin.Reference) []plugin.Resolution {
	answers := make([]plugin.Resolution, len(references))
	for i := range answers {
		answers[i].Err = &plugin.StageError{Stage: "resolve", Cause: errors.New("no registry was asked")}
	}
	return answers
}

// rendered renders nothing anew.
type rendered struct{ plugin.Rendering }

// Render implements plugin.Renderer.
func (r rendered) Render(context.Context, plugin.Source) (plugin.Rendering, error) {
	return r.Rendering, nil
}
