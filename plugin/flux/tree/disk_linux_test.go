package tree

import (
	"errors"
	"strings"
	"syscall"
	"testing"
)

// TestOpen_DiskThatIsReallyFullIsNoAnswer: a file system of 256 KiB.
func TestOpen_DiskThatIsReallyFullIsNoAnswer(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); errors.Is(err, syscall.EPERM) {
		t.Skip("only root may mount a file system; TestOpen_FullDiskIsNoAnswer has a made-up one")
	} else {
		check(t, err)
	}
	t.Cleanup(func() { check(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	server, store := newFileServer(t), newStore(t, func(o *Options) { o.Dir = dir })
	unanswered(t, fails(t, store, server.add(pack(t, aFile("apps/a", strings.Repeat("a", 1<<20))))), "no space left on device")
	nothingLeft(t, store)
	opened := open(t, store, server.add(pack(t, aFile("apps/a", strings.Repeat("a", 100_000)))))
	defer opened.Close()
	if len(read(t, opened)["apps/a"]) != 100_000 {
		t.Error("it did not heal")
	}
}
