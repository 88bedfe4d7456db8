package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

func TestResolve_TagIsResolvedByOneHEADAndFreshNeedsNone(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:v1")
	client, clock := newClient(t, server, nil)
	for range 3 {
		got := resolveOne(t, client, server.Host()+"/app:v1")
		if got.Err != nil || got.Digest != digest || got.Size == 0 || got.MediaType == "" || got.Stale {
			t.Fatalf("got %+v, want %s", got, digest)
		}
	}
	requests := server.Requests()
	if len(requests) != 2 || requests[0].Class != ociserver.ClassPing || requests[1].Class != ociserver.ClassTag || requests[1].Method != http.MethodHead {
		t.Errorf("requests: %+v", requests)
	}
	clock.Pass(registry.DefaultFreshFor)
	resolveOne(t, client, server.Host()+"/app:v1")
	if server.Count(ociserver.ClassTag) != 2 || server.Count(ociserver.ClassPing) != 1 {
		t.Errorf("requests after freshFor: %+v", server.Requests())
	}
}

func TestResolve_TwoSpellingsAndManyUsesAreOneRequest(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:latest")
	client, _ := newClient(t, server, nil)
	references := []plugin.Reference{reference(t, server.Host()+"/app"), reference(t, server.Host()+"/app:latest"), reference(t, server.Host()+"/app")}
	for i, got := range client.Resolve(context.Background(), references) {
		if got.Digest != digest {
			t.Errorf("%d: %+v", i, got)
		}
	}
	if server.Count(ociserver.ClassTag) != 1 {
		t.Errorf("requests: %+v", server.Requests())
	}
}

func TestResolve_TagThatDoesNotExistIsDenied(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	pushImage(t, server, "app:v1")
	client, _ := newClient(t, server, nil)
	got := resolveOne(t, client, server.Host()+"/app:v2")
	refused(t, got.Err, "image/not-found")
	if !errors.Is(got.Err, registry.ErrNotFound) || got.Digest != "" {
		t.Errorf("got %+v", got)
	}
	if twin := resolveOne(t, client, server.Host()+"/app:v1"); twin.Err != nil {
		t.Errorf("twin: %v", twin.Err)
	}
	pushImage(t, server, "app:v2")
	if later := resolveOne(t, client, server.Host()+"/app:v2"); later.Err != nil {
		t.Errorf("a missing tag was remembered: %v", later.Err)
	}
}

func TestResolve_NoAnswerIsUndetermined(t *testing.T) {
	cases := map[string]struct {
		fault ociserver.Fault
		tries int
		words []string
	}{
		"401":                    {ociserver.Fault{Status: 401}, 1, []string{"not allowed with this credential"}},
		"403":                    {ociserver.Fault{Status: 403}, 1, []string{"not allowed with this credential"}},
		"418":                    {ociserver.Fault{Status: 418}, 1, []string{"418"}},
		"429":                    {ociserver.Fault{Status: 429}, 4, []string{"registry throttled"}},
		"429 with Retry-After":   {ociserver.Fault{Status: 429, RetryAfter: "7"}, 4, []string{"registry throttled"}},
		"429 for longer than ok": {ociserver.Fault{Status: 429, RetryAfter: "3600"}, 1, []string{"registry throttled"}},
		"500":                    {ociserver.Fault{Status: 500}, 4, []string{"500"}},
		"503 with Retry-After":   {ociserver.Fault{Status: 503, RetryAfter: "2"}, 4, []string{"503"}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, ociserver.Options{})
			digest := pushImage(t, server, "app:v1")
			client, _ := newClient(t, server, nil)
			server.SetFault(always(test.fault))
			got := resolveOne(t, client, server.Host()+"/app:v1")
			unanswered(t, got.Err, test.words...)
			if strings.Contains(fmt.Sprint(got.Err), "sign") || got.Digest != "" {
				t.Errorf("got %+v", got)
			}
			if tries := server.Count(ociserver.ClassTag); tries != test.tries {
				t.Errorf("%d tries, want %d", tries, test.tries)
			}
			server.SetFault(nil)
			if twin := resolveOne(t, client, server.Host()+"/app:v1"); twin.Digest != digest {
				t.Errorf("twin: %+v", twin)
			}
		})
	}
}

func TestResolve_RetryAfterIsWaitedForAndThenAnswered(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:v1")
	client, clock := newClient(t, server, nil)
	var asked atomic.Int32
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if r.URL.Path == "/v2/" || asked.Add(1) > 1 {
			return nil
		}
		return &ociserver.Fault{Status: 429, RetryAfter: "7"}
	})
	if got := resolveOne(t, client, server.Host()+"/app:v1"); got.Digest != digest {
		t.Fatalf("got %+v", got)
	}
	if waited := clock.longestSleep(); waited < 7*time.Second || waited > 8*time.Second {
		t.Errorf("waited %s, want the 7s asked for", waited)
	}
}

func TestResolve_RegistryDownIsUndetermined(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	client, _ := newClient(t, server, nil)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	unanswered(t, resolveOne(t, client, server.Host()+"/app:v1").Err, "refused")
}

func TestResolve_RegistryThatHangsIsUndeterminedAfterTheLimit(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	pushImage(t, server, "app:v1")
	client, _ := newClient(t, server, func(o *registry.Options) {
		o.Limits = limitsWith(t, map[string]int64{"requestSeconds": 1, "retries": 1})
	})
	server.SetFault(always(ociserver.Fault{Hang: true}))
	unanswered(t, resolveOne(t, client, server.Host()+"/app:v1").Err, "no answer within 1s")
	if server.Count(ociserver.ClassTag) != 2 {
		t.Errorf("requests: %+v", server.Requests())
	}
}

func TestResolve_CancelledOrExpiredContextIsUndetermined(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	pushImage(t, server, "app:v1")
	client, _ := newClient(t, server, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	references := []plugin.Reference{reference(t, server.Host()+"/app:v1")}
	err := client.Resolve(ctx, references)[0].Err
	unanswered(t, err, "canceled")
	if !errors.Is(err, context.Canceled) || server.Count() != 0 {
		t.Errorf("%v after %d requests", err, server.Count())
	}
	ctx, cancel = context.WithDeadline(context.Background(), time.Unix(1, 0))
	defer cancel()
	unanswered(t, client.Resolve(ctx, references)[0].Err, "deadline")
}

// A deadline that passes while the registry throttles says that it throttles.
func TestResolve_DeadlineWhileThrottledNamesThrottling(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	waiting := make(chan struct{})
	client, _ := newClient(t, server, func(o *registry.Options) {
		o.Sleep = func(ctx context.Context, _ time.Duration) error {
			close(waiting)
			<-ctx.Done()
			return ctx.Err()
		}
		o.Limits = limitsWith(t, map[string]int64{"requestSeconds": 1, "retries": 1, "retryAfterSeconds": 10})
	})
	server.SetFault(always(ociserver.Fault{Status: 429, RetryAfter: "5"}))
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		<-waiting
		cancel(context.DeadlineExceeded)
	}()
	unanswered(t, client.Resolve(ctx, []plugin.Reference{reference(t, server.Host()+"/app:v1")})[0].Err, "registry throttled")
}

func TestResolve_StaleAnswerOnlyWhenTheRegistryGivesNone(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:v1")
	client, clock := newClient(t, server, nil)
	resolveOne(t, client, server.Host()+"/app:v1")
	clock.Pass(time.Hour)
	for _, status := range []int{429, 500} {
		server.SetFault(always(ociserver.Fault{Status: status}))
		got := resolveOne(t, client, server.Host()+"/app:v1")
		if got.Err != nil || got.Digest != digest || !got.Stale || got.Age < time.Hour {
			t.Errorf("%d: %+v", status, got)
		}
	}
	for _, status := range []int{401, 403} {
		server.SetFault(always(ociserver.Fault{Status: status}))
		unanswered(t, resolveOne(t, client, server.Host()+"/app:v1").Err)
	}
	server.SetFault(always(ociserver.Fault{Status: 404}))
	refused(t, resolveOne(t, client, server.Host()+"/app:v1").Err, "image/not-found")
	server.SetFault(always(ociserver.Fault{Status: 500}))
	clock.Pass(24 * time.Hour)
	unanswered(t, resolveOne(t, client, server.Host()+"/app:v1").Err)
}

func TestResolve_HEADWithoutDigestIsAskedWithGET(t *testing.T) {
	for name, fault := range map[string]ociserver.Fault{
		"no digest header": {Header: http.Header{"Content-Type": {"application/vnd.oci.image.manifest.v1+json"}}},
		"sha512":           {Header: http.Header{"Docker-Content-Digest": {"sha512:" + strings.Repeat("0", 128)}}},
		"405":              {Status: 405},
	} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, ociserver.Options{})
			digest := pushImage(t, server, "app:v1")
			client, _ := newClient(t, server, nil)
			server.SetFault(func(r *http.Request) *ociserver.Fault {
				if r.Method == http.MethodHead {
					return &fault
				}
				return nil
			})
			if got := resolveOne(t, client, server.Host()+"/app:v1"); got.Digest != digest {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestResolve_DigestThatIsAnsweredWithAnotherIsDenied(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:v1")
	client, _ := newClient(t, server, nil)
	server.SetFault(always(ociserver.Fault{Header: http.Header{"Docker-Content-Digest": {"sha256:" + strings.Repeat("0", 64)}}}))
	refused(t, resolveOne(t, client, server.Host()+"/app@"+digest).Err, "registry/wrong-digest")
	server.SetFault(nil)
	if twin := resolveOne(t, client, server.Host()+"/app@"+digest); twin.Digest != digest {
		t.Errorf("twin: %+v", twin)
	}
}

func TestResolve_Schema1IsDenied(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	client, _ := newClient(t, server, nil)
	server.SetFault(always(ociserver.Fault{Header: http.Header{
		"Docker-Content-Digest": {"sha256:" + strings.Repeat("0", 64)},
		"Content-Type":          {"application/vnd.docker.distribution.manifest.v1+prettyjws"},
	}}))
	refused(t, resolveOne(t, client, server.Host()+"/app:v1").Err, "image/unsupported")
}

func TestResolve_ManyImagesOnePingSideBySideWithinTheHostsSlots(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	var references []plugin.Reference
	for i := range 20 {
		written := fmt.Sprintf("app-%d:v1", i)
		pushImage(t, server, written)
		references = append(references, reference(t, server.Host()+"/"+written))
	}
	client, _ := newClient(t, server, func(o *registry.Options) {
		o.Limits = limitsWith(t, map[string]int64{"requestsPerHost": 4})
	})
	server.SetDelay(time.Millisecond)
	server.ResetRequests()
	for _, got := range client.Resolve(context.Background(), references) {
		if got.Err != nil {
			t.Error(got.Err)
		}
	}
	if server.Count() != 21 || server.Count(ociserver.ClassPing) != 1 {
		t.Errorf("%d requests", server.Count())
	}
	if peak := server.PeakInFlight(); peak > 4 || peak < 2 {
		t.Errorf("%d requests in flight, want at most 4", peak)
	}
}

// TestResolve_ManyHostsAreNotAllAskedAtOnce: each would take a connection,
// and an author chooses how many there are.
func TestResolve_ManyHostsAreNotAllAskedAtOnce(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	var hosts []registry.Host
	var references []plugin.Reference
	for i := range 400 {
		host := fmt.Sprintf("h%d.example.com", i)
		hosts = append(hosts, registry.Host{Host: host, Private: true, PlainHTTP: true})
		references = append(references, reference(t, host+"/app:v1"))
	}
	client, _ := newClient(t, server, func(o *registry.Options) {
		o.Hosts = hosts
		o.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://" + server.Host()) }
	})
	server.SetDelay(20 * time.Millisecond)
	server.ResetRequests()
	client.Resolve(t.Context(), references)
	if peak := server.PeakInFlight(); peak > 128 || peak < 2 {
		t.Errorf("%d requests in flight, want at most 128", peak)
	}
	if server.Count() < len(references) {
		t.Errorf("%d requests", server.Count())
	}
}
