package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// allocated is how many bytes a call takes from the heap in all.
func allocated(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// crowd is a list of as many members as fit into a manifest.
func crowd(member string) string {
	return strings.TrimSuffix(strings.Repeat(member+",", 4<<20/(len(member)+1)-100), ",")
}

const oneDigest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

func TestParse_AMillionMembersAreNotBuilt(t *testing.T) {
	referrers := func(body string) func() error {
		return func() error { _, err := parseReferrers([]byte(body), 1000); return err }
	}
	config := func(body string) func() error {
		return func() error { _, err := parseConfig([]byte(body)); return err }
	}
	leaves := func(body string) func() error {
		client := &Client{limits: limits{plugin.DefaultLimits()}}
		return func() error {
			_, err := client.Leaves(Manifest{Digest: oneDigest, MediaType: typeOCIIndex, Bytes: []byte(body)})
			return err
		}
	}
	for name, test := range map[string]struct {
		read func() error
		want error
	}{
		"manifests":                 {referrers(`{"schemaVersion":2,"manifests":[` + crowd("{}") + `]}`), errTooMany},
		"manifests of a leaf index": {leaves(`{"schemaVersion":2,"manifests":[` + crowd("{}") + `]}`), nil},
		"annotations":               {referrers(`{"schemaVersion":2,"manifests":[{"annotations":{` + crowd(`"":""`) + `}}]}`), errTooManyMembers},
		"ports":                     {config(`{"config":{"ExposedPorts":{` + crowd(`"":{}`) + `}}}`), errTooManyMembers},
		"volumes":                   {config(`{"config":{"Volumes":{` + crowd(`"":0`) + `}}}`), errTooManyMembers},
		"arguments":                 {config(`{"config":{"Cmd":[` + crowd(`""`) + `]}}`), errTooManyMembers},
		"entry points":              {config(`{"config":{"Entrypoint":[` + crowd(`""`) + `]}}`), errTooManyMembers},
		"what nobody reads":         {config(`{"history":[` + crowd("{}") + `]}`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			if bytes := allocated(func() { err = test.read() }); bytes > 16<<20 {
				t.Errorf("4 MiB of text took %d bytes", bytes)
			}
			if test.want != nil && !errors.Is(err, test.want) || name != "what nobody reads" && err == nil {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
	body := []byte(`{"schemaVersion":2,"manifests":[` + crowd("{}") + `]}`)
	if bytes := allocated(func() { looksLikeIndex(body); isIndex(Manifest{Bytes: body}) }); bytes > 1<<20 {
		t.Errorf("telling an index took %d bytes", bytes)
	}
}

func TestParse_ListsAtTheirLimitAreRead(t *testing.T) {
	entry := `{"digest":"` + oneDigest + `","annotations":{"a":"b","c":null}}`
	for count, want := range map[int]error{3: nil, 4: errTooMany} {
		list, err := parseReferrers([]byte(`{"schemaVersion":2,"manifests":[`+strings.TrimSuffix(strings.Repeat(entry+",", count), ",")+`]}`), 3)
		if !errors.Is(err, want) || err == nil && (len(list) != 3 || list[2].Annotations["a"] != "b" || len(list[2].Annotations) != 2) {
			t.Errorf("%d entries: %+v, %v", count, list, err)
		}
	}
	for count, want := range map[int]error{maxMembers: nil, maxMembers + 1: errTooManyMembers} {
		var ports strings.Builder
		for i := range count {
			fmt.Fprintf(&ports, `,"%d/tcp":{}`, i)
		}
		read, err := parseConfig([]byte(`{"config":{"Cmd":null,"ExposedPorts":{` + ports.String()[1:] + `}}}`))
		if !errors.Is(err, want) || err == nil && len(read.config.ExposedPorts) != maxMembers {
			t.Errorf("%d ports: %v", count, err)
		}
	}
	for _, body := range []string{
		`{"schemaVersion":2,"manifests":{}}`, `{"schemaVersion":2,"manifests":[],"manifests":[` + entry + `]}`, `{"schemaVersion":2,"manifests":[],"MANIFESTS":[]}`,
		`{"schemaVersion":2,"manifests":[{"annotations":{"a":1}}]}`, `{"schemaVersion":2,"manifests":[{"annotations":[]}]}`, `{"schemaVersion":2,"manifests":[]}x`,
	} {
		if list, err := parseReferrers([]byte(body), 3); err == nil {
			t.Errorf("%s: %+v", body, list)
		}
	}
}

func TestInspect_FewEnoughImagesAtOnceForAllHosts(t *testing.T) {
	var now, most atomic.Int64
	full := make(chan struct{})
	var once sync.Once
	var images []plugin.Image
	for range inspectionsInFlight + 4 {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if now.Add(1) == inspectionsInFlight {
				once.Do(func() { close(full) })
			}
			most.Store(max(most.Load(), now.Load()))
			<-full
			now.Add(-1)
			w.WriteHeader(http.StatusNotFound)
		}))
		t.Cleanup(server.Close)
		reference, err := plugin.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/a")
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, plugin.Image{Reference: reference, Digest: oneDigest})
	}
	client, err := New(Options{AllowLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	findings := Inspector{Client: client}.Inspect(t.Context(), images)
	if len(findings) != len(images) || most.Load() > inspectionsInFlight {
		t.Errorf("%d findings, %d images at once", len(findings), most.Load())
	}
}

func TestInspect_WaitingImageIsGivenUpWithTheRun(t *testing.T) {
	client, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range inspectionsInFlight {
		client.inspections <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	findings := Inspector{Client: client}.Inspect(ctx, []plugin.Image{{Digest: oneDigest}})
	if len(findings) != 1 || findings[0].Level != plugin.Undetermined {
		t.Errorf("findings: %+v", findings)
	}
}
