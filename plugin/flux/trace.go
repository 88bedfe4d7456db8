package flux

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// traceScope names this package in traces.
const traceScope = "github.com/assay-gitops/assay/plugin/flux"

// traced judges in a span of its own, where the reconciler has Traces. A denial
// is an answer, and no error.
func (r *Reconciler) traced(ctx context.Context, object *v1alpha1.GatedSource) outcome {
	if r.Traces == nil {
		return r.judge(ctx, object)
	}
	ctx, span := r.Traces.Tracer(traceScope).Start(ctx, "judge GatedSource", trace.WithAttributes(
		attribute.String("k8s.namespace.name", object.Namespace), attribute.String("assay.application", object.Name),
	))
	defer span.End()
	made := r.judge(ctx, object)
	span.SetAttributes(attribute.String("assay.outcome", made.answer().String()), attribute.String("vcs.ref.head.revision", made.seen.origin()),
		attribute.String("vcs.repository.url.full", made.seen.repository))
	switch {
	case made.trouble != nil:
		span.SetAttributes(attribute.String("error.type", made.trouble.reason))
		span.SetStatus(codes.Error, made.trouble.reason)
	case made.answer() == plugin.Unanswered:
		span.SetStatus(codes.Error, reasonUndetermined)
	}
	return made
}
