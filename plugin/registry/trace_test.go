package registry_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// recorded runs work below a span and gives the spans of requests.
func recorded(t *testing.T, work func(context.Context)) []sdktrace.ReadOnlySpan {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	ctx, span := provider.Tracer("test").Start(t.Context(), "caller")
	work(ctx)
	span.End()
	return slices.DeleteFunc(recorder.Ended(), func(each sdktrace.ReadOnlySpan) bool { return each.Name() == "caller" })
}

func attributeOf(span sdktrace.ReadOnlySpan, key string) string {
	for _, each := range span.Attributes() {
		if string(each.Key) == key {
			return each.Value.String()
		}
	}
	return ""
}

// TestTrace_ARequestIsToldWithoutItsQuery: storage behind a registry takes its
// signature there. Redirects are requests of their own.
func TestTrace_ARequestIsToldWithoutItsQuery(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:v1")
	client, _ := newClient(t, server, nil)
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if r.URL.RawQuery == "" && strings.Contains(r.URL.Path, "/manifests/v1") {
			return &ociserver.Fault{Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {r.URL.Path + "?X-Amz-Signature=hunter2"}}}
		}
		return nil
	})
	spans := recorded(t, func(ctx context.Context) {
		if got := client.Resolve(ctx, []plugin.Reference{reference(t, server.Host()+"/app:v1")}); got[0].Digest != digest {
			t.Errorf("%+v", got[0])
		}
	})
	var told []string
	for _, span := range spans {
		told = append(told, span.Name()+" "+attributeOf(span, "http.response.status_code")+" "+strings.TrimPrefix(attributeOf(span, "url.full"), "http://"+server.Host()))
		for _, each := range span.Attributes() {
			if strings.Contains(each.Value.String(), "hunter2") {
				t.Errorf("%s tells %s", each.Key, each.Value.String())
			}
		}
	}
	if want := []string{"GET 200 /v2/", "HEAD 307 /v2/app/manifests/v1", "HEAD 200 /v2/app/manifests/v1"}; !slices.Equal(told, want) {
		t.Errorf("told %q, not %q", told, want)
	}
}

// TestTrace_FailuresAreToldByTheirKind and not by their text, of which a server
// writes as it likes.
func TestTrace_FailuresAreToldByTheirKind(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	pushImage(t, server, "app:v1")
	client, _ := newClient(t, server, nil)
	spans := recorded(t, func(ctx context.Context) {
		var refused *plugin.Refusal
		if got := client.Resolve(ctx, []plugin.Reference{reference(t, server.Host()+"/app:v2")}); !errors.As(got[0].Err, &refused) {
			t.Errorf("%+v", got[0])
		}
	})
	last := spans[len(spans)-1]
	if attributeOf(last, "error.type") != "404" || last.Status().Code != codes.Error || last.Status().Description != "" {
		t.Errorf("%v, %+v", last.Attributes(), last.Status())
	}
	if first := spans[0]; attributeOf(first, "error.type") != "" || first.Status().Code != codes.Unset {
		t.Errorf("twin: %v, %+v", first.Attributes(), first.Status())
	}
}

// TestTrace_NobodyRecordsAndNothingIsTold: work that is shared by a caller that
// records none has none.
func TestTrace_NobodyRecordsAndNothingIsTold(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	pushImage(t, server, "app:v1")
	client, _ := newClient(t, server, nil)
	spans := recorded(t, func(context.Context) { resolveOne(t, client, server.Host()+"/app:v1") })
	if len(spans) != 0 {
		t.Errorf("%d spans", len(spans))
	}
}
