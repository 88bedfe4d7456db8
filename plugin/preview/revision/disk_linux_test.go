package revision

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOpen_DiskThatIsFull: a file system of 256 KiB.
func TestOpen_DiskThatIsFull(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": strings.Repeat("a", 1<<20)})
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); errors.Is(err, syscall.EPERM) {
		t.Skip("only root may mount a file system")
	} else {
		check(t, err)
	}
	t.Cleanup(func() { check(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	roomy := os.Getenv("TMPDIR")
	t.Setenv("TMPDIR", dir)
	silent(t, r.fails("HEAD", ""), "no space left on device", "TMPDIR")
	// The same without room in memory is none at all: the disk has it.
	t.Setenv("TMPDIR", roomy)
	pair, err := openIn(t.Context(), Options{Base: "HEAD", Dir: r.dir}, place{dir: dir, most: mostMemory})
	check(t, err)
	if filepath.Dir(filepath.Dir(pair.Base.Dir)) != roomy {
		t.Errorf("it lies in %s", pair.Base.Dir)
	}
	check(t, pair.Close())
}

func TestOpen_WhatIsNoFileIsLeftOut(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1", "b": "1"})
	r.write(map[string]string{"a": ""})
	check(t, syscall.Mkfifo(filepath.Join(r.dir, "a"), 0o600)) // reading it would wait for ever
	check(t, syscall.Mkfifo(filepath.Join(r.dir, "pipe"), 0o600))
	pair := r.open("HEAD", "")
	same(t, "changed", pair.Changed(), []string{"a"})
	holds(t, pair.Head, map[string]string{"b": "1"})
	folders := r.open("./", "./")
	holds(t, folders.Head, map[string]string{"b": "1"})
	if notes := folders.Head.Notes; len(notes) != 2 || notes[0].Path != "a" || notes[1].Path != "pipe" {
		t.Errorf("%+v", notes)
	}
}
