package revision

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// usage fails unless the command line is told to be wrong, with all parts.
func usage(t *testing.T, err error, parts ...string) {
	t.Helper()
	if _, is := asA[*UsageError](err); !is {
		t.Errorf("not told as wrong usage: %v", err)
	}
	says(t, err, parts...)
}

// silent fails unless the error is told as no answer, with all parts.
func silent(t *testing.T, err error, parts ...string) {
	t.Helper()
	if stage, is := asA[*plugin.StageError](err); !is || stage.Hint == "" {
		t.Errorf("not told as no answer with a hint: %v", err)
	}
	says(t, err, parts...)
}

func (r *repo) clone(args ...string) *repo {
	r.t.Helper()
	made := &repo{t: r.t, dir: filepath.Join(r.t.TempDir(), "clone")}
	r.git(append(append([]string{"clone", "-q"}, args...), "file://"+r.dir, made.dir)...)
	return made
}

func TestOpen_RevisionThatIsNotThere(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	r.git("branch", "release-1.2")
	usage(t, r.fails("mian", ""), `"mian"`, `did you mean "main"?`, "git branch --all")
	usage(t, r.fails("main", "release-1.3"), `"release-1.3"`, `did you mean "release-1.2"?`)
	usage(t, r.fails(strings.Repeat("f", 40), ""), "there is no revision")
	clone := r.clone()
	usage(t, clone.fails("release-1.2", ""), `the remote's branch is "origin/release-1.2"`)
	usage(t, clone.fails("elsewhere", ""), "git fetch --depth=1 origin elsewhere:refs/remotes/origin/elsewhere")
	clone.open("origin/release-1.2", "")
}

func TestOpen_RevisionThatIsNone(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	r.git("tag", "blob", r.git("rev-parse", "HEAD:a"))
	for name, part := range map[string]string{
		"--output=/tmp/x": "begins like a flag", "-": "begins like a flag", "a\nb": "control characters", strings.Repeat("x", 2000): "more than 1000", "blob": "no commit",
	} {
		usage(t, r.fails(name, ""), part)
		usage(t, r.fails("main", name), part)
	}
	usage(t, r.fails("main..--all", ""), "begins like a flag")
	usage(t, r.fails("", ""), "nothing is named")
	usage(t, fails(t, Options{Base: "main", Dir: filepath.Join(r.dir, "nope")}), "there is no folder")
}

func TestOpen_NoRepository(t *testing.T) {
	isolate(t)
	usage(t, fails(t, Options{Base: "main", Dir: t.TempDir()}), "no git repository", "two folders")
}

func TestOpen_NoCommitYet(t *testing.T) {
	isolate(t)
	usage(t, newRepo(t).fails("HEAD", ""), "no commit yet", "commit first")
}

func TestOpen_ShallowClone(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	root := r.commit(map[string]string{"a": "1"})
	r.git("checkout", "-q", "-b", "topic")
	r.commit(map[string]string{"b": "1"})
	r.git("checkout", "-q", "main")
	r.commit(map[string]string{"c": "1"})
	r.git("checkout", "-q", "topic")
	clone := r.clone("--depth=1", "--no-single-branch")
	silent(t, clone.fails(root, ""), "is shallow", "git fetch --depth=1 origin "+root, "fetch-depth: 0", "GIT_DEPTH: 0")
	silent(t, clone.fails("release", ""), "is shallow", "git fetch --depth=1 origin release:refs/remotes/origin/release", "fetch-depth: 0")
	silent(t, clone.fails("HEAD~1", ""), "is shallow", "git fetch --unshallow origin")
	silent(t, clone.fails("origin/main...HEAD", ""), "the merge base", "is shallow", "git fetch --deepen=100 origin main", "fetch-depth: 0")
	if pair := clone.open("origin/main", ""); !pair.Shallow || len(pair.Notes) != 0 {
		t.Errorf("%+v", pair)
	}
	clone.git("fetch", "-q", "--deepen=100", "origin", "main")
	clone.open("origin/main...HEAD", "")
}

func TestOpen_ShallowMergeBaseIsDoubted(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	for range 3 {
		r.commit(map[string]string{"a": r.git("rev-parse", "--git-dir") + r.dir})
	}
	r.git("checkout", "-q", "-b", "topic")
	r.commit(map[string]string{"b": "1"})
	clone := r.clone("--depth=2", "--no-single-branch")
	pair := clone.open("origin/main...HEAD", "")
	if len(pair.Notes) != 1 || !strings.Contains(pair.Notes[0].Reason, "may be older") {
		t.Errorf("%+v", pair.Notes)
	}
}

func TestOpen_NothingInCommon(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	r.git("checkout", "-q", "--orphan", "other")
	r.commit(map[string]string{"b": "1"})
	usage(t, r.fails("main...other", ""), "merge base", "without a merge base")
	r.open("main..other", "")
}

func TestOpen_WithoutGitFoldersStillWork(t *testing.T) {
	isolate(t)
	at := &repo{t: t, dir: t.TempDir()}
	at.write(map[string]string{"one/a": "1", "two/a": "2"})
	t.Setenv("PATH", t.TempDir())
	silent(t, at.fails("main", ""), "git program", "install git")
	same(t, "changed", at.open("one", "two").Changed(), []string{"a"})
}

func TestOpen_BareRepository(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	first := r.commit(map[string]string{"a": "1"})
	r.commit(map[string]string{"a": "2"})
	bare := r.clone("--bare")
	usage(t, bare.fails(first, ""), "bare", "HEAD")
	same(t, "changed", bare.open(first, "HEAD").Changed(), []string{"a"})
	inside := &repo{t: t, dir: filepath.Join(r.dir, ".git")}
	same(t, "changed", inside.open(first, "HEAD").Changed(), []string{"a"})
	usage(t, inside.fails(first, ""), "no worktree here")
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "safe.bareRepository")
	t.Setenv("GIT_CONFIG_VALUE_0", "explicit")
	silent(t, bare.fails(first, "HEAD"), "safe.bareRepository")
}

func TestOpen_LinkedWorktree(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	linked := &repo{t: t, dir: filepath.Join(t.TempDir(), "linked")}
	r.git("worktree", "add", "-q", "-b", "topic", linked.dir)
	linked.write(map[string]string{"a": "2"})
	pair := linked.open("main", "")
	same(t, "changed", pair.Changed(), []string{"a"})
	same(t, "branches", pair.Head.Branches, []string{"main", "topic"})
	if list := r.git("worktree", "list"); strings.Count(list, "\n") != 1 {
		t.Errorf("the list of worktrees changed: %s", list)
	}
}

func TestOpen_RepositoryOfSHA256(t *testing.T) {
	isolate(t)
	r := newRepo(t, "--object-format=sha256")
	first := r.commit(map[string]string{"a": "1", "same": "s"})
	r.commit(map[string]string{"a": "2"})
	same(t, "changed", r.open(first, "").Changed(), []string{"a"})
	if _, found, err := r.open(first, "").At(t.Context(), first[:12]); !found || err != nil {
		t.Errorf("%v, %v", found, err)
	}
}

func TestOpen_PartialCloneFetchesNothing(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.git("config", "uploadpack.allowFilter", "true")
	first := r.commit(map[string]string{"a": "1"})
	r.commit(map[string]string{"a": "2"})
	clone := r.clone("--filter=blob:none")
	silent(t, clone.fails(first, ""), "partial clone", "git fetch --refetch --no-filter origin")
	clone.git("fetch", "-q", "--refetch", "--no-filter", "origin")
	same(t, "changed", clone.open(first, "").Changed(), []string{"a"})
}

func TestOpen_DamagedRepository(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": strings.Repeat("some content ", 100), "b": "1"})
	object := r.git("rev-parse", "HEAD:a")
	file := filepath.Join(r.dir, ".git", "objects", object[:2], object[2:])
	whole, err := os.ReadFile(file)
	check(t, err)
	check(t, os.Remove(file))
	silent(t, r.fails("HEAD", "HEAD"), "damaged", "git fsck", object)
	check(t, os.WriteFile(file, whole[:len(whole)/2], 0o644))
	silent(t, r.fails("HEAD", "HEAD"), "damaged", "git fsck")
	check(t, os.WriteFile(file, whole, 0o644))
	r.open("HEAD", "HEAD")
	tree := r.git("rev-parse", "HEAD^{tree}")
	check(t, os.Remove(filepath.Join(r.dir, ".git", "objects", tree[:2], tree[2:])))
	silent(t, r.fails("HEAD", "HEAD"), "damaged", "git fsck")
}

func TestOpen_RepositoryOfSomebodyElse(t *testing.T) {
	isolate(t)
	if os.Getuid() != 0 {
		t.Skip("only root may give a folder to somebody else")
	}
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	out, err := exec.CommandContext(t.Context(), "chown", "-R", "12345", r.dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	silent(t, r.fails("HEAD", ""), "dubious ownership", "git config --global --add safe.directory")
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "safe.directory")
	t.Setenv("GIT_CONFIG_VALUE_0", r.dir)
	r.open("HEAD", "")
}
