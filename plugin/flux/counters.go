package flux

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/assay-gitops/assay/plugin"
)

// Counters are the controller's own metrics, beside Flux's.
type Counters struct {
	judgements *prometheus.CounterVec
	findings   *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
}

// NewCounters registers the metrics, under the names that the other doors have
// for the same things.
func NewCounters(registry prometheus.Registerer) (*Counters, error) {
	c := &Counters{
		judgements: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_requests_total", Help: "GatedSources judged, by answer (allowed, denied, undetermined) and what decided: a step of the door, or the area of the first rule.",
		}, []string{"outcome", "stage"}),
		findings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_findings_total", Help: "Findings by rule and level; those of level warn stop nothing.",
		}, []string{"rule", "level"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "assay_request_seconds", Help: "Time from the beginning of a judgement to its answer.",
			Buckets: []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"outcome"}),
	}
	for _, each := range []prometheus.Collector{c.judgements, c.findings, c.seconds} {
		if err := registry.Register(each); err != nil {
			return nil, fmt.Errorf("registering the metrics: %w", err)
		}
	}
	return c, nil
}

// judged counts one try.
func (c *Counters) judged(made outcome, took time.Duration) {
	answer := made.answer().String()
	decided := ""
	if made.trouble != nil {
		decided = made.trouble.reason
	}
	for _, verdict := range made.verdicts {
		for _, finding := range verdict.Findings {
			if finding.Level == plugin.Info {
				continue
			}
			c.findings.WithLabelValues(finding.Rule, finding.Level.String()).Inc()
			if decided == "" && finding.Level.Blocks() {
				decided, _, _ = strings.Cut(finding.Rule, "/")
			}
		}
	}
	c.judgements.WithLabelValues(answer, decided).Inc()
	c.seconds.WithLabelValues(answer).Observe(took.Seconds())
}
