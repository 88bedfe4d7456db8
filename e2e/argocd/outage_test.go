//go:build e2e

package argocd_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/e2e/origin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// down is a registry that nobody can use.
func down(*http.Request) *ociserver.Fault {
	return &ociserver.Fault{Status: http.StatusServiceUnavailable}
}

// hasty is the part of a gate that gives up on a registry soon, as a test
// cannot wait for as long as Argo CD does.
const hasty = "  limits: {retries: 1, retryAfterSeconds: 1, requestSeconds: 5}\n"

// TestRegistryDown_IsToldAsTransient_AndSyncsWhenItIsBack takes the registry
// away before an image was ever seen, and gives it back.
func TestRegistryDown_IsToldAsTransient_AndSyncsWhenItIsBack(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	second := w.registry.PushSigned("team-a/app:2", "second")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))})
	w.gate(w.name, w.open()+hasty)
	w.serve()
	a := w.app()
	a.create()
	a.synced()

	w.registry.SetFault(down)
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:2"))})
	s := a.refresh()
	if !strings.HasPrefix(s.said(), "assay has no answer about "+a.name+" (transient") || strings.Contains(s.said(), "not signed") {
		t.Errorf("the condition is not that of a transient failure: %v", s.conditions)
	}
	w.runs("web", first.DigestStr())

	w.registry.SetFault(nil)
	a.refresh()
	a.synced()
	w.runs("web", second.DigestStr())
}

// TestRegistryBackWithinTheDeadline_NobodySees takes the registry away for
// fewer attempts than fit into Argo CD's deadline.
func TestRegistryBackWithinTheDeadline_NobodySees(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))})
	w.gate(w.name, w.open()+hasty)
	w.serve()
	failures := make(chan struct{}, 3)
	for range cap(failures) {
		failures <- struct{}{}
	}
	w.registry.SetFault(func(r *http.Request) *ociserver.Fault {
		select {
		case <-failures:
			return down(r)
		default:
			return nil
		}
	})
	a := w.app()
	a.create()
	if s := a.synced(); len(s.conditions) > 0 {
		t.Errorf("the Application has conditions: %v", s.conditions)
	}
	if len(failures) > 0 {
		t.Error("the registry was never down")
	}
	w.runs("web", digest.DigestStr())
}

// TestBreakGlass_OpensForOneRevisionWhileTheRegistryIsDown_AndEnds is the
// runbook: the platform writes the entry, restarts the sidecar and refreshes.
func TestBreakGlass_OpensForOneRevisionWhileTheRegistryIsDown_AndEnds(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	w.registry.SetFault(down)
	image := w.registry.Image("team-a/app:1")
	commit := w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", image)})
	w.gate(w.name, w.open()+hasty)
	w.serve()
	a := w.app()
	a.policy = byHand
	a.create()
	if s := a.refresh(); !strings.Contains(s.said(), "transient") {
		t.Fatalf("the Application should have no answer: %v", s.conditions)
	}

	end := time.Now().Add(20 * time.Second).UTC().Truncate(time.Second)
	w.gate(w.name, w.open()+hasty+fmt.Sprintf("  breakGlass:\n  - {application: %s, revision: %s, reason: the registry is down, approver: platform@example.com, from: %s, until: %s}\n",
		a.name, commit, end.Add(-time.Hour).Format(time.RFC3339), end.Format(time.RFC3339)))
	w.serve()
	a.refresh()
	if s := a.sync(); s.phase != "Succeeded" {
		t.Fatalf("with broken glass the sync ended as %s: %s", s.phase, s.message)
	}
	if got := w.container("web")["image"]; got != image {
		t.Errorf("the image is %v; nobody could say its digest", got)
	}

	time.Sleep(time.Until(end)) // the end of the entry is what is tested
	if s := a.refresh(); !strings.Contains(s.said(), "transient") {
		t.Errorf("after its end the entry still opens the gate: %v", s.conditions)
	}
}
