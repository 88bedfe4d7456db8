//go:build e2e

package argocd_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/origin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

const reportsAddress = "127.0.0.1:8094"

// keepsReports has the sidecar keep records and answer for them; it returns the
// file of the token.
func (w *world) keepsReports() string {
	w.t.Helper()
	token, kept := filepath.Join(w.dir, "token"), filepath.Join(w.dir, "kept")
	must(w.t, os.WriteFile(token, []byte("a-token-of-enough-characters"), 0o600))
	must(w.t, os.Mkdir(kept, 0o700))
	w.flags = append(w.flags, "--reports-dir", kept, "--reports", reportsAddress, "--reports-token", token)
	return token
}

// refresher starts assay refresh under the service account and the admission policy
// of manifests/argocd/refresh.
func (w *world) refresher(token string) *controlplane.Process {
	w.t.Helper()
	for _, name := range []string{"rbac.yaml", "admission.yaml"} {
		text, err := os.ReadFile(filepath.Join("../../manifests/argocd/refresh", name))
		must(w.t, err)
		must(w.t, w.Apply(w.t.Context(), string(text)))
	}
	kubeconfig, err := w.KubeconfigOf(w.t.Context(), controlplane.Namespace, "assay-refresh")
	must(w.t, err)
	started, err := controlplane.Launch(controlplane.Command{
		Name: "refresh-" + w.name, Logs: w.Logs(), Env: []string{"KUBECONFIG=" + kubeconfig},
		Args: []string{
			w.assay, "refresh", "--gate", filepath.Join(w.dir, "gate"), "--reports", "http://" + reportsAddress, "--reports-token", token,
			"--rate", "5", "--every", "1s", "--settle", "2s", "--pause", "1m", "--http", "127.0.0.1:8095",
		},
	})
	must(w.t, err)
	w.t.Cleanup(func() { started.Stop() })
	must(w.t, started.Ready(w.slowly(), controlplane.Answers(http.DefaultClient, "http://127.0.0.1:8095/readyz")))
	return started
}

// rolledOut restarts the sidecar with a gate in which a text is another one, as a
// ConfigMap of another name does.
func (w *world) rolledOut(file, old, text string) {
	w.t.Helper()
	path := filepath.Join(w.dir, "gate", file)
	before, err := os.ReadFile(path)
	must(w.t, err)
	if !strings.Contains(string(before), old) {
		w.t.Fatalf("%s has no %q:\n%s", file, old, before)
	}
	must(w.t, os.WriteFile(path, []byte(strings.ReplaceAll(string(before), old, text)), 0o600))
	w.sidecar.Stop()
	w.launch()
	must(w.t, w.sidecar.Ready(w.slowly(), w.ready))
}

// TestIncident is one edit of the gate: an identity is not to be trusted any more.
// Nothing is committed and nobody refreshes; the Application says so all the same,
// and what runs stays.
func TestIncident_AWithdrawnIdentityIsToldByTheApplicationsThatItVouchedFor(t *testing.T) {
	w := newWorld(t)
	w.since3("tells plugins no AppProject, by which the gates of this test are chosen")
	other := w.another("other", ociserver.Options{})
	digest := w.registry.PushSigned("team-a/app:1", "first")
	stays := other.PushSigned("team-a/app:1", "second")
	w.git.Commit(map[string]string{
		"app/web.yaml":   origin.Deployment("web", w.registry.Image("team-a/app:1")),
		"other/web.yaml": origin.Deployment("other", other.Image("team-a/app:1")),
	})
	token := w.keepsReports()
	w.gate(w.name, fmt.Sprintf("  freshness: {freshFor: 1ms}\n  registries: [{host: %q, private: true, plainHTTP: true}, {host: %q, private: true, plainHTTP: true}]\n", w.registry.Host(), other.Host()))
	w.serve()
	hit, well := w.app(), w.app()
	well.name, well.path = w.name[:min(len(w.name), 20)]+"-other", "other"
	hit.create()
	well.create()
	hit.synced()
	well.synced()
	refresher := w.refresher(token)

	begun := time.Now()
	w.rolledOut("images-example.yaml", fmt.Sprintf("subject: %q", origin.Subject), `subject: "https://git.example.com/nobody"`)
	s := hit.until("the Application to say so", func(s status) error {
		if s.refreshing || !strings.HasPrefix(s.said(), "assay denied "+hit.name) {
			return fmt.Errorf("it is %s and says %v", s.sync, s.conditions)
		}
		return nil
	})
	t.Logf("it was told %s after the edit: %s", time.Since(begun).Round(time.Second), s.said()[:min(len(s.said()), 200)])
	w.runs("web", digest.DigestStr())
	must(t, controlplane.Until(w.slowly(), func(context.Context) error {
		if log := refresher.Tail(50); !strings.Contains(log, `"application":"argocd/`+hit.name+`","reason":"withdrawn-trust"`) || !strings.Contains(log, `"application":"argocd/`+well.name+`","reason":"changed-gate"`) {
			return errors.New("the refresher does not say both reasons")
		}
		return nil
	}))
	well.refreshed()
	if s := well.synced(); len(s.conditions) > 0 {
		t.Errorf("the other one says %v", s.conditions)
	}
	w.runs("other", stays.DigestStr())

	w.rolledOut("images-example.yaml", `subject: "https://git.example.com/nobody"`, fmt.Sprintf("subject: %q", origin.Subject))
	hit.synced() // the identity was trusted again, and nobody did anything else
}
