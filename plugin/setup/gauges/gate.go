package gauges

import (
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/assay-gitops/assay/plugin/gate"
)

// Gate tells of the configuration that the process judges by: which it is,
// whether its files still hold the same, and what of it ends soon.
type Gate struct {
	config *gate.Config
	digest string
	paths  []string
	clock  func() time.Time

	mu   sync.Mutex
	read time.Time
	last onDiskNow
}

// onDiskNow is what the gate's files are at present.
type onDiskNow struct{ loads, same bool }

// gateFreshFor is how long what was read of the gate's files is told again:
// loading them costs milliseconds, and several Prometheis may ask.
const gateFreshFor = time.Minute

// NewGate is about what was loaded from files and folders; without any it is the
// embedded default, which nobody edits. An error says which file cannot be read.
func NewGate(config *gate.Config, paths []string, clock func() time.Time) (*Gate, error) {
	digest, err := config.Digest()
	if err != nil {
		return nil, fmt.Errorf("naming the gate: %w", err)
	}
	return &Gate{config: config, digest: digest, paths: paths, clock: clock}, nil
}

// Describe implements prometheus.Collector; the names depend on what there is.
func (*Gate) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (g *Gate) Collect(out chan<- prometheus.Metric) {
	send, now := To(out), g.clock()
	send("assay_gate_info", "The gate that the process judges by; always 1.", prometheus.GaugeValue, 1, [2]string{"digest", g.digest})
	if len(g.paths) > 0 {
		found := g.onDisk(now)
		send("assay_gate_loads", "Whether the gate's files, as they are now, can be loaded: at 0 a new process would not start.", prometheus.GaugeValue, number(found.loads))
		send("assay_gate_current", "Whether the gate's files, as they are now, are what the process judges by: at 0 it has to start anew.", prometheus.GaugeValue, number(found.same))
	}
	holding, ended, soonest, open := g.exceptions(now)
	send("assay_waivers", "Waivers of the gate by state: holds, or ended.", prometheus.GaugeValue, float64(holding), [2]string{"state", "holds"})
	send("assay_waivers", "Waivers of the gate by state: holds, or ended.", prometheus.GaugeValue, float64(ended), [2]string{"state", "ended"})
	if holding > 0 {
		send("assay_waiver_ends_in_seconds", "Time until the next of the gate's waivers ends.", prometheus.GaugeValue, soonest.Seconds())
	}
	send("assay_break_glass", "Openings of the gate (break glass) that are in force.", prometheus.GaugeValue, float64(open))
}

// onDisk loads the gate's files as they are now.
func (g *Gate) onDisk(now time.Time) onDiskNow {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.read.IsZero() && now.Sub(g.read) < gateFreshFor {
		return g.last
	}
	g.read, g.last = now, onDiskNow{}
	loaded, err := gate.Load(g.paths...)
	if err != nil {
		return g.last
	}
	digest, err := loaded.Digest()
	g.last = onDiskNow{loads: err == nil, same: err == nil && digest == g.digest}
	return g.last
}

// exceptions counts the waivers that hold and those past their day, and the
// openings in force; soonest is the time to the end of the next waiver.
func (g *Gate) exceptions(now time.Time) (holding, ended int, soonest time.Duration, open int) {
	for _, each := range g.config.Gates {
		for _, waiver := range each.Spec.Waivers {
			left := waiver.Until.End().Sub(now)
			if left <= 0 {
				ended++
				continue
			}
			if holding++; holding == 1 || left < soonest {
				soonest = left
			}
		}
		for _, entry := range each.Spec.BreakGlass {
			if !now.Before(entry.From) && now.Before(entry.Until) {
				open++
			}
		}
	}
	return holding, ended, soonest, open
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
