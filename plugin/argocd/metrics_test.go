package argocd

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/facts"
	"github.com/assay-gitops/assay/plugin/setup/gauges"
	"github.com/assay-gitops/assay/plugin/verify"
)

// someFacts are what is counted below the door.
type someFacts struct{ newest time.Time }

func (someFacts) RegistryStats() []registry.Stat {
	return []registry.Stat{{Host: "registry.example.com", Status: 429, Count: 7}}
}

func (someFacts) RenderStats() (hits, misses int64) { return 3, 2 }

func (f someFacts) Roots() ([]verify.RootInfo, error) {
	return []verify.RootInfo{{Name: "public-good", Newest: f.newest}, {Name: "keys"}}, nil
}

// onDisk are those, with a cache on disk or without.
type onDisk struct {
	someFacts

	kept bool
}

func (d onDisk) DiskStats() (facts.Stats, bool) {
	return facts.Stats{Hits: 9, Misses: 8, Refused: 1, Failed: 2, Evicted: 4, Bytes: 4096}, d.kept
}

// scraped is what Prometheus reads.
func (s *scene) scraped() string {
	answer := httptest.NewRecorder()
	s.server.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return answer.Body.String()
}

func TestMetrics_TellOfTheCacheOnDisk(t *testing.T) {
	text := newScene(t, says(plugin.Info, "", ""), func(o *Options) { o.Facts = onDisk{kept: true} }).scraped()
	for _, want := range []string{
		`assay_disk_facts_total{cache="hit"} 9`, `assay_disk_facts_total{cache="miss"} 8`, `assay_disk_facts_total{cache="refused"} 1`,
		`assay_disk_facts_failed_total 2`, `assay_disk_facts_evicted_total 4`, `assay_disk_facts_bytes 4096`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	for name, facts := range map[string]gauges.Facts{"no folder": onDisk{}, "nothing is known of a disk": someFacts{}} {
		if text := newScene(t, says(plugin.Info, "", ""), func(o *Options) { o.Facts = facts }).scraped(); strings.Contains(text, "assay_disk_facts") {
			t.Errorf("%s: it is told all the same", name)
		}
	}
}

// TestMetrics_TellWhatHappened: requests by outcome and the stage that decided,
// findings, archives, renderings, registries, and the ages of what is trusted.
func TestMetrics_TellWhatHappened(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	s := newScene(t, says(plugin.Deny, "image/not-signed", "no"), func(o *Options) {
		o.Clock = func() time.Time { return now }
		o.Facts = someFacts{newest: now.Add(-time.Hour)}
	})
	for range 2 {
		if _, err := s.generate(t.Context(), goodAsk(t)); err == nil {
			t.Fatal("a denial is an error")
		}
	}
	text := s.scraped()
	for _, want := range []string{
		`assay_requests_total{outcome="denied",stage="image"} 2`,
		`assay_findings_total{level="deny",rule="image/not-signed"} 2`,
		`assay_archives_total{cache="hit"} 1`,
		`assay_archives_total{cache="miss"} 1`,
		`assay_renderings_total{cache="hit"} 3`,
		`assay_registry_requests_total{host="registry.example.com",status="429"} 7`,
		`assay_trust_root_age_seconds{root="public-good"} 3600`,
		`assay_gate_age_seconds 0`,
		`assay_request_seconds_count{code="FailedPrecondition"} 2`,
		`assay_judging 0`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, `root="keys"`) {
		t.Error("a root without a date has an age")
	}
	if t.Failed() {
		t.Log(text)
	}
}
