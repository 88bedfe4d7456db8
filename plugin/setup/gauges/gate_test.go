package gauges_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/setup/gauges"
)

const gateText = `apiVersion: assay.dev/v1alpha1
kind: Gate
metadata: {name: platform}
spec: {base: true}
`

// told is what a gate's metrics say, by name and labels.
func told(t *testing.T, known prometheus.Collector) map[string]float64 {
	t.Helper()
	exported := prometheus.NewRegistry()
	exported.MustRegister(known)
	families, err := exported.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			name := family.GetName()
			for _, label := range metric.GetLabel() {
				if label.GetName() == "state" {
					name += " " + label.GetValue()
				}
			}
			values[name] = metric.GetGauge().GetValue()
		}
	}
	return values
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestGate_TellsWhetherItsFilesStillHoldTheSame: current until somebody edits
// them, and loadable until the edit is broken; the files are read again after a
// minute and not before.
func TestGate_TellsWhetherItsFilesStillHoldTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gate.yaml")
	write(t, path, gateText)
	config, err := gate.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	known, err := gauges.NewGate(config, []string{path}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		text           string
		wait           time.Duration
		loads, current float64
	}{
		{gateText, 0, 1, 1},
		{gateText + "# edited\n", time.Second, 1, 1}, // not read again yet
		{gateText + "# edited\n", time.Minute, 1, 0},
		{"spec: {nonsense: 1}\n", time.Minute, 0, 0},
		{gateText, time.Minute, 1, 1},
	} {
		now = now.Add(step.wait)
		write(t, path, step.text)
		if got := told(t, known); got["assay_gate_loads"] != step.loads || got["assay_gate_current"] != step.current {
			t.Errorf("%q: loads %v, current %v", step.text, got["assay_gate_loads"], got["assay_gate_current"])
		}
	}
}

// TestGate_TellsWhenExceptionsEnd: the next waiver that ends, those that ended
// already, and openings only while they are in force.
func TestGate_TellsWhenExceptionsEnd(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	day := func(text string) gate.Date {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return gate.Date{Time: at}
	}
	config := gate.Default()
	clock := func() time.Time { return now }
	bare, err := gauges.NewGate(config, nil, clock)
	if err != nil {
		t.Fatal(err)
	}
	got := told(t, bare)
	if _, says := got["assay_waiver_ends_in_seconds"]; says || got["assay_waivers holds"] != 0 || got["assay_break_glass"] != 0 {
		t.Errorf("without exceptions: %v", got)
	}
	if _, says := got["assay_gate_loads"]; says {
		t.Errorf("the embedded gate has no files: %v", got)
	}
	config.Gates[0].Spec.Waivers = []gate.Waiver{{Until: day("2026-12-31")}, {Until: day("2026-11-24")}, {Until: day("2026-11-23")}}
	config.Gates[0].Spec.BreakGlass = []gate.BreakGlass{
		{From: now.Add(-time.Hour), Until: now.Add(time.Hour)}, {From: now.Add(-2 * time.Hour), Until: now}, {From: now.Add(time.Minute), Until: now.Add(time.Hour)},
	}
	got = told(t, bare)
	if got["assay_waivers holds"] != 2 || got["assay_waivers ended"] != 1 || got["assay_waiver_ends_in_seconds"] != 12*3600 || got["assay_break_glass"] != 1 {
		t.Errorf("with exceptions: %v", got)
	}
}
