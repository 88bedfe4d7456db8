package publish

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
)

// TestCollect_RetentionBeginsWhenAFileCeasesToBeCurrent: consumers who read the
// older status are still fetching it.
func TestCollect_RetentionBeginsWhenAFileCeasesToBeCurrent(t *testing.T) {
	store := newStore(t)
	old := put(t, store, "kind: A\n")
	age(t, local(store, old), 24*time.Hour) // current for a day
	current := put(t, store, "kind: B\n")
	check(t, store.Collect(key, &current))
	if !store.Present(old) || !store.Present(current) {
		t.Errorf("gone at once; on disk: %q", onDisk(t, store))
	}
	age(t, local(store, old), DefaultRetention+time.Minute)
	age(t, local(store, current), 24*time.Hour)
	store.collectAll()
	if !slices.Equal(onDisk(t, store), []string{current.Path}) {
		t.Errorf("on disk: %q", onDisk(t, store))
	}
}

// TestCollect_RetentionHoldsAfterARestart, as Present tells what is current.
func TestCollect_RetentionHoldsAfterARestart(t *testing.T) {
	store := newStore(t)
	old := put(t, store, "kind: A\n")
	age(t, local(store, old), 24*time.Hour)
	restarted, err := New(store.options)
	check(t, err)
	if !restarted.Present(old) {
		t.Fatal("it is not there")
	}
	current := put(t, restarted, "kind: B\n")
	check(t, restarted.Collect(key, &current))
	if got := onDisk(t, store); len(got) != 2 {
		t.Errorf("on disk: %q", got)
	}
}

// TestCollect_ObjectsNotLookedAtYetKeepTheirFiles after a restart.
func TestCollect_ObjectsNotLookedAtYetKeepTheirFiles(t *testing.T) {
	store := newStore(t)
	age(t, local(store, put(t, store, "kind: A\n")), 24*time.Hour)
	restarted, err := New(store.options)
	check(t, err)
	restarted.collectAll()
	if got := onDisk(t, store); len(got) != 1 {
		t.Errorf("on disk: %q", got)
	}
}

// TestCollect_WithoutACurrentFileAllExpire.
func TestCollect_WithoutACurrentFileAllExpire(t *testing.T) {
	store := newStore(t)
	check(t, store.Collect(key, nil)) // nothing was ever there
	artifact := put(t, store, "kind: A\n")
	check(t, store.Collect(key, nil))
	if got := onDisk(t, store); len(got) != 1 {
		t.Errorf("on disk: %q", got)
	}
	age(t, local(store, artifact), time.Hour)
	check(t, store.Collect(key, nil))
	if got := onDisk(t, store); len(got) != 0 {
		t.Errorf("on disk: %q", got)
	}
}

// TestCollect_LeavesOtherObjectsAlone.
func TestCollect_LeavesOtherObjectsAlone(t *testing.T) {
	store := newStore(t)
	other := Key{Namespace: "team-a", Name: "assay-web.lock"}
	elsewhere, err := store.Put(t.Context(), other, commit, files("a"))
	check(t, err)
	mine := put(t, store, "a")
	age(t, local(store, elsewhere), time.Hour)
	age(t, local(store, mine), time.Hour)
	check(t, store.Collect(key, nil))
	if !slices.Equal(onDisk(t, store), []string{elsewhere.Path}) {
		t.Errorf("on disk: %q", onDisk(t, store))
	}
	refused(t, store.Collect(key, &meta.Artifact{Path: elsewhere.Path}), RuleContent, "another object's")
	refused(t, store.Collect(Key{Namespace: "..", Name: "x"}, nil), RuleContent, "cannot be the namespace")
}

// TestRemove_TakesEverythingOfOneObject.
func TestRemove_TakesEverythingOfOneObject(t *testing.T) {
	store := newStore(t)
	other := Key{Namespace: "team-a", Name: "assay-api"}
	elsewhere, err := store.Put(t.Context(), other, commit, files("a"))
	check(t, err)
	put(t, store, "a")
	put(t, store, "b")
	check(t, store.Remove(key))
	check(t, store.Remove(key)) // twice does nothing
	if !slices.Equal(onDisk(t, store), []string{elsewhere.Path}) {
		t.Errorf("on disk: %q", onDisk(t, store))
	}
	refused(t, store.Remove(Key{Namespace: "team-a", Name: ".."}), RuleContent, "cannot be the namespace")
	put(t, store, "a")
}

// TestClean_RemovesHalvesOfFiles of a process that was killed between storing and
// publishing; what was stored whole stays, and so does what is being written.
func TestClean_RemovesHalvesOfFiles(t *testing.T) {
	store := newStore(t)
	whole := put(t, store, "kind: A\n")
	half := local(store, whole) + "123456"
	check(t, os.WriteFile(half, []byte("half"), 0o600))
	age(t, half, time.Second)
	restarted, err := New(store.options)
	check(t, err)
	writing := local(store, whole) + "654321"
	check(t, os.WriteFile(writing, []byte("half"), 0o600))
	later := time.Now().Add(time.Second)
	check(t, os.Chtimes(writing, later, later))
	check(t, restarted.Clean())
	want := []string{whole.Path, whole.Path + "654321"}
	if got := onDisk(t, store); !slices.Equal(got, want) {
		t.Errorf("on disk: %q", got)
	}
	if !restarted.Present(whole) {
		t.Error("what was stored is gone")
	}
	check(t, newStore(t).Clean()) // nothing was ever there
	if _, err := os.Stat(filepath.Join(store.options.Dir, "externalartifact")); err != nil {
		t.Error(err)
	}
}
