package registry_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

func TestManifest_ByDigestIsAskedOnceForGood(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:v1")
	client, clock := newClient(t, server, nil)
	for range 3 {
		got, err := client.Manifest(context.Background(), server.Host()+"/app", digest)
		if err != nil || got.Digest != digest || digestOf(got.Bytes) != digest || got.MediaType == "" {
			t.Fatalf("got %+v, %v", got, err)
		}
		clock.Pass(48 * time.Hour)
	}
	if server.Count(ociserver.ClassDigest) != 1 {
		t.Errorf("requests: %+v", server.Requests())
	}
}

func TestManifest_ByTagIsFreshForAWhileAndMissingOnesForATenthOfIt(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:v1")
	client, clock := newClient(t, server, nil)
	missing := strings.Replace(digest, ":", "-", 1) + ".sig"
	ask := func() {
		t.Helper()
		if got, err := client.Manifest(context.Background(), server.Host()+"/app", "v1"); err != nil || got.Digest != digest {
			t.Errorf("got %+v, %v", got, err)
		}
		_, err := client.Manifest(context.Background(), server.Host()+"/app", missing)
		refused(t, err, "registry/not-found")
		if !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	}
	for _, want := range []struct {
		pass       time.Duration
		tags, sigs int
	}{{0, 1, 1}, {29 * time.Second, 1, 1}, {time.Second, 1, 2}, {5 * time.Minute, 2, 3}} {
		clock.Pass(want.pass)
		ask()
		if server.Count(ociserver.ClassTag) != want.tags || server.Count(ociserver.ClassSigTag) != want.sigs {
			t.Errorf("after %s: %d and %d requests, want %d and %d", want.pass, server.Count(ociserver.ClassTag), server.Count(ociserver.ClassSigTag), want.tags, want.sigs)
		}
	}
}

func TestContent_WrongBytesAreDenied(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:v1")
	blob := pushBlob(t, server, "app", []byte("right"))
	client, _ := newClient(t, server, nil)
	repository := server.Host() + "/app"
	server.SetFault(always(ociserver.Fault{Body: []byte(`{"schemaVersion":2}`)}))
	_, err := client.Manifest(context.Background(), repository, digest)
	refused(t, err, "registry/wrong-digest")
	_, err = client.Blob(context.Background(), repository, blob, 100)
	refused(t, err, "registry/wrong-digest")
	server.SetFault(always(ociserver.Fault{Body: []byte(`{}`), Header: http.Header{"Docker-Content-Digest": {digest}}}))
	_, err = client.Manifest(context.Background(), repository, "v1")
	refused(t, err, "registry/wrong-digest")
	server.SetFault(nil)
	if _, err := client.Manifest(context.Background(), repository, digest); err != nil {
		t.Errorf("twin: %v", err)
	}
	if got, err := client.Blob(context.Background(), repository, blob, 100); err != nil || string(got) != "right" {
		t.Errorf("twin: %q, %v", got, err)
	}
}

func TestContent_TruncatedBodyIsTriedAgainThenUndetermined(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	blob := pushBlob(t, server, "app", []byte("right"))
	client, _ := newClient(t, server, nil)
	server.ResetRequests()
	server.SetFault(always(ociserver.Fault{Truncate: true, Body: []byte("right")}))
	_, err := client.Blob(context.Background(), server.Host()+"/app", blob, 100)
	unanswered(t, err, "unexpected EOF")
	if server.Count(ociserver.ClassBlob) != 4 {
		t.Errorf("%d tries", server.Count(ociserver.ClassBlob))
	}
	server.SetFault(nil)
	if got, err := client.Blob(context.Background(), server.Host()+"/app", blob, 100); err != nil || string(got) != "right" {
		t.Errorf("twin: %q, %v", got, err)
	}
}

func TestContent_DigestThatIsNoneIsDeniedWithoutARequest(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	client, _ := newClient(t, server, nil)
	for _, digest := range []string{"sha512:" + strings.Repeat("0", 128), "sha256:../../x", "sha256:" + strings.Repeat("A", 64), ""} {
		_, err := client.Blob(context.Background(), server.Host()+"/app", digest, 10)
		refused(t, err, "registry/invalid-answer")
	}
	_, err := client.Manifest(context.Background(), server.Host()+"/app", "sha256:1")
	refused(t, err, "registry/invalid-answer")
	if server.Count() != 0 {
		t.Errorf("requests: %+v", server.Requests())
	}
}

func TestBlob_OneGigabyteStopsAtTheLimitInBoundedMemory(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	client, _ := newClient(t, server, nil)
	server.SetFault(always(ociserver.Fault{Zeros: 1 << 30}))
	const limit = 1 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := client.Blob(context.Background(), server.Host()+"/app", "sha256:"+strings.Repeat("0", 64), limit)
	runtime.ReadMemStats(&after)
	refused(t, err, "registry/limit")
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 12*limit {
		t.Errorf("%d bytes were allocated for a limit of %d", allocated, limit)
	}
	if server.Count(ociserver.ClassBlob) != 1 {
		t.Errorf("%d tries", server.Count(ociserver.ClassBlob))
	}
	server.SetFault(nil)
	data := bytes.Repeat([]byte("x"), limit)
	blob := pushBlob(t, server, "app", data)
	if got, err := client.Blob(context.Background(), server.Host()+"/app", blob, limit); err != nil || len(got) != limit {
		t.Errorf("twin: %d bytes, %v", len(got), err)
	}
	_, err = client.Blob(context.Background(), server.Host()+"/app", blob, limit-1)
	refused(t, err, "registry/limit")
}

func TestManifest_OverItsLimitIsDenied(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	client, _ := newClient(t, server, func(o *registry.Options) {
		o.Limits = limitsWith(t, map[string]int64{"manifestBytes": 100})
	})
	server.SetFault(always(ociserver.Fault{Body: make([]byte, 101)}))
	_, err := client.Manifest(context.Background(), server.Host()+"/app", "v1")
	refused(t, err, "registry/limit")
	server.SetFault(always(ociserver.Fault{Body: make([]byte, 100)}))
	if _, err := client.Manifest(context.Background(), server.Host()+"/app", "v1"); err != nil {
		t.Errorf("twin: %v", err)
	}
}

func TestCache_StaysWithinItsBytes(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	client, _ := newClient(t, server, func(o *registry.Options) {
		o.Limits = limitsWith(t, map[string]int64{"cacheBytes": 16 << 10})
	})
	var blobs []string
	for i := range 20 {
		blobs = append(blobs, pushBlob(t, server, "app", bytes.Repeat([]byte{byte(i)}, 2<<10)))
	}
	for _, blob := range blobs {
		if _, err := client.Blob(context.Background(), server.Host()+"/app", blob, 4<<10); err != nil {
			t.Fatal(err)
		}
	}
	if stats := client.CacheStats(); stats.Bytes > 20<<10 || stats.Evicted == 0 {
		t.Errorf("%+v", stats)
	}
	server.ResetRequests()
	for _, blob := range []string{blobs[19], blobs[0]} {
		if _, err := client.Blob(context.Background(), server.Host()+"/app", blob, 4<<10); err != nil {
			t.Fatal(err)
		}
	}
	if server.Count(ociserver.ClassBlob) != 1 {
		t.Errorf("%d requests, want 1: the newest is kept, the oldest is not", server.Count(ociserver.ClassBlob))
	}
}
