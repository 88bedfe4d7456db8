package refresh

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// metrics are for Prometheus.
type metrics struct {
	registry *prometheus.Registry
	asks     *prometheus.CounterVec
	refusals *prometheus.CounterVec
	rounds   *prometheus.CounterVec
	waiting  *prometheus.GaugeVec
	tells    *prometheus.GaugeVec
	failures prometheus.Counter
	single   map[string]prometheus.Gauge
	// ended is when a round last came to its end, in seconds since 1970; leading is
	// set while this process is the one that asks.
	ended   atomic.Int64
	leading atomic.Bool
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(), single: map[string]prometheus.Gauge{},
		asks:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "assay_refresh_asked_total", Help: "Applications that were asked for a hard refresh, by why."}, []string{"reason"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "assay_refresh_refused_total", Help: "Annotations that the API server did not take, by its reason."}, []string{"reason"}),
		rounds:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "assay_refresh_rounds_total", Help: "Rounds by how they ended: complete, partial (without all records, or by Applications that may be old), or failed (no gate or no Applications)."}, []string{"outcome"}),
		waiting:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "assay_refresh_concerned", Help: "Applications whose last verdict could be another one now, by why."}, []string{"reason"}),
		tells:    prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "assay_refresh_sidecars", Help: "Gates of sidecars (same, other) and sidecars that did not answer (silent)."}, []string{"state"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "assay_refresh_gate_failed_total", Help: "Times that the gate's files could not be loaded; the last ones that could count."}),
	}
	m.registry.MustRegister(m.asks, m.refusals, m.rounds, m.waiting, m.tells, m.failures)
	for name, help := range map[string]string{
		"assay_refresh_gate_loaded":                  "1 while the gate's files load.",
		"assay_refresh_gate_settling":                "1 while a change of the gate has not stood long enough.",
		"assay_refresh_gate_changes":                 "Changes of the gate that counted since the process began.",
		"assay_refresh_held":                         "Applications that are not asked before the sidecars judge by the same gate.",
		"assay_refresh_pending":                      "Applications that were asked and that Argo CD did not take up yet.",
		"assay_refresh_silent":                       "Applications that were asked and of which no new record came in time.",
		"assay_refresh_waiting":                      "Applications that this round asks.",
		"assay_refresh_applications":                 "Applications in the cluster.",
		"assay_refresh_records":                      "Records of verdicts that are known.",
		"assay_refresh_leading":                      "1 while this process is the one that asks.",
		"assay_refresh_last_round_timestamp_seconds": "When a round last came to its end.",
	} {
		m.single[name] = prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		m.registry.MustRegister(m.single[name])
	}
	for _, reason := range Reasons() {
		m.asks.WithLabelValues(reason.String())
		m.waiting.WithLabelValues(reason.String())
	}
	return m
}

func (m *metrics) set(name string, value float64) { m.single["assay_refresh_"+name].Set(value) }

func (m *metrics) gate(files *Files, err error) {
	m.set("gate_loaded", truth(err == nil))
	m.set("gate_settling", truth(files.Settling()))
	m.set("gate_changes", float64(files.changes))
	if err != nil {
		m.failures.Inc()
	}
}

func (m *metrics) sidecars(answer Answer, same bool) {
	others := 0
	if !same {
		others = len(answer.Gates)
	}
	m.tells.WithLabelValues("same").Set(float64(len(answer.Gates) - others))
	m.tells.WithLabelValues("other").Set(float64(others))
	m.tells.WithLabelValues("silent").Set(float64(len(answer.Silent)))
}

func (m *metrics) applications(there, records int) {
	m.set("applications", float64(there))
	m.set("records", float64(records))
}

// round tells of a round: planned is false when there was nothing to plan by.
func (m *metrics) round(made plan, now time.Time, outcome string) {
	m.rounds.WithLabelValues(outcome).Inc()
	if outcome == roundFailed {
		return
	}
	for _, reason := range Reasons() {
		m.waiting.WithLabelValues(reason.String()).Set(float64(made.concerned[reason]))
	}
	m.set("held", float64(made.held))
	m.set("pending", float64(made.pending))
	m.set("silent", float64(made.silent))
	m.set("waiting", float64(len(made.asks)))
	m.set("last_round_timestamp_seconds", float64(now.Unix()))
	m.ended.Store(now.Unix())
}

// How a round ended.
const (
	roundComplete = "complete"
	roundPartial  = "partial"
	roundFailed   = "failed"
)

func (m *metrics) asked(reason Reason, err error) {
	if err == nil {
		m.asks.WithLabelValues(reason.String()).Inc()
		return
	}
	why := string(apierrors.ReasonForError(err))
	if why == "" {
		why = "NoAnswer"
	}
	m.refusals.WithLabelValues(why).Inc()
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Leading notes whether this process is the one that asks.
func (r *Refresher) Leading(yes bool) {
	r.metrics.set("leading", truth(yes))
	r.metrics.leading.Store(yes)
}

// ready says why this process, which is the one that asks, does not do its work.
func (r *Refresher) ready() error {
	if !r.metrics.leading.Load() {
		return nil
	}
	ended := r.metrics.ended.Load()
	if ended == 0 {
		return errors.New("no round has come to its end yet: the log says what does not work")
	}
	if late := r.options.Clock.Now().Sub(time.Unix(ended, 0)); late > 10*r.options.Every {
		return fmt.Errorf("the last round came to its end %s ago: the log says what does not work", late.Round(time.Second))
	}
	return nil
}

// Handler serves /metrics, /healthz (the process lives) and /readyz (rounds come to
// their end, or another process is the one that asks).
func (r *Refresher) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(r.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := r.ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	return mux
}
