package tuf_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin/verify/tuf"
)

// onlyFile is the one file of a folder.
func onlyFile(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the folder has %v, %v", found, err)
	}
	return found[0]
}

func TestStore_GivesBackWhatItKeeps(t *testing.T) {
	r, store := newRepository(t, "one"), tuf.Store{Dir: filepath.Join(t.TempDir(), "made")}
	if none, err := store.Load(r.mirror()); none != nil || err != nil {
		t.Fatalf("an empty store has %v, %v", none, err)
	}
	if err := r.Rotate("root"); err != nil {
		t.Fatal(err)
	}
	made := r.update(t, nil)
	if err := store.Save(r.mirror(), made); err != nil {
		t.Fatal(err)
	}
	found, err := store.Load(r.mirror())
	if err != nil || string(found.TrustedRoot) != "one" || found.Versions["root"] != 2 || !found.FetchedAt.Equal(made.FetchedAt) {
		t.Fatalf("%v, %v", found, err)
	}
	r.asked = nil
	if r.update(t, found); len(r.asked) != 2 {
		t.Errorf("a copy from disk is known: asked for %v", r.asked)
	}
}

func TestStore_ARollbackIsSeenByTheNextProcess(t *testing.T) {
	r, store := newRepository(t, "one"), tuf.Store{Dir: t.TempDir()}
	older := r.Files()
	r.publish(t, "two")
	if err := store.Save(r.mirror(), r.update(t, nil)); err != nil {
		t.Fatal(err)
	}
	r.Offer(older)
	known, err := tuf.Store{Dir: store.Dir}.Load(r.mirror())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tuf.Update(t.Context(), r, r.mirror(), known, time.Now()); err == nil || !strings.Contains(err.Error(), "older state") {
		t.Errorf("the older state: %v", err)
	}
}

func TestStore_WhatWasTamperedWithIsNoCopy(t *testing.T) {
	r := newRepository(t, "one")
	other := newRepository(t, "one")
	for name, tamper := range map[string]func(data []byte) []byte{
		"nothing changed (twin)": func(data []byte) []byte { return data },
		"empty":                  func([]byte) []byte { return nil },
		"truncated":              func(data []byte) []byte { return data[:len(data)/2] },
		"another target":         func(data []byte) []byte { return bytes.Replace(data, []byte("b25l"), []byte("dHdv"), 1) }, // "one", "two"
		"another format":         func(data []byte) []byte { return bytes.Replace(data, []byte(`"format":1`), []byte(`"format":2`), 1) },
		"unknown field": func(data []byte) []byte {
			return bytes.Replace(data, []byte(`"format":1`), []byte(`"format":1,"x":1`), 1)
		},
	} {
		store := tuf.Store{Dir: t.TempDir()}
		if err := store.Save(r.mirror(), r.update(t, nil)); err != nil {
			t.Fatal(err)
		}
		file := onlyFile(t, store.Dir)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, tamper(data), 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := store.Load(r.mirror())
		if twin := strings.HasSuffix(name, "(twin)"); twin != (found != nil) || twin != (err == nil) {
			t.Errorf("%s: %v, %v", name, found, err)
		}
		if none, err := store.Load(other.mirror()); none != nil || err != nil {
			t.Errorf("%s: a mirror of the same name and another root has %v, %v", name, none, err)
		}
	}
}

func TestStore_AnotherMirrorsFileIsNoCopy(t *testing.T) {
	one, two, store := newRepository(t, "one"), newRepository(t, "two"), tuf.Store{Dir: t.TempDir()}
	if err := store.Save(one.mirror(), one.update(t, nil)); err != nil {
		t.Fatal(err)
	}
	first := onlyFile(t, store.Dir)
	data, err := os.ReadFile(first)
	if err != nil || os.Remove(first) != nil {
		t.Fatal(err)
	}
	if err := store.Save(two.mirror(), two.update(t, nil)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(onlyFile(t, store.Dir), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := store.Load(two.mirror()); found != nil || err == nil {
		t.Errorf("the swapped file gave %v, %v", found, err)
	}
}

func TestStore_AnOlderCopyReplacesNoNewerOne(t *testing.T) {
	r, store := newRepository(t, "one"), tuf.Store{Dir: t.TempDir()}
	older := r.update(t, nil)
	r.publish(t, "two")
	for _, copy := range []*tuf.Copy{r.update(t, nil), older} {
		if err := store.Save(r.mirror(), copy); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := store.Load(r.mirror()); err != nil || string(found.TrustedRoot) != "two" {
		t.Errorf("%v, %v", found, err)
	}
}

func TestStore_SeveralAtOnceLeaveOneWholeCopy(t *testing.T) {
	r, dir := newRepository(t, "one"), t.TempDir()
	made := r.update(t, nil)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if err := (tuf.Store{Dir: dir}).Save(r.mirror(), made); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if found, err := (tuf.Store{Dir: dir}).Load(r.mirror()); err != nil || found == nil {
		t.Errorf("%v, %v", found, err)
	}
	onlyFile(t, dir)
}

func TestStore_AFolderThatCannotBeWrittenIsAnError(t *testing.T) {
	r := newRepository(t, "one")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	store := tuf.Store{Dir: filepath.Join(file, "below")}
	if err := store.Save(r.mirror(), r.update(t, nil)); err == nil || !strings.Contains(err.Error(), "saving the copy of TrustRoot private") {
		t.Errorf("saving: %v", err)
	}
}
