package tree

import (
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestOpen_HundredCallersFetchOnce: requests and bytes are counted.
func TestOpen_HundredCallersFetchOnce(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	content := pack(t, aFile("a", "good"))
	artifact := server.add(content)
	var callers sync.WaitGroup
	for range 100 {
		callers.Go(func() {
			opened, err := store.Open(t.Context(), artifact)
			if err != nil {
				t.Error(err)
				return
			}
			defer opened.Close()
			if read(t, opened)["a"] != "good" {
				t.Error("it is not whole")
			}
		})
	}
	callers.Wait()
	for range 100 { // and those who come later
		open(t, store, artifact).Close()
	}
	if server.requests.Load() != 1 || server.bytes.Load() != int64(len(content)) || store.Fetched() != 1 {
		t.Errorf("%d requests, %d bytes of %d", server.requests.Load(), server.bytes.Load(), len(content))
	}
}

// TestOpen_AnothersBadAddressDoesNoHarm: who has the right address of the same
// digest does not wait for the other.
func TestOpen_AnothersBadAddressDoesNoHarm(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	content := pack(t, aFile("a", ""))
	right := server.add(content)
	wrong := right
	wrong.URL = server.URL + "/wrong"
	asked, release := make(chan struct{}), make(chan struct{})
	server.answers(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wrong" {
			close(asked)
			<-release
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(content)
	})
	var callers sync.WaitGroup
	callers.Go(func() { unanswered(t, fails(t, store, wrong), "404") })
	<-asked
	callers.Go(func() {
		opened, err := store.Open(t.Context(), right)
		if err != nil {
			t.Error(err)
			return
		}
		opened.Close()
	})
	for users(store, right) == 0 && store.Fetched() < 2 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	callers.Wait()
}

// TestOpen_AnothersRefusalIsItsOwn has somebody name the digest of a good
// artifact at an address that redirects: that address is refused, and stays so,
// and the good one is not.
func TestOpen_AnothersRefusalIsItsOwn(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	content := pack(t, aFile("a", "good"))
	right := server.add(content)
	wrong := right
	wrong.URL = server.URL + "/wrong"
	server.answers(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wrong" {
			http.Redirect(w, r, "http://elsewhere.example.com/", http.StatusFound)
			return
		}
		_, _ = w.Write(content)
	})
	for range 2 {
		if err := fails(t, store, wrong); !isRefusal(err) {
			t.Fatal(err)
		}
	}
	opened := open(t, store, right)
	defer opened.Close()
	if read(t, opened)["a"] != "good" {
		t.Error("another tree was given")
	}
}

// TestOpen_TreeIsGivenToWhoNamesItsPlaceAlone: who knows a digest does not get
// by it what lies elsewhere.
func TestOpen_TreeIsGivenToWhoNamesItsPlaceAlone(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	right := server.add(pack(t, aFile("a", "good")))
	opened := open(t, store, right)
	defer opened.Close()
	wrong := right
	wrong.URL = server.URL + "/nothing"
	unanswered(t, fails(t, store, wrong), "404")
}

// TestStore_LongestUnusedTreeGoesFirst when room is needed, and none that is
// used.
func TestStore_LongestUnusedTreeGoesFirst(t *testing.T) {
	server := newFileServer(t)
	store := newStore(t, func(o *Options) { o.Limits.StoreBytes = 400_000 })
	artifact := func(name string) Artifact { return server.add(pack(t, aFile(name, strings.Repeat(name, 100_000)))) }
	a, b, c, d, e := artifact("a"), artifact("b"), artifact("c"), artifact("d"), artifact("e")
	used := open(t, store, a)
	defer used.Close()
	open(t, store, b).Close()
	open(t, store, c).Close()
	open(t, store, b).Close() // c is unused for longer now
	open(t, store, d).Close()
	before := server.requests.Load()
	open(t, store, b).Close()
	if server.requests.Load() != before {
		t.Error("b went, which was used after c")
	}
	open(t, store, c).Close()
	if server.requests.Load() != before+1 {
		t.Error("c stayed, which was unused for longest")
	}
	open(t, store, e).Close()
	if got := read(t, used)["a"]; len(got) != 100_000 {
		t.Error("a tree that is used went")
	}
	if store.Bytes() > 400_000 {
		t.Errorf("%d bytes", store.Bytes())
	}
}

// TestStore_TreeThatIsUsedAgainStays: it is idle no more.
func TestStore_TreeThatIsUsedAgainStays(t *testing.T) {
	server := newFileServer(t)
	store := newStore(t, func(o *Options) { o.Limits.StoreBytes, o.Limits.Idle = 250_000, 1 })
	artifact := func(name string) Artifact { return server.add(pack(t, aFile(name, strings.Repeat(name, 100_000)))) }
	a := artifact("a")
	open(t, store, a).Close()
	again := open(t, store, a)
	defer again.Close()
	for _, name := range []string{"b", "c", "d"} {
		open(t, store, artifact(name)).Close()
	}
	if got := read(t, again)["a"]; len(got) != 100_000 {
		t.Error("a tree that is used went")
	}
}

// TestStore_RoomIsOfWhatStays: what was packed is given back.
func TestStore_RoomIsOfWhatStays(t *testing.T) {
	server, store := newFileServer(t), newStore(t, nil)
	content := make([]byte, 500_000)
	_, err := rand.Read(content)
	check(t, err)
	open(t, store, server.add(pack(t, aFile("apps/a", string(content))))).Close()
	if got, want := store.Bytes(), int64(len(content)+2*block); got != want {
		t.Errorf("%d bytes of %d", got, want)
	}
	if !store.evict() || store.evict() || store.Bytes() != 0 {
		t.Errorf("%d bytes are left", store.Bytes())
	}
	nothingLeft(t, store)
}

// TestStore_FullOfUsedTreesIsNoAnswer until one is given back.
func TestStore_FullOfUsedTreesIsNoAnswer(t *testing.T) {
	server := newFileServer(t)
	store := newStore(t, func(o *Options) { o.Limits.StoreBytes = 150_000 })
	a := open(t, store, server.add(pack(t, aFile("a", strings.Repeat("a", 100_000)))))
	b := server.add(pack(t, aFile("b", strings.Repeat("b", 100_000))))
	unanswered(t, fails(t, store, b), "artifacts that are in use fill the store")
	if left := onDisk(t, store); len(left) != 1 {
		t.Errorf("left behind: %q", left)
	}
	a.Close()
	a.Close() // twice does nothing
	open(t, store, b).Close()
}

// TestStore_IdleTreesAreCounted.
func TestStore_IdleTreesAreCounted(t *testing.T) {
	server, store := newFileServer(t), newStore(t, func(o *Options) { o.Limits.Idle = 2 })
	for _, name := range []string{"a", "b", "c", "d"} {
		open(t, store, server.add(pack(t, aFile(name, name)))).Close()
	}
	if left := onDisk(t, store); len(left) != 2 {
		t.Errorf("on disk: %q", left)
	}
}

// TestNew_RemovesWhatEarlierProcessesLeft and nothing that another one uses, or
// that is not a store's.
func TestNew_RemovesWhatEarlierProcessesLeft(t *testing.T) {
	dir, server := t.TempDir(), newFileServer(t)
	in := func(o *Options) { o.Dir = dir }
	other := filepath.Join(dir, "externalartifact")
	check(t, os.Mkdir(other, 0o755))
	dead := newStore(t, in)
	open(t, dead, server.add(pack(t, aFile("a/b", "x")))).Close()
	check(t, os.Chmod(filepath.Join(dead.home.folder, onDisk(t, dead)[0]), 0o555))
	check(t, dead.home.lock.Close()) // as the end of its process does
	living := newStore(t, in)
	used := open(t, living, server.add(pack(t, aFile("a/b", "y"))))
	third := newStore(t, in)
	var names []string
	entries, err := os.ReadDir(dir)
	check(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	want := map[string]bool{session(living): true, session(third): true, "externalartifact": true, prefix + "lock": true}
	for _, name := range names {
		if !want[name] {
			t.Errorf("%s was left", name)
		}
	}
	if len(names) != len(want) || read(t, used)["a/b"] != "y" {
		t.Errorf("in the folder: %q", names)
	}
	used.Close()
	dead.home.lock = nil
}

// TestStore_CloseRemovesEverything and ends what is on its way.
func TestStore_CloseRemovesEverything(t *testing.T) {
	dir, server := t.TempDir(), newFileServer(t)
	store, err := New(Options{Dir: dir, Limits: DefaultLimits(), Timeout: time.Minute, Hosts: Hosts{exact: []string{"127.0.0.1"}}})
	check(t, err)
	open(t, store, server.add(pack(t, aFile("a/b", "x")))).Close()
	asked := make(chan struct{})
	server.answers(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	waiting := make(chan error)
	late := server.add(pack(t, aFile("c", "")))
	go func() { waiting <- fails(t, store, late) }()
	<-asked
	check(t, store.Close())
	unanswered(t, <-waiting, "canceled")
	unanswered(t, fails(t, store, late), "the controller is stopping")
	if _, err := os.Stat(store.home.folder); !os.IsNotExist(err) {
		t.Error("its folder is there")
	}
}

// TestNew_BadOptionsAreRefused by name.
func TestNew_BadOptionsAreRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o600))
	for name, test := range map[string]struct {
		change func(*Options)
		says   string
	}{
		"NoFolder":      {func(o *Options) { o.Dir = "" }, "no folder is named"},
		"MissingFolder": {func(o *Options) { o.Dir += "/missing" }, "no such file or directory; name a folder that exists"},
		"File":          {func(o *Options) { o.Dir = file }, "not a directory"},
		"NoTimeout":     {func(o *Options) { o.Timeout = 0 }, "the timeout of one artifact is 0s"},
		"NoLimits":      {func(o *Options) { o.Limits = Limits{} }, "must be 1 at least"},
		"NoRatio":       {func(o *Options) { o.Limits.Ratio = 0 }, "the limit of ratio is 0"},
	} {
		t.Run(name, func(t *testing.T) {
			options := Options{Dir: t.TempDir(), Limits: DefaultLimits(), Timeout: time.Minute}
			twin, err := New(options)
			check(t, err)
			check(t, twin.Close())
			test.change(&options)
			if _, err := New(options); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}
