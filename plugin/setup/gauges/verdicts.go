package gauges

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

// Verdicts counts what was decided.
type Verdicts struct {
	requests, findings *prometheus.CounterVec
}

// NewVerdicts registers its counters. It panics where others of these names are
// registered already.
func NewVerdicts(in prometheus.Registerer) *Verdicts {
	v := &Verdicts{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_requests_total", Help: "Applications asked about, by answer (allowed, denied, undetermined) and what decided: a step of the door, or the area of the first rule.",
		}, []string{"outcome", "stage"}),
		findings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_findings_total", Help: "Findings by rule and level; those of level warn stop nothing.",
		}, []string{"rule", "level"}),
	}
	in.MustRegister(v.requests, v.findings)
	return v
}

// DecidedBy is the area of the rule that stopped the application first, such as
// image, pss or render, of which there are few; "verdict" when nothing did.
func DecidedBy(v *plugin.Verdict) string {
	blocking, _ := report.Causes(v)
	if len(blocking) == 0 {
		return "verdict"
	}
	area, _, _ := strings.Cut(blocking[0].Rule, "/")
	return area
}

// Count counts one verdict under what decided; see [DecidedBy].
func (v *Verdicts) Count(verdict *plugin.Verdict, stage string) {
	v.requests.WithLabelValues(verdict.Outcome().String(), stage).Inc()
	for _, finding := range verdict.Findings {
		if finding.Level != plugin.Info {
			v.findings.WithLabelValues(finding.Rule, finding.Level.String()).Inc()
		}
	}
}
