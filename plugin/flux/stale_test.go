package flux

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// mortal is a client of a process that is killed: some writes arrive, and
// nothing after them does.
type mortal struct {
	client.Client

	left int
	// with is what they are answered; nil is [errKilled].
	with error
}

var errKilled = errors.New("killed")

func (m *mortal) lives() error {
	switch m.left--; {
	case m.left >= 0:
		return nil
	case m.with != nil:
		return m.with
	}
	return errKilled
}

func (m *mortal) Patch(ctx context.Context, object client.Object, patch client.Patch, options ...client.PatchOption) error {
	if err := m.lives(); err != nil {
		return err
	}
	return m.Client.Patch(ctx, object, patch, options...)
}

func (m *mortal) Apply(ctx context.Context, object runtime.ApplyConfiguration, options ...client.ApplyOption) error {
	if err := m.lives(); err != nil {
		return err
	}
	return m.Client.Apply(ctx, object, options...)
}

func (m *mortal) Status() client.SubResourceWriter { return mortalStatus{m.Client.Status(), m} }

type mortalStatus struct {
	client.SubResourceWriter

	of *mortal
}

func (m mortalStatus) Patch(ctx context.Context, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption) error {
	if err := m.of.lives(); err != nil {
		return err
	}
	return m.SubResourceWriter.Patch(ctx, object, patch, options...)
}

func (m mortalStatus) Apply(ctx context.Context, object runtime.ApplyConfiguration, options ...client.SubResourceApplyOption) error {
	if err := m.of.lives(); err != nil {
		return err
	}
	return m.SubResourceWriter.Apply(ctx, object, options...)
}

// killedWhile has the process die after some writes of a try, and starts another
// one with the same disk.
func (s *scene) killedWhile(writes int) {
	s.t.Helper()
	whole := s.Client
	s.Client = &mortal{Client: whole, left: writes}
	_, _ = s.Reconcile(s.t.Context(), ctrl.Request{NamespacedName: s.key})
	s.Client, s.retries, s.shares = whole, retries{}, shares{}
}

// afterwards are what the next try may come to without an answer about the
// revision that was denied.
func afterwards() map[string]func(*scene) {
	return map[string]func(*scene){
		"TheRegistryIsDown": func(s *scene) { s.judge.say = silent("the registry is down") },
		"TheArtifactCannotBeHad": func(s *scene) {
			s.source("main@sha1:ccc", map[string]string{"web.yaml": "w"})
			delete(s.files, artifactPath)
		},
		"TheSourceHasNoArtifact":  func(s *scene) { s.give(nil) },
		"TheInputsCannotBeRead":   func(s *scene) { s.Accounts = noAccounts{} },
		"TheDiskTakesNothingMore": func(s *scene) { s.cramped(); s.judge.say = passing(large(s.t, 400)) },
	}
}

type noAccounts struct{}

func (noAccounts) As(string, string) (client.Client, error) { return nil, errors.New("no answer") }

// TestWithdraw_KilledBetweenNotingAndApplyingIsFinished by the process that comes
// next, whatever its own answer is; the twin was killed before anything was
// noted, and nothing but a denial withdraws then. It is killed after each of its
// writes in turn.
func TestWithdraw_KilledBetweenNotingAndApplyingIsFinished(t *testing.T) {
	next := afterwards()
	next["ItIsDenied"] = func(*scene) {}
	for name, then := range next {
		between := 0
		for writes := range 5 {
			t.Run(fmt.Sprintf("%s/%d", name, writes), func(t *testing.T) {
				s := newScene(t)
				s.source("main@sha1:aaa", oneFile())
				s.gated(func(spec *v1alpha1.GatedSourceSpec) { spec.OnDenied = v1alpha1.Withdraw })
				s.settle()
				s.judge.say = denying("no signature by team-a")
				s.source("main@sha1:bbb", map[string]string{"web.yaml": "y"})
				s.killedWhile(writes)
				noted, pointed := s.object().Status.Artifact == nil, s.external().Status.Artifact != nil
				if !noted && !pointed {
					t.Error("it was withdrawn before that was noted")
				}
				if noted && pointed {
					between++
				}
				then(s)
				s.settle()
				if left := s.external().Status.Artifact; (left == nil) != (noted || name == "ItIsDenied") || (left == nil) != (s.object().Status.Artifact == nil) {
					t.Errorf("noted: %v, and published is %+v", noted, left)
				}
			})
		}
		if between == 0 {
			t.Errorf("%s: it was never killed in between", name)
		}
	}
}

// behind is a cache that has not heard of what was written last, until it is
// asked again.
type behind struct {
	client.Client

	old *v1alpha1.GatedSource
}

func (b *behind) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	if gated, is := object.(*v1alpha1.GatedSource); is && b.old != nil {
		b.old.DeepCopyInto(gated)
		b.old = nil
		return nil
	}
	return b.Client.Get(ctx, key, object, options...)
}

// TestReconcile_CacheThatIsBehindPutsNothingBack: not what was withdrawn, not
// what is older, and not nothing.
func TestReconcile_CacheThatIsBehindPutsNothingBack(t *testing.T) {
	next := afterwards()
	next["ItIsDenied"] = func(s *scene) {
		s.judge.say = denying("no")
		s.source("main@sha1:ddd", map[string]string{"web.yaml": "z"})
	}
	for name, then := range next {
		t.Run(name+"/withdrawn", func(t *testing.T) {
			s := newScene(t)
			s.source("main@sha1:aaa", oneFile())
			s.gated(func(spec *v1alpha1.GatedSourceSpec) { spec.OnDenied = v1alpha1.Withdraw })
			s.settle()
			old := s.object()
			s.judge.say = denying("no")
			s.settle()
			s.lookedAtFrom(old, then)
			if s.published() != "" || s.object().Status.Artifact != nil {
				t.Errorf("%q was put back", s.published())
			}
		})
		t.Run(name+"/newer", func(t *testing.T) {
			s := newScene(t)
			s.source("main@sha1:aaa", oneFile())
			s.gated(nil)
			s.settle()
			old := s.object()
			s.judge.say = passing("two")
			s.source("main@sha1:bbb", map[string]string{"web.yaml": "y"})
			s.settle()
			s.lookedAtFrom(old, then)
			if made := s.external().Status.Artifact; made == nil || made.Metadata[originRevision] != "main@sha1:bbb" || s.object().Status.PublishedRevision != "main@sha1:bbb" {
				t.Errorf("published is %+v", made)
			}
		})
		t.Run(name+"/first", func(t *testing.T) {
			s := newScene(t)
			s.source("main@sha1:aaa", oneFile())
			s.gated(nil)
			if _, err := s.Reconcile(t.Context(), ctrl.Request{NamespacedName: s.key}); err != nil { // the finalizer
				t.Fatal(err)
			}
			old := s.object()
			s.settle()
			s.lookedAtFrom(old, then)
			if made := s.external().Status.Artifact; made == nil || s.object().Status.Artifact == nil {
				t.Error("it was taken away")
			}
		})
	}
}

// lookedAtFrom reconciles with a cache that has an old state.
func (s *scene) lookedAtFrom(old *v1alpha1.GatedSource, then func(*scene)) {
	s.t.Helper()
	then(s)
	whole := s.Client
	s.Client = &behind{whole, old}
	if _, err := s.Reconcile(s.t.Context(), ctrl.Request{NamespacedName: s.key}); err != nil {
		s.t.Fatal(err)
	}
	s.Client = whole
}

// TestReconcile_StatusThatCannotBeReadChangesNothing: it is an error, which the
// queue tries again; the twin can be read.
func TestReconcile_StatusThatCannotBeReadChangesNothing(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.gated(nil)
	s.settle()
	before, external := s.object().ResourceVersion, s.external().ResourceVersion
	s.judge.say = denying("no")
	live := s.Live
	s.Live = unread{live}
	if _, err := s.Reconcile(t.Context(), ctrl.Request{NamespacedName: s.key}); err == nil || !strings.Contains(err.Error(), "reading GatedSource team-a/app") {
		t.Errorf("got %v", err)
	}
	if s.object().ResourceVersion != before || s.external().ResourceVersion != external {
		t.Error("something was written")
	}
	s.Live = live
	s.settle()
	s.says(metav1.ConditionFalse, "VerificationFailed")
}

type unread struct{ client.Reader }

func (unread) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return errors.New("no answer")
}

// TestReconcile_WithdrawalThatFailsIsTriedAgainSoon, and not after the interval,
// which is an hour here.
func TestReconcile_WithdrawalThatFailsIsTriedAgainSoon(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	s.gated(func(spec *v1alpha1.GatedSourceSpec) {
		spec.OnDenied, spec.Interval = v1alpha1.Withdraw, metav1.Duration{Duration: time.Hour}
	})
	s.settle()
	s.says(metav1.ConditionTrue, meta.SucceededReason)
	s.judge.say = denying("no")
	whole := s.Client
	s.Client = &mortal{Client: whole, left: 2}
	result, _ := s.Reconcile(t.Context(), ctrl.Request{NamespacedName: s.key})
	s.Client = whole
	if result.RequeueAfter <= 0 || result.RequeueAfter > time.Minute {
		t.Errorf("again after %s", result.RequeueAfter)
	}
	if result := s.settle(); s.published() != "" || result.RequeueAfter < 50*time.Minute {
		t.Errorf("published %q, again after %s", s.published(), result.RequeueAfter)
	}
}
