package argocd

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc/status"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/facts"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/verify"
)

// Facts are what is counted below the door; plugin/setup has them.
type Facts interface {
	// RegistryStats counts the requests to registries by host and status.
	RegistryStats() []registry.Stat
	// RenderStats counts renderings that were in memory and those that were not.
	RenderStats() (hits, misses int64)
	// Roots are the trust roots and their age.
	Roots() ([]verify.RootInfo, error)
}

// DiskFacts are [Facts] that know what is kept on disk, too.
type DiskFacts interface {
	// DiskStats counts what registries said and the disk kept; kept is false where
	// no folder was named.
	DiskStats() (stats facts.Stats, kept bool)
}

// metrics are the server's, for Prometheus.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	findings *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_requests_total", Help: "Applications asked about, by answer (allowed, denied, undetermined) and what decided: a step of the door, or the area of the first rule.",
		}, []string{"outcome", "stage"}),
		findings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_findings_total", Help: "Findings by rule and level; those of level warn stop nothing.",
		}, []string{"rule", "level"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "assay_request_seconds", Help: "Time from the request's first byte to its answer, the archive's way included.",
			Buckets: []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"code"}),
	}
	m.registry.MustRegister(m.requests, m.findings, m.seconds, gauges{s})
	return m
}

// decidedBy is the area of the rule that stopped the application first, such as
// image, pss or render, of which there are few; "verdict" when nothing did.
func decidedBy(v *plugin.Verdict) string {
	blocking, _ := report.Causes(v)
	if len(blocking) == 0 {
		return "verdict"
	}
	area, _, _ := strings.Cut(blocking[0].Rule, "/")
	return area
}

// judged counts one verdict.
func (m *metrics) judged(v *plugin.Verdict, stage string) {
	m.requests.WithLabelValues(v.Outcome().String(), stage).Inc()
	for _, finding := range v.Findings {
		if finding.Level != plugin.Info {
			m.findings.WithLabelValues(finding.Rule, finding.Level.String()).Inc()
		}
	}
}

func (m *metrics) ended(begun time.Time, err error) {
	m.seconds.WithLabelValues(status.Code(err).String()).Observe(time.Since(begun).Seconds())
}

// gauges are read when Prometheus asks.
type gauges struct{ server *Server }

// Describe implements prometheus.Collector; the names depend on what there is.
func (gauges) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (g gauges) Collect(out chan<- prometheus.Metric) {
	send := func(name, help string, kind prometheus.ValueType, value float64, labels ...[2]string) {
		var names, values []string
		for _, label := range labels {
			names, values = append(names, label[0]), append(values, label[1])
		}
		// One value that cannot be told must not cost all others.
		if metric, err := prometheus.NewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, value, values...); err == nil {
			out <- metric
		}
	}
	s := g.server
	hits, misses := s.trees.counts()
	send("assay_judging", "Applications that are being judged.", prometheus.GaugeValue, float64(s.queue.judging()))
	send("assay_archives_total", "Archives by whether they were unpacked already.", prometheus.CounterValue, float64(hits), [2]string{"cache", "hit"})
	send("assay_archives_total", "Archives by whether they were unpacked already.", prometheus.CounterValue, float64(misses), [2]string{"cache", "miss"})
	send("assay_gate_age_seconds", "Time since the gate's files were loaded.", prometheus.GaugeValue, s.options.Clock().Sub(s.begun).Seconds())
	if s.options.Facts == nil {
		return
	}
	hits, misses = s.options.Facts.RenderStats()
	send("assay_renderings_total", "Renderings by whether they were in memory.", prometheus.CounterValue, float64(hits), [2]string{"cache", "hit"})
	send("assay_renderings_total", "Renderings by whether they were in memory.", prometheus.CounterValue, float64(misses), [2]string{"cache", "miss"})
	for _, stat := range s.options.Facts.RegistryStats() {
		send("assay_registry_requests_total", "Requests to registries; status 0 had no answer.", prometheus.CounterValue, float64(stat.Count),
			[2]string{"host", stat.Host}, [2]string{"status", strconv.Itoa(stat.Status)})
	}
	g.onDisk(send)
	roots, err := s.options.Facts.Roots()
	if err != nil {
		return // they were read when the server began; the last word is in the log
	}
	for _, root := range roots {
		g.mirrored(send, root)
		if root.Newest.IsZero() {
			continue // inline keys have no date
		}
		send("assay_trust_root_age_seconds", "Time since the newest key or authority of a trust root became valid.", prometheus.GaugeValue,
			s.options.Clock().Sub(root.Newest).Seconds(), [2]string{"root", root.Name})
	}
}

// onDisk tells of the cache on disk. An entry that is refused was tampered with,
// or was made under another key.
func (g gauges) onDisk(send sender) {
	disk, knows := g.server.options.Facts.(DiskFacts)
	if !knows {
		return
	}
	stats, kept := disk.DiskStats()
	if !kept {
		return
	}
	for _, read := range []struct {
		how   string
		count int64
	}{{"hit", stats.Hits}, {"miss", stats.Misses}, {"refused", stats.Refused}} {
		send("assay_disk_facts_total", "What was looked for on disk of what registries said: found, not found, or refused, as it was tampered with or made under another key.",
			prometheus.CounterValue, float64(read.count), [2]string{"cache", read.how})
	}
	send("assay_disk_facts_failed_total", "Writes to the cache on disk that failed.", prometheus.CounterValue, float64(stats.Failed))
	send("assay_disk_facts_evicted_total", "Entries of the cache on disk that went to make room.", prometheus.CounterValue, float64(stats.Evicted))
	send("assay_disk_facts_bytes", "About what the cache on disk holds.", prometheus.GaugeValue, float64(stats.Bytes))
}

// sender gives one metric out.
type sender func(name, help string, kind prometheus.ValueType, value float64, labels ...[2]string)

// mirrored tells of a trust root that a mirror gives out how old its copy is and
// when it ends; without a copy it tells that it cannot be used.
func (g gauges) mirrored(send sender, root verify.RootInfo) {
	copied := root.Mirrored
	if copied == nil {
		return
	}
	now, name := g.server.options.Clock(), [2]string{"root", root.Name}
	usable, renewed := 1.0, 1.0
	if copied.Unusable(now) != "" {
		usable = 0
	}
	if copied.Trouble != "" {
		renewed = 0
	}
	send("assay_trust_root_usable", "Whether signatures can be verified by a mirror's trust root: 0 without a copy, and when it has expired.", prometheus.GaugeValue, usable, name)
	send("assay_trust_root_renewed", "Whether the mirror of a trust root gave a good answer when it was asked last.", prometheus.GaugeValue, renewed, name)
	if len(copied.TrustedRoot) == 0 {
		return
	}
	send("assay_trust_root_copy_age_seconds", "Time since the mirror of a trust root gave its copy.", prometheus.GaugeValue, now.Sub(copied.FetchedAt).Seconds(), name)
	send("assay_trust_root_expires_in_seconds", "Time until the copy of a mirror's trust root expires; below zero it has.", prometheus.GaugeValue, copied.Ends.Sub(now).Seconds(), name)
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
