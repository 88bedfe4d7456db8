package render

import (
	"context"
	"errors"
	"fmt"
	"path"

	"helm.sh/helm/v4/pkg/chart/common"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/assay-gitops/assay/plugin"
)

// ChartFacts are what stays of a chart when it is frozen.
type ChartFacts struct {
	Name, Version, AppVersion string
	// CRDs are the objects of its crds folders and its subcharts', in the order
	// in which they are rendered.
	CRDs []plugin.ObjectID
}

// DescribeChart reads the chart that a source renders, its dependencies
// included. No template is executed. Errors are those of [Renderer.Render].
func DescribeChart(ctx context.Context, source plugin.Source, options Options) (ChartFacts, error) {
	if source.Root == nil {
		return ChartFacts{}, errors.New("reading the chart: the source has no tree")
	}
	tree := newTree(source.Root, options.Limits)
	tree.overlay = source.Overlay
	source.Path = path.Clean(source.Path)
	release, err := newHelmRelease(tree, source, options.Charts)
	if err != nil {
		return ChartFacts{}, err
	}
	loaded, err := release.load(ctx)
	if err != nil {
		return ChartFacts{}, err
	}
	if err := chartutil.ProcessDependencies(loaded, release.values); err != nil {
		return ChartFacts{}, invalid(release.at("Chart.yaml"), "processing the chart's dependencies", err)
	}
	facts := ChartFacts{Name: loaded.Metadata.Name, Version: loaded.Metadata.Version, AppVersion: loaded.Metadata.AppVersion}
	if release.parameters.SkipCRDs {
		return facts, nil
	}
	objects, err := release.objects(release.crds(loaded))
	if err != nil {
		return ChartFacts{}, fmt.Errorf("reading the crds of chart %s: %w", facts.Name, err)
	}
	for _, object := range objects {
		facts.CRDs = append(facts.CRDs, object.ID())
	}
	return facts, nil
}

// newHelmRelease fills in what the parameters leave out.
func newHelmRelease(tree *tree, source plugin.Source, charts ChartFetcher) (*helmRelease, error) {
	parameters := source.Parameters.Helm
	if parameters.ReleaseName == "" {
		parameters.ReleaseName = source.Application.Name
	}
	if parameters.ReleaseName == "" {
		parameters.ReleaseName = "release-name"
	}
	if parameters.Namespace == "" {
		parameters.Namespace = source.Application.Namespace
	}
	if parameters.Namespace == "" {
		parameters.Namespace = "default"
	}
	release := &helmRelease{
		tree: tree, folder: source.Path, charts: charts, parameters: parameters, keepTests: parameters.KeepTests,
		origins: map[*common.File]string{},
	}
	var err error
	release.values, err = release.mergeValues()
	return release, err
}
