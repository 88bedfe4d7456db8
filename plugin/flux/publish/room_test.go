package publish

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
)

// kilobytes is content that packs to no less.
func kilobytes(t testing.TB, count int) map[string][]byte {
	t.Helper()
	content := make([]byte, count<<10)
	_, err := rand.Read(content)
	check(t, err)
	return map[string][]byte{"manifests.yaml": content}
}

// narrow is a store of 400 KiB, of which a namespace has 100.
func narrow(t testing.TB) *Store {
	t.Helper()
	made := options(t)
	made.StoreBytes = 400 << 10
	store, err := New(made)
	check(t, err)
	return store
}

func onDiskBytes(t testing.TB, store *Store) int64 {
	t.Helper()
	var all int64
	for _, name := range onDisk(t, store) {
		info, err := os.Stat(local(store, meta.Artifact{Path: name}))
		check(t, err)
		all += info.Size() + overhead
	}
	return all
}

// TestPut_NamespaceHasAShareOfTheStore: what is beyond it is no answer that says
// whose share it is; what was there stays, nothing half-written does, and other
// namespaces are not touched by it.
func TestPut_NamespaceHasAShareOfTheStore(t *testing.T) {
	store := narrow(t)
	other := Key{Namespace: "team-a", Name: "assay-api"}
	before, err := store.Put(t.Context(), key, commit, kilobytes(t, 60))
	check(t, err)
	_, err = store.Put(t.Context(), other, commit, kilobytes(t, 60))
	unanswered(t, err, "namespace team-a has used up its share of the store: 64.")
	unanswered(t, err, "of 100.0 KiB are taken, and this artifact takes 64.")
	unanswered(t, err, "--namespace-storage-limit")
	_, err = store.Put(t.Context(), key, commit, kilobytes(t, 60))
	unanswered(t, err, "namespace team-a has used up its share")
	if !slices.Equal(onDisk(t, store), []string{before.Path}) || !store.Present(before) || store.Bytes("team-a") != onDiskBytes(t, store) {
		t.Errorf("%d bytes are taken; on disk: %q", store.Bytes("team-a"), onDisk(t, store))
	}
	_, err = store.Put(t.Context(), Key{Namespace: "team-b", Name: "assay-api"}, commit, kilobytes(t, 60))
	check(t, err) // the twin is of another namespace
	_, err = store.Put(t.Context(), other, commit, kilobytes(t, 20))
	check(t, err) // and this one is smaller
}

// TestPut_StoreHasABound: no other namespace is named, and it heals when one of
// them takes something away.
func TestPut_StoreHasABound(t *testing.T) {
	store := narrow(t)
	for i := range 4 {
		_, err := store.Put(t.Context(), Key{Namespace: fmt.Sprintf("team-%d", i), Name: "assay-web"}, commit, kilobytes(t, 90))
		check(t, err)
	}
	_, err := store.Put(t.Context(), key, commit, kilobytes(t, 60))
	unanswered(t, err, "all namespaces together have used up the store: 37")
	unanswered(t, err, "of 400.0 KiB are taken")
	unanswered(t, err, "--storage-limit")
	if strings.Contains(err.Error(), "team-0") || len(onDisk(t, store)) != 4 {
		t.Errorf("%v; on disk: %q", err, onDisk(t, store))
	}
	check(t, store.Remove(Key{Namespace: "team-2", Name: "assay-web"}))
	_, err = store.Put(t.Context(), key, commit, kilobytes(t, 60))
	check(t, err)
	if store.Bytes("team-2") != 0 || store.Bytes("") != onDiskBytes(t, store) {
		t.Errorf("%d bytes are taken, %d of team-2", store.Bytes(""), store.Bytes("team-2"))
	}
}

// TestPut_WhatNobodyFetchesAnyMoreMakesRoom, and what consumers may still be
// fetching does not.
func TestPut_WhatNobodyFetchesAnyMoreMakesRoom(t *testing.T) {
	store := narrow(t)
	old, err := store.Put(t.Context(), key, commit, kilobytes(t, 40))
	check(t, err)
	current, err := store.Put(t.Context(), key, commit, kilobytes(t, 40))
	check(t, err)
	next := kilobytes(t, 40)
	_, err = store.Put(t.Context(), key, commit, next)
	unanswered(t, err, "namespace team-a has used up its share")
	age(t, local(store, old), time.Hour)
	made, err := store.Put(t.Context(), key, commit, next)
	check(t, err)
	if store.Present(old) || !store.Present(current) || !store.Present(made) || store.Bytes("team-a") != onDiskBytes(t, store) {
		t.Errorf("%d bytes are taken; on disk: %q", store.Bytes("team-a"), onDisk(t, store))
	}
}

// TestCollect_FreesRoom.
func TestCollect_FreesRoom(t *testing.T) {
	store := narrow(t)
	artifact, err := store.Put(t.Context(), key, commit, kilobytes(t, 40))
	check(t, err)
	age(t, local(store, artifact), time.Hour)
	check(t, store.Collect(key, &artifact))
	if store.Bytes("team-a") != onDiskBytes(t, store) || store.Bytes("team-a") < 40<<10 {
		t.Errorf("%d bytes are taken by what is current", store.Bytes("team-a"))
	}
	check(t, store.Collect(key, nil))
	if store.Bytes("team-a") != 0 || store.Bytes("") != 0 || len(onDisk(t, store)) > 0 {
		t.Errorf("%d bytes are taken by nothing", store.Bytes(""))
	}
}

// TestPut_AfterARestartTheRoomIsThatOfTheDisk: the twin starts with another one.
func TestPut_AfterARestartTheRoomIsThatOfTheDisk(t *testing.T) {
	store := narrow(t)
	kept, err := store.Put(t.Context(), key, commit, kilobytes(t, 60))
	check(t, err)
	check(t, os.WriteFile(local(store, kept)+"123456", make([]byte, 1<<20), 0o600)) // a half of a process that was killed
	restarted, err := New(store.options)
	check(t, err)
	check(t, restarted.Clean())
	_, err = restarted.Put(t.Context(), Key{Namespace: "team-a", Name: "assay-api"}, commit, kilobytes(t, 60))
	unanswered(t, err, "namespace team-a has used up its share of the store: 64.")
	check(t, restarted.Remove(key))
	_, err = restarted.Put(t.Context(), Key{Namespace: "team-a", Name: "assay-api"}, commit, kilobytes(t, 60))
	check(t, err)
	_, err = narrow(t).Put(t.Context(), Key{Namespace: "team-a", Name: "assay-api"}, commit, kilobytes(t, 60))
	check(t, err)
}

// TestPut_WhatIsThereNeedsNoRoom, though the limit was lowered: it is told again
// and written again when it was lost.
func TestPut_WhatIsThereNeedsNoRoom(t *testing.T) {
	store, content := narrow(t), kilobytes(t, 60)
	kept, err := store.Put(t.Context(), key, commit, content)
	check(t, err)
	lower := store.options
	lower.NamespaceBytes = 10 << 10
	restarted, err := New(lower)
	check(t, err)
	check(t, os.Truncate(local(store, kept), 60<<10))
	_, err = restarted.Put(t.Context(), key, commit, content)
	unanswered(t, err, "has used up its share") // a file that grows is not what is there
	check(t, os.Remove(local(store, kept)))
	again, err := store.Put(t.Context(), key, commit, content)
	check(t, err)
	restarted, err = New(lower)
	check(t, err)
	if _, err = restarted.Put(t.Context(), key, commit, content); err != nil || !restarted.Present(again) {
		t.Errorf("what is there was refused: %v", err)
	}
}

// TestPut_WhatCouldNotBeWrittenTakesNoRoom.
func TestPut_WhatCouldNotBeWrittenTakesNoRoom(t *testing.T) {
	store := narrow(t)
	good := store.write
	store.write = func(artifact *meta.Artifact, content io.Reader, mode os.FileMode) error {
		return good(artifact, &brimful{io.LimitReader(content, 20)}, mode)
	}
	for range 5 {
		_, err := store.Put(t.Context(), key, commit, kilobytes(t, 60))
		unanswered(t, err, "no space left on device")
	}
	store.write = good
	_, err := store.Put(t.Context(), key, commit, kilobytes(t, 60))
	check(t, err)
}

// TestPut_ManyAtOnceStayWithinTheShare.
func TestPut_ManyAtOnceStayWithinTheShare(t *testing.T) {
	store := narrow(t)
	var all sync.WaitGroup
	for i := range 20 {
		content := kilobytes(t, 15)
		all.Go(func() {
			_, _ = store.Put(t.Context(), Key{Namespace: "team-a", Name: fmt.Sprintf("assay-%d", i)}, commit, content)
		})
	}
	all.Wait()
	if count := len(onDisk(t, store)); count != 5 || store.Bytes("team-a") != onDiskBytes(t, store) || store.Bytes("team-a") > 100<<10 {
		t.Errorf("%d artifacts with %d bytes are stored", count, store.Bytes("team-a"))
	}
}

// TestDocs_SayTheLimits that hold.
func TestDocs_SayTheLimits(t *testing.T) {
	page, err := os.ReadFile("../../../docs/flux.md")
	check(t, err)
	want := fmt.Sprintf("what is published has at most %d MiB; all that is published takes at most %d GiB (`--storage-limit`), and that of one namespace %d GiB (`--namespace-storage-limit`)",
		DefaultBytes>>20, DefaultStoreBytes>>30, DefaultStoreBytes/Shares>>30)
	if !strings.Contains(string(page), want) {
		t.Errorf("docs/flux.md should say %q", want)
	}
}
