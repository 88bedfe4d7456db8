package publish

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// serving starts a server and returns its address and what stops it.
func serving(t *testing.T, store *Store) (address string, stop func() error) {
	t.Helper()
	listening, ended := make(chan net.Addr, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	server := &server{store: store, listen: "127.0.0.1:0", listening: func(address net.Addr) { listening <- address }}
	go func() { ended <- server.Start(ctx) }()
	stop = func() error {
		cancel()
		return <-ended
	}
	select {
	case address := <-listening:
		return "http://" + address.String(), stop
	case err := <-ended:
		t.Fatal(err)
	}
	return "", nil
}

func ask(t *testing.T, method, address string) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	check(t, err)
	answer, err := http.DefaultTransport.RoundTrip(request)
	check(t, err)
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	check(t, err)
	return answer.StatusCode, content
}

// TestServer_ServesFilesByTheirHash and nothing else of the storage.
func TestServer_ServesFilesByTheirHash(t *testing.T) {
	store := newStore(t)
	artifact := put(t, store, "kind: A\n")
	secret := filepath.Join(t.TempDir(), "secret")
	check(t, os.WriteFile(secret, []byte("secret"), 0o600))
	check(t, os.Symlink(secret, filepath.Join(filepath.Dir(local(store, artifact)), strings.Repeat("0", 64)+".tar.gz")))
	check(t, os.Mkdir(filepath.Join(filepath.Dir(local(store, artifact)), strings.Repeat("1", 64)+".tar.gz"), 0o755))
	check(t, os.WriteFile(local(store, artifact)+"123", []byte("half"), 0o600))
	check(t, os.WriteFile(filepath.Join(store.options.Dir, "other"), []byte("other"), 0o600))
	address, stop := serving(t, store)
	code, content := ask(t, http.MethodGet, address+"/"+artifact.Path)
	sum := sha256.Sum256(content)
	if code != http.StatusOK || "sha256:"+hex.EncodeToString(sum[:]) != artifact.Digest {
		t.Errorf("%d, %d bytes", code, len(content))
	}
	if code, content := ask(t, http.MethodHead, address+"/"+artifact.Path); code != http.StatusOK || len(content) > 0 {
		t.Errorf("HEAD: %d", code)
	}
	folder := "/externalartifact/team-a/assay-web/"
	for _, name := range []string{
		"/", "/externalartifact", "/externalartifact/", "/externalartifact/team-a/", folder, folder + "object.lock", "/other", folder + "../../../other",
		folder + "%2e%2e/%2e%2e/%2e%2e/other", folder + "../assay-web/" + filepath.Base(artifact.Path), "//" + artifact.Path, "/" + artifact.Path + "123", "/" + artifact.Path + "/",
		folder + strings.Repeat("0", 64) + ".tar.gz", folder + strings.Repeat("1", 64) + ".tar.gz", folder + strings.Repeat("2", 64) + ".tar.gz",
		"/externalartifact/team-a/../" + filepath.Base(artifact.Path),
	} {
		if code, content := ask(t, http.MethodGet, address+name); code != http.StatusNotFound || strings.Contains(string(content), "secret") || strings.Contains(string(content), "assay-web") {
			t.Errorf("%s: %d %q", name, code, content)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch} {
		if code, _ := ask(t, method, address+"/"+artifact.Path); code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, code)
		}
	}
	check(t, stop())
}

// TestServer_AnswersThatHaveBegunEnd when it stops, and nothing new begins.
func TestServer_AnswersThatHaveBegunEnd(t *testing.T) {
	store := newStore(t)
	large := make([]byte, 20<<20) // more than lies between the two on its way
	_, err := rand.Read(large)
	check(t, err)
	artifact, err := store.Put(t.Context(), key, commit, map[string][]byte{"large": large})
	check(t, err)
	address, stop := serving(t, store)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/"+artifact.Path, nil)
	check(t, err)
	answer, err := http.DefaultTransport.RoundTrip(request)
	check(t, err)
	defer answer.Body.Close()
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	for { // until it listens no more
		connection, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
		if err != nil {
			break
		}
		check(t, connection.Close())
	}
	sum := sha256.New()
	count, err := io.Copy(sum, answer.Body)
	check(t, err)
	if count != *artifact.Size || "sha256:"+hex.EncodeToString(sum.Sum(nil)) != artifact.Digest {
		t.Errorf("%d bytes of %d", count, *artifact.Size)
	}
	check(t, answer.Body.Close())
	check(t, <-ended)
}

// TestServer_StartsWithoutHalvesOfFiles.
func TestServer_StartsWithoutHalvesOfFiles(t *testing.T) {
	store := newStore(t)
	artifact := put(t, store, "kind: A\n")
	half := local(store, artifact) + "123"
	check(t, os.WriteFile(half, nil, 0o600))
	age(t, half, 1e9*3600)
	_, stop := serving(t, store)
	check(t, stop())
	if got := onDisk(t, store); len(got) != 1 {
		t.Errorf("on disk: %q", got)
	}
}

// TestServer_AddressThatCannotBeListenedOnIsAnError.
func TestServer_AddressThatCannotBeListenedOnIsAnError(t *testing.T) {
	store := newStore(t)
	address, stop := serving(t, store)
	for listen, says := range map[string]string{
		"9790": "missing port", "a:b:c": "too many colons", strings.TrimPrefix(address, "http://"): "address already in use",
	} {
		if err := store.Server(listen).Start(t.Context()); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), listen) {
			t.Errorf("%q: %v", listen, err)
		}
	}
	check(t, stop())
}

// TestServer_ReadyWhileItListens, and on the elected replica alone.
func TestServer_ReadyWhileItListens(t *testing.T) {
	store := newStore(t)
	runs, elected := store.Server("127.0.0.1:0").(manager.LeaderElectionRunnable)
	if !elected || !runs.NeedLeaderElection() {
		t.Error("it would serve without being elected")
	}
	if err := store.Ready(nil); err == nil {
		t.Error("it is ready before it listens")
	}
	_, stop := serving(t, store)
	check(t, store.Ready(nil))
	check(t, stop())
	if err := store.Ready(nil); err == nil {
		t.Error("it is ready after it stopped")
	}
}
