package tree

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestOpen_WrongDigestIsNoAnswer: nothing of it is used, and it heals.
func TestOpen_WrongDigestIsNoAnswer(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	artifact := server.add(pack(t, aFile("a", "good")))
	other := pack(t, aFile("a", "evil"))
	server.answers(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(other) })
	artifact.Size = int64(len(other))
	unanswered(t, fails(t, store, artifact), "its digest is not the source's "+artifact.Digest)
	nothingLeft(t, store)
	artifact.Size = 0
	server.answers(nil)
	opened := open(t, store, artifact)
	defer opened.Close()
	if read(t, opened)["a"] != "good" {
		t.Error("it did not heal")
	}
}

// TestOpen_BombOfWrongDigestIsNotUnpacked: the digest comes first.
func TestOpen_BombOfWrongDigestIsNotUnpacked(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	artifact := server.add(pack(t, aFile("../x", "")))
	artifact.Digest = digestOf([]byte("another"))
	unanswered(t, fails(t, store, artifact), "its digest is not the source's")
}

// TestOpen_WrongLengthIsNoAnswer for bytes that are missing or too many.
func TestOpen_WrongLengthIsNoAnswer(t *testing.T) {
	content := pack(t, aFile("a", "good"))
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		says   string
	}{
		"Truncated": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content[:20]) }, "it is truncated: 20 of"},
		"HungUp": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write(content[:20])
		}, "it is truncated after 20 bytes"},
		"Empty": {func(http.ResponseWriter, *http.Request) {}, "it is truncated: 0 of"},
		"Longer": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(append(content[:len(content):len(content)], "more"...))
		}, "it is longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			server, store := newFileServer(t), newStore(t, nil)
			artifact := server.add(content)
			server.answers(test.answer)
			unanswered(t, fails(t, store, artifact), test.says)
			nothingLeft(t, store)
			server.answers(nil)
			open(t, store, artifact).Close()
		})
	}
}

// TestOpen_FileServerWithoutTheFileIsNoAnswer.
func TestOpen_FileServerWithoutTheFileIsNoAnswer(t *testing.T) {
	for code, says := range map[int]string{404: "does not have it (404)", 500: "500 Internal Server Error", 503: "503 Service Unavailable", 403: "403 Forbidden", 204: "204 No Content", 206: "206 Partial Content"} {
		server, store := newFileServer(t), newStore(t, nil)
		artifact := server.add(pack(t, aFile("a", "")))
		server.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		unanswered(t, fails(t, store, artifact), says)
		nothingLeft(t, store)
		server.answers(nil)
		open(t, store, artifact).Close()
	}
}

func TestOpen_RefusedConnectionIsNoAnswer(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	artifact := server.add(pack(t, aFile("a", "")))
	server.Close()
	unanswered(t, fails(t, store, artifact), "connection refused")
}

// TestOpen_SilentServerIsNoAnswer whether it says nothing or stops half way.
func TestOpen_SilentServerIsNoAnswer(t *testing.T) {
	for name, first := range map[string]int{"AtOnce": 0, "HalfWay": 20} {
		t.Run(name, func(t *testing.T) {
			server, store := newFileServer(t), newStore(t, func(o *Options) { o.Timeout = 50 * time.Millisecond })
			content := pack(t, aFile("a", ""))
			artifact := server.add(content)
			server.answers(func(w http.ResponseWriter, r *http.Request) {
				if first > 0 {
					_, _ = w.Write(content[:first])
					_ = http.NewResponseController(w).Flush()
				}
				<-r.Context().Done()
			})
			unanswered(t, fails(t, store, artifact), "")
			nothingLeft(t, store)
		})
	}
}

// TestOpen_CancelledCallerIsNoAnswer, before and while it waits; the fetch ends
// with its last caller.
func TestOpen_CancelledCallerIsNoAnswer(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	artifact := server.add(pack(t, aFile("a", "")))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	server.answers(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
		close(ended)
	})
	unanswered(t, failsWith(ctx, t, store, artifact), "canceled")
	<-ended
	unanswered(t, failsWith(ctx, t, store, artifact), "canceled")
	if got := server.requests.Load(); got != 1 {
		t.Errorf("%d requests", got)
	}
	server.answers(nil)
	open(t, store, artifact).Close()
}

// TestOpen_OneCallerWhoLeavesStopsNobodyElse.
func TestOpen_OneCallerWhoLeavesStopsNobodyElse(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	content := pack(t, aFile("a", "good"))
	artifact := server.add(content)
	asked, release := make(chan struct{}), make(chan struct{})
	server.answers(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-release
		_, _ = w.Write(content)
	})
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { left <- failsWith(ctx, t, store, artifact) }()
	<-asked
	stays := make(chan *Tree)
	go func() {
		opened, err := store.Open(t.Context(), artifact)
		if err != nil {
			t.Error(err)
		}
		stays <- opened
	}()
	for users(store, artifact) < 2 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	unanswered(t, <-left, "canceled")
	close(release)
	opened := <-stays
	defer opened.Close()
	if read(t, opened)["a"] != "good" || server.requests.Load() != 1 {
		t.Errorf("%d requests", server.requests.Load())
	}
}

func users(store *Store, artifact Artifact) int {
	from, err := store.describe(artifact)
	if err != nil {
		return 0
	}
	store.mu.Lock()
	defer store.mu.Unlock()
	if found := store.known[from.key()]; found != nil {
		return found.users
	}
	return 0
}

// TestOpen_RedirectToAnotherHostIsDenied; one on the same host is followed.
func TestOpen_RedirectToAnotherHostIsDenied(t *testing.T) {
	elsewhere := newFileServer(t)
	server, store := newFileServer(t), newStore(t, nil)
	content := pack(t, aFile("a", ""))
	elsewhere.add(content)
	artifact := server.add(content)
	path := strings.TrimPrefix(artifact.URL, server.URL)
	artifact.URL = server.URL + "/moved"
	to := elsewhere.URL
	server.answers(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, to+path, http.StatusFound)
			return
		}
		_, _ = w.Write(content)
	})
	refused(t, fails(t, store, artifact), ruleArtifact, "sends to another host")
	if elsewhere.requests.Load() != 0 {
		t.Error("the other host was asked")
	}
	twin := newStore(t, nil)
	to = server.URL
	open(t, twin, artifact).Close()
}

// TestOpen_HostIsReplaced as Flux's SOURCE_CONTROLLER_LOCALHOST does.
func TestOpen_HostIsReplaced(t *testing.T) {
	server := newFileServer(t)
	store := newStore(t, func(o *Options) { o.Host = strings.TrimPrefix(server.URL, "http://") })
	artifact := server.add(pack(t, aFile("a", "")))
	artifact.URL = strings.Replace(artifact.URL, server.URL, "http://source-controller.flux-system.svc.cluster.local.", 1)
	open(t, store, artifact).Close()
}

// TestOpen_ArtifactThatIsNoneIsDenied before anything is asked.
func TestOpen_ArtifactThatIsNoneIsDenied(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Artifact)
		rule   string
		says   string
	}{
		"NoURL":         {func(a *Artifact) { a.URL = "" }, ruleArtifact, "it has no URL"},
		"BrokenURL":     {func(a *Artifact) { a.URL = "http://[" }, ruleArtifact, "its URL cannot be read"},
		"FileURL":       {func(a *Artifact) { a.URL = "file:///etc/passwd" }, ruleArtifact, "is not an address of http or https"},
		"OtherScheme":   {func(a *Artifact) { a.URL = strings.Replace(a.URL, "http", "gopher", 1) }, ruleArtifact, "is not an address of http or https"},
		"NoHost":        {func(a *Artifact) { a.URL = "http:///x.tar.gz" }, ruleArtifact, "is not an address of http or https"},
		"Credentials":   {func(a *Artifact) { a.URL = strings.Replace(a.URL, "http://", "http://user:hidden@", 1) }, ruleArtifact, "has credentials"},
		"NoDigest":      {func(a *Artifact) { a.Digest = "" }, ruleArtifact, "it has no digest"},
		"BareDigest":    {func(a *Artifact) { a.Digest = strings.TrimPrefix(a.Digest, "sha256:") }, ruleArtifact, "is none of sha256"},
		"SHA1":          {func(a *Artifact) { a.Digest = "sha1:4c624b40731c876b23d36fe732833ea8261f7f00" }, ruleArtifact, "is none of sha256"},
		"ShortDigest":   {func(a *Artifact) { a.Digest = a.Digest[:40] }, ruleArtifact, "is not a digest"},
		"UpperDigest":   {func(a *Artifact) { a.Digest = "sha256:" + strings.ToUpper(a.Digest[7:]) }, ruleArtifact, "is not a digest"},
		"NegativeSize":  {func(a *Artifact) { a.Size = -1 }, ruleArtifact, "its size is -1"},
		"TooLargeASize": {func(a *Artifact) { a.Size = 1 << 40 }, ruleLimit, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			server, store := newFileServer(t), newStore(t, nil)
			artifact := server.add(pack(t, aFile("a", "a")))
			twin := artifact
			test.change(&artifact)
			err := fails(t, store, artifact)
			refused(t, err, test.rule, test.says)
			if err != nil && strings.Contains(err.Error(), "hidden") {
				t.Errorf("%v tells a password", err)
			}
			if server.requests.Load() != 0 {
				t.Error("the file server was asked")
			}
			open(t, store, twin).Close()
		})
	}
}

// TestOpen_PackedLimitIsKept by what the server says, and by what it sends.
func TestOpen_PackedLimitIsKept(t *testing.T) {
	content := pack(t, aFile("a", ""))
	for name, answer := range map[string]http.HandlerFunc{
		"Said": nil,
		"Sent": func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write(content)
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := newFileServer(t)
			artifact := server.add(content)
			artifact.Size = 0
			server.answers(answer)
			narrow := newStore(t, func(o *Options) { o.Limits.PackedBytes = int64(len(content)) - 1 })
			refused(t, fails(t, narrow, artifact), ruleLimit, "more than")
			twin := newStore(t, func(o *Options) { o.Limits.PackedBytes = int64(len(content)) })
			open(t, twin, artifact).Close()
		})
	}
}

// TestOpen_EndlessAnswerIsCut: reading ends at the limit, not with the server.
func TestOpen_EndlessAnswerIsCut(t *testing.T) {
	server, store := newFileServer(t), newStore(t, func(o *Options) { o.Limits.PackedBytes = 1 << 20 })
	artifact := server.add(pack(t, aFile("a", "")))
	artifact.Size = 0
	server.answers(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	refused(t, fails(t, store, artifact), ruleLimit, "more than 1048576 bytes")
	nothingLeft(t, store)
}

// TestOpen_DigestIsOfTheBytesAsStored even when the server says that they are
// compressed by gzip.
func TestOpen_DigestIsOfTheBytesAsStored(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	content := pack(t, aFile("a", "good"))
	artifact := server.add(content)
	server.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(content)
	})
	open(t, store, artifact).Close()
}

// TestOpen_OtherDigestAlgorithms that Flux can be told to use.
func TestOpen_OtherDigestAlgorithms(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	content := pack(t, aFile("a", "good"))
	artifact := server.add(content)
	sum := sha512.Sum512(content)
	artifact.Digest = "sha512:" + hex.EncodeToString(sum[:])
	open(t, store, artifact).Close()
	artifact.Digest = "sha512:" + hex.EncodeToString(make([]byte, 64))
	unanswered(t, fails(t, store, artifact), "its digest is not")
}

// TestOpen_AnswerThatIsNoHTTPIsNoAnswer.
func TestOpen_AnswerThatIsNoHTTPIsNoAnswer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer func() { _ = listener.Close() }()
	go func() {
		for {
			one, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = one.Write([]byte("no http\n"))
			_ = one.Close()
		}
	}()
	store := newStore(t, nil)
	unanswered(t, fails(t, store, Artifact{URL: "http://" + listener.Addr().String() + "/x", Digest: digestOf(nil)}), "fetching the source's artifact http://")
}

// TestOpen_UntrustedCertificateIsNoAnswer.
func TestOpen_UntrustedCertificateIsNoAnswer(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	server.Config.ErrorLog = nil
	unanswered(t, fails(t, newStore(t, nil), Artifact{URL: server.URL + "/x", Digest: digestOf(nil)}), "certificate")
}
