package flux

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	eventv1 "github.com/fluxcd/pkg/apis/event/v1beta1"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	"github.com/fluxcd/pkg/runtime/patch"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/publish"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/report"
)

// Door is how texts name this door.
func Door() report.Door {
	return report.Door{Log: ControllerName, Again: "soon, and again after spec.retryInterval", Sharer: "namespace"}
}

// tell writes what came of a try where people look: the object's conditions,
// the ExternalArtifact's, an event when something changed, the log and the
// metrics. The error is that of the ExternalArtifact, which has not got it yet.
func (r *Reconciler) tell(ctx context.Context, object *v1alpha1.GatedSource, made outcome, patcher *patch.SerialPatcher) (failed error) {
	before := conditions.Get(object, meta.ReadyCondition).DeepCopy()
	attempted := object.Status.LastAttemptedRevision
	r.record(object, made)
	mark(object, made)
	if made.publish == nil {
		failed = r.withhold(ctx, object, made, patcher)
	}
	after := conditions.Get(object, meta.ReadyCondition)
	if before == nil || before.Status != after.Status || before.Reason != after.Reason || before.Message != after.Message || attempted != object.Status.LastAttemptedRevision {
		r.event(object, made, after)
	}
	return failed
}

// record keeps what was judged in the status, the log and the metrics.
func (r *Reconciler) record(object *v1alpha1.GatedSource, made outcome) {
	r.Counted.judged(made, r.Clock().Sub(made.began))
	if made.seen.artifact.Digest != "" {
		object.Status.LastAttemptedRevision, object.Status.LastAttemptedDigest = made.seen.origin(), made.seen.artifact.Digest
	}
	if made.trouble != nil {
		r.Log.Warn("not judged", "namespace", object.Namespace, "name", object.Name, "reason", made.trouble.reason, "problem", made.trouble.Error())
	}
	if len(made.verdicts) == 0 {
		return
	}
	now := metav1.NewTime(r.Clock())
	object.Status.LastJudged, object.Status.LastGateDigest = &now, r.GateDigest
	summary := &v1alpha1.VerdictSummary{Outcome: made.answer().String()}
	for _, verdict := range made.verdicts {
		id := report.ID(verdict)
		r.Journal.Record(verdict, id, object.Namespace, "namespace", object.Namespace, "name", object.Name)
		summary.Objects += verdict.Objects
		summary.Images += len(verdict.Images)
		summary.Denied += verdict.Count(plugin.Deny)
		summary.Undetermined += verdict.Count(plugin.Undetermined)
		summary.Warnings += verdict.Count(plugin.Warn)
		if verdict.Outcome() != plugin.Allowed && summary.Report == "" {
			summary.Report = id
		}
	}
	object.Status.Verdict = summary
}

// mark sets the object's conditions.
func mark(object *v1alpha1.GatedSource, made outcome) {
	conditions.Delete(object, meta.StalledCondition)
	conditions.Delete(object, meta.ReconcilingCondition)
	reason, message := made.words(object)
	switch {
	case made.trouble != nil:
		conditions.MarkFalse(object, meta.ReadyCondition, reason, "%s", message)
		if made.next == nextChange {
			conditions.MarkStalled(object, reason, "%s", message)
		} else {
			conditions.MarkReconciling(object, meta.ProgressingWithRetryReason, "%s", message)
		}
	case made.answer() == plugin.Allowed:
		conditions.MarkTrue(object, meta.ReadyCondition, reason, "%s", message)
	case made.answer() == plugin.Unanswered:
		conditions.MarkUnknown(object, meta.ReadyCondition, reason, "%s", message)
		conditions.MarkReconciling(object, meta.ProgressingWithRetryReason, "%s", message)
	default:
		conditions.MarkFalse(object, meta.ReadyCondition, reason, "%s", message)
	}
}

// words are the reason and the message of an outcome's conditions.
func (o outcome) words(object *v1alpha1.GatedSource) (reason, message string) {
	switch {
	case o.trouble != nil:
		return o.trouble.reason, report.Neutral(o.trouble.Error()) + stays(object, false) + o.hurried
	case o.answer() == plugin.Allowed:
		return meta.SucceededReason, o.passed()
	}
	reason = reasonNotVerified
	if o.answer() == plugin.Unanswered {
		reason = reasonUndetermined
	}
	return reason, o.problems() + stays(object, reason == reasonNotVerified) + o.standing + o.hurried
}

// mostMessage bounds what the verdicts of several paths say together, in bytes:
// a condition takes 32,768 characters, and what is published is said after them.
const mostMessage = 16 << 10

// problems is what stops each path, as far as there is room.
func (o outcome) problems() string {
	var out strings.Builder
	blocking := o.blocking()
	for i, verdict := range blocking {
		part := Door().Condition(verdict, report.ID(verdict))
		if out.Len()+len(part) > mostMessage {
			fmt.Fprintf(&out, "\n%d more paths do not pass", len(blocking)-i)
			break
		}
		if i > 0 {
			out.WriteString("\n")
		}
		out.WriteString(part)
	}
	return out.String()
}

// blocking are the verdicts that decide the answer, those that deny first.
func (o outcome) blocking() []*plugin.Verdict {
	list := slices.DeleteFunc(slices.Clone(o.verdicts), func(v *plugin.Verdict) bool { return v.Outcome() == plugin.Allowed })
	slices.SortStableFunc(list, func(a, b *plugin.Verdict) int { return int(a.Outcome()) - int(b.Outcome()) })
	return list
}

// passed says what is published.
func (o outcome) passed() string {
	objects, images, warnings := 0, 0, 0
	for _, verdict := range o.verdicts {
		objects += verdict.Objects
		images += len(verdict.Images)
		warnings += verdict.Count(plugin.Warn)
	}
	text := fmt.Sprintf("published %s: %d objects with %d images passed the gate", o.seen.origin(), objects, images)
	if warnings > 0 {
		text += fmt.Sprintf("; %d warnings are in the log of %s", warnings, ControllerName)
	}
	return text + report.Neutral(o.unreached) + o.hurried
}

// stays says what becomes of what is published.
func stays(object *v1alpha1.GatedSource, denied bool) string {
	switch {
	case denied && object.Spec.OnDenied == v1alpha1.Withdraw:
		return "\nnothing is published while the newest revision is denied (spec.onDenied: Withdraw)"
	case object.Status.Artifact == nil:
		return "\nnothing is published"
	}
	return "\nwhat was published of " + object.Status.PublishedRevision + " stays"
}

// withhold tells the ExternalArtifact why there is nothing new. What is
// published stays, unless it was denied and the object says to withdraw it, or
// its file is lost and cannot be made again.
func (r *Reconciler) withhold(ctx context.Context, object *v1alpha1.GatedSource, made outcome, patcher *patch.SerialPatcher) error {
	bounded, cancel := answering(context.WithoutCancel(ctx))
	defer cancel()
	denied := made.trouble == nil && made.answer() == plugin.Denied
	lost := denied && object.Status.Artifact != nil && !r.Store.Present(*object.Status.Artifact)
	state := publish.State{Artifact: object.Status.Artifact, Conditions: artifactConditions(object, made)}
	if lost || denied && object.Spec.OnDenied == v1alpha1.Withdraw {
		state.Artifact = nil
	}
	if state.Artifact == nil && object.Status.Artifact != nil {
		// Noted first: a process that dies in between must not put it back, and the
		// next one takes it away, whatever its answer is.
		object.Status.Artifact, object.Status.PublishedRevision = nil, ""
		if err := patcher.Patch(bounded, object, statusOptions()...); err != nil {
			return fmt.Errorf("noting what is withdrawn for GatedSource %s/%s: %w", object.Namespace, object.Name, err)
		}
	}
	if err := publish.Apply(bounded, r.Client, object, state); err != nil {
		return fmt.Errorf("telling ExternalArtifact %s/%s: %w", object.Namespace, object.ArtifactName(), err)
	}
	return nil
}

// artifactConditions are those of the ExternalArtifact, by RFC-0012.
func artifactConditions(object *v1alpha1.GatedSource, made outcome) []metav1.Condition {
	reason, message := made.words(object)
	ready, verified := metav1.ConditionFalse, metav1.ConditionUnknown
	switch {
	case made.trouble != nil:
	case made.answer() == plugin.Allowed:
		ready, verified = metav1.ConditionTrue, metav1.ConditionTrue
	case made.answer() == plugin.Denied:
		verified = metav1.ConditionFalse
	default:
		ready = metav1.ConditionUnknown
	}
	return []metav1.Condition{
		{Type: meta.ReadyCondition, Status: ready, Reason: reason, Message: message},
		{Type: sourcev1.SourceVerifiedCondition, Status: verified, Reason: reason, Message: message},
	}
}

// event tells Flux's notification-controller and the cluster. It is about the
// ExternalArtifact, as alerts know no other kind of ours.
func (r *Reconciler) event(object *v1alpha1.GatedSource, made outcome, ready *metav1.Condition) {
	about := &sourcev1.ExternalArtifact{}
	about.SetGroupVersionKind(sourcev1.GroupVersion.WithKind(sourcev1.ExternalArtifactKind))
	about.Namespace, about.Name, about.Annotations = object.Namespace, object.ArtifactName(), publish.EventAnnotations(object)
	kind := corev1.EventTypeWarning
	if ready.Status == metav1.ConditionTrue {
		kind = corev1.EventTypeNormal
	}
	metadata := map[string]string{}
	if revision := made.seen.origin(); revision != "" {
		metadata[sourcev1.GroupVersion.Group+"/"+eventv1.MetaOriginRevisionKey] = revision
		metadata[sourcev1.GroupVersion.Group+"/"+eventv1.MetaRevisionKey] = revision
	}
	if made.publish != nil && object.Status.Artifact != nil {
		metadata[sourcev1.GroupVersion.Group+"/"+eventv1.MetaRevisionKey] = object.Status.Artifact.Revision
		metadata[sourcev1.GroupVersion.Group+"/"+eventv1.MetaDigestKey] = object.Status.Artifact.Digest
	}
	r.Events.AnnotatedEventf(about, metadata, kind, ready.Reason, "%s", ready.Message)
}
