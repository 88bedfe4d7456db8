package flux

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	runtimectrl "github.com/fluxcd/pkg/runtime/controller"
	"github.com/fluxcd/pkg/runtime/jitter"
	"github.com/fluxcd/pkg/runtime/patch"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/publish"
	"github.com/assay-gitops/assay/plugin/flux/tree"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/render"
	"github.com/assay-gitops/assay/plugin/report"
)

// ControllerName is the field manager, and what reports events.
const ControllerName = "assay-source"

// Judge answers about one application. plugin/setup has the one that counts.
type Judge interface {
	// JudgeWith judges with the credentials that the application brings, if any.
	JudgeWith(ctx context.Context, source plugin.Source, tenant *registry.Tenant) *plugin.Verdict
	// DescribeChart reads the chart that a source renders, its dependencies
	// included. Errors are those of a renderer.
	DescribeChart(ctx context.Context, source plugin.Source, tenant *registry.Tenant) (render.ChartFacts, error)
}

// Reconciler judges GatedSources and publishes what passes. All fields are
// required but those that say otherwise.
type Reconciler struct {
	// Client writes GatedSources and ExternalArtifacts, and reads sources.
	Client client.Client
	// Live reads what is judged next from the API server itself: a cache may be
	// behind what this process, or the one before it, has noted as published or
	// withdrawn.
	Live client.Reader
	// Accounts read ConfigMaps and Secrets as service accounts.
	Accounts Accounts
	// Judge judges, and GateDigest tells its configuration.
	Judge      Judge
	GateDigest string

	// Trees holds what sources give out, and Store what is published.
	Trees *tree.Store
	Store *publish.Store
	// Reach looks whether consumers get at what is published; nil does not.
	Reach *Reach
	// Cluster says what the API server offers; charts ask for it.
	Cluster Cluster
	// Events tells users; Metrics counts under Flux's names.
	Events  record.EventRecorder
	Metrics runtimectrl.Metrics
	// Traces get a span for each judgement; nil is nobody.
	Traces trace.TracerProvider
	// Counted are assay's own metrics.
	Counted *Counters
	// Log is the controller's, and Journal writes the reports of verdicts into it.
	Log     *slog.Logger
	Journal report.Journal
	// Clock is the time of conditions.
	Clock func() time.Time
	// NoCrossNamespaceRefs refuses sources of other namespaces.
	NoCrossNamespaceRefs bool
	// DefaultServiceAccount is taken where a GatedSource names none.
	DefaultServiceAccount string
	// RequeueDependency is when a source that is not ready is looked at again,
	// should its change not be heard of.
	RequeueDependency time.Duration
	// Concurrency is how many GatedSources are judged at once; one namespace has
	// half of them at most, and one at least.
	Concurrency int
	// LeastInterval is the shortest interval and retryInterval that a GatedSource
	// may ask for; a shorter one is taken as this.
	LeastInterval time.Duration

	retries retries
	shares  shares
}

// Reconcile brings one GatedSource and what is published for it up to date. It
// implements reconcile.Reconciler.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	object := &v1alpha1.GatedSource{}
	if err := r.Client.Get(ctx, request.NamespacedName, object); err != nil {
		if apierrors.IsNotFound(err) {
			return ctrl.Result{}, r.gone(request.NamespacedName)
		}
		return ctrl.Result{}, fmt.Errorf("reading GatedSource %s: %w", request.NamespacedName, err)
	}
	if !object.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, r.finalize(ctx, object)
	}
	if !controllerutil.ContainsFinalizer(object, v1alpha1.Finalizer) {
		return r.hold(ctx, object)
	}
	if object.Spec.Suspend {
		r.forget(request.NamespacedName)
		return r.look(ctx, object)
	}
	place := r.shares.enter(request.NamespacedName, r.share())
	if place.leave == nil {
		return r.putOff(object, place), nil
	}
	defer place.leave()
	live, err := r.live(ctx, request.NamespacedName)
	if err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(fmt.Errorf("reading GatedSource %s: %w", request.NamespacedName, err))
	}
	if !live.DeletionTimestamp.IsZero() || !controllerutil.ContainsFinalizer(live, v1alpha1.Finalizer) {
		return ctrl.Result{}, nil // the cache tells of it in a moment
	}
	return r.look(ctx, live)
}

// share is how many GatedSources of one namespace are judged at once.
func (r *Reconciler) share() int { return max(1, r.Concurrency/2) }

// putOff frees the worker for other namespaces. It is no failure: nothing is
// written, and the next try comes no later for it.
func (r *Reconciler) putOff(object *v1alpha1.GatedSource, place turn) ctrl.Result {
	r.Counted.putOff(object.Namespace)
	if place.first {
		r.Log.Warn("a namespace has its share of the workers, and its other GatedSources wait", "namespace", object.Namespace, "judged", r.share(), "concurrent", r.Concurrency)
	}
	return ctrl.Result{RequeueAfter: place.pause}
}

// forget drops what is kept of an object that is not judged any more.
func (r *Reconciler) forget(key types.NamespacedName) {
	r.retries.forget(key)
	r.shares.forget(key)
}

// look judges one GatedSource and writes what came of it.
func (r *Reconciler) look(ctx context.Context, object *v1alpha1.GatedSource) (result ctrl.Result, failed error) {
	began := r.Clock()
	patcher := patch.NewSerialPatcher(object, r.Client)
	defer func() {
		r.Metrics.RecordDuration(ctx, object, began)
		r.Metrics.RecordReadiness(ctx, object)
		r.Metrics.RecordStalled(ctx, object)
		if err := r.writeStatus(ctx, object, patcher); err != nil {
			failed = errors.Join(failed, err)
		}
	}()
	r.Metrics.RecordSuspend(ctx, object, object.Spec.Suspend)
	if object.Spec.Suspend {
		return ctrl.Result{}, nil
	}
	if err := r.announce(ctx, object, patcher); err != nil {
		return ctrl.Result{}, err
	}
	return r.try(ctx, object, patcher), nil
}

// hold puts the finalizer on, before anything is published for the object.
func (r *Reconciler) hold(ctx context.Context, object *v1alpha1.GatedSource) (ctrl.Result, error) {
	bounded, cancel := answering(ctx)
	defer cancel()
	before := object.DeepCopy()
	controllerutil.AddFinalizer(object, v1alpha1.Finalizer)
	if err := r.Client.Patch(bounded, object, client.MergeFrom(before)); err != nil {
		return ctrl.Result{}, fmt.Errorf("adding the finalizer to GatedSource %s/%s: %w", object.Namespace, object.Name, err)
	}
	return ctrl.Result{RequeueAfter: time.Millisecond}, nil
}

// announce says that a new generation is being judged, so that nobody reads
// the last one's conditions as its answer.
func (r *Reconciler) announce(ctx context.Context, object *v1alpha1.GatedSource, patcher *patch.SerialPatcher) error {
	if object.Generation == object.Status.ObservedGeneration {
		return nil
	}
	bounded, cancel := answering(ctx)
	defer cancel()
	conditions.MarkReconciling(object, meta.ProgressingReason, "judging generation %d", object.Generation)
	conditions.MarkUnknown(object, meta.ReadyCondition, meta.ProgressingReason, "judging generation %d", object.Generation)
	if err := patcher.Patch(bounded, object, statusOptions()...); err != nil {
		return fmt.Errorf("writing the status of GatedSource %s/%s: %w", object.Namespace, object.Name, err)
	}
	return nil
}

// try judges within the object's deadline and says when to look again.
func (r *Reconciler) try(ctx context.Context, object *v1alpha1.GatedSource, patcher *patch.SerialPatcher) ctrl.Result {
	bounded, cancel := context.WithTimeoutCause(ctx, object.GetTimeout(), fmt.Errorf("the timeout of %s (spec.timeout) has passed", object.GetTimeout()))
	defer cancel()
	outcome := r.traced(bounded, object)
	outcome.hurried = r.hurried(object)
	if outcome.publish != nil {
		if err := r.publish(bounded, object, &outcome, patcher); err != nil {
			outcome = outcome.notStored(err)
		}
	}
	if err := r.tell(ctx, object, outcome, patcher); err != nil {
		r.Log.Error("telling the ExternalArtifact", "namespace", object.Namespace, "name", object.ArtifactName(), "problem", err.Error())
		outcome.next = nextRetry // what is to be withdrawn is there until then
	}
	key := types.NamespacedName{Namespace: object.Namespace, Name: object.Name}
	switch outcome.next {
	case nextInterval:
		r.retries.forget(key)
		return ctrl.Result{RequeueAfter: jitter.JitteredIntervalDuration(max(object.GetInterval(), r.LeastInterval))}
	case nextChange:
		r.retries.forget(key)
		return ctrl.Result{}
	case nextDependency:
		return ctrl.Result{RequeueAfter: r.RequeueDependency}
	case nextRetry:
	}
	return ctrl.Result{RequeueAfter: r.retries.next(key, max(object.GetRetryInterval(), r.LeastInterval))}
}

// hurried says which times of the object are not taken as they are written.
func (r *Reconciler) hurried(object *v1alpha1.GatedSource) string {
	text := ""
	if written := object.Spec.Interval.Duration; written < r.LeastInterval {
		text += fmt.Sprintf("; spec.interval is %s, and %s is taken, the least here (--min-interval)", written, r.LeastInterval)
	}
	if written := object.Spec.RetryInterval; written != nil && written.Duration < r.LeastInterval {
		text += fmt.Sprintf("; spec.retryInterval is %s, and %s is taken, the least here (--min-interval)", written.Duration, r.LeastInterval)
	}
	return text
}

func (r *Reconciler) writeStatus(ctx context.Context, object *v1alpha1.GatedSource, patcher *patch.SerialPatcher) error {
	object.Status.ObservedGeneration = object.Generation
	if requested, asked := meta.ReconcileAnnotationValue(object.Annotations); asked {
		object.Status.SetLastHandledReconcileRequest(requested)
	}
	// What was judged is told even when the caller's time has passed.
	bounded, cancel := answering(context.WithoutCancel(ctx))
	defer cancel()
	if err := patcher.Patch(bounded, object, statusOptions()...); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the status of GatedSource %s/%s: %w", object.Namespace, object.Name, err)
	}
	return nil
}

func statusOptions() []patch.Option {
	return []patch.Option{
		patch.WithFieldOwner(ControllerName), patch.WithForceOverwriteConditions{},
		patch.WithOwnedConditions{Conditions: []string{meta.ReadyCondition, meta.ReconcilingCondition, meta.StalledCondition}},
	}
}

// finalize takes away what was published; the ExternalArtifact goes with its
// owner.
func (r *Reconciler) finalize(ctx context.Context, object *v1alpha1.GatedSource) error {
	if !controllerutil.ContainsFinalizer(object, v1alpha1.Finalizer) {
		return nil
	}
	key := types.NamespacedName{Namespace: object.Namespace, Name: object.Name}
	r.forget(key)
	r.untell(key)
	if err := r.Store.Remove(keyOf(object)); err != nil {
		return fmt.Errorf("removing what was published for GatedSource %s/%s: %w", object.Namespace, object.Name, err)
	}
	bounded, cancel := answering(ctx)
	defer cancel()
	before := object.DeepCopy()
	controllerutil.RemoveFinalizer(object, v1alpha1.Finalizer)
	if err := r.Client.Patch(bounded, object, client.MergeFrom(before)); err != nil {
		return client.IgnoreNotFound(fmt.Errorf("removing the finalizer of GatedSource %s/%s: %w", object.Namespace, object.Name, err))
	}
	return nil
}

// gone is finalize for an object whose finalizer somebody else took off, or
// whose labels made it another shard's: its files would take room for ever.
func (r *Reconciler) gone(key types.NamespacedName) error {
	r.forget(key)
	r.untell(key)
	if err := r.Store.Remove(publish.Key{Namespace: key.Namespace, Name: v1alpha1.ArtifactPrefix + key.Name}); err != nil {
		return fmt.Errorf("removing what was published for GatedSource %s, which is gone: %w", key, err)
	}
	return nil
}

func keyOf(object *v1alpha1.GatedSource) publish.Key {
	return publish.Key{Namespace: object.Namespace, Name: object.ArtifactName()}
}
