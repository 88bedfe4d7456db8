package setup

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/render"
)

// charts fetches chart dependencies from the hosts that the gates allow.
type charts struct {
	client *registry.Client
	hosts  []string
}

// FetchChart implements render.ChartFetcher.
func (c charts) FetchChart(ctx context.Context, chart render.ChartReference) (render.PublishedChart, error) {
	at, err := url.Parse(chart.Repository)
	if err != nil || at.Host == "" {
		return render.PublishedChart{}, &plugin.Refusal{
			Rule: "chart/host", Message: fmt.Sprintf("the repository of chart %s is not an address", chart.Name),
			Hint: "write oci://host/path or https://host/path in Chart.yaml",
		}
	}
	if !slices.Contains(c.hosts, at.Host) {
		return render.PublishedChart{}, &plugin.Refusal{
			Rule: "chart/host", Message: fmt.Sprintf("chart %s %s comes from %s, which no gate allows", chart.Name, chart.Version, at.Host),
			Why:  "a chart is code that writes manifests",
			Hint: "vendor it into charts/ with 'assay vendor', or let the platform team add the host to spec.charts.hosts of the gate",
		}
	}
	archive, err := c.client.Chart(ctx, registry.Chart{
		Repository: chart.Repository, Name: chart.Name, Version: chart.Version, Hosts: c.hosts,
	})
	return render.PublishedChart{Archive: archive.Bytes, Manifest: archive.Manifest, Reference: archive.Reference}, err
}

// Vendor brings the chart dependencies of the source into its tree, from the
// hosts that the gates of this application allow; see [render.Vendor].
func (s *Setup) Vendor(ctx context.Context, source plugin.Source) ([]render.Vendored, error) {
	effective, client, err := s.reach(source)
	if err != nil {
		return nil, err
	}
	return render.Vendor(ctx, render.VendorOptions{
		Root: source.Root, Path: source.Path, Charts: charts{client, effective.ChartHosts}, Limits: effective.Limits,
	})
}

// DescribeChart reads the chart that a source renders, its dependencies
// included, as the application's gates allow and with the credentials that it
// brings. No template is executed. Errors are those of a renderer.
func (s *Setup) DescribeChart(ctx context.Context, source plugin.Source, tenant *registry.Tenant) (render.ChartFacts, error) {
	effective, client, err := s.reach(source)
	if err != nil {
		return render.ChartFacts{}, err
	}
	if tenant != nil {
		ctx, _ = tenant.Visit(ctx)
	}
	return render.DescribeChart(ctx, source, render.Options{Limits: effective.Limits, Charts: hostCharts(client, effective)})
}
