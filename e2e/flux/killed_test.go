//go:build e2e

package flux_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// between stands between a controller and the API server. Once it is armed, it
// swallows the first request that writes an ExternalArtifact's status, tells of
// it, and lets nothing more pass.
type between struct {
	armed   atomic.Bool
	seen    chan struct{}
	forward http.Handler
}

// between starts one and returns the kubeconfig of those behind it.
func (w *world) between() (*between, string) {
	w.t.Helper()
	target, err := url.Parse(w.Config.Host)
	must(w.t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxIdleConnsPerHost: 32} // as everybody here does
	proxy.FlushInterval = -1
	b := &between{seen: make(chan struct{}, 1), forward: proxy}
	server := httptest.NewTLSServer(b) // a client sends its token over TLS alone
	w.t.Cleanup(server.CloseClientConnections)
	direct, err := w.KubeconfigOf(w.t.Context(), controllerNamespace, controllerAccount)
	must(w.t, err)
	text, err := os.ReadFile(direct)
	must(w.t, err)
	path := filepath.Join(w.dir, "kubeconfig")
	must(w.t, os.WriteFile(path, []byte(strings.ReplaceAll(string(text), w.Config.Host, server.URL)), 0o600))
	return b, path
}

// ServeHTTP forwards a request, or holds it until its client is gone.
func (b *between) ServeHTTP(out http.ResponseWriter, request *http.Request) {
	if b.armed.Load() && request.Method != http.MethodGet && strings.HasSuffix(request.URL.Path, "/status") && strings.Contains(request.URL.Path, "/externalartifacts/") {
		select {
		case b.seen <- struct{}{}:
		default:
		}
		<-request.Context().Done()
		return
	}
	b.forward.ServeHTTP(out, request)
}

// TestKilledBetweenStoringAndPublishing_NothingIsLost has the controller stored
// what it is about to publish, and start again without its disk.
func TestKilledBetweenStoringAndPublishing_NothingIsLost(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	second := w.registry.PushSigned("team-a/app:2", "second")
	between, kubeconfig := w.between()
	c := w.launchWith(kubeconfig)
	w.ready(c)
	good := w.deploys("team-a/app:1")

	between.armed.Store(true)
	commit := w.commit(w.web("team-a/app:2"))
	select {
	case <-between.seen:
	case <-w.slowly().Done():
		t.Fatal("the controller never published")
	}
	if stored := archives(t, c.storage); stored != 2 {
		t.Errorf("%d archives are stored before the second is published", stored)
	}
	c.process.Kill()
	if made := madeOf(w.read(externalArtifacts, "assay-app")); made != "main@sha1:"+good {
		t.Fatalf("%s is published", made)
	}
	w.runs("web", first.DigestStr())

	must(t, os.RemoveAll(c.storage))
	w.serve()
	w.deployed(commit)
	w.runs("web", second.DigestStr())
	w.condition(gatedSources, "app", "Ready=True", "")
}

// archives counts what is stored for consumers.
func archives(t *testing.T, storage string) int {
	t.Helper()
	count := 0
	must(t, filepath.WalkDir(storage, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && strings.HasSuffix(path, ".tar.gz") && strings.Contains(strings.ToLower(path), "externalartifact") {
			count++
		}
		return err
	}))
	return count
}

// TestKilledWithItsDisk_ServesTheSameBytesAgain: nothing has changed but that
// the file is gone.
func TestKilledWithItsDisk_ServesTheSameBytesAgain(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	c := w.serve()
	w.deploys("team-a/app:1")
	before := w.read(externalArtifacts, "assay-app")
	data := w.get(field(before, "status", "artifact", "url"))
	c.process.Kill()
	must(t, os.RemoveAll(c.storage))

	again := w.serve()
	after := w.until(externalArtifacts, "assay-app", func(object *unstructured.Unstructured) error {
		if address := field(object, "status", "artifact", "url"); !strings.Contains(address, again.address) {
			return fmt.Errorf("it is still at %s", address)
		}
		return nil
	})
	if a, b := field(before, "status", "artifact", "digest"), field(after, "status", "artifact", "digest"); a != b {
		t.Errorf("the digest was %s and is %s", a, b)
	}
	if served := w.get(field(after, "status", "artifact", "url")); string(served) != string(data) {
		t.Error("other bytes are served")
	}
}

// TestStopped_EndsInTime asks it to end while it judges.
func TestStopped_EndsInTime(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	c := w.serve()
	w.publishes("team-a/app:1")
	if !c.process.Stop() {
		t.Error("it did not end by itself")
	}
}

// hasty is a leader election that a test can wait for.
func hasty() []string {
	return []string{"--enable-leader-election", "--leader-election-lease-duration=4s", "--leader-election-renew-deadline=3s", "--leader-election-retry-period=1s"}
}

// TestTwoReplicas_TheSecondTakesOver kills the one that leads.
func TestTwoReplicas_TheSecondTakesOver(t *testing.T) {
	w := newWorld(t)
	first := w.registry.PushSigned("team-a/app:1", "first")
	second := w.registry.PushSigned("team-a/app:2", "second")
	leader := w.launch(hasty()...)
	w.deploys("team-a/app:1")
	follower := w.launch(hasty()...)
	must(t, follower.process.Ready(w.slowly(), controlplane.Answers(http.DefaultClient, "http://"+follower.health+"/healthz")))
	w.runs("web", first.DigestStr())
	if address := field(w.read(externalArtifacts, "assay-app"), "status", "artifact", "url"); !strings.Contains(address, leader.address) {
		t.Errorf("the artifact is at %s, the leader at %s", address, leader.address)
	}

	leader.process.Kill()
	commit := w.commit(w.web("team-a/app:2"))
	w.deployed(commit)
	w.runs("web", second.DigestStr())
	if address := field(w.read(externalArtifacts, "assay-app"), "status", "artifact", "url"); !strings.Contains(address, follower.address) {
		t.Errorf("the artifact is at %s, the new leader at %s", address, follower.address)
	}
}
