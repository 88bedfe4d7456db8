// Package listing holds the tests' lists of what a program tells Prometheus.
// docs/metrics.md is made of them, and the alert rules and the dashboard under
// manifests/monitoring may name nothing else.
package listing

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// Metric is one line of a list.
type Metric struct {
	Name, Type string
	Labels     []string
	Help       string
}

// Of lists what is exported now, sorted by name. Metrics without a value are
// not there: the caller sees to it that all have one.
func Of(exported prometheus.Gatherer) ([]Metric, error) {
	families, err := exported.Gather()
	if err != nil {
		return nil, err
	}
	var list []Metric
	for _, family := range families {
		metric := Metric{Name: family.GetName(), Type: strings.ToLower(family.GetType().String()), Help: family.GetHelp()}
		for _, label := range family.GetMetric()[0].GetLabel() {
			metric.Labels = append(metric.Labels, label.GetName())
		}
		list = append(list, metric)
	}
	return list, nil
}

// Text is the list as it lies in testdata: one line a metric, with tabs.
func Text(list []Metric) string {
	var out strings.Builder
	for _, each := range list {
		fmt.Fprintf(&out, "%s\t%s\t%s\t%s\n", each.Name, each.Type, strings.Join(each.Labels, ","), each.Help)
	}
	return out.String()
}

// Read reads a list from its file.
func Read(path string) ([]Metric, error) {
	data, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	var list []Metric
	for line := range strings.Lines(string(data)) {
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(parts) != 4 {
			return nil, fmt.Errorf("reading %s: %q has not four parts", path, line)
		}
		labels := slices.DeleteFunc(strings.Split(parts[2], ","), func(label string) bool { return label == "" })
		list = append(list, Metric{Name: parts[0], Type: parts[1], Labels: labels, Help: parts[3]})
	}
	return list, nil
}

// Check compares what is exported with the list in a file, or writes it.
func Check(t testing.TB, exported prometheus.Gatherer, path string, update bool) {
	t.Helper()
	list, err := Of(exported)
	if err != nil || len(list) == 0 {
		t.Fatalf("%d metrics: %v", len(list), err)
	}
	want := []byte(Text(list))
	if update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(filepath.Clean(path)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is stale (%v); run this test with -update, and then that of docs\nexported:\n%s", path, err, want)
	}
}
