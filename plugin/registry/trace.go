package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// traceScope names this package in traces.
const traceScope = "github.com/assay-gitops/assay/plugin/registry"

// tracedHop is one request in a span of its own, where the caller records one,
// by the semantic conventions for HTTP clients. Neither credentials nor a query
// are in it: storage behind registries takes its signatures there.
func (s *session) tracedHop(ctx context.Context, out outgoing, at *url.URL) (*response, error) {
	caller := trace.SpanFromContext(ctx)
	if !caller.IsRecording() {
		return s.hop(ctx, out, at)
	}
	shown := url.URL{Scheme: at.Scheme, Host: at.Host, Path: at.Path}
	attributes := []attribute.KeyValue{
		attribute.String("http.request.method", out.method), attribute.String("url.full", shown.String()), attribute.String("server.address", at.Hostname()),
	}
	if port, known := portOf(at); known {
		attributes = append(attributes, attribute.Int("server.port", port))
	}
	ctx, span := caller.TracerProvider().Tracer(traceScope).Start(ctx, out.method, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	defer span.End()
	answer, err := s.hop(ctx, out, at)
	if answer != nil {
		span.SetAttributes(attribute.Int("http.response.status_code", answer.status))
	}
	switch {
	case err != nil: // its text may hold what the server said
		span.SetAttributes(attribute.String("error.type", errorType(err)))
		span.SetStatus(codes.Error, "")
	case answer.status >= http.StatusBadRequest:
		span.SetAttributes(attribute.String("error.type", strconv.Itoa(answer.status)))
		span.SetStatus(codes.Error, "")
	}
	return answer, err
}

// portOf is the port of an address, written or not.
func portOf(at *url.URL) (int, bool) {
	if port, err := strconv.Atoi(at.Port()); err == nil {
		return port, true
	}
	port, known := map[string]int{"http": 80, "https": 443}[at.Scheme]
	return port, known && at.Port() == ""
}

// errorType is the class of an error, of which there are few.
func errorType(err error) string {
	var slow interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.As(err, &slow) && slow.Timeout():
		return "timeout"
	case errors.Is(err, errTooLarge):
		return "too_large"
	}
	return fmt.Sprintf("%T", err)
}
