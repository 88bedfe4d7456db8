package setup

import (
	"context"
	"errors"

	"github.com/assay-gitops/assay/plugin"
)

// FillUnasked is Fill without a question to any registry: what depends on an
// image stays open.
func (s *Setup) FillUnasked(ctx context.Context, source plugin.Source) (plugin.Filled, error) {
	made, err := s.Pipeline(source)
	if err != nil {
		return plugin.Filled{}, err
	}
	pipeline := *made
	pipeline.Resolver, pipeline.Inspector = unasked{}, nil
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
