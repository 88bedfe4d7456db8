package argocd

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
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
	answer := httptest.NewRecorder()
	s.server.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
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
		if !strings.Contains(answer.Body.String(), "\n"+want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(answer.Body.String(), `root="keys"`) {
		t.Error("a root without a date has an age")
	}
	if t.Failed() {
		t.Log(answer.Body.String())
	}
}
