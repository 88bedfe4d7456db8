//go:build e2e

package argocd_test

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/origin"
)

// TestMovedTag_IsJudgedAnew moves the tag that runs: what is there stays until
// the tag is asked again, and then the new digest must stand for itself.
func TestMovedTag_IsJudgedAnew(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))})
	w.serve()
	a := w.app()
	a.create()
	a.synced()

	moved := w.registry.Push("team-a/app:1", "moved")
	if s := a.sync(); s.phase != "Succeeded" {
		t.Errorf("a sync without a change ended as %s: %s", s.phase, s.message)
	}
	w.runs("web", first.DigestStr())
	if s := a.refresh(); !strings.Contains(s.said(), moved.DigestStr()) || !strings.Contains(s.said(), "not signed") {
		t.Errorf("the condition does not name the digest that is not signed: %v", s.conditions)
	}
	w.runs("web", first.DigestStr())

	w.registry.Sign(moved)
	a.refresh()
	a.synced()
	w.runs("web", moved.DigestStr())
}

// TestAuditGate_ChangesNothing has the three switches off: an image that
// nobody signed is deployed as it was written.
func TestAuditGate_ChangesNothing(t *testing.T) {
	w := newWorld(t)
	image := w.registry.Image("team-a/app:1")
	w.registry.Push("team-a/app:1", "first")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", image)})
	w.gate(w.name, w.open()+"  switches: {pin: \"Off\", harden: \"Off\", deny: \"Off\"}\n")
	w.serve()
	a := w.app()
	a.create()
	a.synced()
	container := w.container("web")
	if container["image"] != image || container["securityContext"] != nil {
		t.Errorf("the container was changed: %v", container)
	}
	if !strings.Contains(w.sidecar.Tail(20), "image/not-signed") {
		t.Error("the sidecar's log does not say what would have been denied")
	}
}
