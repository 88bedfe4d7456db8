//go:build e2e

package flux_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/publish"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// publishing is the ExternalArtifact of one GatedSource on the real API server:
// what its fake in plugin/flux/publish does not decide.
type publishing struct {
	*world
	client.Client
	owner *v1alpha1.GatedSource
}

func newPublishing(t *testing.T) *publishing {
	p := &publishing{world: newWorld(t)}
	scheme := runtime.NewScheme()
	p.must(sourcev1.AddToScheme(scheme))
	p.must(v1alpha1.AddToScheme(scheme))
	p.world.apply(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deleter, namespace: $namespace}
rules: [{apiGroups: [source.toolkit.fluxcd.io], resources: [externalartifacts], verbs: [delete]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deleter, namespace: $namespace}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deleter}
subjects: [{kind: ServiceAccount, name: assay-source, namespace: assay-system}]
`)
	token, err := p.Token(t.Context(), controllerNamespace, controllerAccount) // the admission policies let nobody else write here
	p.must(err)
	api, err := p.As(token)
	p.must(err)
	p.Client, err = client.New(api.Config, client.Options{Scheme: scheme})
	p.must(err)
	p.owner = &v1alpha1.GatedSource{ObjectMeta: metav1.ObjectMeta{Namespace: p.name, Name: "web", UID: "11111111-1111-1111-1111-111111111111"}}
	return p
}

func (p *publishing) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *publishing) artifact(hash string) *meta.Artifact {
	digest, size := "sha256:"+strings.Repeat(hash, 64), int64(10)
	path := "externalartifact/" + p.name + "/assay-web/" + strings.Repeat(hash, 64) + ".tar.gz"
	return &meta.Artifact{
		Digest: digest, Revision: "main@" + digest, Path: path, URL: "http://" + address(storagePorts, 1) + "/" + path, Size: &size,
		LastUpdateTime: metav1.NewTime(time.Unix(1_700_000_000, 0)), Metadata: map[string]string{publish.OriginRevision: "main@sha1:" + hash},
	}
}

func (p *publishing) apply(artifact *meta.Artifact, conditions []metav1.Condition) {
	p.t.Helper()
	p.must(publish.Apply(p.t.Context(), p.Client, p.owner, publish.State{Artifact: artifact, Conditions: conditions}))
}

func (p *publishing) read() *sourcev1.ExternalArtifact {
	p.t.Helper()
	found := &sourcev1.ExternalArtifact{}
	p.must(p.Get(p.t.Context(), client.ObjectKey{Namespace: p.name, Name: "assay-web"}, found))
	return found
}

// TestPublish_StatusIsWrittenOnceAndFollows what passed: a change is one write,
// none is none, a denial keeps the artifact, and annotations go with the owner's.
func TestPublish_StatusIsWrittenOnceAndFollows(t *testing.T) {
	p := newPublishing(t)
	p.owner.Annotations = map[string]string{"event.toolkit.fluxcd.io/change_request": "12"}
	p.apply(p.artifact("a"), publish.Succeeded("passed"))
	first := p.read()
	if first.Status.Artifact == nil || first.Status.Artifact.Digest != p.artifact("a").Digest || !apimeta.IsStatusConditionTrue(first.Status.Conditions, "SourceVerified") {
		t.Errorf("its status is %+v", first.Status)
	}
	if first.Annotations["event.toolkit.fluxcd.io/change_request"] != "12" || !metav1.IsControlledBy(first, p.owner) || first.Spec.SourceRef.Kind != "GatedSource" {
		t.Errorf("it is %+v", first)
	}
	p.apply(p.artifact("a"), publish.Succeeded("passed"))
	if again := p.read(); again.ResourceVersion != first.ResourceVersion {
		t.Error("it was written without a change")
	}
	p.apply(p.artifact("b"), publish.Succeeded("passed"))
	p.owner.Annotations = nil
	p.apply(p.artifact("b"), publish.Failed(publish.VerificationFailed, "no signature"))
	last := p.read()
	if last.Status.Artifact == nil || last.Status.Artifact.Digest != p.artifact("b").Digest || last.Status.Artifact.Metadata[publish.OriginRevision] != "main@sha1:b" {
		t.Errorf("its artifact is %+v", last.Status.Artifact)
	}
	if ready := apimeta.FindStatusCondition(last.Status.Conditions, "Ready"); ready == nil || ready.Reason != "VerificationFailed" || ready.ObservedGeneration != last.Generation {
		t.Errorf("it is ready: %+v", ready)
	}
	if len(last.Annotations) > 0 {
		t.Errorf("it is annotated: %q", last.Annotations)
	}
}

// TestPublish_WithdrawnArtifactIsGone, also when somebody else wrote the same
// field, which server-side apply alone would leave.
func TestPublish_WithdrawnArtifactIsGone(t *testing.T) {
	p := newPublishing(t)
	p.apply(p.artifact("a"), publish.Succeeded("passed"))
	p.apply(nil, publish.Failed(publish.VerificationFailed, "no signature"))
	if found := p.read(); found.Status.Artifact != nil {
		t.Errorf("its artifact is %+v", found.Status.Artifact)
	}
	p.apply(p.artifact("a"), publish.Succeeded("passed"))
	patch := `{"status":{"artifact":{"path":"another","url":"http://` + address(storagePorts, 2) + `/another"}}}`
	p.must(p.Status().Patch(t.Context(), p.read(), client.RawPatch(types.MergePatchType, []byte(patch)), client.FieldOwner("another")))
	p.apply(nil, publish.Failed(publish.VerificationFailed, "no signature"))
	if found := p.read(); found.Status.Artifact != nil {
		t.Errorf("its artifact is %+v", found.Status.Artifact)
	}
}

// TestPublish_ObjectOfAnotherIsLeftAlone: one that is there, and one that takes
// the place of what was read.
func TestPublish_ObjectOfAnotherIsLeftAlone(t *testing.T) {
	p := newPublishing(t)
	theirs := &sourcev1.ExternalArtifact{ObjectMeta: metav1.ObjectMeta{Namespace: p.name, Name: "assay-web"}}
	p.must(p.Create(t.Context(), theirs.DeepCopy(), client.FieldOwner("kubectl-create")))
	err := publish.Apply(t.Context(), p.Client, p.owner, publish.State{Artifact: p.artifact("a"), Conditions: publish.Succeeded("passed")})
	var refusal *plugin.Refusal
	if !errors.As(err, &refusal) || !strings.Contains(err.Error(), `the field manager "kubectl-create"`) {
		t.Errorf("got %v", err)
	}
	p.must(p.Delete(t.Context(), theirs))
	p.apply(p.artifact("a"), publish.Succeeded("passed"))
	before := p.read()
	p.must(p.Delete(t.Context(), before))
	p.must(p.Create(t.Context(), theirs.DeepCopy(), client.FieldOwner("kubectl-create")))
	err = publish.Apply(t.Context(), &behind{p.Client, before}, p.owner, publish.State{Artifact: p.artifact("b"), Conditions: publish.Succeeded("passed")})
	var none *plugin.StageError
	if !errors.As(err, &none) {
		t.Errorf("got %v", err)
	}
	if found := p.read(); found.Status.Artifact != nil || len(found.OwnerReferences) > 0 {
		t.Errorf("it was written: %+v", found)
	}
}

// behind is a client whose cache still has what was deleted.
type behind struct {
	client.Client
	cached *sourcev1.ExternalArtifact
}

func (b *behind) Get(_ context.Context, _ client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	b.cached.DeepCopyInto(into.(*sourcev1.ExternalArtifact))
	return nil
}
