package revision

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpen_LineEndingsOfACheckoutAreNoChange(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	first := r.commit(map[string]string{"a": "1\n2\n", "b": "1\n2\n", "dos": "1\r\n"})
	r.git("config", "core.autocrlf", "true")
	r.write(map[string]string{"a": "1\r\n2\r\n", "b": "1\r\n3\r\n"})
	pair := r.open(first, "")
	same(t, "changed", pair.Changed(), []string{"b"})
	holds(t, pair.Head, map[string]string{"a": "1\n2\n", "b": "1\r\n3\r\n", "dos": "1\r\n"})
	second := r.commit(map[string]string{"new": "1\r\n2\r\n"})
	holds(t, r.open(first, "").Head, map[string]string{"a": "1\n2\n", "b": "1\n3\n", "dos": "1\r\n", "new": "1\n2\n"})
	same(t, "changed", r.open(second, "").Changed(), nil)
}

func TestOpen_PointersOfLFSAreToldAndTheirFilesAreNoChange(t *testing.T) {
	isolate(t)
	pointerTo := func(content string) string {
		return fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%x\nsize %d\n", sha256.Sum256([]byte(content)), len(content))
	}
	r := newRepo(t)
	first := r.commit(map[string]string{"a": pointerTo("content"), "large": pointerTo(strings.Repeat("x", 2000)), "other": pointerTo("old"), "text": "version https://git-lfs.github.com/spec/v2\n"})
	r.write(map[string]string{"a": "content", "large": strings.Repeat("x", 2000), "other": "new"})
	pair := opened(t, Options{Base: first, Dir: r.dir, Limits: limited(t, "fileBytes", 1000)})
	same(t, "changed", pair.Changed(), []string{"other"})
	if content, err := pair.Head.Root.ReadFile("large"); err != nil || string(content) != pointerTo(strings.Repeat("x", 2000)) {
		t.Errorf("%q, %v", content, err)
	}
	told := func(side *Side) []string {
		var paths []string
		for _, note := range side.Notes {
			if strings.Contains(note.Reason, "LFS") {
				paths = append(paths, note.Path)
			}
		}
		return paths
	}
	same(t, "pointers of the base", told(pair.Base), []string{"a", "large", "other"})
	same(t, "pointers of the head", told(pair.Head), []string{"a", "large"})
}

func TestOpen_SparseCheckoutDeletesNothing(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	first := r.commit(map[string]string{"in/a": "1", "out/b": "2", "out/deep/c": "3", "top": "4"})
	check(t, os.Symlink("b", filepath.Join(r.dir, "out", "link")))
	second := r.commit(nil)
	r.git("sparse-checkout", "set", "--cone", "--sparse-index", "in")
	r.write(map[string]string{"in/a": "changed", "out/b": "is back and changed"})
	pair := r.open(second, "")
	same(t, "changed", pair.Changed(), []string{"in/a", "out/b"})
	holds(t, pair.Head, map[string]string{"in/a": "changed", "out/b": "is back and changed", "out/deep/c": "3", "out/link": "-> b", "top": "4"})
	same(t, "changed since the first", r.open(first, "").Changed(), []string{"in/a", "out/b", "out/link"})
}

func TestOpen_ConflictsAreReadAsTheyStand(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1\n", "b": "1\n"})
	r.git("checkout", "-q", "-b", "topic")
	r.commit(map[string]string{"a": "2\n", "b": "2\n"})
	r.git("checkout", "-q", "main")
	r.commit(map[string]string{"a": "3\n", "b": ""})
	r.git("merge", "-q", "-s", "recursive", "--no-commit", "-X", "ours", "topic^") // nothing to do: the twin without a conflict
	same(t, "changed", r.open("HEAD", "").Changed(), nil)
	r.merge("topic")
	pair := r.open("HEAD", "")
	same(t, "changed", pair.Changed(), []string{"a", "b"})
	if content, err := pair.Head.Root.ReadFile("a"); err != nil || !strings.Contains(string(content), "<<<<<<< HEAD\n3\n") {
		t.Errorf("%q, %v", content, err)
	}
}

func TestOpen_WhatIsAddedButNotCommitted(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1", "kept": "k"})
	r.write(map[string]string{"staged": "s", "intended": "i", "a": "2"})
	r.git("add", "staged", "a")
	r.git("add", "--intent-to-add", "intended")
	r.git("rm", "-q", "--cached", "kept")
	r.write(map[string]string{"a": "3"})
	pair := r.open("HEAD", "")
	same(t, "changed", pair.Changed(), []string{"a", "intended", "staged"})
	holds(t, pair.Head, map[string]string{"a": "3", "kept": "k", "staged": "s", "intended": "i"})
}

func TestOpen_FileThatMayNotBeReadIsNoAnswer(t *testing.T) {
	isolate(t)
	if os.Getuid() == 0 {
		t.Skip("root reads every file")
	}
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	check(t, os.Chmod(filepath.Join(r.dir, "a"), 0))
	silent(t, r.fails("HEAD", ""), `reading "a"`, "permission denied")
	check(t, os.Chmod(filepath.Join(r.dir, "a"), 0o400))
	r.open("HEAD", "")
}

func TestLook_WhatFailsIsNoAnswer(t *testing.T) {
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "a"), []byte("1"), 0o600))
	root, err := os.OpenRoot(dir)
	check(t, err)
	disk := &disk{way: ladder{base: root}}
	if found, err := disk.look(t.Context(), "a", 10); err != nil || string(found.content) != "1" {
		t.Errorf("%+v, %v", found, err)
	}
	for _, nothing := range []string{"b", "a/b", "c/d"} {
		if found, err := disk.look(t.Context(), nothing, 10); err != nil || found.kind != 0 {
			t.Errorf("%s: %+v, %v", nothing, found, err)
		}
	}
	check(t, root.Close())
	_, err = disk.look(t.Context(), "a", 10)
	if err == nil {
		t.Fatal("what cannot be looked at is nothing")
	}
	silent(t, err, `reading "a"`)
}
