// Package gauges tells Prometheus what is counted below the front doors, and what
// they decide: in the same words at each of them.
package gauges

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/facts"
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

// Sender gives one metric out.
type Sender func(name, help string, kind prometheus.ValueType, value float64, labels ...[2]string)

// To sends metrics into a collector's channel.
func To(out chan<- prometheus.Metric) Sender {
	return func(name, help string, kind prometheus.ValueType, value float64, labels ...[2]string) {
		var names, values []string
		for _, label := range labels {
			names, values = append(names, label[0]), append(values, label[1])
		}
		// One value that cannot be told must not cost all others.
		if metric, err := prometheus.NewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, value, values...); err == nil {
			out <- metric
		}
	}
}

// Collector is read when Prometheus asks.
type Collector struct {
	// Facts may be nil, of which there is nothing to tell.
	Facts Facts
	Clock func() time.Time
}

// Describe implements prometheus.Collector; the names depend on what there is.
func (Collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c Collector) Collect(out chan<- prometheus.Metric) {
	if c.Facts == nil {
		return
	}
	known, now, send := c.Facts, c.Clock(), To(out)
	hits, misses := known.RenderStats()
	send("assay_renderings_total", "Renderings by whether they were in memory.", prometheus.CounterValue, float64(hits), [2]string{"cache", "hit"})
	send("assay_renderings_total", "Renderings by whether they were in memory.", prometheus.CounterValue, float64(misses), [2]string{"cache", "miss"})
	for _, stat := range known.RegistryStats() {
		send("assay_registry_requests_total", "Requests to registries; status 0 had no answer.", prometheus.CounterValue, float64(stat.Count),
			[2]string{"host", stat.Host}, [2]string{"status", strconv.Itoa(stat.Status)})
	}
	onDisk(known, send)
	roots, err := known.Roots()
	if err != nil {
		return // they were read when the door was opened; the last word is in the log
	}
	for _, root := range roots {
		mirrored(root, now, send)
		if root.Newest.IsZero() {
			continue // inline keys have no date
		}
		send("assay_trust_root_age_seconds", "Time since the newest key or authority of a trust root became valid.", prometheus.GaugeValue,
			now.Sub(root.Newest).Seconds(), [2]string{"root", root.Name})
	}
}

// onDisk tells of the cache on disk. An entry that is refused was tampered with,
// or was made under another key.
func onDisk(known Facts, send Sender) {
	disk, knows := known.(DiskFacts)
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

// mirrored tells of a trust root that a mirror gives out how old its copy is and
// when it ends; without a copy it tells that it cannot be used.
func mirrored(root verify.RootInfo, now time.Time, send Sender) {
	copied := root.Mirrored
	if copied == nil {
		return
	}
	name := [2]string{"root", root.Name}
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
