package flux

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/render"
)

// dripping holds up every judgement of some namespaces until it is told to let
// them go, and lets the others through.
type dripping struct {
	namespaces map[string]bool
	began      chan string
	released   chan struct{}
}

func (d *dripping) JudgeWith(ctx context.Context, source plugin.Source, _ *registry.Tenant) *plugin.Verdict {
	if d.namespaces[source.Application.SourceNamespace] {
		d.began <- source.Application.Name
		<-d.released
	}
	return passing("one")(ctx, source)
}

func (*dripping) DescribeChart(context.Context, plugin.Source, *registry.Tenant) (render.ChartFacts, error) {
	return render.ChartFacts{}, nil
}

// drips is a scene in which team-a's judgements hang.
func drips(t *testing.T) (*scene, *dripping) {
	t.Helper()
	s := newScene(t)
	slow := &dripping{namespaces: map[string]bool{"team-a": true}, began: make(chan string, 100), released: make(chan struct{})}
	s.Judge = slow
	s.source("main@sha1:aaa", oneFile())
	return s, slow
}

// another makes a GatedSource of the GitRepository team-a/app, with its
// finalizer on it.
func (s *scene) another(namespace, name string) types.NamespacedName {
	s.t.Helper()
	folder := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if err := s.Client.Create(s.t.Context(), folder); err != nil && !apierrors.IsAlreadyExists(err) {
		s.t.Fatal(err)
	}
	object := &v1alpha1.GatedSource{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Generation: 1, UID: types.UID(namespace + name), Finalizers: []string{v1alpha1.Finalizer}},
		Spec: v1alpha1.GatedSourceSpec{
			SourceRef: v1alpha1.SourceReference{Kind: sourcev1.GitRepositoryKind, Name: "app", Namespace: "team-a"}, Interval: metav1.Duration{Duration: 10 * time.Minute},
		},
	}
	if err := s.Client.Create(s.t.Context(), object); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { // of namespaces that the next test shares
		object.Finalizers = nil
		ctx := context.WithoutCancel(s.t.Context())
		_ = s.Client.Patch(ctx, object, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`)))
		_ = s.Client.Delete(ctx, object)
	})
	return client.ObjectKeyFromObject(object)
}

func (s *scene) reconciled(key types.NamespacedName) ctrl.Result {
	s.t.Helper()
	result, err := s.Reconcile(s.t.Context(), ctrl.Request{NamespacedName: key})
	if err != nil {
		s.t.Error(err)
	}
	return result
}

func (s *scene) ready(key types.NamespacedName) bool {
	s.t.Helper()
	object := &v1alpha1.GatedSource{}
	if err := s.Client.Get(s.t.Context(), key, object); err != nil {
		s.t.Fatal(err)
	}
	return conditions.IsTrue(object, meta.ReadyCondition)
}

// TestReconcile_ANamespaceHasHalfOfTheWorkersAtMost: the third judgement of
// team-a gives its worker back at once, writes nothing and is no failure, while
// team-b is judged. Once team-a has a place, it is judged, too.
func TestReconcile_ANamespaceHasHalfOfTheWorkersAtMost(t *testing.T) {
	s, slow := drips(t)
	var log strings.Builder
	s.Log = slog.New(slog.NewTextHandler(&log, nil))
	ended := make(chan ctrl.Result, 2)
	for i := range 2 {
		key := s.another("team-a", fmt.Sprintf("slow-%d", i))
		go func() { ended <- s.reconciled(key) }()
		<-slow.began
	}
	third := s.another("team-a", "third")
	for range 2 {
		if result := s.reconciled(third); result.RequeueAfter <= 0 || result.RequeueAfter > time.Second {
			t.Errorf("it is looked at again after %s", result.RequeueAfter)
		}
	}
	object := &v1alpha1.GatedSource{}
	if err := s.Client.Get(t.Context(), third, object); err != nil {
		t.Fatal(err)
	}
	if len(object.Status.Conditions) > 0 || len(s.retries.count) > 0 || len(slow.began) > 0 {
		t.Errorf("it was judged, or told to have failed: %+v", object.Status)
	}
	if told := strings.Count(log.String(), "namespace=team-a"); told != 1 || testutil.ToFloat64(s.Counted.waits.WithLabelValues("team-a")) != 2 {
		t.Errorf("the log told it %d times:\n%s", told, log.String())
	}
	if other := s.another("team-b", "other"); s.reconciled(other).RequeueAfter < 8*time.Minute || !s.ready(other) {
		t.Error("another namespace waits for team-a")
	}
	close(slow.released)
	<-ended
	<-ended
	if s.reconciled(third); !s.ready(third) {
		t.Error("it is not judged once there is a place")
	}
	if len(s.shares.spaces) > 0 {
		t.Errorf("kept of namespaces that want nothing: %v", s.shares.spaces)
	}
}

// TestReconcile_NamespacesShareAllWorkers is the twin: as many judgements, of
// several namespaces, are on their way at once.
func TestReconcile_NamespacesShareAllWorkers(t *testing.T) {
	s, slow := drips(t)
	slow.namespaces["team-b"] = true
	ended := make(chan ctrl.Result, 4)
	for i, namespace := range []string{"team-a", "team-b", "team-a", "team-b"} {
		key := s.another(namespace, fmt.Sprintf("slow-%d", i))
		go func() { ended <- s.reconciled(key) }()
		<-slow.began // none of the earlier ones has ended
	}
	close(slow.released)
	for range 4 {
		if result := <-ended; result.RequeueAfter < 8*time.Minute {
			t.Errorf("one was put off: again after %s", result.RequeueAfter)
		}
	}
}

// TestController_ManySlowSourcesHoldUpNobodyElse has the real queue and its
// workers: thirty judgements of team-a that hang were asked for before the one of
// team-b, which is the only one that ends.
func TestController_ManySlowSourcesHoldUpNobodyElse(t *testing.T) {
	s, slow := drips(t)
	var asked []reconcile.Request
	for i := range 30 {
		asked = append(asked, reconcile.Request{NamespacedName: s.another("team-a", fmt.Sprintf("slow-%02d", i))})
	}
	other := s.another("team-b", "other")
	asked = append(asked, reconcile.Request{NamespacedName: other})
	skip := true
	ended := make(chan types.NamespacedName, 100)
	made, err := controller.NewTypedUnmanaged("shares", controller.Options{
		SkipNameValidation: &skip, MaxConcurrentReconciles: s.Concurrency,
		LogConstructor: func(*reconcile.Request) logr.Logger { return logr.Discard() },
		Reconciler: reconcile.Func(func(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
			result, err := s.Reconcile(ctx, request)
			if err != nil {
				t.Error(err)
			}
			if result.RequeueAfter > time.Minute {
				ended <- request.NamespacedName
			}
			return result, err
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Watch(source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		for _, each := range asked {
			queue.Add(each)
		}
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- made.Start(ctx) }()
	if first := <-ended; first != other || !s.ready(other) {
		t.Errorf("%s ended first", first)
	}
	close(slow.released)
	for range 30 {
		<-ended // whoever waited is judged in the end
	}
	stop()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestShares_AreHalfAndOneAtLeast.
func TestShares_AreHalfAndOneAtLeast(t *testing.T) {
	for concurrency, want := range map[int]int{0: 1, 1: 1, 2: 1, 3: 1, 4: 2, 10: 5} {
		r := &Reconciler{Concurrency: concurrency}
		given := 0
		for i := range 20 {
			if r.shares.enter(types.NamespacedName{Namespace: "team-a", Name: fmt.Sprint(i)}, r.share()).leave != nil {
				given++
			}
		}
		if given != want {
			t.Errorf("of %d workers one namespace has %d", concurrency, given)
		}
	}
}

// TestShares_TheMoreWaitTheLessOftenEachAsks, within bounds; one that is gone
// does not count.
func TestShares_TheMoreWaitTheLessOftenEachAsks(t *testing.T) {
	var s shares
	held := s.enter(types.NamespacedName{Namespace: "team-a", Name: "held"}, 1)
	pause := time.Duration(0)
	for i := range 5000 {
		if pause = s.enter(types.NamespacedName{Namespace: "team-a", Name: fmt.Sprint(i)}, 1).pause; pause < leastWait/2 || pause > mostWait {
			t.Fatalf("the %d. asks again after %s", i, pause)
		}
	}
	if pause < mostWait/2 {
		t.Errorf("of 5000 each asks again after %s", pause)
	}
	for i := range 5000 {
		s.forget(types.NamespacedName{Namespace: "team-a", Name: fmt.Sprint(i)})
	}
	if again := s.enter(types.NamespacedName{Namespace: "team-a", Name: "x"}, 1); again.pause > leastWait || again.first {
		t.Errorf("%+v", again)
	}
	s.forget(types.NamespacedName{Namespace: "team-a", Name: "x"})
	held.leave()
	held.leave() // twice does nothing
	if len(s.spaces) > 0 {
		t.Errorf("%v", s.spaces)
	}
}

// TestReconcile_ShortIntervalsAreTakenAsTheLeast, and the condition says so; the
// twin asks for the least.
func TestReconcile_ShortIntervalsAreTakenAsTheLeast(t *testing.T) {
	for asked, told := range map[time.Duration]bool{time.Second: true, 10 * time.Second: false} {
		for answer, say := range map[metav1.ConditionStatus]func(context.Context, plugin.Source) *plugin.Verdict{
			metav1.ConditionTrue: passing("one"), metav1.ConditionFalse: denying("no"), metav1.ConditionUnknown: silent("no"),
		} {
			s := newScene(t)
			s.judge.say = say
			s.source("main@sha1:aaa", oneFile())
			s.gated(func(spec *v1alpha1.GatedSourceSpec) {
				spec.Interval, spec.RetryInterval = metav1.Duration{Duration: asked}, &metav1.Duration{Duration: asked}
			})
			s.settle()
			var result ctrl.Result
			for range 5 {
				result = s.settle()
			}
			if result.RequeueAfter < 5*time.Second {
				t.Errorf("%s, %s: again after %s", asked, answer, result.RequeueAfter)
			}
			ready := conditions.Get(s.object(), meta.ReadyCondition)
			said := strings.Contains(ready.Message, "spec.interval is 1s, and 10s is taken") && strings.Contains(ready.Message, "spec.retryInterval is 1s, and 10s is taken")
			if ready.Status != answer || said != told {
				t.Errorf("%s: %+v", asked, ready)
			}
		}
	}
}
