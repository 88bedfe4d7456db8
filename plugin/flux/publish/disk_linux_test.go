package publish

import (
	"crypto/rand"
	"errors"
	"slices"
	"syscall"
	"testing"
)

// TestPut_DiskThatIsReallyFullIsNoAnswer: a file system of 256 KiB.
func TestPut_DiskThatIsReallyFullIsNoAnswer(t *testing.T) {
	made := options(t)
	if err := syscall.Mount("tmpfs", made.Dir, "tmpfs", 0, "size=256k"); errors.Is(err, syscall.EPERM) {
		t.Skip("only root may mount a file system; TestPut_FullDiskIsNoAnswer has a made-up one")
	} else {
		check(t, err)
	}
	t.Cleanup(func() { check(t, syscall.Unmount(made.Dir, syscall.MNT_DETACH)) })
	store, err := New(made)
	check(t, err)
	before := put(t, store, "kind: A\n")
	large := make([]byte, 1<<20)
	_, err = rand.Read(large)
	check(t, err)
	_, err = store.Put(t.Context(), key, commit, map[string][]byte{"large": large})
	unanswered(t, err, "no space left on device")
	if !slices.Equal(onDisk(t, store), []string{before.Path}) || !store.Present(before) {
		t.Errorf("on disk: %q", onDisk(t, store))
	}
	put(t, store, "kind: B\n")
}
