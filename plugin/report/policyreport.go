package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
)

// mostPolicyResults bounds a report that is kept in etcd, which refuses objects
// of more than 1.5 MiB.
const mostPolicyResults = 500

// policyKinds are the kinds of one API for policy reports. The two APIs have
// the same fields.
type policyKinds struct {
	apiVersion string
	// namespaced and cluster are the kinds with and without a namespace.
	namespaced, cluster string
}

func wgPolicy() policyKinds {
	return policyKinds{"wgpolicyk8s.io/v1alpha2", "PolicyReport", "ClusterPolicyReport"}
}

func openReports() policyKinds {
	return policyKinds{"openreports.io/v1alpha1", "Report", "ClusterReport"}
}

// PolicyReport is a report of wgpolicyk8s.io/v1alpha2 or openreports.io/v1alpha1:
// an object for a cluster, in which dashboards find verdicts.
type PolicyReport struct {
	APIVersion string           `yaml:"apiVersion" json:"apiVersion"`
	Kind       string           `yaml:"kind" json:"kind"`
	Metadata   PolicyReportMeta `yaml:"metadata" json:"metadata"`
	// Source is of openreports.io alone.
	Source  string               `yaml:"source,omitempty" json:"source,omitempty"`
	Summary PolicyReportSummary  `yaml:"summary" json:"summary"`
	Results []PolicyReportResult `yaml:"results" json:"results"`
}

// PolicyReportMeta is the part of an object's metadata that a report has.
type PolicyReportMeta struct {
	Name      string            `yaml:"name" json:"name"`
	Namespace string            `yaml:"namespace,omitempty" json:"namespace,omitempty"`
	Labels    map[string]string `yaml:"labels" json:"labels"`
}

// PolicyReportSummary counts results.
type PolicyReportSummary struct {
	Pass  int `yaml:"pass" json:"pass"`
	Fail  int `yaml:"fail" json:"fail"`
	Warn  int `yaml:"warn" json:"warn"`
	Error int `yaml:"error" json:"error"`
	Skip  int `yaml:"skip" json:"skip"`
}

// PolicyReportResult is one finding, or the verdict.
type PolicyReportResult struct {
	Source     string                 `yaml:"source" json:"source"`
	Policy     string                 `yaml:"policy" json:"policy"`
	Rule       string                 `yaml:"rule" json:"rule"`
	Category   string                 `yaml:"category,omitempty" json:"category,omitempty"`
	Severity   string                 `yaml:"severity,omitempty" json:"severity,omitempty"`
	Timestamp  PolicyReportTime       `yaml:"timestamp" json:"timestamp"`
	Result     string                 `yaml:"result" json:"result"`
	Scored     bool                   `yaml:"scored" json:"scored"`
	Resources  []PolicyReportResource `yaml:"resources,omitempty" json:"resources,omitempty"`
	Message    string                 `yaml:"message" json:"message"`
	Properties map[string]string      `yaml:"properties,omitempty" json:"properties,omitempty"`
}

// PolicyReportTime is a time as these kinds write it.
type PolicyReportTime struct {
	Seconds int64 `yaml:"seconds" json:"seconds"`
	Nanos   int   `yaml:"nanos" json:"nanos"`
}

// PolicyReportResource names the object that a result is about.
type PolicyReportResource struct {
	APIVersion string `yaml:"apiVersion" json:"apiVersion"`
	Kind       string `yaml:"kind" json:"kind"`
	Namespace  string `yaml:"namespace,omitempty" json:"namespace,omitempty"`
	Name       string `yaml:"name" json:"name"`
}

// policyReporter writes a [PolicyReport] as YAML.
type policyReporter struct {
	Options

	kinds policyKinds
}

func (p policyReporter) Report(w io.Writer, v *plugin.Verdict) error {
	if v == nil {
		return errors.New("writing the policy report: there is no verdict")
	}
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(p.report(v)), encoder.Close()); err != nil {
		return fmt.Errorf("writing the policy report: %w", err)
	}
	return nil
}

// NewPolicyReport is the object that the format "policyreport" or "openreports"
// writes, for a door that hands it to a cluster itself.
func NewPolicyReport(v *plugin.Verdict, format string, options Options) (PolicyReport, error) {
	reporter, err := For(format, options)
	if err != nil {
		return PolicyReport{}, err
	}
	policy, is := reporter.(policyReporter)
	if !is || v == nil {
		return PolicyReport{}, fmt.Errorf("making a policy report: %q is neither policyreport nor openreports, or there is no verdict", format)
	}
	return policy.report(v), nil
}

func (p policyReporter) report(v *plugin.Verdict) PolicyReport {
	out := PolicyReport{
		APIVersion: p.kinds.apiVersion, Kind: p.kinds.cluster,
		Metadata: PolicyReportMeta{Name: reportName(v), Labels: map[string]string{"app.kubernetes.io/managed-by": "assay"}},
	}
	if namespace := v.Application.Namespace; labelName.MatchString(namespace) {
		out.Kind, out.Metadata.Namespace = p.kinds.namespaced, namespace
	}
	if p.kinds == openReports() {
		out.Source = source
	}
	out.Results = append(out.Results, p.verdict(v))
	left := 0
	for _, finding := range v.Findings {
		switch {
		case finding.Level == plugin.Info: // what assay changed is no result of a policy
		case len(out.Results) > mostPolicyResults || int64(len(out.Results)) > p.Findings:
			left++
		default:
			out.Results = append(out.Results, p.result(v, finding))
		}
	}
	if left > 0 {
		out.Results[0].Properties["omitted"] = fmt.Sprintf("%s more, not in this report", plural(left, "finding"))
	}
	for _, result := range out.Results {
		out.Summary.add(result.Result)
	}
	return out
}

// source names the tool in every result.
const source = "assay"

// verdict is the first result, so that a report always has one.
func (p policyReporter) verdict(v *plugin.Verdict) PolicyReportResult {
	answer := map[plugin.Outcome]string{plugin.Allowed: "pass", plugin.Unanswered: "error", plugin.Denied: "fail"}[v.Outcome()]
	properties := map[string]string{"gates": neutral(strings.Join(v.Gates, ", ")), "path": neutral(v.Path)}
	if v.Revision != "" {
		properties["revision"] = neutral(v.Revision)
	}
	if v.Banner != "" {
		properties["banner"] = neutral(v.Banner)
	}
	return PolicyReportResult{
		Source: source, Policy: "assay", Rule: "verdict", Timestamp: reportTime(v.At), Result: answer, Scored: true,
		Message: neutral(v.Outcome().String() + ": " + subject(v, p.Path) + ": " + summary(v)), Properties: properties,
	}
}

func (p policyReporter) result(v *plugin.Verdict, finding plugin.Finding) PolicyReportResult {
	page := p.rule(finding.Rule)
	area, _, _ := strings.Cut(finding.Rule, "/")
	out := PolicyReportResult{
		Source: source, Policy: neutral(cmp.Or(page.Pack, area)), Rule: neutral(finding.Rule), Category: neutral(area),
		Severity: page.Severity, Timestamp: reportTime(v.At), Result: policyResult(finding), Scored: finding.Level.Blocks(),
		Message: neutral(finding.Message), Properties: map[string]string{},
	}
	if id := finding.Object; !id.IsZero() {
		out.Resources = []PolicyReportResource{{neutral(id.APIVersion), neutral(id.Kind), neutral(id.Namespace), neutral(id.Name)}}
	}
	for name, text := range map[string]string{
		"field": finding.Field, "image": finding.Image, "digest": finding.Digest, "gate": finding.Gate, "at": finding.Origin.String(),
		"fix": finding.Hint, "standing": standing(finding),
	} {
		if text != "" {
			out.Properties[name] = neutral(text)
		}
	}
	if finding.Waiver != nil {
		out.Properties["waiver"] = neutral(waiver(*finding.Waiver))
	}
	return out
}

// policyResult is a finding in the five words of policy reports.
func policyResult(finding plugin.Finding) string {
	switch gradeOf(finding) {
	case failed:
		return "fail"
	case unknown:
		return "error"
	case excused:
		return "skip"
	case fine:
	}
	return "warn"
}

func (s *PolicyReportSummary) add(result string) {
	switch result {
	case "pass":
		s.Pass++
	case "warn":
		s.Warn++
	case "error":
		s.Error++
	case "skip":
		s.Skip++
	default:
		s.Fail++
	}
}

func reportTime(at time.Time) PolicyReportTime {
	return PolicyReportTime{Seconds: at.Unix(), Nanos: at.Nanosecond()}
}

var (
	labelName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	unnamed   = regexp.MustCompile(`[^a-z0-9]+`)
)

// reportName is the name of the application's report: one application has one
// for each of its sources, in whatever run, and nobody can make up another's.
func reportName(v *plugin.Verdict) string {
	full := strings.Join([]string{v.Application.Project, v.Application.Name, v.Application.Repository, v.Path}, "\x00")
	sum := sha256.Sum256([]byte(full))
	name := strings.Trim(unnamed.ReplaceAllString(strings.ToLower(cmp.Or(v.Application.Name, v.Path)), "-"), "-")
	parts := []string{"assay"}
	if name = strings.Trim(name[:min(len(name), 40)], "-"); name != "" {
		parts = append(parts, name)
	}
	return strings.Join(append(parts, hex.EncodeToString(sum[:8])), "-")
}
