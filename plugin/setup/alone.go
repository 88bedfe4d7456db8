package setup

import (
	"context"
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/render"
)

// LimitsOf are the limits that the gates of a source mean together.
func (s *Setup) LimitsOf(source plugin.Source) (plugin.Limits, error) {
	effective, _, err := s.reach(source)
	return effective.Limits, err
}

// FindRelease finds the chart and the values of a HelmRelease that stands in a
// rendering of the source. Charts come from the hosts that its gates allow.
func (s *Setup) FindRelease(ctx context.Context, source plugin.Source, release plugin.Object, objects []plugin.Object) (*render.FoundRelease, error) {
	effective, client, err := s.reach(source)
	if err != nil {
		return nil, err
	}
	return render.FindRelease(ctx, render.ReleaseOptions{
		Release: release, Objects: objects, Source: source, Charts: hostCharts(client, effective), Limits: effective.Limits,
	})
}

// FetchChart gets a chart from the hosts that the gates of a source allow.
func (s *Setup) FetchChart(ctx context.Context, source plugin.Source, chart render.ChartReference) (render.PublishedChart, error) {
	effective, client, err := s.reach(source)
	if err != nil {
		return render.PublishedChart{}, err
	}
	return hostCharts(client, effective).FetchChart(ctx, chart)
}

func hostCharts(client *registry.Client, effective gate.Effective) charts {
	return charts{client, slices.Clone(effective.ChartHosts)}
}

// Refused is the verdict on a source that could not be put together.
func (s *Setup) Refused(source plugin.Source, err error) *plugin.Verdict {
	return refused(source, s.options.Clock(), err)
}

// JudgeRelease judges a HelmRelease as Flux will render it, under the gates of
// the application that it stands in. Nothing is written into what it renders
// to, as Flux renders it again.
func (s *Setup) JudgeRelease(ctx context.Context, source plugin.Source, found *render.FoundRelease) *plugin.Verdict {
	outer, err := s.Pipeline(source)
	if err != nil {
		return refused(source, s.options.Clock(), err)
	}
	effective, client, err := s.reach(source)
	if err != nil {
		return refused(source, s.options.Clock(), err)
	}
	judge := newReleases(*outer, effective, hostCharts(client, effective))
	judge.nested.KeepObjects = s.options.KeepObjects
	return judge.run(ctx, source, found, false)
}
