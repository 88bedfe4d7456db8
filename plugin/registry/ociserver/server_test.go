package ociserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

func start(t *testing.T, options ociserver.Options) *ociserver.Server {
	t.Helper()
	server, err := ociserver.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

func push(t *testing.T, server *ociserver.Server, tag string) (name.Tag, v1.Hash) {
	t.Helper()
	ref, err := name.NewTag(server.Host() + "/" + tag)
	if err != nil {
		t.Fatal(err)
	}
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	err = remote.Write(ref, image, remote.WithTransport(server.Transport()), remote.WithAuth(server.Authenticator()))
	if err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return ref, digest
}

// refer pushes to "app" a manifest that names the subject.
func refer(t *testing.T, server *ociserver.Server, artifactType string, subject v1.Hash) {
	t.Helper()
	body := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":%q,
		"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},
		"layers":[],"annotations":{"kind":%q},"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"size":1}}`,
		artifactType, artifactType, subject)
	request, err := http.NewRequest(http.MethodPut, "http://"+server.Host()+"/v2/app/manifests/"+artifactType, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated || response.Header.Get("OCI-Subject") != subject.String() {
		t.Fatalf("pushing a referrer: %s, OCI-Subject %q", response.Status, response.Header.Get("OCI-Subject"))
	}
}

func get(t *testing.T, url string) (*http.Response, []byte) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

func TestServer_PushAndPullWithTLSAndTokens(t *testing.T) {
	server := start(t, ociserver.Options{TLS: true, Token: &ociserver.TokenAuth{User: "team-a", Password: "s3cret"}})
	ref, digest := push(t, server, "team-a/app:v1")
	server.ResetRequests()
	descriptor, err := remote.Head(ref, remote.WithTransport(server.Transport()), remote.WithAuth(server.Authenticator()))
	if err != nil {
		t.Fatal(err)
	}
	if descriptor.Digest != digest {
		t.Errorf("digest %s, want %s", descriptor.Digest, digest)
	}
	if server.Count(ociserver.ClassPing) != 1 || server.Count(ociserver.ClassToken) != 1 || server.Count(ociserver.ClassTag) != 1 {
		t.Errorf("requests: %+v", server.Requests())
	}
	if _, err := remote.Head(ref, remote.WithTransport(server.Transport())); err == nil {
		t.Error("anonymous access was allowed")
	}
}

func TestServer_ReferrersReportTheirOwnArtifactTypeFilteredAndPaged(t *testing.T) {
	server := start(t, ociserver.Options{PageSize: 2})
	_, digest := push(t, server, "app:v1")
	for _, kind := range []string{"a", "b", "c", "b2", "b3"} {
		refer(t, server, kind, digest)
	}
	base := "http://" + server.Host()
	next, kinds, pages := "/v2/app/referrers/"+digest.String(), "", 0
	for next != "" {
		response, body := get(t, base+next)
		var index v1.IndexManifest
		if err := json.Unmarshal(body, &index); err != nil {
			t.Fatal(err)
		}
		for _, descriptor := range index.Manifests {
			kinds += descriptor.ArtifactType + descriptor.Annotations["kind"] + " "
		}
		next, _, _ = strings.Cut(strings.TrimPrefix(response.Header.Get("Link"), "<"), ">")
		pages++
	}
	if kinds != "aa bb cc b2b2 b3b3 " || pages != 3 {
		t.Errorf("%d pages: %s", pages, kinds)
	}
	response, body := get(t, base+"/v2/app/referrers/"+digest.String()+"?artifactType=c")
	if response.Header.Get("OCI-Filters-Applied") != "artifactType" || strings.Count(string(body), "artifactType") != 1 {
		t.Errorf("filtered: %s", body)
	}
	if response, _ := get(t, base+"/v2/app/referrers/sha256:"+strings.Repeat("0", 64)); response.StatusCode != http.StatusOK {
		t.Errorf("no referrers: %s", response.Status)
	}
}

func TestServer_WithoutReferrersAPIAnswers404(t *testing.T) {
	server := start(t, ociserver.Options{NoReferrers: true})
	_, digest := push(t, server, "app:v1")
	if response, _ := get(t, "http://"+server.Host()+"/v2/app/referrers/"+digest.String()); response.StatusCode != http.StatusNotFound {
		t.Errorf("got %s", response.Status)
	}
}

func TestServer_FaultsAreServed(t *testing.T) {
	server := start(t, ociserver.Options{})
	url := "http://" + server.Host() + "/v2/app/manifests/v1"
	server.SetFault(func(*http.Request) *ociserver.Fault {
		return &ociserver.Fault{Status: http.StatusTooManyRequests, RetryAfter: "7"}
	})
	if response, _ := get(t, url); response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") != "7" {
		t.Errorf("throttled: %s", response.Status)
	}
	server.SetFault(func(*http.Request) *ociserver.Fault { return &ociserver.Fault{Truncate: true, Body: make([]byte, 100)} })
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(response.Body); err == nil || len(data) != 50 {
		t.Errorf("truncated: %d bytes, %v", len(data), err)
	}
	response.Body.Close()
	server.SetFault(func(*http.Request) *ociserver.Fault { return &ociserver.Fault{Hang: true} })
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
			t.Error("a hanging request was answered")
		}
	})
	cancel()
	group.Wait()
}

func TestServer_DepthCountsRoundTripsInARow(t *testing.T) {
	server := start(t, ociserver.Options{})
	ref, digest := push(t, server, "app:v1")
	server.ResetRequests()
	server.SetDelay(time.Millisecond)
	base := "http://" + server.Host() + "/v2/app/"
	get(t, base+"manifests/v1")
	var together, group sync.WaitGroup
	together.Add(5)
	server.SetFault(func(*http.Request) *ociserver.Fault {
		together.Done()
		together.Wait() // nobody is answered before all have come
		return nil
	})
	for range 5 {
		group.Go(func() {
			if response, err := http.Get(base + "manifests/" + digest.String()); err == nil {
				response.Body.Close()
			}
		})
	}
	group.Wait()
	if depth := server.MaxDepth("app"); depth != 2 {
		t.Errorf("depth %d, want 2: %+v", depth, server.Requests())
	}
	if peak := server.PeakInFlight(); peak != 5 {
		t.Errorf("peak %d", peak)
	}
	if server.MaxDepth(ref.RepositoryStr()+"/other") != 0 || server.Count() != 6 {
		t.Errorf("requests: %+v", server.Requests())
	}
}
