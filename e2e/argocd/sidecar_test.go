//go:build e2e

package argocd_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/origin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// TestSidecarKilledDuringASync_NothingIsLost kills the sidecar while it waits
// for the registry, and starts another beside the socket that is left.
func TestSidecarKilledDuringASync_NothingIsLost(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	second := w.registry.PushSigned("team-a/app:2", "second")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))})
	w.serve()
	a := w.app()
	a.create()
	a.synced()

	asked := make(chan struct{}, 1)
	w.registry.SetFault(func(*http.Request) *ociserver.Fault {
		select {
		case asked <- struct{}{}:
		default:
		}
		return &ociserver.Fault{Hang: true}
	})
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:2"))})
	a.ask()
	select {
	case <-asked:
	case <-w.slowly().Done():
		t.Fatal("the sidecar never asked the registry")
	}
	w.sidecar.Kill()
	if s := a.refreshed(); s.sync != "Unknown" || len(s.conditions) == 0 {
		t.Errorf("without a sidecar the Application is %s, its conditions %v", s.sync, s.conditions)
	}
	w.runs("web", first.DigestStr())

	w.registry.SetFault(nil)
	w.launch()
	must(t, w.sidecar.Ready(w.slowly(), w.ready))
	a.refresh()
	a.synced()
	w.runs("web", second.DigestStr())
}

// TestSecondPlugin_StopsEverythingUntilItIsGone has another plugin's socket
// appear beside assay's.
func TestSecondPlugin_StopsEverythingUntilItIsGone(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))})
	w.serve()
	rival, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(w.argocd.Plugins, "rival.sock"))
	must(t, err)
	t.Cleanup(func() { _ = rival.Close() })
	must(t, controlplane.Until(w.slowly(), func(ctx context.Context) error {
		if w.ready(ctx) == nil {
			return errors.New("the sidecar is ready beside another plugin")
		}
		return nil
	}))
	a := w.app()
	a.create()
	if s := a.refresh(); !strings.Contains(s.said(), "rival.sock") {
		t.Errorf("the condition does not name the other plugin: %v", s.conditions)
	}
	must(t, rival.Close())
	a.refresh()
	a.synced()
	w.runs("web", digest.DigestStr())
}
