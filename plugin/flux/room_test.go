package flux

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/assay-gitops/assay/plugin/flux/publish"
)

// cramped gives the scene a store of 256 KiB, of which a namespace has 64.
func (s *scene) cramped() {
	s.t.Helper()
	store, err := publish.New(publish.Options{Dir: s.t.TempDir(), Address: "assay-source.assay-system", Retention: time.Minute, StoreBytes: 256 << 10})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Store = store
}

// large is a text that packs to some 18 KiB per 32.
func large(t *testing.T, kilobytes int) string {
	t.Helper()
	content := make([]byte, kilobytes<<9)
	if _, err := rand.Read(content); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", content)
}

// TestReconcile_NamespaceThatHasUsedUpItsShareIsTold: what passed and has no
// room is not published, what was published stays, it is tried again, and it
// heals; another namespace has its own share.
func TestReconcile_NamespaceThatHasUsedUpItsShareIsTold(t *testing.T) {
	s := newScene(t)
	s.cramped()
	s.source("main@sha1:aaa", oneFile())
	s.gated(nil)
	s.settle()
	s.judge.say = passing(large(t, 200))
	s.source("main@sha1:bbb", map[string]string{"web.yaml": "y"})
	result := s.settle()
	s.says(metav1.ConditionFalse, "StorageOperationFailed",
		"namespace team-a has used up its share of the store", "of 64.0 KiB are taken", "--namespace-storage-limit", "what was published of main@sha1:aaa stays")
	if s.published() != "main@sha1:aaa" || result.RequeueAfter <= 0 || result.RequeueAfter > time.Minute {
		t.Errorf("published %q, again after %s", s.published(), result.RequeueAfter)
	}
	s.judge.say = passing(large(t, 20))
	s.settle()
	if s.says(metav1.ConditionTrue, meta.SucceededReason); s.published() != "main@sha1:bbb" {
		t.Errorf("published %q", s.published())
	}
}

// TestReconcile_GoneWithoutItsFinalizerTakesItsFilesAway: somebody took the
// finalizer off and deleted the object, and its files would fill the store.
func TestReconcile_GoneWithoutItsFinalizerTakesItsFilesAway(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.gated(nil)
	s.settle()
	artifact := *s.external().Status.Artifact
	stays := s.another("team-b", "stays")
	s.reconciled(stays)
	object := s.object()
	if err := s.Client.Patch(t.Context(), object, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))); err != nil {
		t.Fatal(err)
	}
	if err := s.Client.Delete(context.WithoutCancel(t.Context()), object); err != nil {
		t.Fatal(err)
	}
	if s.Store.Bytes("team-a") == 0 {
		t.Fatal("nothing was there")
	}
	s.reconciled(s.key)
	if s.Store.Present(artifact) || s.Store.Bytes("team-a") != 0 || s.Store.Bytes("team-b") == 0 {
		t.Errorf("team-a still has %d bytes, team-b has %d", s.Store.Bytes("team-a"), s.Store.Bytes("team-b"))
	}
}
