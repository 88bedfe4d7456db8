package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/assay-gitops/assay/plugin/argocd/protocol"
)

// sidecar is `assay serve` in this process.
type sidecar struct {
	t       *testing.T
	client  protocol.ConfigManagementPluginServiceClient
	archive []byte
	// stop ends it and says how it ended, and what it logged.
	stop func() (int, string)
	// patience is how long a request waits; what has no answer is asked again
	// until then.
	patience time.Duration
}

// startSidecar serves the world's gate until the test ends.
func startSidecar(t *testing.T, w *world) *sidecar {
	t.Helper()
	w.spec = "  lock: {mode: Resolve}\n"
	w.settle()
	plugins, err := os.MkdirTemp("", "as") // a socket's name has room for about a hundred bytes
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(plugins) })
	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, streams{out: io.Discard, err: &log}, []string{
			"serve", "--gate", filepath.Join(w.dir, "gate"), "--plugins-dir", plugins, "--work-dir", t.TempDir(), "--http", "127.0.0.1:0",
		})
	}()
	s := &sidecar{t: t, patience: 30 * time.Second, archive: archive(t, filepath.Join(w.dir, "app"))}
	s.stop = sync.OnceValues(func() (int, string) {
		cancel()
		return <-ended, log.String()
	})
	t.Cleanup(func() { s.stop() })
	connection, err := grpc.NewClient("unix://"+filepath.Join(plugins, "assay.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	must(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	s.client = protocol.NewConfigManagementPluginServiceClient(connection)
	return s
}

// archive packs a folder as the repo-server does.
func archive(t *testing.T, dir string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	writer := tar.NewWriter(zipped)
	must(t, writer.AddFS(os.DirFS(dir)))
	must(t, writer.Close())
	must(t, zipped.Close())
	return out.Bytes()
}

// asks sends the application as the repo-server does, below its span if any.
func (s *sidecar) asks(traceparent string) ([]string, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), s.patience)
	defer cancel()
	if traceparent != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "traceparent", traceparent)
	}
	stream, err := s.client.GenerateManifest(ctx)
	must(s.t, err)
	sum := sha256.Sum256(s.archive)
	asked := &protocol.ManifestRequestMetadata{AppName: ".", AppRelPath: ".", Checksum: hex.EncodeToString(sum[:]), Size: int64(len(s.archive))}
	for _, variable := range []string{
		"ARGOCD_APP_NAME=web", "ARGOCD_APP_NAMESPACE=shop", "ARGOCD_APP_PROJECT_NAME=team-a", "ARGOCD_APP_REVISION=0123456789", "ARGOCD_APP_PARAMETERS=null", "KUBE_VERSION=1.36.3",
		"ARGOCD_APP_SOURCE_REPO_URL=https://robot:hunter2@git.example.com/shop.git", "ARGOCD_APP_SOURCE_PATH=.",
	} {
		name, value, _ := strings.Cut(variable, "=")
		asked.Env = append(asked.Env, &protocol.EnvEntry{Name: name, Value: value})
	}
	_ = stream.Send(&protocol.AppStreamRequest{Request: &protocol.AppStreamRequest_Metadata{Metadata: asked}})
	_ = stream.Send(&protocol.AppStreamRequest{Request: &protocol.AppStreamRequest_File{File: &protocol.File{Chunk: s.archive}}})
	response, err := stream.CloseAndRecv()
	return response.GetManifests(), err
}

// spans are what a collector was sent.
type spans struct {
	mu   sync.Mutex
	list []*tracepb.Span
	raw  [][]byte
}

// collect starts a collector, and has this process send to it.
func collect(t *testing.T, handle http.HandlerFunc) *spans {
	t.Helper()
	got := &spans{}
	if handle == nil {
		handle = got.take
	}
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	for _, name := range []string{"OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
		t.Setenv(name, "")
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	return got
}

func (s *spans) take(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	var sent collectortrace.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(data, &sent)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw = append(s.raw, data)
	for _, resource := range sent.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			s.list = append(s.list, scope.GetSpans()...)
		}
	}
}

// named are the spans of that name.
func (s *spans) named(name string) []*tracepb.Span {
	return slices.DeleteFunc(slices.Clone(s.list), func(span *tracepb.Span) bool { return span.GetName() != name })
}

// says is what a span says under a key.
func says(span *tracepb.Span, key string) string {
	for _, attribute := range span.GetAttributes() {
		if attribute.GetKey() == key {
			if number, isNumber := attribute.GetValue().GetValue().(*commonpb.AnyValue_IntValue); isNumber {
				return fmt.Sprint(number.IntValue)
			}
			return attribute.GetValue().GetStringValue()
		}
	}
	return ""
}

const (
	callersTrace = "0af7651916cd43dd8448eb211c80319c"
	callersSpan  = "b7ad6b7169203331"
)

// TestServe_TracesARequestDownToEachQuestionToTheRegistry: one trace, which
// continues the repo-server's, with the parts of the request, each stage, and
// each request to the registry below the stage that asked. No credential is in
// it.
func TestServe_TracesARequestDownToEachQuestionToTheRegistry(t *testing.T) {
	got := collect(t, nil)
	w := newWorld(t)
	w.sign(trusted())
	s, pushed := startSidecar(t, w), len(w.server.Requests())
	manifests, err := s.asks("00-" + callersTrace + "-" + callersSpan + "-01")
	if err != nil || len(manifests) == 0 {
		t.Fatalf("%d manifests, %v", len(manifests), err)
	}
	if code, log := s.stop(); code != exitAllowed || strings.Contains(log, "traces") {
		t.Fatalf("it ended with %d: %s", code, log)
	}
	requests := got.named("plugin.ConfigManagementPluginService/GenerateManifest")
	if len(requests) != 1 {
		t.Fatalf("%d spans for one request, of %d", len(requests), len(got.list))
	}
	request := requests[0]
	if id := hex.EncodeToString(request.GetParentSpanId()); id != callersSpan || request.GetKind() != tracepb.Span_SPAN_KIND_SERVER {
		t.Errorf("the request is below %s, a %s", id, request.GetKind())
	}
	for key, want := range map[string]string{
		"rpc.system.name": "grpc", "rpc.response.status_code": "OK", "assay.application": "web", "assay.project": "team-a", "assay.outcome": "allowed", "assay.images": "1", "assay.objects": "1",
		"vcs.ref.head.revision": "0123456789", "vcs.repository.url.full": "https://git.example.com/shop.git", "assay.rule": "",
	} {
		if value := says(request, key); value != want {
			t.Errorf("%s is %q, not %q", key, value, want)
		}
	}
	parents := map[string]*tracepb.Span{}
	for _, span := range got.list {
		parents[string(span.GetSpanId())] = span
		if hex.EncodeToString(span.GetTraceId()) != callersTrace {
			t.Errorf("%s is in another trace", span.GetName())
		}
	}
	for _, part := range []string{"receive", "unpack", "queue", "setup", "render", "mutate", "images", "resolve", "verify", "harden", "seal", "judge", "account"} {
		if list := got.named(part); len(list) != 1 || !bytes.Equal(list[0].GetParentSpanId(), request.GetSpanId()) {
			t.Errorf("%d spans of %s below the request", len(list), part)
		}
	}
	asked := 0
	for _, span := range got.list {
		if span.GetKind() != tracepb.Span_SPAN_KIND_CLIENT {
			continue
		}
		asked++
		stage := parents[string(span.GetParentSpanId())].GetName()
		if !slices.Contains([]string{"resolve", "verify"}, stage) || span.GetName() != says(span, "http.request.method") || says(span, "http.response.status_code") == "" ||
			!strings.HasPrefix(says(span, "url.full"), "http://"+w.server.Host()+"/v2/") || says(span, "server.port") == "" {
			t.Errorf("below %s: %v", stage, span)
		}
	}
	if requests := len(w.server.Requests()) - pushed; asked != requests || asked < 4 {
		t.Errorf("%d requests to the registry are told, and there were %d", asked, requests)
	}
	if all := bytes.Join(got.raw, nil); bytes.Contains(all, []byte("hunter2")) {
		t.Error("a credential is in the traces")
	}
}

// TestServe_TracesADenialByItsRule, as an answer and not as an error; no answer
// is an error.
func TestServe_TracesADenialByItsRule(t *testing.T) {
	for name, test := range map[string]struct {
		change                     func(*world)
		outcome, rule, code, wrong string
	}{
		"not signed":   {func(*world) {}, "denied", "image/not-signed", "FAILED_PRECONDITION", ""},
		"not answered": {func(w *world) { must(w.t, w.server.Close()) }, "undetermined", "resolve/no-answer", "UNAVAILABLE", "UNAVAILABLE"},
	} {
		t.Run(name, func(t *testing.T) {
			got := collect(t, nil)
			w := newWorld(t)
			s := startSidecar(t, w)
			test.change(w)
			if test.wrong != "" {
				s.patience = 5 * time.Second
			}
			if _, err := s.asks(""); err == nil {
				t.Fatal("it is allowed")
			}
			s.stop()
			requests := got.named("plugin.ConfigManagementPluginService/GenerateManifest")
			if len(requests) != 1 || len(requests[0].GetParentSpanId()) != 0 {
				t.Fatalf("%d requests: %v", len(requests), requests)
			}
			for key, want := range map[string]string{"assay.outcome": test.outcome, "assay.rule": test.rule, "rpc.response.status_code": test.code, "error.type": test.wrong} {
				if value := says(requests[0], key); value != want {
					t.Errorf("%s is %q, not %q", key, value, want)
				}
			}
		})
	}
}

// TestServe_ACollectorThatTakesNothingChangesNoVerdict: while it hangs, refuses
// or answers nonsense, an application is answered about as without traces; a
// collector that hangs is let go only after all is over.
func TestServe_ACollectorThatTakesNothingChangesNoVerdict(t *testing.T) {
	w := newWorld(t)
	w.sign(trusted())
	plain, err := startSidecar(t, w).asks("")
	must(t, err)
	for name, answer := range map[string]func(w http.ResponseWriter, over context.Context){
		"hangs":    func(_ http.ResponseWriter, over context.Context) { <-over.Done() },
		"refuses":  func(w http.ResponseWriter, _ context.Context) { w.WriteHeader(http.StatusForbidden) },
		"nonsense": func(w http.ResponseWriter, _ context.Context) { _, _ = w.Write([]byte("\xff\x00")) },
	} {
		t.Run(name, func(t *testing.T) {
			over, release := context.WithCancel(context.Background())
			reached := make(chan struct{})
			first := sync.OnceFunc(func() { close(reached) })
			collect(t, func(w http.ResponseWriter, _ *http.Request) {
				first()
				answer(w, over)
			})
			t.Cleanup(release)
			t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "4")
			t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
			s := startSidecar(t, w)
			for i := range 5 {
				manifests, err := s.asks("")
				if err != nil || !slices.Equal(manifests, plain) {
					t.Fatalf("request %d: %v, %v", i, manifests, err)
				}
				if i == 0 {
					select {
					case <-reached: // from here on the queue has nowhere to go
					case <-time.After(30 * time.Second):
						t.Fatal("the collector was never asked")
					}
				}
			}
			if code, log := s.stop(); code != exitAllowed || strings.Count(log, "traces could not be sent") > 1 {
				t.Errorf("it ended with %d: %s", code, log)
			}
		})
	}
}
