package argocd

import (
	"flag"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/counters"
	"github.com/assay-gitops/assay/plugin/audit/events"
	"github.com/assay-gitops/assay/plugin/audit/reports"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/setup/gauges"
	"github.com/assay-gitops/assay/plugin/setup/gauges/listing"
	"github.com/assay-gitops/assay/plugin/setup/traces"
	"github.com/assay-gitops/assay/plugin/verify"
)

var update = flag.Bool("update", false, "write the list of metrics anew")

// allFacts are facts that leave out no metric: with a disk and a mirror.
type allFacts struct{ onDisk }

func (f allFacts) Roots() ([]verify.RootInfo, error) {
	now := time.Now()
	return []verify.RootInfo{{Name: "private", Newest: now, Mirrored: &verify.Mirrored{TrustedRoot: []byte("{}"), FetchedAt: now, Ends: now}}}, nil
}

// gateWithWaiver is a gate on disk that has everything that metrics tell of.
func gateWithWaiver(t *testing.T) prometheus.Collector {
	t.Helper()
	config := gate.Default()
	config.Gates[0].Spec.Waivers = []gate.Waiver{{Until: gate.Date{Time: time.Now().Add(48 * time.Hour)}}}
	known, err := gauges.NewGate(config, []string{t.TempDir()}, time.Now)
	check(t, err)
	return known
}

// allCounters are of everything that is told of verdicts beside the answers.
func allCounters(t *testing.T) prometheus.Collector {
	t.Helper()
	store, err := reports.Open(reports.Options{Dir: t.TempDir()})
	check(t, err)
	sink := audit.NewSink(audit.SinkOptions{})
	return &counters.Counters{Log: sink, Reports: sink, Events: sink, Store: store, Writer: &events.Writer{}}
}

// TestMetrics_AreListed: whatever the sidecar exports is in the list, of which
// docs/metrics.md is made, and the other way round.
func TestMetrics_AreListed(t *testing.T) {
	s := newScene(t, says(plugin.Deny, "image/not-signed", "no"), func(o *Options) {
		o.Facts = allFacts{onDisk{kept: true}}
		o.Collectors = []prometheus.Collector{gateWithWaiver(t), allCounters(t), traces.Start(t.Context(), traces.Options{})}
	})
	if _, err := s.generate(t.Context(), goodAsk(t)); err == nil {
		t.Fatal("a denial is an error")
	}
	listing.Check(t, s.server.metrics.registry, "testdata/metrics.txt", *update)
}

// TestMetrics_TellWhetherTheSidecarIsReady: 1, and 0 while another plugin
// listens beside it.
func TestMetrics_TellWhetherTheSidecarIsReady(t *testing.T) {
	s := newScene(t, says(plugin.Info, "", ""), func(o *Options) { o.Concurrency = 3 })
	wants(t, s.scraped(), "assay_ready 1", "assay_waiting 0", "assay_places 3")
	rival, err := net.Listen("unix", filepath.Join(s.plugins, "lax.sock"))
	check(t, err)
	wants(t, s.scraped(), "assay_ready 0")
	check(t, rival.Close())
	wants(t, s.scraped(), "assay_ready 1")
}

// TestMetrics_TellWhoWaits: applications that have no place yet.
func TestMetrics_TellWhoWaits(t *testing.T) {
	q := newQueue(1)
	leave, err := q.enter(t.Context(), "team-a")
	check(t, err)
	entered := make(chan func(), 1)
	go func() {
		next, _ := q.enter(t.Context(), "team-b")
		entered <- next
	}()
	for judging, waiting := q.counts(); waiting != 1; judging, waiting = q.counts() {
		if judging != 1 {
			t.Fatalf("%d are judged", judging)
		}
		time.Sleep(time.Millisecond)
	}
	leave()
	(<-entered)()
	if judging, waiting := q.counts(); judging != 0 || waiting != 0 {
		t.Errorf("%d are judged and %d wait after all", judging, waiting)
	}
}

func wants(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, want := range lines {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}
