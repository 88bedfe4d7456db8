package revision

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func asA[E error](err error) (E, bool) {
	var wanted E
	is := errors.As(err, &wanted)
	return wanted, is
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func holds(t *testing.T, side *Side, want map[string]string) {
	t.Helper()
	if got := read(t, side); !maps.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", side.Name, got, want)
	}
}

func TestOpen_TwoRevisions(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	first := r.commit(map[string]string{"a/x.yaml": "1", "a/same.yaml": "same", "gone": "g", "kind": "k"})
	r.commit(map[string]string{"a/x.yaml": "2", "b/new": "same", "gone": "", "kind": ""})
	check(t, os.Symlink("a", filepath.Join(r.dir, "kind")))
	second := r.commit(map[string]string{"c": "c"})
	check(t, os.Chmod(filepath.Join(r.dir, "c"), 0o755))
	third := r.commit(nil)
	pair := r.open(first, "main")
	same(t, "changed", pair.Changed(), []string{"a/x.yaml", "b/new", "c", "gone", "kind"})
	holds(t, pair.Base, map[string]string{"a/x.yaml": "1", "a/same.yaml": "same", "gone": "g", "kind": "k"})
	holds(t, pair.Head, map[string]string{"a/x.yaml": "2", "a/same.yaml": "same", "b/new": "same", "c": "c", "kind": "-> a"})
	if pair.Base.Commit != first || pair.Head.Commit != third || pair.Path != "." || !pair.Repository || pair.Shallow {
		t.Errorf("%+v", pair)
	}
	same(t, "what chmod changes", r.open(second, third).Changed(), nil)
}

func TestOpen_WorktreeIsWhatACommitOfEverythingWouldHold(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"kept": "kept", "edited": "old", "deleted": "d", "tracked.log": "t", "swapped": "file", "folder/x": "x"})
	r.write(map[string]string{".gitignore": "*.log\n", "ignored.log": "i", "new/file": "n", "edited": "new", "deleted": "", "swapped": "", "swapped/inside": "s", "folder/x": ""})
	check(t, os.Remove(filepath.Join(r.dir, "folder")))
	check(t, os.Symlink(r.dir, filepath.Join(r.dir, "folder"))) // what lies behind it is not the repository's
	index := r.git("ls-files", "--debug")
	pair := r.open("HEAD", "")
	holds(t, pair.Head, map[string]string{
		"kept": "kept", "edited": "new", "tracked.log": "t", ".gitignore": "*.log\n", "new/file": "n", "swapped/inside": "s", "folder": "-> " + r.dir,
	})
	same(t, "changed", pair.Changed(), []string{".gitignore", "deleted", "edited", "folder", "folder/x", "new/file", "swapped", "swapped/inside"})
	if pair.Head.Name != Worktree || pair.Head.Commit != "" {
		t.Errorf("%+v", pair.Head)
	}
	if r.git("ls-files", "--debug") != index {
		t.Error("the index is written")
	}
}

func TestOpen_WorktreeIsASnapshot(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	pair := r.open("HEAD", "")
	r.write(map[string]string{"a": "2"})
	holds(t, pair.Head, map[string]string{"a": "1"})
	holds(t, pair.Base, map[string]string{"a": "1"})
}

func TestOpen_RangesAsGitReadsThem(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	root := r.commit(map[string]string{"a": "1"})
	r.git("checkout", "-q", "-b", "topic")
	topic := r.commit(map[string]string{"b": "1"})
	r.git("checkout", "-q", "main")
	main := r.commit(map[string]string{"c": "1"})
	r.git("checkout", "-q", "topic")
	r.write(map[string]string{"d": "1"})
	for _, test := range []struct {
		base, head string
		merge      bool
		from, to   string
		changed    []string
	}{
		{"main...topic", "", false, root, topic, []string{"b"}},
		{"main..topic", "", false, main, topic, []string{"b", "c"}},
		{"main...", "", false, root, topic, []string{"b"}},
		{"...main", "", false, root, main, []string{"c"}},
		{"main", "topic", true, root, topic, []string{"b"}},
		{"main", "", true, root, "", []string{"b", "d"}},
		{"main", "", false, main, "", []string{"b", "c", "d"}},
		{"topic~1", "topic", false, root, topic, []string{"b"}},
	} {
		pair := opened(t, Options{Base: test.base, Head: test.head, MergeBase: test.merge, Dir: r.dir})
		same(t, test.base+" "+test.head, pair.Changed(), test.changed)
		if pair.Base.Commit != test.from || pair.Head.Commit != test.to || pair.Base.MergeBase != (test.from == root && test.base != "topic~1") {
			t.Errorf("%+v: %+v %+v", test, pair.Base, pair.Head)
		}
	}
	says(t, r.fails("main...topic", "main"), "names both sides", "BASE...HEAD")
}

func TestOpen_SubfolderIsRemembered(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"apps/a b/x": "1", "other": "1"})
	pair := opened(t, Options{Base: "HEAD", Dir: filepath.Join(r.dir, "apps", "a b")})
	if pair.Path != "apps/a b" {
		t.Error(pair.Path)
	}
	holds(t, pair.Head, map[string]string{"apps/a b/x": "1", "other": "1"})
}

func TestOpen_TwoFolders(t *testing.T) {
	isolate(t)
	at := &repo{t: t, dir: t.TempDir()}
	at.write(map[string]string{"one/a": "1", "one/b/c": "1", "one/.git/config": "x", "two/a": "2", "two/b/c": "1", "two/sub/.git": "gitdir: x", "two/sub/x": "x"})
	check(t, os.Symlink("../b", filepath.Join(at.dir, "two", "b", "link")))
	pair := at.open("one", "two")
	same(t, "changed", pair.Changed(), []string{"a", "b/link", "sub/x"})
	holds(t, pair.Base, map[string]string{"a": "1", "b/c": "1"})
	holds(t, pair.Head, map[string]string{"a": "2", "b/c": "1", "b/link": "-> ../b", "sub/x": "x"})
	if pair.Repository || pair.Remotes() != nil || pair.Base.Name != "one" || pair.Base.Commit != "" {
		t.Errorf("%+v", pair)
	}
	if _, found, err := pair.At(t.Context(), "v1"); found || err != nil {
		t.Errorf("a folder has a tag: %v, %v", found, err)
	}
	at.write(map[string]string{"one/a": "changed meanwhile"})
	holds(t, pair.Base, map[string]string{"a": "1", "b/c": "1"})
}

func TestOpen_RevisionBeatsFolderUnlessItIsWrittenAsAPath(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"main/a": "1", "two/a": "2"})
	r.git("branch", "two")
	if pair := r.open("main", "two"); !pair.Repository {
		t.Error("a branch is taken for a folder")
	}
	if pair := r.open("./main", "./two"); pair.Repository {
		t.Error("a path is taken for a branch")
	}
	r.git("branch", "-D", "-q", "two")
	r.git("branch", "-m", "trunk")
	if pair := r.open("main", "two"); pair.Repository {
		t.Error("two folders are taken for revisions")
	}
	says(t, r.fails("main", ""), "is a folder", "no second one")
	says(t, r.fails("main", "trunk"), "there is no folder", `"trunk"`)
	says(t, r.fails("./main", "trunk"), "there is no folder", `"trunk"`)
	says(t, r.fails("trunk", "./main"), "there is no folder", `"trunk"`)
	if _, is := asA[*UsageError](r.fails("./nope", "./main")); !is {
		t.Error("not told as wrong usage")
	}
}

func TestClose_LeavesNothing(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a/b": "1"})
	pair, err := Open(t.Context(), Options{Base: "HEAD", Dir: r.dir})
	check(t, err)
	info, err := os.Stat(filepath.Dir(pair.Base.Dir))
	check(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("others may read it: %v", info.Mode())
	}
	check(t, pair.Close())
	check(t, pair.Close())
	if left(t) != 0 {
		t.Error("something is left behind")
	}
	if _, found, err := pair.At(t.Context(), "v1"); found || err == nil {
		t.Error("what was closed opens a tree")
	}
}

func TestOpen_CallerThatLeavesIsNoAnswer(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	for _, options := range []Options{{Base: "HEAD", Dir: r.dir}, {Base: "./.git", Head: "./.git", Dir: r.dir}} {
		if pair, err := Open(cancelled(t), options); err == nil {
			_ = pair.Close()
			t.Error("it opens")
		} else if !errors.Is(err, cancelled(t).Err()) {
			t.Errorf("not told as the caller's: %v", err)
		}
	}
	if left(t) != 0 {
		t.Error("something is left behind")
	}
}
