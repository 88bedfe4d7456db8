//go:build e2e

// Package monitoring_test asks Prometheus's own checker about the alert rules
// and the dashboard under manifests/monitoring.
package monitoring_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const folder = "../../manifests/monitoring"

// promtool runs the checker; without it the tests fail, as they would say
// nothing.
func promtool(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatalf("promtool is missing: %v; `make deps` installs it (Debian's package prometheus)", err)
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	return string(out), err
}

func ruleFiles(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(folder + "/*/rules.yaml")
	if err != nil || len(paths) < 3 {
		t.Fatalf("%v: %v", paths, err)
	}
	for i := range paths {
		if paths[i], err = filepath.Abs(paths[i]); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

func write(t *testing.T, name string, value any) string {
	t.Helper()
	data, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRules_TheCheckerTakesThem(t *testing.T) {
	for _, path := range ruleFiles(t) {
		if out, err := promtool(t, "check", "rules", "--lint=all", "--lint-fatal", path); err != nil || !strings.Contains(out, "SUCCESS") {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// TestRules_TheCheckerRefusesABrokenOne: the check above can fail.
func TestRules_TheCheckerRefusesABrokenOne(t *testing.T) {
	for _, expr := range []string{"sum(rate(x[5m])", "rate(x)", "{{ x }}"} {
		path := write(t, "broken.yaml", recording([]string{expr}))
		if out, err := promtool(t, "check", "rules", path); err == nil {
			t.Errorf("%s is taken: %s", expr, out)
		}
	}
}

// recording is a file of rules that hold the queries.
func recording(queries []string) map[string]any {
	var rules []map[string]any
	for i, query := range queries {
		rules = append(rules, map[string]any{"record": fmt.Sprintf("dashboard:query:%d", i), "expr": query})
	}
	return map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}}
}

// TestDashboard_TheCheckerTakesEveryQuery, with a time in the place of Grafana's
// own variable.
func TestDashboard_TheCheckerTakesEveryQuery(t *testing.T) {
	data, err := os.ReadFile(folder + "/dashboard/assay.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			queries = append(queries, strings.ReplaceAll(target.Expr, "$__rate_interval", "5m"))
		}
	}
	if len(queries) < 20 || slices.Contains(queries, "") {
		t.Fatalf("%d queries, or an empty one", len(queries))
	}
	out, err := promtool(t, "check", "rules", write(t, "dashboard.yaml", recording(queries)))
	if err != nil || !strings.Contains(out, fmt.Sprintf("%d rules found", len(queries))) {
		t.Errorf("%v\n%s", err, out)
	}
}

// alerts are the names of all alerts.
func alerts(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, path := range ruleFiles(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Groups []struct {
				Rules []struct{ Alert string }
			}
		}
		if err := yaml.Unmarshal(data, &file); err != nil {
			t.Fatal(err)
		}
		for _, group := range file.Groups {
			for _, rule := range group.Rules {
				names = append(names, rule.Alert)
			}
		}
	}
	slices.Sort(names)
	return names
}

// TestRules_EachFiresAndItsTwinIsSilent: at the same time, on series that differ
// in one thing, by the checker's own evaluation of the rules.
func TestRules_EachFiresAndItsTwinIsSilent(t *testing.T) {
	var shown []string
	for _, scene := range scenes() {
		shown = append(shown, scene.alert)
		t.Run(scene.alert, func(t *testing.T) {
			for twin, series := range map[string][]string{"fires": scene.fires, "silent": scene.silent} {
				want := 1
				if twin == "silent" {
					want = 0
				}
				path := write(t, twin+".yaml", unitTest(t, scene, series, want))
				if out, err := promtool(t, "test", "rules", path); err != nil {
					t.Errorf("%s: %v\n%s", twin, err, out)
				}
			}
		})
	}
	slices.Sort(shown)
	if all := alerts(t); !slices.Equal(slices.Compact(shown), all) {
		t.Errorf("scenes of %v\nthere are %v", shown, all)
	}
}

// unitTest is one file of `promtool test rules`.
func unitTest(t *testing.T, s scene, series []string, want int) map[string]any {
	t.Helper()
	input := []map[string]any{}
	for _, each := range series {
		name, values, found := strings.Cut(each, " = ")
		if !found {
			t.Fatalf("%q is no series", each)
		}
		input = append(input, map[string]any{"series": name, "values": values})
	}
	firing := fmt.Sprintf(`count(ALERTS{alertname=%q,alertstate="firing"}) or vector(0)`, s.alert)
	return map[string]any{
		"rule_files": ruleFiles(t), "evaluation_interval": "1m",
		"tests": []any{map[string]any{
			"interval": "1m", "input_series": input,
			"promql_expr_test": []any{map[string]any{
				"expr": firing, "eval_time": s.at, "exp_samples": []any{map[string]any{"labels": "{}", "value": want}},
			}},
		}},
	}
}
