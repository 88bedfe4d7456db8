package traces_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/assay-gitops/assay/plugin/setup/traces"
)

// quiet sets variables; what the machine has of the others does not count.
func quiet(t *testing.T, set map[string]string) {
	t.Helper()
	for _, name := range []string{
		"OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL",
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_EXPORTER_OTLP_HEADERS",
	} {
		t.Setenv(name, set[name])
		if set[name] == "" {
			_ = os.Unsetenv(name)
		}
	}
}

// collector takes spans as OTLP over HTTP.
type collector struct {
	*httptest.Server

	mu     sync.Mutex
	spans  []string
	about  map[string]string
	header http.Header
	paths  []string
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{about: map[string]string{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		var sent collectortrace.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(data, &sent)
		}
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.header = r.Header
		c.paths = append(c.paths, r.URL.Path)
		for _, resource := range sent.GetResourceSpans() {
			for _, attribute := range resource.GetResource().GetAttributes() {
				c.about[attribute.GetKey()] = attribute.GetValue().GetStringValue()
			}
			for _, scope := range resource.GetScopeSpans() {
				for _, span := range scope.GetSpans() {
					c.spans = append(c.spans, span.GetName())
				}
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// sends starts traces, makes one span and stops; the log is returned.
func sends(t *testing.T) (log string, failed string) {
	t.Helper()
	var out bytes.Buffer
	traced := traces.Start(t.Context(), traces.Options{Service: "assay", Version: "v1.2.3", Log: slog.New(slog.NewJSONHandler(&out, nil))})
	if provider := traced.Provider(); provider != nil {
		_, span := provider.Tracer("test").Start(t.Context(), "one")
		span.End()
	}
	traced.Stop()
	return out.String(), total(t, traced)
}

func total(t *testing.T, traced *traces.Traces) string {
	t.Helper()
	exported := prometheus.NewRegistry()
	exported.MustRegister(traced)
	families, err := exported.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%v, %v", families, err)
	}
	return fmt.Sprint(families[0].GetMetric()[0].GetCounter().GetValue())
}

// TestStart_SendsAsTheEnvironmentSays: where to, under which name, with which
// headers and attributes.
func TestStart_SendsAsTheEnvironmentSays(t *testing.T) {
	c := newCollector(t)
	for name, test := range map[string]struct {
		set  map[string]string
		path string
		want map[string]string
	}{
		"endpoint": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL}, "/v1/traces", map[string]string{"service.name": "assay", "service.version": "v1.2.3"}},
		"traces endpoint": {
			map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": c.URL + "/mine", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://nobody.invalid", "OTEL_TRACES_EXPORTER": "otlp"}, "/mine", nil,
		},
		"names": {
			map[string]string{
				"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_SERVICE_NAME": "gate", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=prod",
				"OTEL_EXPORTER_OTLP_HEADERS": "x-team=platform", "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1",
			}, "/v1/traces", map[string]string{"service.name": "gate", "deployment.environment.name": "prod", "x-team": "platform"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.spans, c.paths, c.about = nil, nil, map[string]string{}
			quiet(t, test.set)
			log, failed := sends(t)
			if log != "" || failed != "0" || !slices.Equal(c.spans, []string{"one"}) || !slices.Equal(c.paths, []string{test.path}) {
				t.Errorf("spans %v to %v, %s failed: %s", c.spans, c.paths, failed, log)
			}
			for key, want := range test.want {
				if got := c.about[key]; got != want && c.header.Get(key) != want {
					t.Errorf("%s is %q, not %q", key, got, want)
				}
			}
		})
	}
}

// TestStart_NobodyAskedOrSomebodySaidNo: there are no traces, nothing is sent,
// and nothing is said.
func TestStart_NobodyAskedOrSomebodySaidNo(t *testing.T) {
	c := newCollector(t)
	for name, set := range map[string]map[string]string{
		"nothing is set": nil,
		"disabled":       {"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_SDK_DISABLED": "true"},
		"no exporter":    {"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_TRACES_EXPORTER": "none"},
		"not sampled":    {"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_TRACES_SAMPLER": "always_off"},
	} {
		t.Run(name, func(t *testing.T) {
			quiet(t, set)
			if log, failed := sends(t); log != "" || failed != "0" || len(c.paths) != 0 {
				t.Errorf("sent to %v, %s failed: %s", c.paths, failed, log)
			}
		})
	}
}

// TestStart_WhatCannotBeFollowedIsSaid, and the program goes on without traces.
func TestStart_WhatCannotBeFollowedIsSaid(t *testing.T) {
	for _, test := range []struct {
		set  map[string]string
		says string
	}{
		{map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, `OTEL_TRACES_EXPORTER is \"zipkin\"`},
		{map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, `OTEL_EXPORTER_OTLP_PROTOCOL is \"grpc\"`},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT is no URL"},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://user:hunter2@\x7f"}, "OTEL_EXPORTER_OTLP_ENDPOINT is no URL"},
	} {
		quiet(t, test.set)
		log, _ := sends(t)
		if !strings.Contains(log, "no traces are sent") || !strings.Contains(log, test.says) || strings.Contains(log, "hunter2") {
			t.Errorf("%v: %s", test.set, log)
		}
	}
}

// TestStop_ACollectorThatDoesNotTakeSpansHoldsNothingUp: what refuses, hangs or
// answers nonsense is counted and said once, and the program ends.
func TestStop_ACollectorThatDoesNotTakeSpansHoldsNothingUp(t *testing.T) {
	closed, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, release := context.WithCancel(context.Background())
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-ctx.Done() }))
	t.Cleanup(hangs.Close)
	t.Cleanup(release) // after the program has ended, or the test never does
	nonsense := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write([]byte("no protobuf"))
	}))
	t.Cleanup(nonsense.Close)
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, strings.Repeat("no ", 1000), http.StatusForbidden)
	}))
	t.Cleanup(refuses.Close)
	for name, endpoint := range map[string]string{"nobody listens": "http://" + closed.Addr().String(), "hangs": hangs.URL, "nonsense": nonsense.URL, "refuses": refuses.URL} {
		t.Run(name, func(t *testing.T) {
			quiet(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
			log, failed := sends(t)
			if name == "hangs" {
				return // it ended, and what became of the spans is told to nobody any more
			}
			if failed != "1" || strings.Count(log, "traces could not be sent") != 1 || len(log) > 1000 {
				t.Errorf("%s failed: %s", failed, log)
			}
		})
	}
}
