//go:build e2e

package argocd_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/origin"
)

// lockFile locks one image.
func lockFile(image, digest string) string {
	return fmt.Sprintf("apiVersion: assay.dev/v1alpha1\nkind: ImagesLock\nimages:\n- {image: %q, digest: %q}\n", image, digest)
}

// locked is the test's gate where a tag needs an entry in images.lock.yaml.
func (w *world) locked(drift string) {
	w.t.Helper()
	w.gate(w.name, w.open())
	w.gates[w.name] = strings.Replace(w.gates[w.name], "lock: {mode: Resolve}", "lock: {mode: Locked"+drift+"}", 1)
}

// TestLockedTagThatMoved_ShipsTheLockedDigest_AndIsToldAsTheGateSays moves a
// locked tag: by default that is a denial, and a gate may have it a warning.
func TestLockedTagThatMoved_ShipsTheLockedDigest_AndIsToldAsTheGateSays(t *testing.T) {
	w := newWorld(t)
	image := w.registry.Image("team-a/app:1")
	first := w.registry.PushSigned("team-a/app:1", "first")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", image), "app/images.lock.yaml": lockFile(image, first.DigestStr())})
	w.locked("")
	w.serve()
	a := w.app()
	a.create()
	a.synced()
	w.runs("web", first.DigestStr())

	moved := w.registry.PushSigned("team-a/app:1", "moved")
	s := a.refresh()
	line, _, _ := strings.Cut(s.said(), "\n")
	for _, want := range []string{"assay denied " + a.name + ": 1 problem: ", first.DigestStr(), moved.DigestStr(), "assay lock", "(image/lock-drift)"} {
		if !strings.Contains(line, want) {
			t.Errorf("the first line about the moved tag has no %q: %v", want, s.conditions)
		}
	}
	w.runs("web", first.DigestStr())

	w.locked(", drift: Warn")
	w.serve()
	a.refresh()
	w.git.Commit(map[string]string{"app/config.yaml": origin.ConfigMap("web", "hello")})
	a.refresh()
	a.synced()
	w.read(configMaps, "web")
	w.runs("web", first.DigestStr())
	if log := w.sidecar.Tail(20); !strings.Contains(log, "image/lock-drift") || !strings.Contains(log, moved.DigestStr()) {
		t.Error("the sidecar's log does not say that the tag has moved")
	}
}

func TestTagWithoutALockEntry_IsDenied(t *testing.T) {
	w := newWorld(t)
	image := w.registry.Image("team-a/app:1")
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", image), "app/images.lock.yaml": lockFile(w.registry.Image("team-a/app:2"), digest.DigestStr())})
	w.locked("")
	w.serve()
	a := w.app()
	a.policy = byHand
	a.create()
	if s := a.refresh(); !strings.HasPrefix(s.said(), "assay denied "+a.name+": 1 problem: ") || !strings.Contains(s.said(), "(image/not-locked)") {
		t.Errorf("a tag without an entry is told as %v", s.conditions)
	}
	w.git.Commit(map[string]string{"app/images.lock.yaml": lockFile(image, digest.DigestStr())})
	a.refresh()
	if s := a.sync(); s.phase != "Succeeded" {
		t.Errorf("with its entry it ended as %s: %s", s.phase, s.message)
	}
	w.runs("web", digest.DigestStr())
}
