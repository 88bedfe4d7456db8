package argocd

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestUnpack_CancelledContextIsNoAnswer.
func TestUnpack_CancelledContextIsNoAnswer(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	check(t, err)
	defer func() { _ = root.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := unpack(ctx, bytes.NewReader(pack(t, file("a", "b"))), root, DefaultArchiveLimits(), unlimited); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// FuzzUnpack writes nothing outside of its folder and stays within its bounds.
func FuzzUnpack(f *testing.F) {
	f.Add(pack(f, file("a/b", "c"), link("l", "../x"), file("d", "")))
	f.Add(pack(f, link("l", "/etc"), file("l/x", "y")))
	f.Add(pack(f, file("../x", "y")))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		parent := t.TempDir()
		inside := filepath.Join(parent, "tree")
		check(t, os.Mkdir(inside, 0o755))
		root, err := os.OpenRoot(inside)
		check(t, err)
		defer func() { _ = root.Close() }()
		_ = unpack(t.Context(), bytes.NewReader(data), root, ArchiveLimits{Files: 100, Bytes: 1 << 16}, unlimited)
		entries, err := os.ReadDir(parent)
		check(t, err)
		if len(entries) != 1 {
			t.Errorf("written outside: %v", entries)
		}
		var total int64
		check(t, filepath.WalkDir(inside, func(_ string, entry fs.DirEntry, err error) error {
			if info, infoErr := entry.Info(); err == nil && infoErr == nil && info.Mode().IsRegular() {
				total += info.Size()
			}
			return err
		}))
		if total > 1<<16+1 {
			t.Errorf("%d bytes were written", total)
		}
	})
}

func unlimited(int64) error { return nil }
