package facts_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin/registry/facts"
)

// place is a folder, a key beside it and a time.
type place struct {
	t        *testing.T
	dir, key string
	now      time.Time
	limit    int64
	told     []error
}

func newPlace(t *testing.T) *place {
	t.Helper()
	return &place{t: t, dir: filepath.Join(t.TempDir(), "facts"), key: filepath.Join(t.TempDir(), "state", "key"), now: time.Unix(1_800_000_000, 5), limit: 1 << 20}
}

// open is another process that uses the folder.
func (p *place) open() *facts.Store {
	p.t.Helper()
	store, err := facts.Open(facts.Options{
		Dir: p.dir, KeyFile: p.key, Bytes: p.limit, Clock: func() time.Time { return p.now }, Tell: func(err error) { p.told = append(p.told, err) },
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return store
}

// files are the entries on disk.
func (p *place) files() []string {
	p.t.Helper()
	var files []string
	err := filepath.WalkDir(p.dir, func(path string, item fs.DirEntry, err error) error {
		if err == nil && !item.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return files
}

func (p *place) want(store *facts.Store, key, value string) {
	p.t.Helper()
	got, at, found := store.Get(key)
	if !found || string(got) != value || at.After(p.now) {
		p.t.Errorf("%s is %q of %v, %t; want %q", key, got, at, found, value)
	}
}

func (p *place) wantNothing(store *facts.Store, key string) {
	p.t.Helper()
	if got, _, found := store.Get(key); found {
		p.t.Errorf("%s is %q, want nothing", key, got)
	}
}

func TestStore_TheNextProcessFindsWhatWasKept(t *testing.T) {
	p := newPlace(t)
	at := p.now.Add(-time.Minute)
	p.open().Put("a", []byte("one"), at)
	value, when, found := p.open().Get("a")
	if !found || string(value) != "one" || !when.Equal(at) {
		t.Errorf("%q of %v, %t", value, when, found)
	}
	store := p.open()
	p.wantNothing(store, "b")
	store.Drop("a")
	p.wantNothing(p.open(), "a")
	if stats := store.Stats(); stats.Misses != 1 || stats.Failed != 0 {
		t.Errorf("%+v", stats)
	}
}

func TestStore_NobodySeesWhatItIsAbout(t *testing.T) {
	p := newPlace(t)
	p.open().Put("secret-project", []byte("x"), p.now)
	if files := p.files(); len(files) != 1 || strings.Contains(files[0], "secret") {
		t.Errorf("%v", files)
	}
	info, err := os.Stat(p.key)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key is %v, %v", info.Mode(), err)
	}
}

func TestStore_AnEntryThatWasTamperedWithIsNone(t *testing.T) {
	for name, tamper := range map[string]func([]byte) []byte{
		"nothing (twin)":    func(data []byte) []byte { return data },
		"a bit of the head": func(data []byte) []byte { data[0] ^= 1; return data },
		"a bit of the time": func(data []byte) []byte { data[10] ^= 1; return data },
		"a bit of the body": func(data []byte) []byte { data[17] ^= 1; return data },
		"a bit of the end":  func(data []byte) []byte { data[len(data)-1] ^= 1; return data },
		"cut short":         func(data []byte) []byte { return data[:len(data)-1] },
		"one byte":          func(data []byte) []byte { return data[:1] },
		"empty":             func([]byte) []byte { return nil },
		"longer":            func(data []byte) []byte { return append(data, 0) },
		"huge":              func(data []byte) []byte { return append(data, make([]byte, 2<<20)...) },
	} {
		p := newPlace(t)
		p.open().Put("a", []byte("one"), p.now)
		file := p.files()[0]
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, tamper(bytes.Clone(data)), 0o600); err != nil {
			t.Fatal(err)
		}
		store := p.open()
		if _, _, found := store.Get("a"); found != strings.HasSuffix(name, "(twin)") {
			t.Errorf("%s: found %t", name, found)
		}
		if refused := store.Stats().Refused; (refused == 0) != strings.HasSuffix(name, "(twin)") {
			t.Errorf("%s: %d refused", name, refused)
		}
	}
}

func TestStore_AnEntryUnderAnotherNameIsNone(t *testing.T) {
	p := newPlace(t)
	store := p.open()
	store.Put("a", []byte("one"), p.now)
	first := p.files()[0]
	data, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	store.Put("b", []byte("two"), p.now)
	for _, file := range p.files() {
		if file != first {
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.wantNothing(p.open(), "b")
	p.want(p.open(), "a", "one")
}

func TestStore_AnotherKeysEntriesAreNone(t *testing.T) {
	p := newPlace(t)
	p.open().Put("a", []byte("one"), p.now)
	first := p.files()[0]
	data, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	other := *p
	other.key = filepath.Join(t.TempDir(), "key")
	p.wantNothing(other.open(), "a")
	other.open().Put("a", []byte("two"), p.now)
	for _, file := range p.files() {
		if file != first {
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.wantNothing(other.open(), "a")
	p.want(p.open(), "a", "one") // the twin
}

// An earlier copy that is put back is older, and says so: its reader asks anew.
func TestStore_AnEarlierCopyThatIsPutBackKeepsItsTime(t *testing.T) {
	p := newPlace(t)
	earlier := p.now.Add(-time.Hour)
	store := p.open()
	store.Put("a", []byte("one"), earlier)
	file := p.files()[0]
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	store.Put("a", []byte("two"), p.now)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, at, found := p.open().Get("a"); !found || !at.Equal(earlier) {
		t.Errorf("it is of %v, %t", at, found)
	}
}

func TestStore_AnEntryOfATimeToComeIsNone(t *testing.T) {
	p := newPlace(t)
	p.open().Put("a", []byte("one"), p.now)
	p.now = p.now.Add(-time.Hour) // the clock was put back
	p.wantNothing(p.open(), "a")
	p.now = p.now.Add(time.Hour)
	p.want(p.open(), "a", "one")
}

func TestStore_StaysWithinItsBytes(t *testing.T) {
	p := newPlace(t)
	p.limit = 100 << 10
	store := p.open()
	for i := range 50 {
		store.Put(fmt.Sprint(i), make([]byte, 10<<10), p.now)
	}
	var held int64
	for _, file := range p.files() {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		held += info.Size()
	}
	if stats := store.Stats(); held > p.limit || held == 0 || stats.Evicted == 0 {
		t.Errorf("%d bytes, %+v", held, stats)
	}
	store.Put("large", make([]byte, 60<<10), p.now)
	p.wantNothing(store, "large")
}

func TestStore_AFolderThatCannotBeWrittenIsToldOnce(t *testing.T) {
	p := newPlace(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.dir = filepath.Join(file, "below") // no user may write there, root neither
	store := p.open()
	store.Put("a", []byte("one"), p.now)
	store.Put("b", []byte("two"), p.now)
	p.wantNothing(store, "a")
	if len(p.told) != 1 || !strings.Contains(p.told[0].Error(), "going on without it") || store.Stats().Failed != 2 {
		t.Errorf("told %v, %+v", p.told, store.Stats())
	}
}

func TestStore_SeveralProcessesAtOnce(t *testing.T) {
	p := newPlace(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			store, err := facts.Open(facts.Options{Dir: p.dir, KeyFile: p.key, Bytes: p.limit, Clock: func() time.Time { return p.now }})
			if err != nil {
				t.Error(err)
				return
			}
			for i := range 50 {
				key := fmt.Sprint(i % 5)
				store.Put(key, []byte("value of "+key), p.now)
				if value, _, found := store.Get(key); found && string(value) != "value of "+key {
					t.Errorf("%s is %q", key, value)
				}
			}
			if stats := store.Stats(); stats.Refused != 0 || stats.Failed != 0 {
				t.Errorf("%+v", stats)
			}
		})
	}
	group.Wait()
	p.want(p.open(), "1", "value of 1")
}

func TestOpen_RefusesAKeyThatOthersHave(t *testing.T) {
	p := newPlace(t)
	p.open()
	options := facts.Options{Dir: p.dir, KeyFile: p.key, Bytes: p.limit}
	if err := os.Chmod(p.key, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := facts.Open(options); err == nil || !strings.Contains(err.Error(), "everybody may use") {
		t.Errorf("a key that everybody may read: %v", err)
	}
	if err := os.WriteFile(p.key, []byte("short"), 0o600); err != nil || os.Chmod(p.key, 0o600) != nil {
		t.Fatal(err)
	}
	if _, err := facts.Open(options); err == nil || !strings.Contains(err.Error(), "has 5 bytes and not 32") {
		t.Errorf("a short key: %v", err)
	}
	options.KeyFile = filepath.Join(p.dir, "below", "key")
	if _, err := facts.Open(options); err == nil || !strings.Contains(err.Error(), "put the key elsewhere") {
		t.Errorf("a key in the folder: %v", err)
	}
}

func TestStats_TellWhatTheFolderHolds(t *testing.T) {
	p := newPlace(t)
	if held := p.open().Stats().Bytes; held != 0 {
		t.Errorf("an empty folder holds %d bytes", held)
	}
	store := p.open()
	store.Put("a", make([]byte, 1000), p.now)
	store.Put("b", make([]byte, 1000), p.now)
	held := store.Stats().Bytes
	if held < 2000 || held > 2200 {
		t.Errorf("it holds %d bytes", held)
	}
	if next := p.open().Stats().Bytes; next != held {
		t.Errorf("the next process counts %d bytes, not %d", next, held)
	}
}
