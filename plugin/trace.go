package plugin

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// traceScope names this package in traces.
const traceScope = "github.com/assay-gitops/assay/plugin"

// traced runs a stage in a span of its own, below the caller's. Where the caller
// records none, as when traces are off, it costs a look at the context.
func (r *run) traced(ctx context.Context, stage string, run func(context.Context)) {
	caller := trace.SpanFromContext(ctx)
	if !caller.IsRecording() {
		run(ctx)
		return
	}
	ctx, span := caller.TracerProvider().Tracer(traceScope).Start(ctx, stage)
	before := len(r.verdict.Findings)
	defer func() {
		said := r.verdict.Findings[before:]
		span.SetAttributes(attribute.Int("assay.findings", len(said)))
		if r.stopped && len(said) > 0 {
			span.SetStatus(codes.Error, said[len(said)-1].Rule)
		}
		span.End()
	}()
	run(ctx)
}
