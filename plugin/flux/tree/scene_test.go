package tree

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// one is an entry of a test's archive.
type one struct {
	tar.Header
	content string
}

func aFile(name, content string) one {
	return one{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644}, content}
}

func aFolder(name string) one {
	return one{tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755}, ""}
}

func aLink(name, target string) one {
	return one{tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target}, ""}
}

func tarOf(t testing.TB, entries ...one) []byte {
	t.Helper()
	var packed bytes.Buffer
	writer := tar.NewWriter(&packed)
	for _, entry := range entries {
		header := entry.Header
		header.Size = int64(len(entry.content))
		check(t, writer.WriteHeader(&header))
		_, err := io.WriteString(writer, entry.content)
		check(t, err)
	}
	check(t, writer.Close())
	return packed.Bytes()
}

func zip(t testing.TB, content []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, err := writer.Write(content)
	check(t, err)
	check(t, writer.Close())
	return packed.Bytes()
}

func pack(t testing.TB, entries ...one) []byte {
	t.Helper()
	return zip(t, tarOf(t, entries...))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// fileServer serves what it is given and counts requests and bytes.
type fileServer struct {
	*httptest.Server
	mu       sync.Mutex
	files    map[string][]byte
	answer   http.HandlerFunc // in the place of files, when it is set
	requests atomic.Int64
	bytes    atomic.Int64
}

func newFileServer(t testing.TB) *fileServer {
	t.Helper()
	server := &fileServer{files: map[string][]byte{}}
	server.Server = httptest.NewServer(http.HandlerFunc(server.serve))
	t.Cleanup(server.Close)
	return server
}

func (f *fileServer) serve(w http.ResponseWriter, r *http.Request) {
	f.requests.Add(1)
	f.mu.Lock()
	answer, content := f.answer, f.files[r.URL.Path]
	f.mu.Unlock()
	switch {
	case answer != nil:
		answer(w, r)
	case content == nil:
		http.NotFound(w, r)
	default:
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		count, _ := w.Write(content)
		f.bytes.Add(int64(count))
	}
}

// add serves an archive and returns what a source's status says about it.
func (f *fileServer) add(content []byte) Artifact {
	f.mu.Lock()
	defer f.mu.Unlock()
	digest := digestOf(content)
	name := "/" + strings.TrimPrefix(digest, "sha256:") + ".tar.gz"
	f.files[name] = content
	return Artifact{URL: f.URL + name, Digest: digest, Revision: "main@sha1:abc", Size: int64(len(content))}
}

func (f *fileServer) answers(with http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = with
}

func newStore(t testing.TB, change func(*Options)) *Store {
	t.Helper()
	hosts, err := ParseHosts([]string{"127.0.0.1", "*.flux-system.svc.cluster.local"})
	check(t, err)
	options := Options{Dir: t.TempDir(), Limits: DefaultLimits(), Timeout: 30 * time.Second, Hosts: hosts}
	if change != nil {
		change(&options)
	}
	store, err := New(options)
	check(t, err)
	t.Cleanup(func() { check(t, store.Close()) })
	return store
}

// read returns the files of a tree by name; folders end in a slash.
func read(t testing.TB, opened *Tree) map[string]string {
	t.Helper()
	found := map[string]string{}
	check(t, fs.WalkDir(opened.Root().FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
		case entry.IsDir():
			found[name+"/"] = ""
		default:
			content, err := opened.Root().ReadFile(name)
			check(t, err)
			found[name] = string(content)
		}
		return nil
	}))
	return found
}

// refused checks that the error is a refusal of the rule that says a text.
func refused(t testing.TB, err error, rule, says string) {
	t.Helper()
	var refusal *plugin.Refusal
	if !errors.As(err, &refusal) || refusal.Rule != rule || !strings.Contains(err.Error(), says) || refusal.Hint == "" {
		t.Errorf("want a refusal by %s that says %q and what to do, got %v", rule, says, err)
	}
	findings := plugin.FindingsFromError(stage, err)
	if len(findings) != 1 || findings[0].Level == plugin.Undetermined || findings[0].Rule != rule {
		t.Errorf("%v becomes %+v", err, findings)
	}
}

// unanswered checks that the error is no answer, with what to do.
func unanswered(t testing.TB, err error, says string) {
	t.Helper()
	var none *plugin.StageError
	if !errors.As(err, &none) || none.Hint == "" || none.Lasting || !strings.Contains(err.Error(), says) {
		t.Errorf("want no answer that says %q and what to do, got %v", says, err)
	}
	findings := plugin.FindingsFromError(stage, err)
	if len(findings) != 1 || findings[0].Level != plugin.Undetermined {
		t.Errorf("%v becomes %+v", err, findings)
	}
}

// onDisk lists what lies in the store's folder, without its lock.
func onDisk(t testing.TB, store *Store) []string {
	t.Helper()
	entries, err := os.ReadDir(store.home.folder)
	check(t, err)
	var names []string
	for _, entry := range entries {
		if entry.Name() != lockName {
			names = append(names, entry.Name())
		}
	}
	return names
}

// nothingLeft checks that a failure left nothing behind.
func nothingLeft(t testing.TB, store *Store) {
	t.Helper()
	if left := onDisk(t, store); len(left) > 0 || store.Bytes() != 0 {
		t.Errorf("left behind: %q, %d bytes", left, store.Bytes())
	}
}

func open(t testing.TB, store *Store, artifact Artifact) *Tree {
	t.Helper()
	opened, err := store.Open(t.Context(), artifact)
	check(t, err)
	return opened
}

// fails opens what must not open.
func fails(t testing.TB, store *Store, artifact Artifact) error {
	t.Helper()
	return failsWith(t.Context(), t, store, artifact)
}

func failsWith(ctx context.Context, t testing.TB, store *Store, artifact Artifact) error {
	t.Helper()
	opened, err := store.Open(ctx, artifact)
	if err == nil {
		t.Errorf("it opened: %v", read(t, opened))
		opened.Close()
	}
	return err
}

func session(store *Store) string { return filepath.Base(store.home.folder) }
