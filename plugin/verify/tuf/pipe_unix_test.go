//go:build unix

package tuf_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/assay-gitops/assay/plugin/verify/tuf"
)

// A pipe in the place of the copy makes nobody wait, and is no copy.
func TestStore_APipeIsNoCopy(t *testing.T) {
	r, store := newRepository(t, "one"), tuf.Store{Dir: t.TempDir()}
	if err := store.Save(r.mirror(), r.update(t, nil)); err != nil {
		t.Fatal(err)
	}
	if found, err := store.Load(r.mirror()); err != nil || found == nil {
		t.Fatalf("%v, %v", found, err)
	}
	name := onlyFile(t, store.Dir)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := store.Load(r.mirror()); err == nil || found != nil {
		t.Errorf("%v, %v", found, err)
	}
}
