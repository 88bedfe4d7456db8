package manifests_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin/setup/gauges/listing"
)

var update = flag.Bool("update", false, "write the PrometheusRules anew")

// ruleFile is a file of alert rules as Prometheus reads it.
type ruleFile struct {
	Groups []struct {
		Name  string `json:"name"`
		Rules []struct {
			Alert       string            `json:"alert"`
			Expr        string            `json:"expr"`
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
		} `json:"rules"`
	} `json:"groups"`
}

// rulesOf are the folders below monitoring that have rules.
func rulesOf(t *testing.T) map[string]ruleFile {
	t.Helper()
	paths, err := filepath.Glob("monitoring/*/rules.yaml")
	if err != nil || len(paths) < 3 {
		t.Fatalf("%v: %v", paths, err)
	}
	files := map[string]ruleFile{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file ruleFile
		if err := yaml.UnmarshalStrict(data, &struct {
			Groups any `json:"groups"`
		}{}); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if err := yaml.Unmarshal(data, &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		files[filepath.Dir(path)] = file
	}
	return files
}

// TestMonitoring_PrometheusRulesAreTheRules: the operator's objects are made of
// the plain files.
func TestMonitoring_PrometheusRulesAreTheRules(t *testing.T) {
	for folder := range rulesOf(t) {
		plain, err := os.ReadFile(filepath.Join(folder, "rules.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		want := "# Made of rules.yaml beside it: `go test ./manifests -run Monitoring -update`.\n" +
			"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: assay-" + filepath.Base(folder) + "\nspec:\n"
		for line := range strings.Lines(string(plain)) {
			if !strings.HasPrefix(line, "#") {
				want += strings.TrimRight("  "+line, " ")
			}
		}
		path := filepath.Join(folder, "prometheusrule.yaml")
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is not what rules.yaml says (%v); run this test with -update", path, err)
		}
	}
}

// TestMonitoring_EveryAlertSaysWhatToDo: a name that is there once, a severity,
// what it means, and its page of the runbook.
func TestMonitoring_EveryAlertSaysWhatToDo(t *testing.T) {
	seen := map[string]bool{}
	for folder, file := range rulesOf(t) {
		for _, group := range file.Groups {
			for _, rule := range group.Rules {
				if rule.Alert == "" || seen[rule.Alert] || !strings.HasPrefix(rule.Alert, "Assay") {
					t.Errorf("%s: the alert %q has no name of its own", folder, rule.Alert)
				}
				seen[rule.Alert] = true
				if !slices.Contains([]string{"info", "warning", "critical"}, rule.Labels["severity"]) {
					t.Errorf("%s: its severity is %q", rule.Alert, rule.Labels["severity"])
				}
				if rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
					t.Errorf("%s does not say what it means", rule.Alert)
				}
				if want := runbook + rule.Alert + ".md"; rule.Annotations["runbook_url"] != want {
					t.Errorf("%s: its runbook is %q, not %s", rule.Alert, rule.Annotations["runbook_url"], want)
				}
			}
		}
	}
}

const runbook = "https://github.com/assay-gitops/assay/blob/main/docs/runbook/"

// known are the metrics that the doors export, with their labels, and those of
// the libraries that assay-source is made with, whose labels are not listed:
// e2e/flux looks for them in what a running assay-source exports.
func known(t *testing.T) map[string][]string {
	t.Helper()
	names := map[string][]string{}
	for _, path := range []string{"../plugin/argocd/testdata/metrics.txt", "../plugin/flux/testdata/metrics.txt", "../plugin/refresh/testdata/metrics.txt"} {
		list, err := listing.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, metric := range list {
			labels := slices.Concat(names[metric.Name], metric.Labels)
			names[metric.Name] = labels
			if metric.Type == "histogram" {
				names[metric.Name+"_bucket"] = append(slices.Clone(labels), "le")
				names[metric.Name+"_sum"], names[metric.Name+"_count"] = labels, labels
			}
		}
	}
	names["workqueue_depth"] = []string{"name"}
	names["controller_runtime_max_concurrent_reconciles"] = []string{"controller"}
	return names
}

var (
	quoted    = regexp.MustCompile(`"[^"]*"`)
	selection = regexp.MustCompile(`\{([^}]*)\}`)
	ranges    = regexp.MustCompile(`\[[^\]]*\]`)
	grouping  = regexp.MustCompile(`\b(?:by|without|on|ignoring)\s*\(([^)]*)\)`)
	duration  = regexp.MustCompile(`\boffset\s+\w+`)
	word      = regexp.MustCompile(`[a-zA-Z_][a-zA-Z0-9_]*\s*\(?`)
)

// vocabulary splits a query into the metrics and the labels that it names. What
// promtool takes as a query is one; see e2e/monitoring.
func vocabulary(query string) (metrics, labels []string) {
	query = quoted.ReplaceAllString(query, `""`)
	for _, match := range selection.FindAllStringSubmatch(query, -1) {
		for part := range strings.SplitSeq(match[1], ",") {
			labels = append(labels, strings.TrimSpace(strings.TrimRight(strings.TrimSuffix(strings.TrimSpace(part), `""`), "=!~")))
		}
	}
	query = ranges.ReplaceAllString(selection.ReplaceAllString(query, ""), "")
	for _, match := range grouping.FindAllStringSubmatch(query, -1) {
		for part := range strings.SplitSeq(match[1], ",") {
			labels = append(labels, strings.TrimSpace(part))
		}
	}
	query = duration.ReplaceAllString(grouping.ReplaceAllString(query, ""), "")
	for _, found := range word.FindAllString(query, -1) {
		if name := strings.TrimSpace(found); !strings.HasSuffix(name, "(") && !slices.Contains([]string{"and", "or", "unless"}, name) {
			metrics = append(metrics, name)
		}
	}
	return metrics, labels
}

// checkNames fails for what no door exports.
func checkNames(t *testing.T, where, query string) {
	t.Helper()
	names := known(t)
	metrics, labels := vocabulary(query)
	if len(metrics) == 0 {
		t.Errorf("%s names no metric: %s", where, query)
	}
	allowed := []string{"namespace", "job", "instance"} // what Prometheus adds to a target
	for _, metric := range metrics {
		has, exported := names[metric]
		if !exported {
			t.Errorf("%s: nothing exports %s", where, metric)
		}
		allowed = append(allowed, has...)
	}
	for _, label := range labels {
		if !slices.Contains(allowed, label) {
			t.Errorf("%s: none of %v has a label %q", where, metrics, label)
		}
	}
}

func TestMonitoring_RulesNameMetricsThatAreExported(t *testing.T) {
	for _, file := range rulesOf(t) {
		for _, group := range file.Groups {
			for _, rule := range group.Rules {
				checkNames(t, rule.Alert, rule.Expr)
			}
		}
	}
}

// TestMonitoring_AMisspelledNameIsSeen: the check above can fail.
func TestMonitoring_AMisspelledNameIsSeen(t *testing.T) {
	metrics, labels := vocabulary("sum by (host) (rate(assay_registry_request_total{stat=~\"5..\"}[10m])) / 2 > 0.25\n unless on (root) x offset 5m == 1")
	if !slices.Equal(metrics, []string{"assay_registry_request_total", "x"}) || !slices.Equal(labels, []string{"stat", "host", "root"}) {
		t.Errorf("metrics %v, labels %v", metrics, labels)
	}
}

// TestMonitoring_ItsFoldersRender with kustomize, and their selectors and ports
// are those of what they watch.
func TestMonitoring_ItsFoldersRender(t *testing.T) {
	for folder := range rulesOf(t) {
		object(t, build(t, folder), "PrometheusRule")
	}
	board := object(t, build(t, "monitoring/dashboard"), "ConfigMap")
	if label := at(board.Fields, "metadata", "labels", "grafana_dashboard"); label != "1" {
		t.Errorf("its label is %v", label)
	}
	for folder, watched := range map[string]struct{ path, kind, label string }{
		"monitoring/argocd":  {"testdata/installed", "Deployment", "app.kubernetes.io/name"},
		"monitoring/flux":    {"flux/controller", "Deployment", "app"},
		"monitoring/refresh": {"argocd/refresh", "Deployment", "app.kubernetes.io/name"},
	} {
		monitor, program := object(t, build(t, folder), "PodMonitor"), object(t, build(t, watched.path), watched.kind)
		template := at(program.Fields, "spec", "template").(map[string]any)
		label := at(monitor.Fields, "spec", "selector", "matchLabels", watched.label)
		if got := at(template, "metadata", "labels", watched.label); label == nil || got != label {
			t.Errorf("%s selects %s=%v, and the Pods have %v", folder, watched.label, label, got)
		}
		endpoints := at(monitor.Fields, "spec", "podMetricsEndpoints").([]any)
		port := endpoints[0].(map[string]any)["port"]
		var ports []any
		for _, container := range at(template, "spec", "containers").([]any) {
			list, _ := container.(map[string]any)["ports"].([]any)
			for _, each := range list {
				ports = append(ports, each.(map[string]any)["name"])
			}
		}
		if !slices.Contains(ports, port) {
			t.Errorf("%s asks at port %v, and there are %v", folder, port, ports)
		}
	}
}
