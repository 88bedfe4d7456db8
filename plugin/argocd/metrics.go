package argocd

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc/status"

	"github.com/assay-gitops/assay/plugin/setup/gauges"
)

// metrics are the server's, for Prometheus.
type metrics struct {
	registry *prometheus.Registry
	verdicts *gauges.Verdicts
	seconds  *prometheus.HistogramVec
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "assay_request_seconds", Help: "Time from the request's first byte to its answer, the archive's way included.",
			Buckets: []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"code"}),
	}
	m.verdicts = gauges.NewVerdicts(m.registry)
	m.registry.MustRegister(m.seconds, collector{s}, gauges.Collector{Facts: s.options.Facts, Clock: s.options.Clock})
	m.registry.MustRegister(s.options.Collectors...)
	return m
}

func (m *metrics) ended(begun time.Time, err error) {
	m.seconds.WithLabelValues(status.Code(err).String()).Observe(time.Since(begun).Seconds())
}

// collector is read when Prometheus asks.
type collector struct{ server *Server }

// Describe implements prometheus.Collector; the names depend on what there is.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	send := gauges.To(out)
	s := c.server
	hits, misses := s.trees.counts()
	ready := 0.0
	if s.ready() == nil {
		ready = 1
	}
	send("assay_ready", "Whether the plugin would answer a request: its socket is there and no other plugin's beside it.", prometheus.GaugeValue, ready)
	judging, waiting := s.queue.counts()
	send("assay_judging", "Applications that are being judged.", prometheus.GaugeValue, float64(judging))
	send("assay_waiting", "Applications that wait to be judged.", prometheus.GaugeValue, float64(waiting))
	send("assay_places", "Applications that are judged at once, at most.", prometheus.GaugeValue, float64(s.queue.places))
	send("assay_archives_total", "Archives by whether they were unpacked already.", prometheus.CounterValue, float64(hits), [2]string{"cache", "hit"})
	send("assay_archives_total", "Archives by whether they were unpacked already.", prometheus.CounterValue, float64(misses), [2]string{"cache", "miss"})
	send("assay_gate_age_seconds", "Time since the gate's files were loaded.", prometheus.GaugeValue, s.options.Clock().Sub(s.begun).Seconds())
}

// Handler serves /metrics, /healthz (the process lives) and /readyz (it would
// answer a request: the socket is there and no other plugin's beside it).
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	return mux
}
