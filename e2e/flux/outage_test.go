//go:build e2e

package flux_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// down is a registry that nobody can use.
func down(*http.Request) *ociserver.Fault {
	return &ociserver.Fault{Status: http.StatusServiceUnavailable}
}

// TestRegistryDown_IsNoDenial_AndHealsWhenItIsBack takes the registry away
// before an image was ever seen, and gives it back.
func TestRegistryDown_IsNoDenial_AndHealsWhenItIsBack(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	second := w.registry.PushSigned("team-a/app:2", "second")
	w.gate("  limits: {retries: 1, retryAfterSeconds: 1, requestSeconds: 5}\n")
	w.serve()
	good := w.commit(w.web("team-a/app:1"))
	w.gatedSource(hourly, inFolder+"  retryInterval: 2s\n")
	w.deployed(good)

	w.registry.SetFault(down)
	commit := w.commit(w.web("team-a/app:2"))
	object := w.condition(gatedSources, "app", "Ready=Unknown", "503")
	if said := ready(object); strings.Contains(said, "not signed") || strings.Contains(said, "VerificationFailed") {
		t.Errorf("that nobody could look is told as a denial: %s", said)
	}
	w.repaired()
	w.runs("web", first.DigestStr())

	w.registry.SetFault(nil)
	w.deployed(commit)
	w.runs("web", second.DigestStr())
	w.condition(gatedSources, "app", "Ready=True", "")
}

// TestRegistryDownWhileFactsAreFresh_NobodySees judges again from what is known.
func TestRegistryDownWhileFactsAreFresh_NobodySees(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	w.serve()
	w.publishes("team-a/app:1")
	w.registry.SetFault(down)
	w.registry.ResetRequests()
	second := w.commit(map[string]string{"app/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {greeting: again}\n"})
	w.deployed(second)
	w.until(configMaps, "web", says("again"))
	if asked := w.registry.Requests(); len(asked) > 0 {
		t.Errorf("the registry was asked %d times while facts are fresh, first for %v", len(asked), asked[0])
	}
}
