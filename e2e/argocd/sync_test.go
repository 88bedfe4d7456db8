//go:build e2e

package argocd_test

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/origin"
)

func TestSync_ObjectsCarryDigestsAndHardening(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1")), "app/config.yaml": origin.ConfigMap("web", "hello")})
	w.serve()
	a := w.app()
	a.policy = byHand
	a.create()
	if s := a.sync(); s.phase != "Succeeded" {
		t.Fatalf("the sync ended as %s: %s", s.phase, s.message)
	}
	if image := w.container("web")["image"]; image != digest.String() && image != w.registry.Image("team-a/app:1")+"@"+digest.DigestStr() {
		t.Errorf("the API server has the image %v; the digest is %s", image, digest.DigestStr())
	}
	for _, want := range []struct {
		value  any
		fields []string
	}{
		{true, []string{"securityContext", "runAsNonRoot"}},
		{"RuntimeDefault", []string{"securityContext", "seccompProfile", "type"}},
		{false, []string{"securityContext", "allowPrivilegeEscalation"}},
	} {
		if got, _, _ := unstructured.NestedFieldNoCopy(w.container("web"), want.fields...); got != want.value {
			t.Errorf("%s is %v; hardening makes it %v", strings.Join(want.fields, "."), got, want.value)
		}
	}
	made := w.read(configMaps, "web")
	id, label := made.GetAnnotations()["argocd.argoproj.io/tracking-id"], made.GetLabels()["app.kubernetes.io/instance"]
	if !strings.HasPrefix(id, a.name+":") && label != a.name { // by label before Argo CD 3.0
		t.Errorf("Argo CD does not track the ConfigMap: %q, %q", id, label)
	}
}

func TestUnsigned_IsDeniedWhileWhatRunsStays_AndSyncsOnceSigned(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	second := w.registry.Push("team-a/app:2", "second")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1")), "app/config.yaml": origin.ConfigMap("web", "hello")})
	w.serve()
	a := w.app()
	a.create()
	a.synced()

	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:2")), "app/config.yaml": ""})
	s := a.refresh()
	line, rest, _ := strings.Cut(s.said(), "\n")
	for _, want := range []string{"assay denied " + a.name + ": 1 problem: ", "deployment/web spec.template.spec.containers[0].image", "team-a/app:2", "not signed", "; fix: sign it", "image/not-signed"} {
		if !strings.Contains(line, want) {
			t.Errorf("the condition's first line has no %q: %s", want, line)
		}
	}
	if !strings.Contains(rest, "report=") || len(s.said()) > 4096 {
		t.Errorf("the condition has no report id, or is longer than 4 KB: %s", rest)
	}
	if s.sync != "Unknown" {
		t.Errorf("the Application is %s", s.sync)
	}
	w.runs("web", first.DigestStr())
	w.read(configMaps, "web")

	w.registry.Sign(second)
	a.refresh()
	a.synced()
	w.runs("web", second.DigestStr())
	w.gone(configMaps, "web")
}

// TestUnsigned_CannotBeSyncedByHand also pins what Argo CD does next: since 3.0
// it does not try that commit again by itself, so a person must (docs/argocd.md).
func TestUnsigned_CannotBeSyncedByHand(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.Push("team-a/app:1", "first")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))})
	w.serve()
	a := w.app()
	a.policy = "{automated: {}}" // without selfHeal, whose sync would follow on the one by hand and hide it
	a.create()
	if s := a.sync(); s.phase != "Error" || !strings.Contains(s.message, "desc = assay denied "+a.name+": 1 problem: ") {
		t.Errorf("a sync by hand ended as %s: %s", s.phase, s.message)
	}
	w.never(deployments, w.name, "web")

	w.registry.Sign(digest)
	a.ask()
	if w.argocd.Set == controlplane.Oldest {
		a.synced()
	} else {
		a.until("Argo CD to say that it will not try again", func(s status) error {
			if !strings.Contains(strings.Join(s.conditions, "\n"), "SyncError: Failed last sync attempt to") {
				return fmt.Errorf("it is %s, its conditions %v", s.sync, s.conditions)
			}
			return nil
		})
		w.never(deployments, w.name, "web")
	}
	if s := a.sync(); s.phase != "Succeeded" {
		t.Errorf("once signed, a sync by hand ended as %s: %s", s.phase, s.message)
	}
	w.runs("web", digest.DigestStr())
}
