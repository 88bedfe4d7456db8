package publish

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// These tests look at what is asked of the API server, on controller-runtime's
// fake client. What only a server decides (field managers, preconditions,
// validation, admission) is tested in e2e/flux.

// cluster is a fake API server that counts writes.
type cluster struct {
	client.Client
	writes int
	fails  error
}

func newCluster(t *testing.T, objects ...client.Object) *cluster {
	t.Helper()
	scheme := runtime.NewScheme()
	check(t, sourcev1.AddToScheme(scheme))
	check(t, v1alpha1.AddToScheme(scheme))
	c := &cluster{}
	count := func() error {
		c.writes++
		return c.fails
	}
	c.Client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&sourcev1.ExternalArtifact{}).WithReturnManagedFields().
		WithInterceptorFuncs(interceptor.Funcs{
			Create: func(ctx context.Context, under client.WithWatch, object client.Object, opts ...client.CreateOption) error {
				if err := count(); err != nil {
					return err
				}
				object.SetUID("made")
				return under.Create(ctx, object, opts...)
			},
			Apply: func(ctx context.Context, under client.WithWatch, object runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
				if err := count(); err != nil {
					return err
				}
				return under.Apply(ctx, object, opts...)
			},
			SubResourceApply: func(ctx context.Context, under client.Client, name string, object runtime.ApplyConfiguration, opts ...client.SubResourceApplyOption) error {
				if err := count(); err != nil {
					return err
				}
				return under.SubResource(name).Apply(ctx, object, opts...)
			},
		}).Build()
	return c
}

func (c *cluster) read(t *testing.T) *sourcev1.ExternalArtifact {
	t.Helper()
	found := &sourcev1.ExternalArtifact{}
	check(t, c.Get(t.Context(), client.ObjectKey{Namespace: "team-a", Name: "assay-web"}, found))
	return found
}

func gated() *v1alpha1.GatedSource {
	return &v1alpha1.GatedSource{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "web", UID: "uid-of-web"}}
}

func anArtifact(hash string) *meta.Artifact {
	digest := "sha256:" + strings.Repeat(hash, 64)
	size := int64(10)
	return &meta.Artifact{
		Digest: digest, Revision: "main@" + digest, Path: "externalartifact/team-a/assay-web/x.tar.gz", URL: "http://a/x.tar.gz", Size: &size,
		LastUpdateTime: metav1.NewTime(time.Unix(1_700_000_000, 0)), Metadata: map[string]string{OriginRevision: "main@sha1:abc"},
	}
}

func status(conditions []metav1.Condition, kind string) string {
	found := apimeta.FindStatusCondition(conditions, kind)
	if found == nil {
		return ""
	}
	return string(found.Status) + "/" + found.Reason
}

// TestApply_MakesTheObjectAndItsStatus.
func TestApply_MakesTheObjectAndItsStatus(t *testing.T) {
	c := newCluster(t)
	err := Apply(t.Context(), c, gated(), State{anArtifact("a"), Succeeded("3 objects passed")})
	check(t, err)
	found := c.read(t)
	owner := metav1.GetControllerOf(found)
	if owner == nil || owner.UID != "uid-of-web" || owner.Kind != "GatedSource" || owner.APIVersion != "assay.dev/v1alpha1" {
		t.Errorf("owned by %+v", owner)
	}
	if want := (meta.NamespacedObjectKindReference{APIVersion: "assay.dev/v1alpha1", Kind: "GatedSource", Name: "web", Namespace: "team-a"}); found.Spec.SourceRef == nil || *found.Spec.SourceRef != want {
		t.Errorf("made of %+v", found.Spec.SourceRef)
	}
	if found.Status.Artifact == nil || found.Status.Artifact.Digest != anArtifact("a").Digest || found.Status.Artifact.Metadata[OriginRevision] != "main@sha1:abc" {
		t.Errorf("its artifact is %+v", found.Status.Artifact)
	}
	if status(found.Status.Conditions, "Ready") != "True/Succeeded" || status(found.Status.Conditions, "SourceVerified") != "True/Succeeded" {
		t.Errorf("its conditions are %+v", found.Status.Conditions)
	}
}

// TestApply_WritesNothingWhenNothingChanged, and once when the artifact did.
func TestApply_WritesNothingWhenNothingChanged(t *testing.T) {
	c := newCluster(t)
	for range 3 {
		err := Apply(t.Context(), c, gated(), State{anArtifact("a"), Succeeded("passed")})
		check(t, err)
	}
	if c.writes != 2 {
		t.Errorf("%d writes", c.writes)
	}
	before := c.read(t)
	err := Apply(t.Context(), c, gated(), State{anArtifact("b"), Succeeded("passed")})
	check(t, err)
	after := c.read(t)
	if c.writes != 3 || after.Status.Artifact.Digest != anArtifact("b").Digest {
		t.Errorf("%d writes, %+v", c.writes, after.Status.Artifact)
	}
	if !before.Status.Conditions[0].LastTransitionTime.Equal(&after.Status.Conditions[0].LastTransitionTime) {
		t.Error("the condition's time changed without its status")
	}
}

// TestApply_ArtifactOfAnotherObjectIsDenied: a status that somebody changed must
// not make one namespace's content another's.
func TestApply_ArtifactOfAnotherObjectIsDenied(t *testing.T) {
	for name, change := range map[string]func(*meta.Artifact){
		"OtherNamespace": func(a *meta.Artifact) { a.Path = strings.Replace(a.Path, "team-a", "team-b", 1) },
		"OtherName":      func(a *meta.Artifact) { a.Path = strings.Replace(a.Path, "assay-web", "assay-api", 1) },
		"Climbing":       func(a *meta.Artifact) { a.Path = strings.Replace(a.Path, "assay-web", "assay-web/../assay-api", 1) },
		"NoPath":         func(a *meta.Artifact) { a.Path = "" },
		"NoDigest":       func(a *meta.Artifact) { a.Digest = "" },
		"NoURL":          func(a *meta.Artifact) { a.URL = "" },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			artifact := anArtifact("a")
			change(artifact)
			refused(t, Apply(t.Context(), c, gated(), State{artifact, nil}), RuleContent, "is not of this GatedSource")
			if c.writes != 0 {
				t.Errorf("%d writes", c.writes)
			}
			check(t, Apply(t.Context(), c, gated(), State{anArtifact("a"), nil}))
		})
	}
	unread := gated()
	unread.UID = ""
	refused(t, Apply(t.Context(), newCluster(t), unread, State{anArtifact("a"), nil}), RuleContent, "no uid")
}

// TestApply_CarriesTheAnnotationsOfEvents, and takes them back.
func TestApply_CarriesTheAnnotationsOfEvents(t *testing.T) {
	c, owner := newCluster(t), gated()
	owner.Annotations = map[string]string{"event.toolkit.fluxcd.io/change_request": "12", "other": "x"}
	for range 2 {
		check(t, Apply(t.Context(), c, owner, State{anArtifact("a"), Succeeded("passed")}))
	}
	if got := c.read(t).Annotations; len(got) != 1 || got["event.toolkit.fluxcd.io/change_request"] != "12" || c.writes != 3 {
		t.Errorf("%d writes, %q", c.writes, got)
	}
	owner.Annotations = nil
	check(t, Apply(t.Context(), c, owner, State{anArtifact("a"), Succeeded("passed")}))
	if got := c.read(t).Annotations; len(got) != 0 {
		t.Errorf("got %q", got)
	}
}

// TestApply_DenialKeepsTheLastGoodArtifact, even when somebody changed the
// object's.
func TestApply_DenialKeepsTheLastGoodArtifact(t *testing.T) {
	c := newCluster(t)
	owner := gated()
	err := Apply(t.Context(), c, owner, State{anArtifact("a"), Succeeded("passed")})
	check(t, err)
	tampered := c.read(t)
	tampered.Status.Artifact.Digest = anArtifact("e").Digest
	check(t, c.Status().Update(t.Context(), tampered))
	err = Apply(t.Context(), c, owner, State{anArtifact("a"), Failed(VerificationFailed, "image web has no signature")})
	check(t, err)
	found := c.read(t)
	if found.Status.Artifact == nil || found.Status.Artifact.Digest != anArtifact("a").Digest {
		t.Errorf("its artifact is %+v", found.Status.Artifact)
	}
	if status(found.Status.Conditions, "Ready") != "False/VerificationFailed" || status(found.Status.Conditions, "SourceVerified") != "False/VerificationFailed" {
		t.Errorf("its conditions are %+v", found.Status.Conditions)
	}
}

// TestApply_NoAnswerLeavesWhatWasVerified: that nobody could look is not told as
// not verified.
func TestApply_NoAnswerLeavesWhatWasVerified(t *testing.T) {
	c := newCluster(t)
	owner := gated()
	err := Apply(t.Context(), c, owner, State{anArtifact("a"), Succeeded("passed")})
	check(t, err)
	for _, reason := range []string{FetchFailed, StorageOperationFailed} {
		err = Apply(t.Context(), c, owner, State{anArtifact("a"), Failed(reason, "the registry does not answer")})
		check(t, err)
		found := c.read(t)
		if status(found.Status.Conditions, "Ready") != "False/"+reason || status(found.Status.Conditions, "SourceVerified") != "True/Succeeded" || found.Status.Artifact == nil {
			t.Errorf("its status is %+v", found.Status)
		}
	}
}

// TestApply_NothingWasEverGood: the object says why, and has no artifact.
func TestApply_NothingWasEverGood(t *testing.T) {
	c := newCluster(t)
	err := Apply(t.Context(), c, gated(), State{nil, Failed(VerificationFailed, "no signature")})
	check(t, err)
	found := c.read(t)
	if found.Status.Artifact != nil || status(found.Status.Conditions, "Ready") != "False/VerificationFailed" {
		t.Errorf("its status is %+v", found.Status)
	}
}

// TestApply_TakesTheArtifactAway, also when another writer holds the field,
// and says nothing to be verified.
func TestApply_TakesTheArtifactAway(t *testing.T) {
	for _, shared := range []bool{false, true} {
		c := newCluster(t)
		err := Apply(t.Context(), c, gated(), State{anArtifact("a"), Succeeded("passed")})
		check(t, err)
		if shared {
			found := c.read(t)
			found.Status.Artifact.Path = "another"
			check(t, c.Status().Update(t.Context(), found, client.FieldOwner("another")))
		}
		err = Apply(t.Context(), c, gated(), State{nil, Failed(FetchFailed, "the gate cannot be read")})
		check(t, err)
		found := c.read(t)
		if found.Status.Artifact != nil || status(found.Status.Conditions, "Ready") != "False/FetchFailed" || status(found.Status.Conditions, "SourceVerified") != "" {
			t.Errorf("shared %v: its status is %+v", shared, found.Status)
		}
	}
}

// TestApply_SomebodyElsesObjectIsDenied by name, whatever is asked; nothing is
// written.
func TestApply_SomebodyElsesObjectIsDenied(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*sourcev1.ExternalArtifact)
		says   string
	}{
		"Owner": {func(e *sourcev1.ExternalArtifact) {
			e.OwnerReferences = []metav1.OwnerReference{{APIVersion: "source.extensions.fluxcd.io/v1beta1", Kind: "ArtifactGenerator", Name: "apps", UID: "x"}}
		}, "it is of ArtifactGenerator/apps"},
		"OtherGatedSource": {func(e *sourcev1.ExternalArtifact) {
			e.OwnerReferences = []metav1.OwnerReference{{APIVersion: "assay.dev/v1alpha1", Kind: "GatedSource", Name: "other", UID: "x"}}
		}, "it is of GatedSource/other"},
		"ForgedReference": {func(e *sourcev1.ExternalArtifact) {
			e.Spec.SourceRef = &meta.NamespacedObjectKindReference{APIVersion: "assay.dev/v1alpha1", Kind: "GatedSource", Name: "web", Namespace: "team-a"}
		}, "it is of GatedSource/web"},
		"Nobody": {func(*sourcev1.ExternalArtifact) {}, "it is of "},
	} {
		t.Run(name, func(t *testing.T) {
			theirs := &sourcev1.ExternalArtifact{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "assay-web", UID: "theirs"}}
			test.change(theirs)
			c := newCluster(t, theirs)
			applied := Apply(t.Context(), c, gated(), State{anArtifact("a"), Succeeded("passed")})
			withdrawn := Apply(t.Context(), c, gated(), State{nil, nil})
			for _, err := range []error{applied, withdrawn} {
				refused(t, err, ruleOwner, test.says)
			}
			check(t, Delete(t.Context(), c, gated()))
			if found := c.read(t); c.writes != 0 || found.UID != "theirs" || found.Status.Artifact != nil {
				t.Errorf("%d writes: %+v", c.writes, found)
			}
			check(t, c.Delete(t.Context(), c.read(t)))
			err := Apply(t.Context(), c, gated(), State{anArtifact("a"), Succeeded("passed")})
			check(t, err)
		})
	}
}

// TestApply_ObjectOfAnEarlierGatedSourceIsNoAnswer: the garbage collector comes.
func TestApply_ObjectOfAnEarlierGatedSourceIsNoAnswer(t *testing.T) {
	c := newCluster(t)
	earlier := gated()
	earlier.UID = "earlier"
	err := Apply(t.Context(), c, earlier, State{anArtifact("a"), Succeeded("passed")})
	check(t, err)
	err = Apply(t.Context(), c, gated(), State{anArtifact("a"), Succeeded("passed")})
	unanswered(t, err, "earlier GatedSource")
	check(t, Delete(t.Context(), c, earlier))
	err = Apply(t.Context(), c, gated(), State{anArtifact("a"), Succeeded("passed")})
	check(t, err)
}

// TestApply_RepairsWhatSomebodyChanged in the object itself.
func TestApply_RepairsWhatSomebodyChanged(t *testing.T) {
	c := newCluster(t)
	err := Apply(t.Context(), c, gated(), State{anArtifact("a"), Succeeded("passed")})
	check(t, err)
	found := c.read(t)
	found.Spec.SourceRef.Name = "another"
	check(t, c.Update(t.Context(), found))
	err = Apply(t.Context(), c, gated(), State{anArtifact("a"), Succeeded("passed")})
	check(t, err)
	if got := c.read(t).Spec.SourceRef.Name; got != "web" {
		t.Errorf("made of %s", got)
	}
}

// TestApply_SilentOrRefusingServerIsNoAnswer with what to do.
func TestApply_SilentOrRefusingServerIsNoAnswer(t *testing.T) {
	resource := schema.GroupResource{Group: "source.toolkit.fluxcd.io", Resource: "externalartifacts"}
	for name, test := range map[string]struct {
		err  error
		says string
	}{
		"Silent":     {errors.New("connection refused"), "connection refused"},
		"Forbidden":  {apierrors.NewForbidden(resource, "assay-web", errors.New("no")), "service account"},
		"NoKind":     {&apimeta.NoKindMatchError{GroupKind: schema.GroupKind{Kind: "ExternalArtifact"}}, "install Flux 2.8 or later"},
		"TooLate":    {apierrors.NewAlreadyExists(resource, "assay-web"), "at the same time"},
		"Conflict":   {apierrors.NewConflict(resource, "assay-web", errors.New("uid")), "at the same time"},
		"Cancelled":  {context.Canceled, "canceled"},
		"DeadlineEx": {context.DeadlineExceeded, "deadline"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			c.fails = test.err
			err := Apply(t.Context(), c, gated(), State{anArtifact("a"), Succeeded("passed")})
			unanswered(t, err, test.says)
			c.fails = nil
			err = Apply(t.Context(), c, gated(), State{anArtifact("a"), Succeeded("passed")})
			check(t, err)
		})
	}
}

// TestFailed_LongMessagesAreCut at a character, as the API server takes no more.
func TestFailed_LongMessagesAreCut(t *testing.T) {
	message := Failed(FetchFailed, strings.Repeat("ü", 20_000))[0].Message
	if len(message) > 32768 || !strings.HasSuffix(message, "ü... (cut)") || strings.ContainsRune(message, '\ufffd') {
		t.Errorf("%d bytes: ...%q", len(message), message[len(message)-20:])
	}
	if message := Failed(FetchFailed, "short")[0].Message; message != "short" {
		t.Errorf("got %q", message)
	}
}
