package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

func TestShare_TwoHundredCallersAreOneRequest(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:v1")
	client, _ := newClient(t, server, nil)
	repository := server.Host() + "/app"
	var group sync.WaitGroup
	for range 200 {
		group.Go(func() {
			got := client.Resolve(context.Background(), []plugin.Reference{{Repository: repository, Tag: "v1"}})[0]
			if got.Digest != digest {
				t.Errorf("got %+v", got)
			}
			if _, err := client.Referrers(context.Background(), repository, digest); err != nil {
				t.Error(err)
			}
			if _, err := client.Manifest(context.Background(), repository, digest); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if server.Count() != 4 || server.Count(ociserver.ClassPing) != 1 {
		t.Errorf("%d requests: %+v", server.Count(), server.Requests())
	}
}

func TestShare_OneCallerLeavingStopsNothingForTheOthers(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:v1")
	client, _ := newClient(t, server, nil)
	arrived, release := make(chan struct{}), make(chan struct{})
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if r.Method == http.MethodHead {
			close(arrived) // a second HEAD would panic here
			<-release
		}
		return nil
	})
	references := []plugin.Reference{{Repository: server.Host() + "/app", Tag: "v1"}}
	leaving, leave := context.WithCancel(context.Background())
	left, stayed := make(chan plugin.Resolution, 1), make(chan plugin.Resolution, 1)
	go func() { left <- client.Resolve(leaving, references)[0] }()
	<-arrived
	go func() { stayed <- client.Resolve(context.Background(), references)[0] }()
	leave()
	if got := <-left; !errors.Is(got.Err, context.Canceled) {
		t.Errorf("who left: %+v", got)
	}
	close(release)
	if got := <-stayed; got.Digest != digest {
		t.Errorf("who stayed: %+v", got)
	}
	if server.Count(ociserver.ClassTag) != 1 {
		t.Errorf("requests: %+v", server.Requests())
	}
}

func TestStats_CountEveryRequestByHostAndStatus(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	pushImage(t, server, "app:v1")
	client, _ := newClient(t, server, nil)
	resolveOne(t, client, server.Host()+"/app:v1")
	resolveOne(t, client, server.Host()+"/app:v2")
	want := fmt.Sprint([]registry.Stat{{Host: server.Host(), Status: 200, Count: 2}, {Host: server.Host(), Status: 404, Count: 1}})
	if got := fmt.Sprint(client.Stats()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOptions_WhatCannotBeMeantIsRefused(t *testing.T) {
	credential := registry.Credential{Username: "u", Password: "p"}
	good := registry.Host{Host: "registry.example.com", Prefix: "team-a", Credential: credential, Mirrors: []string{"mirror.example.com/hub"}}
	if _, err := registry.New(registry.Options{Hosts: []registry.Host{good, {Host: "registry.example.com", Prefix: "team-b"}, {Host: "docker.io"}}}); err != nil {
		t.Errorf("twin: %v", err)
	}
	for name, hosts := range map[string][]registry.Host{
		"no host":                   {{}},
		"a URL":                     {{Host: "https://registry.example.com"}},
		"a repository":              {{Host: "registry.example.com/team-a"}},
		"plain HTTP to the public":  {{Host: "registry.example.com", PlainHTTP: true}},
		"twice":                     {good, good},
		"private in one entry only": {good, {Host: "registry.example.com", Private: true}},
		"authority that is none":    {{Host: "registry.example.com", CA: []byte("x")}},
		"mirror that is a URL":      {{Host: "registry.example.com", Mirrors: []string{"https://mirror.example.com"}}},
		"two credentials":           {{Host: "x.gcr.io", Credential: credential, Keychain: "gar"}},
		"unknown keychain":          {{Host: "registry.example.com", Keychain: "magic"}},
		"keychain not built in":     {{Host: "1.dkr.ecr.eu-west-1.amazonaws.com", Keychain: "ecr"}},
		"keychain of another cloud": {{Host: "registry.example.com", Keychain: "gar"}},
	} {
		if _, err := registry.New(registry.Options{Hosts: hosts}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := registry.New(registry.Options{Hosts: []registry.Host{{Host: "europe-docker.pkg.dev", Keychain: "gar"}}}); err != nil {
		t.Errorf("keychain of its own cloud: %v", err)
	}
}

func TestRepository_NameThatIsNoneIsDeniedWithoutARequest(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	client, _ := newClient(t, server, nil)
	host := server.Host()
	for _, repository := range []string{"", host, host + "/UPPER", host + "/../x", host + "/team-a/../team-b", host + "/a?b", host + "/a//b", host + "/a%2fb"} {
		_, err := client.Manifest(t.Context(), repository, "v1")
		refused(t, err, "image/invalid")
		refused(t, client.Resolve(t.Context(), []plugin.Reference{{Repository: repository, Tag: "v1"}})[0].Err, "image/invalid")
		_, err = client.Referrers(t.Context(), repository, digestOf(nil))
		refused(t, err, "image/invalid")
		_, err = client.Blob(t.Context(), repository, digestOf(nil), 1)
		refused(t, err, "image/invalid")
	}
	for _, tag := range []string{"../../blobs/x", "v1?x", "a b", "", "-x", "..", strings.Repeat("x", 129)} {
		_, err := client.Manifest(t.Context(), host+"/app", tag)
		refused(t, err, "image/invalid")
		refused(t, client.Resolve(t.Context(), []plugin.Reference{{Repository: host + "/app", Tag: tag}})[0].Err, "image/invalid")
	}
	if server.Count() != 0 {
		t.Errorf("requests: %+v", server.Requests())
	}
}

func BenchmarkResolve_FreshTwentyImages(b *testing.B) {
	server := startServer(b, ociserver.Options{})
	client, _ := newClient(b, server, nil)
	references := make([]plugin.Reference, 20)
	for i := range references {
		written := fmt.Sprintf("app-%d:v1", i)
		pushImage(b, server, written)
		references[i] = reference(b, server.Host()+"/"+written)
	}
	client.Resolve(b.Context(), references)
	b.ReportAllocs()
	for b.Loop() {
		client.Resolve(b.Context(), references)
	}
	b.ReportMetric(float64(server.Count()-21), "requests-while-fresh")
}

func BenchmarkReferrers_Fresh(b *testing.B) {
	server := startServer(b, ociserver.Options{})
	digest := pushImage(b, server, "app:v1")
	client, _ := newClient(b, server, nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Referrers(b.Context(), server.Host()+"/app", digest); err != nil {
			b.Fatal(err)
		}
	}
}
