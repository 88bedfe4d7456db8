//go:build e2e

package flux_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// TestUnsigned_IsNotApplied_AndDriftOfWhatRunsIsRepaired has a second commit
// with an image that nobody signed.
func TestUnsigned_IsNotApplied_AndDriftOfWhatRunsIsRepaired(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	w.registry.Push("team-a/app:2", "second")
	w.serve()
	commit := w.deploys("team-a/app:1")
	before := w.read(externalArtifacts, "assay-app")

	bad := w.commit(w.web("team-a/app:2"))
	w.denied("VerificationFailed") // a fetch that took too long is Ready=False too, and ends
	for _, object := range []*unstructured.Unstructured{w.read(gatedSources, "app"), w.read(externalArtifacts, "assay-app")} {
		said := ready(object)
		for _, want := range []string{"VerificationFailed: ", "deployment/" + w.name + "/web spec.template.spec.containers[0].image", "team-a/app:2", "not signed", "; fix: sign it", "image/not-signed"} {
			if !strings.Contains(said, want) {
				t.Errorf("the condition of the %s has no %q: %s", object.GetKind(), want, said)
			}
		}
	}
	w.event("error", "VerificationFailed", "team-a/app:2", "not signed")
	if attempted := field(w.read(gatedSources, "app"), "status", "lastAttemptedRevision"); attempted != "main@sha1:"+bad {
		t.Errorf("the revision that was looked at last is %s", attempted)
	}
	after := w.read(externalArtifacts, "assay-app")
	if a, b := field(before, "status", "artifact", "digest"), field(after, "status", "artifact", "digest"); a != b || madeOf(after) != "main@sha1:"+commit {
		t.Errorf("the last good artifact did not stay: it was %s and is %s of %s", a, b, madeOf(after))
	}
	w.runs("web", first.DigestStr())
	w.repaired()
	w.runs("web", first.DigestStr())
}

// repaired changes what runs and waits until Flux has changed it back.
func (w *world) repaired() {
	w.t.Helper()
	must(w.t, w.Merge(w.t.Context(), w.object(deployments, "web"), `{"spec":{"replicas":7}}`))
	must(w.t, w.Delete(w.t.Context(), w.object(configMaps, "web")))
	w.until(deployments, "web", func(object *unstructured.Unstructured) error {
		if replicas, _, _ := unstructured.NestedInt64(object.Object, "spec", "replicas"); replicas != 2 {
			return fmt.Errorf("it has %d replicas", replicas)
		}
		return nil
	})
	w.until(configMaps, "web", func(*unstructured.Unstructured) error { return nil })
}

// ready is reason and message of the condition Ready.
func ready(object *unstructured.Unstructured) string {
	for _, condition := range entries(object, "status", "conditions") {
		if condition["type"] == "Ready" {
			return fmt.Sprintf("%s: %s", condition["reason"], condition["message"])
		}
	}
	return ""
}

func TestUnsignedAtFirst_IsNeverPublished(t *testing.T) {
	w := newWorld(t)
	w.registry.Push("team-a/app:1", "first")
	w.serve()
	w.commit(w.web("team-a/app:1"))
	w.gatedSource(hourly, inFolder)
	w.condition(gatedSources, "app", "Ready=False", "not signed")
	w.unpublished("assay-app")
	w.event("error", "not signed")
}

// TestSignedLater_HealsWithinTheInterval changes nothing but the registry.
func TestSignedLater_HealsWithinTheInterval(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	second := w.registry.Push("team-a/app:2", "second")
	w.gate(forgetful)
	w.serve()
	good := w.commit(w.web("team-a/app:1"))
	w.gatedSource("2s", inFolder)
	w.deployed(good)
	commit := w.commit(w.web("team-a/app:2"))
	w.denied("not signed")
	w.runs("web", first.DigestStr())

	w.registry.Sign(second)
	w.deployed(commit)
	w.runs("web", second.DigestStr())
	w.condition(gatedSources, "app", "Ready=True", "")
}

// TestTrustThatEnds_IsToldAboutWhatIsPublished has another gate at the
// controller's next start: the bytes stay, and the condition says what is wrong
// with them.
func TestTrustThatEnds_IsToldAboutWhatIsPublished(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	c := w.serve()
	w.deploys("team-a/app:1")
	c.process.Stop()

	w.files["images-example.yaml"] = strings.ReplaceAll(w.registry.Policy(), "release.yaml", "other.yaml")
	w.serve()
	w.denied("team-a/app:1")
	w.runs("web", digest.DigestStr())
}

func TestWithdraw_TakesTheArtifactAway_AndGivesItBack(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	second := w.registry.Push("team-a/app:2", "second")
	w.gate(forgetful)
	w.serve()
	good := w.commit(w.web("team-a/app:1"))
	w.gatedSource("2s", inFolder+"  onDenied: Withdraw\n")
	w.deployed(good)

	commit := w.commit(w.web("team-a/app:2"))
	w.denied("not signed")
	w.until(externalArtifacts, "assay-app", func(object *unstructured.Unstructured) error {
		if address := field(object, "status", "artifact", "url"); address != "" {
			return fmt.Errorf("it still has the artifact %s", address)
		}
		return nil
	})
	w.condition(kustomizations, "app", "Ready=False", "not found")
	w.runs("web", first.DigestStr()) // Flux waits, and removes nothing

	w.registry.Sign(second)
	w.deployed(commit)
	w.runs("web", second.DigestStr())
}

// TestSuspended_JudgesNothing_AndKeepsWhatIsPublished ends the suspension too.
func TestSuspended_JudgesNothing_AndKeepsWhatIsPublished(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	second := w.registry.PushSigned("team-a/app:2", "second")
	c := w.serve()
	good := w.deploys("team-a/app:1")

	must(t, w.Merge(t.Context(), w.object(gatedSources, "app"), `{"spec":{"suspend":true}}`))
	// Once another GatedSource has the next commit, this one has seen it as well.
	w.gated("other", "  interval: 1h\n  sourceRef: {kind: GitRepository, name: app}\n"+inFolder)
	commit := w.commit(w.web("team-a/app:2"))
	w.until(externalArtifacts, "assay-other", func(object *unstructured.Unstructured) error {
		if made := madeOf(object); made != "main@sha1:"+commit {
			return fmt.Errorf("it is of %q", made)
		}
		return nil
	})
	if made := madeOf(w.read(externalArtifacts, "assay-app")); made != "main@sha1:"+good {
		t.Errorf("while suspended, %s was published", made)
	}
	w.repaired()
	w.runs("web", first.DigestStr())

	must(t, w.Merge(t.Context(), w.object(gatedSources, "app"), `{"spec":{"suspend":false}}`))
	w.deployed(commit)
	w.runs("web", second.DigestStr())
	c.process.Stop()
}

// TestDeleted_ServesNothingMore: the ExternalArtifact goes with its owner, where
// somebody collects garbage, and its file goes at once.
func TestDeleted_ServesNothingMore(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	c := w.serve()
	w.publishes("team-a/app:1")
	if stored := archives(t, c.storage); stored != 1 {
		t.Errorf("%d archives are stored", stored)
	}
	must(t, w.Delete(t.Context(), w.object(gatedSources, "app")))
	w.gone(gatedSources, "app")
	if stored := archives(t, c.storage); stored != 0 {
		t.Errorf("%d archives are still stored", stored)
	}
}

// gone waits until an object is no longer there.
func (w *world) gone(kind, name string) {
	w.t.Helper()
	err := controlplane.Until(w.slowly(), func(ctx context.Context) error {
		_, err := w.Get(ctx, w.object(kind, name))
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(errors.New("it is there"), err)
	})
	if err != nil {
		w.t.Errorf("waiting until %s %s is gone: %v", kind, name, err)
	}
}
