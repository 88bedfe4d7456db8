package flux

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/setup/gauges"
)

// Counters are the controller's own metrics, beside Flux's.
type Counters struct {
	verdicts *gauges.Verdicts
	troubles *prometheus.CounterVec
	waits    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// NewCounters registers the metrics, under the names that the other doors have
// for the same things. It panics where others of these names are registered.
func NewCounters(registry prometheus.Registerer, facts gauges.Facts, clock func() time.Time) *Counters {
	c := &Counters{
		verdicts: gauges.NewVerdicts(registry),
		troubles: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_not_judged_total", Help: "GatedSources that could not be judged, or whose publication failed, by reason.",
		}, []string{"reason"}),
		waits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_put_off_total", Help: "Times that a GatedSource was put off as its namespace had its share of the workers, by namespace.",
		}, []string{"namespace"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "assay_request_seconds", Help: "Time from the beginning of a judgement to its answer, by the answer.",
			Buckets: []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"outcome"}),
	}
	registry.MustRegister(c.troubles, c.waits, c.seconds)
	if facts != nil {
		registry.MustRegister(gauges.Collector{Facts: facts, Clock: clock})
	}
	return c
}

// putOff counts one that has to wait for its own namespace.
func (c *Counters) putOff(namespace string) { c.waits.WithLabelValues(namespace).Inc() }

// judged counts one try.
func (c *Counters) judged(made outcome, took time.Duration) {
	if made.trouble != nil {
		c.troubles.WithLabelValues(made.trouble.reason).Inc()
	}
	for _, verdict := range made.verdicts {
		c.verdicts.Count(verdict, gauges.DecidedBy(verdict))
	}
	c.seconds.WithLabelValues(made.answer().String()).Observe(took.Seconds())
}

// untell takes away the metrics of an object that is gone: alerts about it
// would last as long as the process.
func (r *Reconciler) untell(key types.NamespacedName) {
	recorder := r.Metrics.MetricsRecorder
	if recorder == nil {
		return
	}
	object := corev1.ObjectReference{Kind: v1alpha1.GatedSourceKind, Namespace: key.Namespace, Name: key.Name}
	recorder.DeleteCondition(object, meta.ReadyCondition)
	recorder.DeleteCondition(object, meta.StalledCondition)
	recorder.DeleteSuspend(object)
	recorder.DeleteDuration(object)
}
