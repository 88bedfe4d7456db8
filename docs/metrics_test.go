package docs_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/setup/gauges/listing"
)

const metricsHead = `# Metrics

What the programs tell Prometheus. [manifests/monitoring](../manifests/monitoring) has alert rules about them, and a dashboard that
shows each of them; [operation.md](operation.md) says what to look at first.

A metric without an event has no series yet: those with labels appear with their first value.

This page is generated from what the programs export: ` + "`go test ./plugin/argocd ./plugin/flux ./plugin/refresh ./docs -run 'Metrics' -update`" + `.
`

// programs export metrics; each has its list, which a test of its own compares
// with what it exports.
func programs() []struct{ name, about, list string } {
	return []struct{ name, about, list string }{
		{"assay serve", "The sidecar of Argo CD's repo-server, at `--http`, path `/metrics`.", "../plugin/argocd/testdata/metrics.txt"},
		{"assay refresh", "The [refresher](argocd-refresh.md) beside Argo CD, at `--http`, path `/metrics`.", "../plugin/refresh/testdata/metrics.txt"},
		{"assay-source", "The controller beside Flux, at `--metrics-addr`, path `/metrics`. It also exports what every controller of Flux does: `controller_runtime_*`, `workqueue_*`, `rest_client_*`, `go_*` and `process_*`.", "../plugin/flux/testdata/metrics.txt"},
	}
}

func metricsPage(t *testing.T) string {
	t.Helper()
	var page strings.Builder
	page.WriteString(metricsHead)
	for _, program := range programs() {
		list, err := listing.Read(program.list)
		if err != nil || len(list) == 0 {
			t.Fatalf("%d metrics of %s: %v", len(list), program.name, err)
		}
		fmt.Fprintf(&page, "\n## %s\n\n%s\n\n| name | type | labels | what it says |\n|---|---|---|---|\n", program.name, program.about)
		for _, metric := range list {
			labels := ""
			if len(metric.Labels) > 0 {
				labels = "`" + strings.Join(metric.Labels, "`, `") + "`"
			}
			fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", metric.Name, metric.Type, labels, metric.Help)
		}
	}
	return page.String()
}

func TestMetrics_GeneratedPageIsCurrent(t *testing.T) {
	want := metricsPage(t)
	if *update {
		if err := os.WriteFile("metrics.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile("metrics.md"); err != nil || string(got) != want {
		t.Errorf("metrics.md is stale (%v); run the test with -update", err)
	}
}
