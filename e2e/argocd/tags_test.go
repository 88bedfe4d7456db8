//go:build e2e

package argocd_test

import (
	"strings"
	"testing"
)

// TestMovedTag_IsJudgedAnew moves the tag that runs: what is there stays until
// the tag is asked again, and then the new digest must stand for itself.
func TestMovedTag_IsJudgedAnew(t *testing.T) {
	w := newWorld(t)
	first := w.registry.pushSigned("team-a/app:1", "first")
	w.git.commit(map[string]string{"app/web.yaml": deployment("web", w.registry.image("team-a/app:1"))})
	w.serve()
	a := w.app()
	a.create()
	a.synced()

	moved := w.registry.push("team-a/app:1", "moved")
	if s := a.sync(); s.phase != "Succeeded" {
		t.Errorf("a sync without a change ended as %s: %s", s.phase, s.message)
	}
	w.runs("web", first.DigestStr())
	if s := a.refresh(); !strings.Contains(s.said(), moved.DigestStr()) || !strings.Contains(s.said(), "not signed") {
		t.Errorf("the condition does not name the digest that is not signed: %v", s.conditions)
	}
	w.runs("web", first.DigestStr())

	w.registry.sign(moved)
	a.refresh()
	a.synced()
	w.runs("web", moved.DigestStr())
}

// TestAuditGate_ChangesNothing has the three switches off: an image that
// nobody signed is deployed as it was written.
func TestAuditGate_ChangesNothing(t *testing.T) {
	w := newWorld(t)
	image := w.registry.image("team-a/app:1")
	w.registry.push("team-a/app:1", "first")
	w.git.commit(map[string]string{"app/web.yaml": deployment("web", image)})
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
