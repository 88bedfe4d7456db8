package flux

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

func oneFile() map[string]string { return map[string]string{"web.yaml": "x"} }

func TestReconcile_WhatPassesIsPublished(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.gated(nil)
	result := s.settle()
	s.says(metav1.ConditionTrue, meta.SucceededReason, "main@sha1:aaa", "1 objects")
	if s.published() != "main@sha1:aaa" || result.RequeueAfter < 8*time.Minute {
		t.Errorf("published %q, again after %s", s.published(), result.RequeueAfter)
	}
	external := s.external()
	if !conditions.IsTrue(external, sourcev1.SourceVerifiedCondition) || len(external.OwnerReferences) != 1 {
		t.Errorf("%+v", external)
	}
	if event := <-s.events.Events; !strings.Contains(event, "Normal Succeeded") {
		t.Error(event)
	}
	if status := s.object().Status; status.Verdict.Outcome != "allowed" || status.LastGateDigest != "sha256:gate" || status.Artifact == nil {
		t.Errorf("%+v", status)
	}
}

func TestReconcile_TheSameAgainWritesNoEvent(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.gated(nil)
	s.settle()
	before := s.external()
	<-s.events.Events
	s.settle()
	if after := s.external(); after.ResourceVersion != before.ResourceVersion || len(s.events.Events) != 0 {
		t.Errorf("%d events, version %s and then %s", len(s.events.Events), before.ResourceVersion, after.ResourceVersion)
	}
}

func TestReconcile_WhatIsDeniedIsNotPublished(t *testing.T) {
	s := newScene(t)
	s.judge.say = denying("no signature by team-a")
	s.source("main@sha1:aaa", oneFile())
	s.gated(nil)
	s.settle()
	s.says(metav1.ConditionFalse, "VerificationFailed", "assay denied app", "no signature by team-a", "sign it", "nothing is published")
	if s.published() != "" || !conditions.IsFalse(s.external(), sourcev1.SourceVerifiedCondition) {
		t.Errorf("%+v", s.external().Status)
	}
	if event := <-s.events.Events; !strings.Contains(event, "Warning VerificationFailed") || !strings.Contains(event, "no signature by team-a") {
		t.Error(event)
	}
}

func TestReconcile_AfterADenialTheLastGoodStays(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.gated(nil)
	s.settle()
	s.judge.say = denying("no signature by team-a")
	s.source("main@sha1:bbb", map[string]string{"web.yaml": "y"})
	s.settle()
	s.says(metav1.ConditionFalse, "VerificationFailed", "what was published of main@sha1:aaa stays")
	if s.published() != "main@sha1:aaa" || s.object().Status.LastAttemptedRevision != "main@sha1:bbb" {
		t.Errorf("published %q", s.published())
	}
	s.judge.say = passing("two")
	s.settle()
	if s.says(metav1.ConditionTrue, meta.SucceededReason); s.published() != "main@sha1:bbb" {
		t.Errorf("published %q", s.published())
	}
}

// TestReconcile_WhatStaysIsJudgedAgain: Flux goes on applying it.
func TestReconcile_WhatStaysIsJudgedAgain(t *testing.T) {
	for _, stands := range []bool{true, false} {
		s := newScene(t)
		s.source("main@sha1:aaa", oneFile())
		s.gated(nil)
		s.settle()
		var again []byte
		s.judge.say = func(ctx context.Context, source plugin.Source) *plugin.Verdict {
			if source.Rendered == nil {
				return denying("no signature by team-a")(ctx, source)
			}
			if again = source.Rendered; stands {
				return passing("one")(ctx, source)
			}
			return denying("the key was revoked")(ctx, source)
		}
		s.source("main@sha1:bbb", map[string]string{"web.yaml": "y"})
		s.settle()
		s.says(metav1.ConditionFalse, "VerificationFailed", "main@sha1:aaa stays")
		if told := strings.Contains(conditions.Get(s.object(), meta.ReadyCondition).Message, "the key was revoked"); told == stands {
			t.Errorf("it stands: %v, told: %v", stands, told)
		}
		if !strings.Contains(string(again), `"text":"one"`) && !strings.Contains(string(again), "text: one") || s.published() != "main@sha1:aaa" {
			t.Errorf("judged again was %s", again)
		}
	}
}

func TestReconcile_WithdrawTakesTheLastGoodAway(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.gated(func(spec *v1alpha1.GatedSourceSpec) { spec.OnDenied = v1alpha1.Withdraw })
	s.settle()
	s.judge.say = silent("the registry is down")
	s.settle()
	if s.published() != "main@sha1:aaa" {
		t.Fatal("no answer withdrew what is published")
	}
	s.judge.say = denying("no signature by team-a")
	s.settle()
	if s.says(metav1.ConditionFalse, "VerificationFailed", "spec.onDenied: Withdraw"); s.published() != "" || s.object().Status.Artifact != nil {
		t.Errorf("published %q", s.published())
	}
}

func TestReconcile_NoAnswerIsNoDenial(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.gated(nil)
	s.settle()
	s.judge.say = silent("the registry is down")
	first := s.settle()
	s.says(metav1.ConditionUnknown, "Undetermined", "assay has no answer about app", "the registry is down", "stays")
	if s.published() != "main@sha1:aaa" || conditions.Get(s.external(), sourcev1.SourceVerifiedCondition).Status != metav1.ConditionUnknown {
		t.Errorf("%+v", s.external().Status)
	}
	if first.RequeueAfter <= 0 || first.RequeueAfter > time.Minute {
		t.Errorf("again after %s", first.RequeueAfter)
	}
}

// TestReconcile_NothingButAnAllowedVerdictPublishes goes through what a judge
// may answer.
func TestReconcile_NothingButAnAllowedVerdictPublishes(t *testing.T) {
	for name, say := range map[string]func(context.Context, plugin.Source) *plugin.Verdict{
		"no verdict":       func(context.Context, plugin.Source) *plugin.Verdict { return nil },
		"the zero verdict": func(context.Context, plugin.Source) *plugin.Verdict { return &plugin.Verdict{} },
		"a denial":         denying("no"),
		"no answer":        silent("no"),
		"the deadline": func(ctx context.Context, source plugin.Source) *plugin.Verdict {
			ctx, cancel := context.WithTimeout(ctx, 0)
			defer cancel()
			return passing("x")(ctx, source)
		},
		"cancelled": func(ctx context.Context, source plugin.Source) *plugin.Verdict {
			ctx, cancel := context.WithCancelCause(ctx)
			cancel(errors.New("stopped"))
			return passing("x")(ctx, source)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.judge.say = say
			s.source("main@sha1:aaa", oneFile())
			s.gated(nil)
			s.settle()
			if conditions.IsTrue(s.object(), meta.ReadyCondition) || s.published() != "" || s.judge.asked == 0 {
				t.Errorf("published %q: %+v", s.published(), s.object().Status.Conditions)
			}
		})
	}
}

func TestReconcile_OnePathThatIsDeniedDeniesAll(t *testing.T) {
	for _, bad := range []string{"a", "b"} {
		s := newScene(t)
		s.judge.say = func(ctx context.Context, source plugin.Source) *plugin.Verdict {
			if source.Path == bad {
				return denying("not "+bad)(ctx, source)
			}
			return passing(source.Path)(ctx, source)
		}
		s.source("main@sha1:aaa", map[string]string{"a/web.yaml": "x", "b/web.yaml": "x"})
		s.gated(func(spec *v1alpha1.GatedSourceSpec) { spec.Paths = []string{"./a", "/b"} })
		s.settle()
		if s.says(metav1.ConditionFalse, "VerificationFailed", "not "+bad); s.published() != "" || s.judge.asked != 2 {
			t.Errorf("published %q, %d asked", s.published(), s.judge.asked)
		}
	}
}

func TestReconcile_SourceThatIsNotThereWaits(t *testing.T) {
	s := newScene(t)
	s.gated(nil)
	if result := s.settle(); result.RequeueAfter != s.RequeueDependency {
		t.Errorf("again after %s", result.RequeueAfter)
	}
	s.says(metav1.ConditionFalse, "SourceNotFound", "GitRepository team-a/app", "create it")
	s.give(nil)
	s.settle()
	s.says(metav1.ConditionFalse, meta.ArtifactFailedReason, "no artifact yet")
	if s.judge.asked != 0 || s.published() != "" {
		t.Error("something was judged")
	}
}

func TestReconcile_SourceOfAnotherNamespaceIsRefusedWhereItIsForbidden(t *testing.T) {
	for _, forbidden := range []bool{true, false} {
		s := newScene(t)
		s.NoCrossNamespaceRefs = forbidden
		s.gated(func(spec *v1alpha1.GatedSourceSpec) { spec.SourceRef.Namespace = "team-b" })
		s.settle()
		if !forbidden {
			s.says(metav1.ConditionFalse, "SourceNotFound", "team-b/app")
			continue
		}
		if s.says(metav1.ConditionFalse, "AccessDenied", "--no-cross-namespace-refs"); !conditions.IsStalled(s.object()) {
			t.Error("it is not told as lasting")
		}
	}
}

func TestReconcile_ArtifactThatIsNotItsDigestIsNotJudged(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.files[artifactPath] = pack(t, map[string]string{"web.yaml": "another"})
	s.gated(nil)
	s.settle()
	if s.says(metav1.ConditionFalse, "FetchFailed"); s.judge.asked != 0 || s.published() != "" {
		t.Error("something was judged")
	}
}

func TestReconcile_ArtifactThatCannotBeHadIsNoAnswer(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.gated(nil)
	s.settle()
	s.source("main@sha1:bbb", map[string]string{"web.yaml": "y"})
	delete(s.files, artifactPath)
	s.settle()
	if s.says(metav1.ConditionFalse, "FetchFailed", "main@sha1:aaa stays"); s.published() != "main@sha1:aaa" {
		t.Error(s.published())
	}
}

func TestReconcile_ArtifactWithATrickIsDenied(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", map[string]string{"../web.yaml": "x"})
	s.gated(nil)
	s.settle()
	if s.says(metav1.ConditionFalse, "VerificationFailed", "../web.yaml"); s.judge.asked != 0 || s.published() != "" {
		t.Error("something was judged")
	}
}

func TestReconcile_SuspendedJudgesNothing(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.gated(func(spec *v1alpha1.GatedSourceSpec) { spec.Suspend = true })
	if result := s.settle(); s.judge.asked != 0 || result.RequeueAfter != 0 {
		t.Errorf("%d asked, again after %s", s.judge.asked, result.RequeueAfter)
	}
}

func TestReconcile_DeletedTakesItsFilesAway(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.gated(nil)
	s.settle()
	artifact := *s.external().Status.Artifact
	if err := s.Client.Delete(t.Context(), s.object()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reconcile(t.Context(), ctrl.Request{NamespacedName: s.key}); err != nil {
		t.Fatal(err)
	}
	if s.Store.Present(artifact) {
		t.Error("the file is still there")
	}
	if err := s.Client.Get(t.Context(), s.key, &v1alpha1.GatedSource{}); !apierrors.IsNotFound(err) {
		t.Errorf("the finalizer holds it: %v", err)
	}
}

func TestReconcile_LostFileIsMadeAgain(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.gated(nil)
	s.settle()
	if err := s.Store.Remove(keyOf(s.object())); err != nil {
		t.Fatal(err)
	}
	s.settle()
	if s.published() != "main@sha1:aaa" {
		t.Error(s.published())
	}
}

// TestReconcile_LostLastGoodIsWithdrawn: what is named and cannot be fetched
// would only fail at the consumer.
func TestReconcile_LostLastGoodIsWithdrawn(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.gated(nil)
	s.settle()
	if err := s.Store.Remove(keyOf(s.object())); err != nil {
		t.Fatal(err)
	}
	s.judge.say = denying("no signature by team-a")
	s.settle()
	if external := s.external(); external.Status.Artifact != nil || s.object().Status.Artifact != nil {
		t.Errorf("%+v", external.Status.Artifact)
	}
}

// TestReconcile_DeathAfterNotingKeepsWhatPassed has the process end between
// noting what is published and pointing the ExternalArtifact at it.
func TestReconcile_DeathAfterNotingKeepsWhatPassed(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.gated(nil)
	s.settle()
	if err := s.Client.Delete(t.Context(), s.external()); err != nil {
		t.Fatal(err)
	}
	s.judge.say = denying("no signature by team-a")
	s.settle()
	if s.published() != "main@sha1:aaa" {
		t.Error("a denial took away what had passed")
	}
}

func TestReconcile_VariablesAreReadAndMissingOnesWait(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.gated(func(spec *v1alpha1.GatedSourceSpec) {
		spec.Kustomize = &v1alpha1.KustomizeRendering{PostBuild: &kustomizev1.PostBuild{
			Substitute:     map[string]string{"region": "eu-1\n"},
			SubstituteFrom: []kustomizev1.SubstituteReference{{Kind: "Secret", Name: "settings"}},
		}}
	})
	s.settle()
	if s.says(metav1.ConditionFalse, "ValuesNotRead", "settings", "optional"); s.judge.asked != 0 {
		t.Error("something was judged without its variables")
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "settings"}, Data: map[string][]byte{"token": []byte("hunter2"), "region": []byte("us-1")}}
	if err := s.Client.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	var seen plugin.FluxParameters
	s.judge.say = func(ctx context.Context, source plugin.Source) *plugin.Verdict {
		seen = source.Parameters.Flux
		return passing("x")(ctx, source)
	}
	s.settle()
	s.says(metav1.ConditionTrue, meta.SucceededReason)
	if post := seen.PostBuild; post.Substitute["token"] != "hunter2" || post.Substitute["region"] != "eu-1" || len(post.Secret) != 1 || post.Secret[0] != "token" {
		t.Errorf("%+v", post)
	}
}

func TestReconcile_TheApplicationIsWhatThePlatformSays(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.gated(nil)
	var seen plugin.Source
	s.judge.say = func(ctx context.Context, source plugin.Source) *plugin.Verdict {
		seen = source
		return passing("x")(ctx, source)
	}
	s.settle()
	want := plugin.Application{Name: "app", SourceNamespace: "team-a", Namespace: "team-a", Repository: "https://git.example.com/team-a/app"}
	if seen.Application != want || seen.Revision != "main@sha1:aaa" || seen.Path != "." || seen.Parameters.Kind != "flux" {
		t.Errorf("%+v", seen)
	}
}

func TestRetries_BackOffUpToTheObjectsInterval(t *testing.T) {
	var r retries
	key := newScene(t).key
	var before time.Duration
	for i := range 12 {
		pause := r.next(key, time.Minute)
		if pause > time.Minute || pause <= 0 || i == 11 && pause < 30*time.Second {
			t.Errorf("try %d: %s after %s", i, pause, before)
		}
		before = pause
	}
	r.forget(key)
	if pause := r.next(key, time.Minute); pause > firstRetry {
		t.Errorf("after an answer: %s", pause)
	}
}

func TestReconcile_ManyDenialsFitIntoTheCondition(t *testing.T) {
	s := newScene(t)
	s.judge.say = denying(strings.Repeat("no signature by team-a ", 100))
	files, paths := map[string]string{}, make([]string, 64)
	for i := range paths {
		paths[i] = fmt.Sprintf("app-%d", i)
		files[paths[i]+"/web.yaml"] = "x"
	}
	s.source("main@sha1:aaa", files)
	s.gated(func(spec *v1alpha1.GatedSourceSpec) { spec.Paths = paths })
	s.settle()
	s.says(metav1.ConditionFalse, "VerificationFailed", "more paths do not pass", "nothing is published")
	if size := len(conditions.Get(s.object(), meta.ReadyCondition).Message); size > 20_000 {
		t.Errorf("the message has %d bytes", size)
	}
}

// TestReconcile_AddressThatNobodyReachesIsTold: what is published stays so, as
// the network may only be closed from here.
func TestReconcile_AddressThatNobodyReachesIsTold(t *testing.T) {
	for status, told := range map[int]bool{http.StatusOK: false, http.StatusNotFound: true} {
		s := newScene(t)
		asked := 0
		s.Reach = &Reach{Clock: time.Now, Client: &http.Client{Transport: roundTrip(func(*http.Request) *http.Response {
			asked++
			return &http.Response{StatusCode: status, Status: http.StatusText(status), Body: http.NoBody}
		})}}
		s.source("main@sha1:aaa", oneFile())
		s.gated(nil)
		s.settle()
		s.settle()
		s.says(metav1.ConditionTrue, meta.SucceededReason)
		message := conditions.Get(s.object(), meta.ReadyCondition).Message
		if strings.Contains(message, "--storage-adv-addr") != told || asked != 1 {
			t.Errorf("%d: asked %d times: %s", status, asked, message)
		}
	}
}

type roundTrip func(*http.Request) *http.Response

func (a roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return a(request), nil }

func TestGatedSource_TimesAreBounded(t *testing.T) {
	long := metav1.Duration{Duration: 1000 * time.Hour}
	object := &v1alpha1.GatedSource{Spec: v1alpha1.GatedSourceSpec{Interval: metav1.Duration{Duration: time.Nanosecond}, Timeout: &long}}
	if object.GetInterval() != time.Second || object.GetRetryInterval() != time.Second || object.GetTimeout() != 10*time.Minute {
		t.Errorf("%s %s %s", object.GetInterval(), object.GetRetryInterval(), object.GetTimeout())
	}
}

// TestReconcile_ValuesOfSecretsAreShownNowhere: in what is judged first, and in
// what is judged again.
func TestReconcile_ValuesOfSecretsAreShownNowhere(t *testing.T) {
	s := newScene(t)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "settings"}, Data: map[string][]byte{
		"token": []byte("hunter2-hunter2"), "values.yaml": []byte("db: {password: swordfish-1}\nlist: [swordfish-2]"),
	}}
	if err := s.Client.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	_, hidden, err := asAccount{s.Client, "team-a", "default"}.values(t.Context(), &v1alpha1.HelmRendering{ValuesFrom: []meta.ValuesReference{{Kind: "Secret", Name: "settings"}}})
	if err != nil || !slices.Contains(hidden, "swordfish-1") || !slices.Contains(hidden, "swordfish-2") {
		t.Errorf("%v %v", hidden, err)
	}
	s.source("main@sha1:aaa", oneFile())
	s.gated(func(spec *v1alpha1.GatedSourceSpec) {
		spec.Kustomize = &v1alpha1.KustomizeRendering{PostBuild: &kustomizev1.PostBuild{SubstituteFrom: []kustomizev1.SubstituteReference{{Kind: "Secret", Name: "settings"}}}}
	})
	s.settle()
	s.judge.say = denying("the image registry.example.com/hunter2-hunter2 is not signed")
	s.source("main@sha1:bbb", map[string]string{"web.yaml": "y"})
	s.settle()
	message := conditions.Get(s.object(), meta.ReadyCondition).Message
	if strings.Contains(message, "hunter2-hunter2") || strings.Count(message, "is not signed") != 2 {
		t.Errorf("%s", message)
	}
}

// TestReconcile_ArtifactOfAHostThatIsNotListedIsNotFetched: whoever may write the
// status of a source does not choose whom the controller asks. It is no denial,
// so that nothing is withdrawn.
func TestReconcile_ArtifactOfAHostThatIsNotListedIsNotFetched(t *testing.T) {
	for _, host := range []string{"evil.example.com", "169.254.169.254", "localhost", ""} {
		s := newScene(t)
		s.source("main@sha1:aaa", oneFile())
		s.gated(func(spec *v1alpha1.GatedSourceSpec) { spec.OnDenied = v1alpha1.Withdraw })
		s.settle()
		s.source("main@sha1:bbb", map[string]string{"web.yaml": "y"})
		repository := &sourcev1.GitRepository{}
		if err := s.Client.Get(t.Context(), s.key, repository); err != nil {
			t.Fatal(err)
		}
		artifact := *repository.Status.Artifact
		if host == "" { // the twin
			if s.settle(); s.published() != "main@sha1:bbb" {
				t.Error(s.published())
			}
			continue
		}
		artifact.URL = strings.Replace(artifact.URL, "127.0.0.1", host, 1)
		s.give(&artifact)
		result := s.settle()
		s.says(metav1.ConditionFalse, "AccessDenied", "GitRepository team-a/app", host, "--source-hosts", "main@sha1:aaa stays")
		if !conditions.IsStalled(s.object()) || result.RequeueAfter != 0 || s.published() != "main@sha1:aaa" || s.judge.asked != 1 {
			t.Errorf("%s: again after %s, published %q, %d asked", host, result.RequeueAfter, s.published(), s.judge.asked)
		}
	}
}
