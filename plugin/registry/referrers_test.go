package registry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// indexOf is an index with that many made-up entries.
func indexOf(count int) []byte {
	entries := make([]map[string]any, count)
	for i := range entries {
		entries[i] = map[string]any{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digestOf(fmt.Append(nil, i)), "size": 1}
	}
	data, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries})
	if err != nil {
		panic(err)
	}
	return data
}

func referrersOf(t *testing.T, client *registry.Client, repository, digest string) []registry.Descriptor {
	t.Helper()
	list, err := client.Referrers(context.Background(), repository, digest)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestReferrers_AllPagesWithTheirOwnTypesAndFreshNeedNoRequest(t *testing.T) {
	server := startServer(t, ociserver.Options{PageSize: 2})
	digest := pushImage(t, server, "app:v1")
	for i := range 5 {
		pushReferrer(t, server, "app@"+digest, i)
	}
	client, clock := newClient(t, server, nil)
	for range 2 {
		list := referrersOf(t, client, server.Host()+"/app", digest)
		if len(list) != 5 {
			t.Fatalf("%d referrers", len(list))
		}
		for i, entry := range list {
			if entry.ArtifactType != "application/vnd.dev.sigstore.bundle.v0.3+json" || entry.Annotations["number"] != fmt.Sprint(i) || entry.Size == 0 {
				t.Errorf("%d: %+v", i, entry)
			}
		}
	}
	if server.Count(ociserver.ClassReferrers) != 3 || server.Count() != 4 {
		t.Errorf("requests: %+v", server.Requests())
	}
	clock.Pass(registry.DefaultFreshFor)
	referrersOf(t, client, server.Host()+"/app", digest)
	if server.Count(ociserver.ClassReferrers) != 6 {
		t.Errorf("requests: %+v", server.Requests())
	}
}

func TestReferrers_WithoutAPIAreFoundByTagAndTheAPIIsNotAskedAgain(t *testing.T) {
	server := startServer(t, ociserver.Options{NoReferrers: true})
	digest := pushImage(t, server, "app:v1")
	manifest, _ := pushReferrer(t, server, "app@"+digest, 1)
	index := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[
		{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"size":1,"artifactType":"x/y"}]}`, manifest)
	put(t, "http://"+server.Host()+"/v2/app/manifests/"+strings.Replace(digest, ":", "-", 1), "application/vnd.oci.image.index.v1+json", []byte(index))
	other := pushImage(t, server, "other:v1")
	client, _ := newClient(t, server, nil)
	list := referrersOf(t, client, server.Host()+"/app", digest)
	if len(list) != 1 || list[0].Digest != manifest || list[0].ArtifactType != "x/y" {
		t.Errorf("got %+v", list)
	}
	if list := referrersOf(t, client, server.Host()+"/other", other); len(list) != 0 || list == nil {
		t.Errorf("an image without referrers: %+v", list)
	}
	if server.Count(ociserver.ClassReferrers) != 1 || server.Count(ociserver.ClassReferrersTag) != 2 {
		t.Errorf("requests: %+v", server.Requests())
	}
}

// One repository that does not exist must not hide the referrers of others.
func TestReferrers_UnknownRepositoryDoesNotSwitchTheAPIOff(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	digest := pushImage(t, server, "app:v1")
	pushReferrer(t, server, "app@"+digest, 1)
	client, _ := newClient(t, server, nil)
	server.SetFault(func(r *http.Request) *ociserver.Fault {
		if strings.Contains(r.URL.Path, "/bogus/") {
			return &ociserver.Fault{Status: 404, Body: []byte(`{"errors":[{"code":"NAME_UNKNOWN","message":"no such repository"}]}`)}
		}
		return nil
	})
	referrersOf(t, client, server.Host()+"/bogus", digest)
	if list := referrersOf(t, client, server.Host()+"/app", digest); len(list) != 1 {
		t.Errorf("got %+v", list)
	}
}

func TestReferrers_TenThousandAreDeniedNotCutShort(t *testing.T) {
	for name, limit := range map[string]int64{"over": 9_999, "at": 10_000} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, ociserver.Options{})
			client, _ := newClient(t, server, func(o *registry.Options) { o.Limits = limitsWith(t, map[string]int64{"referrers": limit}) })
			server.SetFault(always(ociserver.Fault{Body: indexOf(10_000), Header: http.Header{"Content-Type": {"application/vnd.oci.image.index.v1+json"}}}))
			list, err := client.Referrers(context.Background(), server.Host()+"/app", digestOf(nil))
			if limit == 10_000 {
				if err != nil || len(list) != 10_000 {
					t.Errorf("twin: %d, %v", len(list), err)
				}
				return
			}
			refused(t, err, "registry/limit")
		})
	}
}

func TestReferrers_TooManyOverPagesAreDenied(t *testing.T) {
	server := startServer(t, ociserver.Options{PageSize: 2})
	digest := pushImage(t, server, "app:v1")
	for i := range 4 {
		pushReferrer(t, server, "app@"+digest, i)
	}
	client, _ := newClient(t, server, func(o *registry.Options) { o.Limits = limitsWith(t, map[string]int64{"referrers": 3}) })
	_, err := client.Referrers(context.Background(), server.Host()+"/app", digest)
	refused(t, err, "registry/limit")
}

func TestReferrers_NoAnswerIsUndeterminedNeverEmpty(t *testing.T) {
	for _, status := range []int{401, 403, 429, 500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			server := startServer(t, ociserver.Options{})
			digest := pushImage(t, server, "app:v1")
			pushReferrer(t, server, "app@"+digest, 1)
			client, clock := newClient(t, server, nil)
			server.SetFault(always(ociserver.Fault{Status: status}))
			_, err := client.Referrers(context.Background(), server.Host()+"/app", digest)
			unanswered(t, err)
			if _, _, found := client.StaleReferrers(t.Context(), server.Host()+"/app", digest); found {
				t.Error("a failure was remembered")
			}
			server.SetFault(nil)
			if list := referrersOf(t, client, server.Host()+"/app", digest); len(list) != 1 {
				t.Errorf("twin: %+v", list)
			}
			clock.Pass(time.Hour)
			if list, age, found := client.StaleReferrers(t.Context(), server.Host()+"/app", digest); !found || len(list) != 1 || age != time.Hour {
				t.Errorf("stale: %+v, %s, %v", list, age, found)
			}
			clock.Pass(24 * time.Hour)
			if _, _, found := client.StaleReferrers(t.Context(), server.Host()+"/app", digest); found {
				t.Error("a list is stale for ever")
			}
		})
	}
}

func TestReferrers_BrokenAnswersAreDenied(t *testing.T) {
	ociIndex := "application/vnd.oci.image.index.v1+json"
	for name, fault := range map[string]ociserver.Fault{
		"not JSON":           {Body: []byte("<html>")},
		"no digest":          {Body: []byte(`{"schemaVersion":2,"manifests":[{"size":1}]}`)},
		"path in the digest": {Body: []byte(`{"schemaVersion":2,"manifests":[{"digest":"sha256:../../../x","size":1}]}`)},
		"negative size":      {Body: []byte(`{"schemaVersion":2,"manifests":[{"digest":"` + digestOf(nil) + `","size":-1}]}`)},
		"no schema version":  {Body: []byte(`{}`)},
		"empty":              {Body: []byte{}},
		"next page elsewhere": {Body: indexOf(1), Header: http.Header{
			"Link": {`<https://evil.example.com/v2/app/referrers/x>; rel="next"`}}},
		"next page without end": {Body: indexOf(0), Header: http.Header{"Link": {`</v2/app/referrers/x>; rel="next"`}}},
	} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, ociserver.Options{})
			client, _ := newClient(t, server, nil)
			if fault.Header == nil {
				fault.Header = http.Header{}
			}
			fault.Header.Set("Content-Type", ociIndex)
			server.SetFault(always(fault))
			_, err := client.Referrers(context.Background(), server.Host()+"/app", digestOf(nil))
			refused(t, err, "registry/invalid-answer")
		})
	}
}

// A page for people in front of the registry must not read as "no referrers".
func TestReferrers_LoginPageForEverythingIsNotEmpty(t *testing.T) {
	server := startServer(t, ociserver.Options{})
	client, _ := newClient(t, server, nil)
	server.SetFault(always(ociserver.Fault{Body: []byte("<html>please sign in</html>"), Header: http.Header{"Content-Type": {"text/html"}}}))
	_, err := client.Referrers(context.Background(), server.Host()+"/app", digestOf(nil))
	refused(t, err, "registry/invalid-answer")
}

// The design's budget: 1 resolve + 1 referrers + 2 for each piece of evidence,
// 4 round trips in a row, one ping; nothing while fresh.
func TestBudget_OneImageWithThreePiecesOfEvidence(t *testing.T) {
	for name, options := range map[string]ociserver.Options{"referrers API": {}, "fallback tag": {NoReferrers: true}} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, options)
			digest := pushImage(t, server, "app:v1")
			entries := []string{}
			for i := range 3 {
				manifest, _ := pushReferrer(t, server, "app@"+digest, i)
				entries = append(entries, fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"size":1}`, manifest))
			}
			extra := 0
			if options.NoReferrers {
				extra = 1
				index := `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[` + strings.Join(entries, ",") + `]}`
				put(t, "http://"+server.Host()+"/v2/app/manifests/"+strings.Replace(digest, ":", "-", 1), "application/vnd.oci.image.index.v1+json", []byte(index))
			}
			server.ResetRequests()
			client, _ := newClient(t, server, nil)
			server.SetFault(together(map[string]int{"/manifests/sha256:": 3, "/blobs/": 3}))
			for range 2 {
				readEvidence(t, client, server.Host()+"/app")
			}
			if got, want := server.Count(), 1+1+1+extra+2*3; got != want {
				t.Errorf("%d requests, want %d: %+v", got, want, server.Requests())
			}
			if depth := server.MaxDepth("app"); depth != 4+extra {
				t.Errorf("%d round trips in a row, want %d", depth, 4+extra)
			}
		})
	}
}

// readEvidence does what a verifier does, all manifests side by side.
func readEvidence(t *testing.T, client *registry.Client, repository string) {
	t.Helper()
	resolution := resolveOne(t, client, repository+":v1")
	var group sync.WaitGroup
	for _, entry := range referrersOf(t, client, repository, resolution.Digest) {
		group.Go(func() {
			manifest, err := client.Manifest(context.Background(), repository, entry.Digest)
			if err != nil {
				t.Error(err)
				return
			}
			var document struct {
				Layers []struct{ Digest string }
			}
			if err := json.Unmarshal(manifest.Bytes, &document); err != nil {
				t.Error(err)
				return
			}
			if _, err := client.Blob(context.Background(), repository, document.Layers[0].Digest, 1000); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
