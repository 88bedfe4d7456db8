package refresh

import (
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin/setup/gauges/listing"
)

var update = flag.Bool("update", false, "write the list of metrics")

// asks what a refresher serves.
func served(r *Refresher, path string) (int, string) {
	answer := httptest.NewRecorder()
	r.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer.Code, answer.Body.String()
}

func TestMetrics_AreListed(t *testing.T) {
	w := newWorld(t)
	w.app("team-a", "one")
	r := w.refresher()
	w.refuse = func(Application) error { return errors.New("no answer") }
	w.gateOf("team-a", "  profile: none\n")
	w.served()
	w.rounds(r, 2)
	listing.Check(t, r.metrics.registry, "testdata/metrics.txt", *update)
	if _, text := served(r, "/metrics"); !strings.Contains(text, `assay_refresh_refused_total{reason="NoAnswer"} 2`) || !strings.Contains(text, `assay_refresh_concerned{reason="changed-gate"} 1`) {
		t.Errorf("the metrics are\n%s", text)
	}
}

func TestReadyz_SaysWhetherRoundsComeToTheirEnd(t *testing.T) {
	w := newWorld(t)
	r := w.refresher()
	ready := func(want int, words string) {
		t.Helper()
		if code, text := served(r, "/readyz"); code != want || !strings.Contains(text, words) {
			t.Errorf("it answers %d %s, want %d %s", code, text, want, words)
		}
	}
	ready(http.StatusOK, "ok") // another one may be the one that asks
	r.Leading(true)
	ready(http.StatusServiceUnavailable, "no round")
	w.unseen = errors.New("no list")
	w.rounds(r, 1)
	ready(http.StatusServiceUnavailable, "no round")
	w.unseen = nil
	w.rounds(r, 1)
	ready(http.StatusOK, "ok")
	w.unseen = errors.New("no list")
	w.rounds(r, 1)
	ready(http.StatusOK, "ok")
	w.clock.now = w.clock.now.Add(time.Hour)
	ready(http.StatusServiceUnavailable, "ago")
	r.Leading(false)
	ready(http.StatusOK, "ok")
	if code, _ := served(r, "/healthz"); code != http.StatusOK {
		t.Error("it does not live")
	}
}
