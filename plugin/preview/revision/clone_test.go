package revision_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/preview/revision"
)

// TestFindClone_SaysWhatTheRepositoryIsCalled: from a folder below, with what is
// checked out and what the remote calls its default.
func TestFindClone_SaysWhatTheRepositoryIsCalled(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	git := func(args string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=team-a", "-c", "user.email=team-a@example.com"}, strings.Fields(args)...)...)
		command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v: %s", args, err, out)
		}
	}
	below := filepath.Join(dir, "apps", "shop")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	if found := revision.FindClone(t.Context(), below); found.Top != "" || len(found.Remotes)+len(found.Branches) > 0 {
		t.Errorf("no repository is found to be one: %+v", found)
	}
	git("init -q -b work")
	git("commit -q --allow-empty -m first")
	if found := revision.FindClone(t.Context(), below); found.Top != dir || len(found.Remotes) > 0 || !slices.Equal(found.Branches, []string{"work"}) {
		t.Errorf("without a remote: %+v", found)
	}
	git("remote add origin https://user:hunter2@git.example.com/team-a/shop.git")
	git("update-ref refs/remotes/origin/trunk HEAD")
	git("symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/trunk")
	found := revision.FindClone(t.Context(), below)
	if !slices.Equal(found.Branches, []string{"work", "trunk"}) || !slices.Contains(found.Remotes, revision.NormalizeURL("git@git.example.com:team-a/shop.git")) || strings.Contains(strings.Join(found.Remotes, " "), "hunter2") {
		t.Errorf("%+v", found)
	}
	git("checkout -q --detach")
	if found := revision.FindClone(t.Context(), dir); found.Top != dir || !slices.Equal(found.Branches, []string{"trunk"}) {
		t.Errorf("a commit is checked out: %+v", found)
	}
	if found := revision.FindClone(t.Context(), filepath.Join(dir, "gone")); found.Top != "" {
		t.Errorf("a folder that is not there: %+v", found)
	}
}
