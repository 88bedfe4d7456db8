// Package counters tells Prometheus what became of the records of verdicts.
package counters

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/events"
	"github.com/assay-gitops/assay/plugin/audit/reports"
)

// Counters are read when Prometheus asks. What is nil is left out.
type Counters struct {
	// Log, Reports and Events are the sinks of the audit log, of the store of reports
	// and of the writer of Events.
	Log, Reports, Events *audit.Sink
	Store                *reports.Store
	Writer               *events.Writer
}

// Describe implements prometheus.Collector; the names depend on what there is.
func (*Counters) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *Counters) Collect(out chan<- prometheus.Metric) {
	send := func(name, help string, kind prometheus.ValueType, value float64) {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, nil, nil), kind, value)
	}
	count := func(name, help string, value int64) { send(name, help, prometheus.CounterValue, float64(value)) }
	if c.Log != nil {
		count("assay_audit_records_total", "Verdicts that were written into the audit log.", c.Log.Taken())
		count("assay_audit_failures_total", "Verdicts that the audit log lost, as on a full disk; they stand all the same.", c.Log.Failed())
	}
	if c.Reports != nil {
		count("assay_reports_records_total", "Verdicts that were written into the store of reports.", c.Reports.Taken())
		count("assay_reports_failures_total", "Verdicts that the store of reports lost, whole or their manifests.", c.Reports.Failed())
	}
	if c.Store != nil {
		applications, bytes := c.Store.Held()
		send("assay_reports_applications", "Applications whose last verdicts are kept.", prometheus.GaugeValue, float64(applications))
		send("assay_reports_bytes", "About what the store of reports takes on the disk.", prometheus.GaugeValue, float64(bytes))
	}
	if c.Events != nil {
		count("assay_events_failures_total", "Times that an Event could not be written on an Application.", c.Events.Failed())
	}
	if c.Writer != nil {
		count("assay_events_written_total", "Events that were written on Applications, or counted up.", c.Writer.Written())
	}
}
