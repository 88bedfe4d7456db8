package revision

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAt_TagsAndCommitsAreFixed(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	first := r.commit(map[string]string{"a": "1", "same": "s"})
	r.git("tag", "v1")
	r.git("tag", "-a", "-m", "annotated", "v1-annotated")
	second := r.commit(map[string]string{"a": "2"})
	r.git("tag", "deadbeef", second)
	third := r.commit(map[string]string{"a": "3"})
	r.git("branch", "topic", first)
	pair := r.open(second, "main")
	for _, name := range []string{"v1", "v1-annotated", "refs/tags/v1", first, first[:8]} {
		side, found, err := pair.At(t.Context(), name)
		if err != nil || !found || side.Commit != first {
			t.Errorf("%s: %+v, %v, %v", name, side, found, err)
			continue
		}
		holds(t, side, map[string]string{"a": "1", "same": "s"})
	}
	if side, found, err := pair.At(t.Context(), "deadbeef"); err != nil || !found || side != pair.Base {
		t.Errorf("a tag that reads as a hash, of the base: %+v, %v, %v", side, found, err)
	}
	if side, found, err := pair.At(t.Context(), third); err != nil || !found || side != pair.Head {
		t.Errorf("the head's commit: %+v, %v, %v", side, found, err)
	}
	for _, name := range []string{"", "HEAD", "topic", "main", "main~1", "v1~0", "v2", "1.*", "abcdefabcdef", "-v", "refs/heads/topic", "v1:a", "--all", "a\nb"} {
		if side, found, err := pair.At(t.Context(), name); found || err != nil {
			t.Errorf("%q: %+v, %v", name, side, err)
		}
	}
}

func TestAt_IsBounded(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	first := r.commit(map[string]string{"a": "1"})
	second := r.commit(map[string]string{"a": "2"})
	pair := opened(t, Options{Base: "HEAD", Dir: r.dir, Limits: limited(t, "revisions", 3)})
	if _, found, err := pair.At(t.Context(), first); !found || err != nil {
		t.Errorf("the third revision: %v, %v", found, err)
	}
	if _, found, err := pair.At(t.Context(), first); !found || err != nil {
		t.Errorf("the third revision, again: %v, %v", found, err)
	}
	if side, _, err := pair.At(t.Context(), second); side != pair.Base || err != nil {
		t.Errorf("the base: %v", err)
	}
	fourth := r.commit(map[string]string{"a": "3"})
	_, _, err := pair.At(t.Context(), fourth)
	silent(t, err, "limit revisions of 3")
	if _, _, err := r.open("HEAD", "").At(cancelled(t), first); err == nil {
		t.Error("a caller that left is answered")
	}
}

func TestOpen_BranchesThatMeanASide(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	r.git("branch", "release/1.2")
	clone := r.clone()
	clone.git("checkout", "-q", "-b", "work", "--track", "origin/release/1.2")
	clone.git("branch", "plain")
	clone.git("tag", "v1")
	for _, test := range []struct {
		base, head string
		from, to   []string
	}{
		{"origin/main", "", []string{"main", "origin/main"}, []string{"main", "origin/main", "release/1.2", "work"}},
		{"main", "plain", []string{"main"}, []string{"main", "plain"}},
		{"origin/release/1.2", "HEAD", []string{"main", "origin/release/1.2", "release/1.2"}, []string{"main", "origin/release/1.2", "release/1.2", "work"}},
		{"refs/remotes/origin/main", "plain", []string{"main", "origin/main"}, []string{"main", "origin/main", "plain"}},
		{"@{upstream}", "plain", []string{"main", "origin/release/1.2", "release/1.2"}, []string{"main", "origin/release/1.2", "plain", "release/1.2"}},
		{"HEAD~0", "v1", []string{"main"}, []string{"main"}},
		{"v1", "plain", []string{"main", "plain"}, []string{"main", "plain"}},
		{"HEAD~0", "", []string{"main", "release/1.2", "work"}, []string{"main", "release/1.2", "work"}},
		{"origin", "v1", []string{"main", "origin/main"}, []string{"main", "origin/main"}},
		{"main...work", "", []string{"main"}, []string{"main", "release/1.2", "work"}},
	} {
		pair := clone.open(test.base, test.head)
		same(t, test.base+" means the base", pair.Base.Branches, test.from)
		same(t, test.base+" "+test.head+" means the head", pair.Head.Branches, test.to)
	}
	clone.git("checkout", "-q", "--detach")
	same(t, "a detached head", clone.open("plain", "").Head.Branches, []string{"main", "plain"})
}

func TestRemotes_AreNormalAndWithoutCredentials(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	same(t, "no remote", r.open("HEAD", "").Remotes(), nil)
	r.git("remote", "add", "origin", "https://ci-job:secret@GitLab.example.com/team-a/shop.git")
	r.git("remote", "add", "a.b", "work:team-a/shop.git")
	r.git("remote", "add", "odd", "https://git.example.com/x?token=secret")
	r.git("remote", "add", "near", "../shop")
	r.git("config", "url.git@github.com:.insteadOf", "work:")
	r.git("config", "url.https://other.example.com/.insteadOf", "work:team-b/")
	same(t, "remotes", r.open("HEAD", "").Remotes(), []string{"github.com/team-a/shop", "gitlab.example.com/team-a/shop", "work/team-a/shop"})
}

func TestOpen_InMemoryAndOnDiskAreTheSame(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	first := r.commit(map[string]string{"a/b/c": "1", "same": "s"})
	r.commit(map[string]string{"a/b/c": "2"})
	memory := t.TempDir()
	for name, most := range map[string]int64{"room": 1 << 20, "room for one side": 24 << 10, "no room": 1, "no such folder": 0} {
		at := place{dir: memory, most: most}
		if most == 0 {
			at = place{dir: filepath.Join(memory, "nope"), most: 1 << 20}
		}
		pair, err := openIn(t.Context(), Options{Base: first, Dir: r.dir}, at)
		check(t, err)
		holds(t, pair.Base, map[string]string{"a/b/c": "1", "same": "s"})
		holds(t, pair.Head, map[string]string{"a/b/c": "2", "same": "s"})
		if inside := filepath.Dir(filepath.Dir(pair.Base.Dir)) == memory; inside != (name == "room") {
			t.Errorf("%s: in memory is %v", name, inside)
		}
		check(t, pair.Close())
	}
	pair, err := openIn(t.Context(), Options{Base: "HEAD", Dir: r.dir}, place{dir: memory, most: 40 << 10})
	check(t, err)
	side, found, err := pair.At(t.Context(), first)
	if err != nil || !found || filepath.Dir(filepath.Dir(side.Dir)) == memory {
		t.Errorf("a third tree that does not fit: %+v, %v", side, err)
	}
	holds(t, side, map[string]string{"a/b/c": "1", "same": "s"})
	check(t, pair.Close())
	if rest, err := os.ReadDir(memory); err != nil || len(rest) != 0 || left(t) != 0 {
		t.Errorf("something is left behind: %v, %v", rest, err)
	}
}
