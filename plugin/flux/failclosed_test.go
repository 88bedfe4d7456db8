package flux

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/render"
)

// spoilt has one stage give a bad answer, and says how it is mended. Who is
// asked may stop the caller.
type spoilt func(s *scene, stop context.CancelFunc) (mend func())

// TestFailClosed_WhateverAStageAnswers goes through all that the controller asks,
// and all the ways not to get what was asked for: nothing of the new revision is
// published, what was published stays, it is tried again, and it heals.
func TestFailClosed_WhateverAStageAnswers(t *testing.T) {
	for stage, answers := range map[string]map[string]spoilt{
		"SourceFetch": fetches(), "Source": reads(&sourcev1.GitRepository{}), "PullSecret": reads(&corev1.Secret{}), "Values": reads(&corev1.ConfigMap{}),
		"Renderer": renders(), "Chart": charts(), "Store": stores(), "StatusWrite": writes(0), "ArtifactWrite": writes(1),
	} {
		for answer, spoil := range answers {
			t.Run(stage+"/"+answer, func(t *testing.T) {
				t.Parallel()
				s := readyToFail(t)
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				mend := spoil(s, stop)
				result, err := s.Reconcile(ctx, ctrl.Request{NamespacedName: s.key})
				// What passed is noted before it is published.
				if noted := s.object().Status.PublishedRevision; s.published() != "main@sha1:aaa" || noted != "main@sha1:aaa" && stage != "ArtifactWrite" {
					t.Errorf("published %q: %+v", s.published(), s.object().Status.Conditions)
				}
				if ready := conditions.Get(s.object(), meta.ReadyCondition); ready.Status == metav1.ConditionTrue && strings.Contains(ready.Message, "bbb") {
					t.Errorf("it is ready: %s", ready.Message)
				}
				if err == nil && result.RequeueAfter <= 0 {
					t.Error("nobody tries again")
				}
				mend()
				if s.settle(); s.published() != "main@sha1:bbb" {
					t.Errorf("it did not heal: %+v", s.object().Status.Conditions)
				}
			})
		}
	}
}

// readyToFail is a scene in which a chart with values and a pull secret was
// published, and a next revision passes if nothing is in the way.
func readyToFail(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	for _, object := range []client.Object{
		secretOf(corev1.SecretTypeDockerConfigJson, ".dockerconfigjson", `{"auths":{"registry.example.com":{"username":"puller","password":"hunter2"}}}`),
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "values"}, Data: map[string]string{"values.yaml": "a: b"}},
	} {
		if err := s.Client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	s.source("main@sha1:aaa", oneFile())
	s.gated(func(spec *v1alpha1.GatedSourceSpec) {
		spec.Helm = &v1alpha1.HelmRendering{ValuesFrom: []meta.ValuesReference{{Kind: "ConfigMap", Name: "values"}}}
		spec.PullSecretRef = &meta.LocalObjectReference{Name: "pull"}
		spec.Timeout = &metav1.Duration{Duration: time.Minute}
	})
	s.settle()
	s.says(metav1.ConditionTrue, meta.SucceededReason)
	s.source("main@sha1:bbb", map[string]string{"web.yaml": "y"})
	s.judge.say = passing("two")
	return s
}

// hasty gives a judgement little time, until it is mended.
func (s *scene) hasty(mend func()) func() {
	s.t.Helper()
	set := func(d time.Duration) {
		object := s.object()
		object.Spec.Timeout = &metav1.Duration{Duration: d}
		if err := s.Client.Update(s.t.Context(), object); err != nil {
			s.t.Fatal(err)
		}
	}
	set(300 * time.Millisecond)
	return func() {
		mend()
		set(time.Minute)
	}
}

// fetches are a file server's answers.
func fetches() map[string]spoilt {
	serve := func(answer func(stop context.CancelFunc) http.HandlerFunc) spoilt {
		return func(s *scene, stop context.CancelFunc) func() {
			server := httptest.NewServer(answer(stop))
			s.t.Cleanup(server.Close)
			was := *s.artifact()
			bad := was
			bad.URL = server.URL + artifactPath
			s.give(&bad)
			return func() { s.give(&was) }
		}
	}
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	return map[string]spoilt{
		"WrongAnswer": serve(func(context.CancelFunc) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("another")) }
		}),
		"NoAnswer": serve(func(context.CancelFunc) http.HandlerFunc {
			return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		}),
		"EmptyAnswer": serve(func(context.CancelFunc) http.HandlerFunc { return func(http.ResponseWriter, *http.Request) {} }),
		"Timeout": func(s *scene, stop context.CancelFunc) func() {
			return s.hasty(serve(func(context.CancelFunc) http.HandlerFunc { return hang })(s, stop))
		},
		"Cancelled": serve(func(stop context.CancelFunc) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { stop(); hang(w, r) }
		}),
	}
}

// artifact is what the GitRepository app gives out.
func (s *scene) artifact() *meta.Artifact {
	s.t.Helper()
	repository := &sourcev1.GitRepository{}
	if err := s.Client.Get(s.t.Context(), s.key, repository); err != nil {
		s.t.Fatal(err)
	}
	return repository.Status.Artifact
}

// asked answers in the place of an API server about objects of one kind.
type asked struct {
	client.Client

	kind   client.Object
	answer func(context.Context) error
}

func (a asked) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	if sameKind(a.kind, object) {
		return a.answer(ctx)
	}
	return a.Client.Get(ctx, key, object, options...)
}

func sameKind(a, b client.Object) bool {
	switch a.(type) {
	case *sourcev1.GitRepository:
		_, same := b.(*sourcev1.GitRepository)
		return same
	case *corev1.Secret:
		_, same := b.(*corev1.Secret)
		return same
	}
	_, same := b.(*corev1.ConfigMap)
	return same
}

// reads are an API server's answers about objects of a kind. An empty one is an
// object without anything in it.
func reads(kind client.Object) map[string]spoilt {
	answered := func(answer func(ctx context.Context, stop context.CancelFunc) error) spoilt {
		return func(s *scene, stop context.CancelFunc) func() {
			whole := s.Client
			s.Client = asked{whole, kind, func(ctx context.Context) error { return answer(ctx, stop) }}
			s.Accounts = sameAccount{s.Client}
			return func() { s.Client, s.Accounts = whole, sameAccount{whole} }
		}
	}
	hang := func(ctx context.Context, _ context.CancelFunc) error {
		<-ctx.Done()
		return ctx.Err()
	}
	return map[string]spoilt{
		"WrongAnswer": answered(func(context.Context, context.CancelFunc) error {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "things"}, "app", errors.New("no"))
		}),
		"NoAnswer":    answered(func(context.Context, context.CancelFunc) error { return errors.New("connection refused") }),
		"EmptyAnswer": answered(func(context.Context, context.CancelFunc) error { return nil }),
		"Timeout":     func(s *scene, stop context.CancelFunc) func() { return s.hasty(answered(hang)(s, stop)) },
		"Cancelled":   answered(func(ctx context.Context, stop context.CancelFunc) error { stop(); return hang(ctx, stop) }),
	}
}

// rendering is a renderer of one answer.
type rendering func(context.Context) (plugin.Rendering, error)

func (r rendering) Render(ctx context.Context, _ plugin.Source) (plugin.Rendering, error) {
	return r(ctx)
}

// renders are a render worker's answers, within a whole pipeline.
func renders() map[string]spoilt {
	answered := func(answer func(ctx context.Context, stop context.CancelFunc) (plugin.Rendering, error)) spoilt {
		return func(s *scene, stop context.CancelFunc) func() {
			good := s.judge.say
			s.judge.say = func(ctx context.Context, source plugin.Source) *plugin.Verdict {
				pipeline := &plugin.Pipeline{
					Renderer: rendering(func(ctx context.Context) (plugin.Rendering, error) { return answer(ctx, stop) }), Resolver: noImages{}, Encoding: plugin.JSONEncoding{},
					Gates: []plugin.GateStages{{Name: "test", Deny: true, Verifiers: []plugin.Verifier{noImages{}}}},
				}
				return pipeline.Run(ctx, source)
			}
			return func() { s.judge.say = good }
		}
	}
	hang := func(ctx context.Context, _ context.CancelFunc) (plugin.Rendering, error) {
		<-ctx.Done()
		return plugin.Rendering{}, context.Cause(ctx)
	}
	fails := func(err error) spoilt {
		return answered(func(context.Context, context.CancelFunc) (plugin.Rendering, error) { return plugin.Rendering{}, err })
	}
	return map[string]spoilt{
		"WrongAnswer": fails(&plugin.Refusal{Rule: "render/failed", Message: "the template is broken", Hint: "mend it"}),
		"NoAnswer":    fails(&plugin.StageError{Stage: "render", Subject: "a worker", Cause: errors.New("it does not start"), Hint: "it is tried again"}),
		"EmptyAnswer": fails(nil),
		"Timeout":     func(s *scene, stop context.CancelFunc) func() { return s.hasty(answered(hang)(s, stop)) },
		"Cancelled": answered(func(ctx context.Context, stop context.CancelFunc) (plugin.Rendering, error) {
			stop()
			return hang(ctx, stop)
		}),
	}
}

// charts are a render worker's answers about the chart that was judged.
func charts() map[string]spoilt {
	answered := func(facts render.ChartFacts, err error) spoilt {
		return func(s *scene, _ context.CancelFunc) func() {
			good := s.judge.chart
			s.judge.chart, s.judge.noChart = facts, err
			return func() { s.judge.chart, s.judge.noChart = good, nil }
		}
	}
	return map[string]spoilt{
		"WrongAnswer": answered(render.ChartFacts{Name: "app", Version: "one"}, nil),
		"NoAnswer":    answered(render.ChartFacts{}, errors.New("the worker has died")),
		"EmptyAnswer": answered(render.ChartFacts{}, nil),
		"Timeout":     answered(render.ChartFacts{}, context.DeadlineExceeded),
		"Cancelled":   answered(render.ChartFacts{}, context.Canceled),
	}
}

// stores have the work end before what passed is stored: the disk's own answers
// are in the store's tests.
func stores() map[string]spoilt {
	after := func(then func(ctx context.Context, stop context.CancelFunc)) spoilt {
		return func(s *scene, stop context.CancelFunc) func() {
			good := s.judge.say
			s.judge.say = func(ctx context.Context, source plugin.Source) *plugin.Verdict {
				verdict := good(ctx, source)
				then(ctx, stop)
				return verdict
			}
			return func() { s.judge.say = good }
		}
	}
	return map[string]spoilt{
		"Timeout": func(s *scene, stop context.CancelFunc) func() {
			return s.hasty(after(func(ctx context.Context, _ context.CancelFunc) { <-ctx.Done() })(s, stop))
		},
		"Cancelled": after(func(_ context.Context, stop context.CancelFunc) { stop() }),
	}
}

// writes are an API server's answers to what is written after that many writes:
// the note of what is published first, and the ExternalArtifact then.
func writes(before int) map[string]spoilt {
	answered := func(err error) spoilt {
		return func(s *scene, _ context.CancelFunc) func() {
			whole := s.Client
			s.Client = &mortal{Client: whole, left: before, with: err}
			return func() { s.Client = whole }
		}
	}
	return map[string]spoilt{
		"WrongAnswer": answered(apierrors.NewConflict(schema.GroupResource{Resource: "gatedsources"}, "app", errors.New("it has changed"))),
		"NoAnswer":    answered(errors.New("connection refused")),
		"Timeout":     answered(context.DeadlineExceeded),
		"Cancelled":   answered(context.Canceled),
	}
}

// hanging is an API server that takes a connection and says nothing.
type hanging struct{ client.Reader }

func (hanging) Get(ctx context.Context, _ client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// TestFailClosed_APIServerThatHangsHoldsNoWorker: the question is given up, and
// the namespace's place is free again.
func TestFailClosed_APIServerThatHangsHoldsNoWorker(t *testing.T) {
	s := readyToFail(t)
	live := s.Live
	s.Live = hanging{live}
	synctest.Test(t, func(t *testing.T) {
		if _, err := s.Reconcile(t.Context(), ctrl.Request{NamespacedName: s.key}); err == nil || !strings.Contains(err.Error(), "no answer within 10s") {
			t.Errorf("got %v", err)
		}
	})
	if len(s.shares.spaces) != 0 || s.published() != "main@sha1:aaa" {
		t.Errorf("published %q, in work %v", s.published(), s.shares.spaces)
	}
	s.Live = live
	if s.settle(); s.published() != "main@sha1:bbb" {
		t.Error(s.published())
	}
}
