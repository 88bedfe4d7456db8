package flux

import (
	"context"
	"fmt"
	"maps"
	"reflect"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/fluxcd/pkg/runtime/predicates"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/assay-gitops/assay/plugin/flux/publish"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// SetupWithManager lets the manager call the reconciler: for each GatedSource
// that changes or is asked for, and for those whose source has a new artifact.
// The limiter spaces retries of what ended with an error.
func (r *Reconciler) SetupWithManager(ctx context.Context, manager ctrl.Manager, limiter workqueue.TypedRateLimiter[reconcile.Request]) error {
	made := ctrl.NewControllerManagedBy(manager).
		Named("gatedsource"). // as in the metrics of Flux's own controllers
		For(&v1alpha1.GatedSource{}, builder.WithPredicates(
			predicate.Or(predicate.GenerationChangedPredicate{}, predicates.ReconcileRequestedPredicate{}, eventAnnotationsChanged{}))).
		Owns(&sourcev1.ExternalArtifact{}, builder.WithPredicates(takenAway{})).
		WithOptions(controller.Options{RateLimiter: limiter, MaxConcurrentReconciles: r.Concurrency})
	for kind, make := range sourceKinds() {
		index := indexOf(kind)
		if err := manager.GetFieldIndexer().IndexField(ctx, &v1alpha1.GatedSource{}, index, namesSource(kind)); err != nil {
			return fmt.Errorf("indexing GatedSources by their %s: %w", kind, err)
		}
		made = made.Watches(make(), handler.EnqueueRequestsFromMapFunc(r.usersOf(index)), builder.WithPredicates(newArtifact{}))
	}
	if err := made.Complete(r); err != nil {
		return fmt.Errorf("setting up the controller: %w", err)
	}
	return nil
}

// indexOf is the index of GatedSources by a source of the kind.
func indexOf(kind string) string { return ".spec.sourceRef." + kind }

func namesSource(kind string) client.IndexerFunc {
	return func(object client.Object) []string {
		gated, is := object.(*v1alpha1.GatedSource)
		if !is || gated.Spec.SourceRef.Kind != kind {
			return nil
		}
		return []string{sourceKey(gated).String()}
	}
}

// usersOf are the GatedSources that name a source.
func (r *Reconciler) usersOf(index string) handler.MapFunc {
	return func(ctx context.Context, source client.Object) []reconcile.Request {
		var users v1alpha1.GatedSourceList
		if err := r.Client.List(ctx, &users, client.MatchingFields{index: client.ObjectKeyFromObject(source).String()}); err != nil {
			r.Log.Error("looking for the GatedSources of a source", "source", client.ObjectKeyFromObject(source).String(), "problem", err.Error())
			return nil
		}
		requests := make([]reconcile.Request, len(users.Items))
		for i := range users.Items {
			requests[i].NamespacedName = types.NamespacedName{Namespace: users.Items[i].Namespace, Name: users.Items[i].Name}
		}
		return requests
	}
}

// newArtifact passes sources whose artifact is another one, and those that
// come and go.
type newArtifact struct{ predicate.Funcs }

// Update implements predicate.Predicate.
func (newArtifact) Update(e event.UpdateEvent) bool {
	before, is := e.ObjectOld.(fluxSource)
	after, also := e.ObjectNew.(fluxSource)
	if !is || !also {
		return false
	}
	switch was, now := before.GetArtifact(), after.GetArtifact(); {
	case was == nil || now == nil:
		return was != now
	default:
		return was.Digest != now.Digest || was.Revision != now.Revision || was.URL != now.URL
	}
}

// takenAway passes ExternalArtifacts that somebody else deleted or changed;
// what this controller writes is found equal at the next look.
type takenAway struct{ predicate.Funcs }

// Create implements predicate.Predicate.
func (takenAway) Create(event.CreateEvent) bool { return false }

// Update implements predicate.Predicate.
func (takenAway) Update(e event.UpdateEvent) bool {
	before, is := e.ObjectOld.(*sourcev1.ExternalArtifact)
	after, also := e.ObjectNew.(*sourcev1.ExternalArtifact)
	return is && also && (!reflect.DeepEqual(before.Spec, after.Spec) || before.Status.Artifact != nil && after.Status.Artifact == nil)
}

// eventAnnotationsChanged passes GatedSources whose annotations for events are
// others, as they are carried on.
type eventAnnotationsChanged struct{ predicate.Funcs }

// Update implements predicate.Predicate.
func (eventAnnotationsChanged) Update(e event.UpdateEvent) bool {
	return !maps.Equal(publish.EventAnnotations(e.ObjectOld), publish.EventAnnotations(e.ObjectNew))
}
