// Package traces sends spans to an OpenTelemetry collector, as OpenTelemetry's
// own environment variables say (docs/adr/0017-traces.md). Without them there
// are none, and nothing is set up. What is sent never stands between a request
// and its answer: spans wait in a bounded queue, and go when it is full.
package traces

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/assay-gitops/assay/plugin/report"
)

// Options configure [Start].
type Options struct {
	// Service and Version are the program's, unless OTEL_SERVICE_NAME and
	// OTEL_RESOURCE_ATTRIBUTES say otherwise.
	Service, Version string
	// Log hears why there are no traces although somebody asked for them, and of
	// the first of several exports in a row that fail.
	Log *slog.Logger
}

// Traces are what a program sends. They also are a prometheus.Collector.
type Traces struct {
	log      *slog.Logger
	provider *sdktrace.TracerProvider // nil when there are none
	failed   atomic.Int64
	failing  atomic.Bool
}

// stopTime is what the last spans get to be sent in when the program ends.
const stopTime = 2 * time.Second

// mostValue bounds the text of one attribute, in characters, unless
// OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT says otherwise.
const mostValue = 1024

// Start reads the environment. What cannot be followed in it leaves the program
// without traces, and is said in the log: it judges all the same.
func Start(ctx context.Context, options Options) *Traces {
	t := &Traces{log: options.Log}
	wanted, why := asked(os.Getenv)
	if why != "" {
		t.log.Warn("no traces are sent", "problem", why)
	}
	if !wanted {
		return t
	}
	otel.SetLogger(logr.FromSlogHandler(t.log.Handler()))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { t.log.Warn("traces", "problem", report.Neutral(err.Error())) }))
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		t.log.Warn("no traces are sent", "problem", report.Neutral(err.Error()))
		return t
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", options.Service), attribute.String("service.version", options.Version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		t.log.Warn("a part of OTEL_RESOURCE_ATTRIBUTES is left out", "problem", report.Neutral(err.Error()))
	}
	limits := sdktrace.NewSpanLimits()
	if limits.AttributeValueLengthLimit < 0 {
		limits.AttributeValueLengthLimit = mostValue
	}
	t.provider = sdktrace.NewTracerProvider(sdktrace.WithBatcher(counted{exporter, t}), sdktrace.WithResource(about), sdktrace.WithRawSpanLimits(limits))
	return t
}

// asked reports whether the environment asks for traces; why says what of it
// cannot be followed.
func asked(lookup func(string) string) (wanted bool, why string) {
	if strings.EqualFold(lookup("OTEL_SDK_DISABLED"), "true") {
		return false, ""
	}
	endpoint := cmp.Or(lookup("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), lookup("OTEL_EXPORTER_OTLP_ENDPOINT"))
	switch exporter := lookup("OTEL_TRACES_EXPORTER"); exporter {
	case "none":
		return false, ""
	case "":
		if endpoint == "" {
			return false, ""
		}
	case "otlp":
	default:
		return false, fmt.Sprintf("OTEL_TRACES_EXPORTER is %q; otlp and none are known", report.Neutral(exporter))
	}
	switch protocol := cmp.Or(lookup("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), lookup("OTEL_EXPORTER_OTLP_PROTOCOL")); protocol {
	case "", "http/protobuf", "http/json":
	default:
		return false, fmt.Sprintf("OTEL_EXPORTER_OTLP_PROTOCOL is %q; http/protobuf and http/json are known: send to the collector's port for HTTP, which is 4318", report.Neutral(protocol))
	}
	if endpoint != "" {
		if parsed, err := url.Parse(endpoint); err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
			return false, "OTEL_EXPORTER_OTLP_ENDPOINT is no URL; write http://host:4318" // its text may hold a credential
		}
	}
	return true, ""
}

// Provider makes spans; nil when there are no traces.
func (t *Traces) Provider() trace.TracerProvider {
	if t.provider == nil {
		return nil
	}
	return t.provider
}

// Stop sends what is left, for at most two seconds.
func (t *Traces) Stop() {
	if t.provider == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // what was not sent is lost, as whoever ends the program knows
}

// counted is an exporter whose failures are counted, and said once in a row.
type counted struct {
	sdktrace.SpanExporter

	traces *Traces
}

// ExportSpans implements sdktrace.SpanExporter. It is done with the spans also
// when they were not sent.
func (c counted) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := c.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		c.traces.failing.Store(false)
		return nil
	}
	c.traces.failed.Add(1)
	if !c.traces.failing.Swap(true) {
		c.traces.log.Warn("traces could not be sent", "problem", report.Neutral(first(err.Error())))
	}
	return nil
}

// first is the beginning of a text, of which the collector may have written
// much.
func first(text string) string {
	const most = 500
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// Describe implements prometheus.Collector.
func (t *Traces) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(t, out) }

// Collect implements prometheus.Collector.
func (t *Traces) Collect(out chan<- prometheus.Metric) {
	name := prometheus.NewDesc("assay_trace_exports_failed_total", "Batches of spans that the collector did not take, and that are lost.", nil, nil)
	out <- prometheus.MustNewConstMetric(name, prometheus.CounterValue, float64(t.failed.Load()))
}
