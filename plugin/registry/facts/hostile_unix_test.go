//go:build unix

package facts_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/assay-gitops/assay/plugin/registry/facts"
)

// Who can write the folder makes the store forget, and nothing else: no reader
// waits for what is no file.
func TestStore_WhatIsNoFileIsNoEntry(t *testing.T) {
	for name, plant := range map[string]func(t *testing.T, entry string) error{
		"a pipe": func(_ *testing.T, entry string) error { return syscall.Mkfifo(entry, 0o600) },
		"a link to a pipe": func(t *testing.T, entry string) error {
			pipe := filepath.Join(t.TempDir(), "pipe")
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				return err
			}
			return os.Symlink(pipe, entry)
		},
		"a folder":          func(_ *testing.T, entry string) error { return os.Mkdir(entry, 0o700) },
		"a link to nothing": func(_ *testing.T, entry string) error { return os.Symlink("nothing", entry) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.open().Put("a", []byte("one"), p.now)
			p.want(p.open(), "a", "one")
			entry := p.files()[0]
			if err := os.Remove(entry); err != nil {
				t.Fatal(err)
			}
			if err := plant(t, entry); err != nil {
				t.Fatal(err)
			}
			p.wantNothing(p.open(), "a")
		})
	}
}

// Who made the key knows it.
func TestOpen_KeyOfAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("giving a file to another user takes root")
	}
	for owner, refused := range map[int]bool{0: false, 4242: true} {
		p := newPlace(t)
		p.open()
		if err := os.Chown(p.key, owner, -1); err != nil {
			t.Fatal(err)
		}
		_, err := facts.Open(facts.Options{Dir: p.dir, KeyFile: p.key, Bytes: p.limit})
		if (err != nil) != refused {
			t.Errorf("owner %d: %v", owner, err)
		}
	}
}
