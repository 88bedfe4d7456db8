package revision

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func TestCommits_FindTakesTheRemotesBranchBeforeALocalOne(t *testing.T) {
	isolate(t)
	remote := newRepo(t)
	first := remote.commit(map[string]string{"a": "1"})
	dir := filepath.Join(t.TempDir(), "clone")
	remote.git("clone", "-q", remote.dir, dir)
	second := remote.commit(map[string]string{"a": "2"})
	remote.git("tag", "v1")
	clone := &repo{t: t, dir: dir}
	clone.git("fetch", "-q", "--tags")
	commits, err := OpenCommits(t.Context(), dir, plugin.DefaultLimits())
	check(t, err)
	for name, want := range map[string]string{"main": second, "HEAD": second, "": second, "v1": second, "refs/tags/v1": second, first: first, first[:12]: first} {
		if got, err := commits.Find(t.Context(), name); err != nil || got != want {
			t.Errorf("%q is %s, not %s: %v", name, got, want, err)
		}
	}
	for _, name := range []string{"other", "-main", "main\n"} {
		var usage *UsageError
		if _, err := commits.Find(t.Context(), name); !errors.As(err, &usage) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestCommits_BehindCountsAndTellsWhatIsApart(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	first := r.commit(map[string]string{"a": "1"})
	r.commit(map[string]string{"a": "2"})
	tip := r.commit(map[string]string{"a": "3"})
	r.git("checkout", "-q", "--orphan", "apart")
	apart := r.commit(map[string]string{"a": "4"})
	commits, err := OpenCommits(t.Context(), r.dir, plugin.DefaultLimits())
	check(t, err)
	if count, reached, err := commits.Behind(t.Context(), first, tip); count != 2 || !reached || err != nil {
		t.Errorf("%d %v %v", count, reached, err)
	}
	if _, reached, err := commits.Behind(t.Context(), apart, tip); reached || err != nil {
		t.Errorf("%v %v", reached, err)
	}
	if _, reached, err := commits.Behind(t.Context(), tip, first); reached || err != nil {
		t.Errorf("a later one: %v %v", reached, err)
	}
	var none *plugin.StageError
	if _, _, err := commits.Behind(t.Context(), "1111111111111111111111111111111111111111", tip); !errors.As(err, &none) {
		t.Errorf("a commit that is not there: %v", err)
	}
}

func TestCommits_TreeLastsUntilItIsEnded(t *testing.T) {
	temporary := isolate(t)
	r := newRepo(t)
	first := r.commit(map[string]string{"a": "1"})
	r.commit(map[string]string{"a": "2"})
	commits, err := OpenCommits(t.Context(), r.dir, plugin.DefaultLimits())
	check(t, err)
	side, end, err := commits.Tree(t.Context(), first)
	check(t, err)
	if text, err := side.Root.ReadFile("a"); err != nil || string(text) != "1" {
		t.Errorf("%q %v", text, err)
	}
	end()
	if left, err := os.ReadDir(temporary); err != nil || len(left) != 0 {
		t.Errorf("%v is left: %v", left, err)
	}
}
