package registry_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
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

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// clock is a time that moves when it is told to, and when somebody sleeps.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.Pass(d)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slept = append(c.slept, d)
	return context.Cause(ctx)
}

func (c *clock) longestSleep() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	longest := time.Duration(0)
	for _, d := range c.slept {
		longest = max(longest, d)
	}
	return longest
}

func (c *clock) sleptInAll() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := time.Duration(0)
	for _, d := range c.slept {
		all += d
	}
	return all
}

func startServer(t testing.TB, options ociserver.Options) *ociserver.Server {
	t.Helper()
	server, err := ociserver.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// newClient reaches the server; change may adjust the options.
func newClient(t testing.TB, server *ociserver.Server, change func(*registry.Options)) (*registry.Client, *clock) {
	t.Helper()
	time := newClock()
	options := registry.Options{
		Clock: time.Now, Sleep: time.Sleep,
		Hosts: []registry.Host{{Host: server.Host(), Private: true, PlainHTTP: server.CA() == nil, CA: server.CA()}},
	}
	if change != nil {
		change(&options)
	}
	client, err := registry.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client, time
}

func limitsWith(t testing.TB, overrides map[string]int64) plugin.Limits {
	t.Helper()
	limits, err := plugin.NewLimits(overrides)
	if err != nil {
		t.Fatal(err)
	}
	return limits
}

// pushImage pushes a random image and returns its digest.
func pushImage(t testing.TB, server *ociserver.Server, tag string) string {
	t.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	return pushThis(t, server, tag, image)
}

func pushThis(t testing.TB, server *ociserver.Server, tag string, image v1.Image) string {
	t.Helper()
	ref, err := name.NewTag(server.Host() + "/" + tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image, remote.WithTransport(server.Transport()), remote.WithAuth(server.Authenticator())); err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	server.ResetRequests()
	return digest.String()
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func put(t testing.TB, url, contentType string, data []byte) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPut, url, strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		message, _ := io.ReadAll(response.Body)
		t.Fatalf("PUT %s: %s %s", url, response.Status, message)
	}
}

// pushBlob pushes a blob to a server without TLS.
func pushBlob(t testing.TB, server *ociserver.Server, repository string, data []byte) string {
	t.Helper()
	response, err := http.Post("http://"+server.Host()+"/v2/"+repository+"/blobs/uploads/", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	digest := digestOf(data)
	put(t, "http://"+server.Host()+response.Header.Get("Location")+"?digest="+digest, "application/octet-stream", data)
	return digest
}

// pushReferrer pushes a manifest that names repository@subject, with one blob, and
// returns the manifest's and the blob's digests.
func pushReferrer(t testing.TB, server *ociserver.Server, of string, number int) (manifest, blob string) {
	t.Helper()
	repository, subject, _ := strings.Cut(of, "@")
	blob = pushBlob(t, server, repository, fmt.Appendf(nil, "evidence %d for %s", number, subject))
	data, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json",
		"config":       map[string]any{"mediaType": "application/vnd.oci.empty.v1+json", "digest": digestOf([]byte("{}")), "size": 2},
		"layers":       []any{map[string]any{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "digest": blob, "size": 1}},
		"annotations":  map[string]string{"number": fmt.Sprint(number)},
		"subject":      map[string]any{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": subject, "size": 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	manifest = digestOf(data)
	put(t, "http://"+server.Host()+"/v2/"+repository+"/manifests/"+manifest, "application/vnd.oci.image.manifest.v1+json", data)
	server.ResetRequests()
	return manifest, blob
}

func reference(t testing.TB, written string) plugin.Reference {
	t.Helper()
	parsed, err := plugin.ParseReference(written)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func resolveOne(t testing.TB, client *registry.Client, written string) plugin.Resolution {
	t.Helper()
	return client.Resolve(context.Background(), []plugin.Reference{reference(t, written)})[0]
}

// refused fails the test unless err denies by the rule.
func refused(t testing.TB, err error, rule string) {
	t.Helper()
	findings := plugin.FindingsFromError("test", err)
	if len(findings) != 1 || findings[0].Level != plugin.Deny || findings[0].Rule != rule || findings[0].Hint == "" {
		t.Errorf("got %v (%+v), want a denial by %s with a hint", err, findings, rule)
	}
}

// unanswered fails the test unless err is undetermined and says the words.
func unanswered(t testing.TB, err error, words ...string) {
	t.Helper()
	findings := plugin.FindingsFromError("test", err)
	var stage *plugin.StageError
	if !errors.As(err, &stage) || len(findings) != 1 || findings[0].Level != plugin.Undetermined || findings[0].Hint == "" {
		t.Fatalf("got %v (%+v), want no answer with a hint", err, findings)
	}
	for _, word := range words {
		if !strings.Contains(findings[0].Message, word) {
			t.Errorf("message %q does not say %q", findings[0].Message, word)
		}
	}
}

// always gives one fault to requests of the named methods; without methods to
// all but pings.
func always(fault ociserver.Fault) func(*http.Request) *ociserver.Fault {
	return func(r *http.Request) *ociserver.Fault {
		if r.URL.Path == "/v2/" {
			return nil
		}
		return &fault
	}
}

// together answers requests whose path holds a key only when as many of them
// have come as its value says: whoever asks one after the other never ends.
func together(groups map[string]int) func(*http.Request) *ociserver.Fault {
	waits := map[string]*sync.WaitGroup{}
	for key, count := range groups {
		waits[key] = &sync.WaitGroup{}
		waits[key].Add(count)
	}
	return func(r *http.Request) *ociserver.Fault {
		for key, wait := range waits {
			if strings.Contains(r.URL.Path, key) {
				wait.Done()
				wait.Wait()
			}
		}
		return nil
	}
}
