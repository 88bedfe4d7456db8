package flux

import (
	"flag"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"
	fluxmetrics "github.com/fluxcd/pkg/runtime/metrics"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/facts"
	"github.com/assay-gitops/assay/plugin/setup/gauges"
	"github.com/assay-gitops/assay/plugin/setup/gauges/listing"
	"github.com/assay-gitops/assay/plugin/setup/traces"
	"github.com/assay-gitops/assay/plugin/verify"
)

var update = flag.Bool("update", false, "write the list of metrics anew")

// allFacts are facts that leave out no metric.
type allFacts struct{}

func (allFacts) RegistryStats() []registry.Stat {
	return []registry.Stat{{Host: "registry.example.com", Status: 429, Count: 7}}
}

func (allFacts) RenderStats() (hits, misses int64) { return 3, 2 }

func (allFacts) DiskStats() (facts.Stats, bool) { return facts.Stats{}, true }

func (allFacts) Roots() ([]verify.RootInfo, error) {
	now := time.Now()
	return []verify.RootInfo{{Name: "private", Newest: now, Mirrored: &verify.Mirrored{TrustedRoot: []byte("{}"), FetchedAt: now, Ends: now}}}, nil
}

// TestMetrics_AreListed: whatever the controller exports of assay's own and of
// Flux's is in the list, of which docs/metrics.md is made, and the other way
// round.
func TestMetrics_AreListed(t *testing.T) {
	exported := prometheus.NewRegistry()
	counters := NewCounters(exported, allFacts{}, time.Now)
	counters.putOff("team-a")
	counters.judged(outcome{trouble: stalled("AccessDenied", "no"), verdicts: []*plugin.Verdict{{Findings: []plugin.Finding{{Rule: "image/not-signed"}}}}}, time.Second)
	config := gate.Default()
	config.Gates[0].Spec.Waivers = []gate.Waiver{{Until: gate.Date{Time: time.Now().Add(48 * time.Hour)}}}
	known, err := gauges.NewGate(config, []string{t.TempDir()}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	exported.MustRegister(known, traces.Start(t.Context(), traces.Options{}))
	exported.MustRegister(recorded(t).Collectors()...)
	listing.Check(t, exported, "testdata/metrics.txt", *update)
}

// recorded are Flux's metrics of one object.
func recorded(t *testing.T) *fluxmetrics.Recorder {
	t.Helper()
	recorder := fluxmetrics.NewRecorder()
	object := corev1.ObjectReference{Kind: v1alpha1.GatedSourceKind, Namespace: "team-a", Name: "app"}
	recorder.RecordCondition(object, metav1.Condition{Type: meta.ReadyCondition, Status: metav1.ConditionFalse})
	recorder.RecordCondition(object, metav1.Condition{Type: meta.StalledCondition, Status: metav1.ConditionTrue})
	recorder.RecordSuspend(object, false)
	recorder.RecordDuration(object, time.Now())
	return recorder
}

// TestMetrics_OfWhatIsGoneEnd: an alert about an object ends with the object,
// deleted or gone without its finalizer.
func TestMetrics_OfWhatIsGoneEnd(t *testing.T) {
	for name, end := range map[string]func(*scene) error{
		"finalized": func(s *scene) error {
			object := s.object()
			return s.finalize(t.Context(), object)
		},
		"gone": func(s *scene) error { return s.gone(s.key) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.Metrics.MetricsRecorder = fluxmetrics.NewRecorder()
			exported := prometheus.NewRegistry()
			exported.MustRegister(s.Metrics.MetricsRecorder.Collectors()...)
			s.source("main@sha1:aaa", oneFile())
			s.gated(nil)
			s.settle()
			if told, err := listing.Of(exported); err != nil || len(told) != 3 {
				t.Fatalf("before: %v, %v", told, err)
			}
			if err := end(s); err != nil {
				t.Fatal(err)
			}
			if told, err := listing.Of(exported); err != nil || len(told) != 0 {
				t.Errorf("after: %v, %v", told, err)
			}
		})
	}
}
