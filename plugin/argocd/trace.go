package argocd

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/argocd/protocol"
	"github.com/assay-gitops/assay/plugin/report"
)

// traceScope names this package in traces.
const traceScope = "github.com/assay-gitops/assay/plugin/argocd"

// span begins the span of one request, below that of the repo-server where it
// sends one (W3C trace context in the metadata). Without Traces it is none.
func (s *Server) span(ctx context.Context) (context.Context, trace.Span) {
	if s.options.Traces == nil {
		return ctx, trace.SpanFromContext(ctx)
	}
	sent, _ := metadata.FromIncomingContext(ctx)
	ctx = propagation.TraceContext{}.Extract(ctx, carrier(sent))
	const method = protocol.ConfigManagementPluginService_GenerateManifest_FullMethodName
	return s.options.Traces.Tracer(traceScope).Start(ctx, method[1:], trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("rpc.system.name", "grpc"), attribute.String("rpc.method", method[1:]),
	))
}

// endSpan ends the span of a request. A denial is an answer, and no error of the
// server's; no answer is one.
func endSpan(span trace.Span, err error) {
	if code := status.Code(err); span.IsRecording() {
		span.SetAttributes(attribute.String("rpc.response.status_code", statusName(code)))
		if code != codes.OK && code != codes.FailedPrecondition {
			span.SetAttributes(attribute.String("error.type", statusName(code)))
			span.SetStatus(otelcodes.Error, "")
		}
	}
	span.End()
}

// statusName is a status as gRPC's specification writes it.
func statusName(code codes.Code) string {
	switch code {
	case codes.OK:
		return "OK"
	case codes.FailedPrecondition:
		return "FAILED_PRECONDITION"
	case codes.Unavailable:
		return "UNAVAILABLE"
	default:
		return code.String()
	}
}

// part begins a span for a part of a request; the caller ends it.
func part(ctx context.Context, name string) trace.Span {
	_, span := trace.SpanFromContext(ctx).TracerProvider().Tracer(traceScope).Start(ctx, name)
	return span
}

// enter is the queue's, with a span for the time that it takes.
func (s *Server) enter(ctx context.Context, project string) (func(), error) {
	waiting := part(ctx, "queue")
	defer waiting.End()
	return s.queue.enter(ctx, project)
}

// describe says in the request's span what was decided about what. Names are
// the application's; no text of a finding is there, and no secret.
func describe(ctx context.Context, v *plugin.Verdict, decided string) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(
		attribute.String("assay.application", v.Application.Name), attribute.String("assay.project", v.Application.Project),
		attribute.String("assay.outcome", v.Outcome().String()), attribute.String("assay.decided_by", decided), attribute.String("assay.report", report.ID(v)),
		attribute.Int("assay.objects", v.Objects), attribute.Int("assay.images", len(v.Images)), attribute.Int("assay.findings", len(v.Findings)),
		attribute.String("vcs.ref.head.revision", v.Revision), attribute.String("vcs.repository.url.full", v.Application.Repository),
	)
	if blocking, _ := report.Causes(v); len(blocking) > 0 {
		span.SetAttributes(attribute.String("assay.rule", blocking[0].Rule))
	}
}

// carrier reads trace context out of a request's metadata.
type carrier metadata.MD

// Get implements propagation.TextMapCarrier.
func (c carrier) Get(key string) string {
	if values := metadata.MD(c).Get(key); len(values) > 0 {
		return values[0]
	}
	return ""
}

// Set implements propagation.TextMapCarrier; nothing is sent on.
func (carrier) Set(string, string) {}

// Keys implements propagation.TextMapCarrier.
func (c carrier) Keys() []string {
	var keys []string
	for key := range c {
		keys = append(keys, key)
	}
	return keys
}
