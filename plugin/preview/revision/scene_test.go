package revision

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// repo is a repository that a test makes.
type repo struct {
	t   *testing.T
	dir string
}

// isolate keeps the machine's own settings of git out, and what is written in a
// folder that the test looks at.
func isolate(t *testing.T) string {
	t.Helper()
	temporary := t.TempDir()
	for name, value := range map[string]string{
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": t.TempDir(), "TMPDIR": temporary,
		"GIT_AUTHOR_NAME": "team-a", "GIT_AUTHOR_EMAIL": "team-a@example.com", "GIT_COMMITTER_NAME": "team-a", "GIT_COMMITTER_EMAIL": "team-a@example.com",
	} {
		t.Setenv(name, value)
	}
	return temporary
}

func newRepo(t *testing.T, args ...string) *repo {
	t.Helper()
	r := &repo{t: t, dir: filepath.Join(t.TempDir(), "repo")}
	check(t, os.Mkdir(r.dir, 0o755))
	r.git(append([]string{"init", "-q", "-b", "main"}, args...)...)
	return r
}

func (r *repo) git(args ...string) string { return r.pipe("", args...) }

func (r *repo) pipe(input string, args ...string) string {
	r.t.Helper()
	command := exec.CommandContext(r.t.Context(), "git", append([]string{"-c", "gc.auto=0", "-c", "maintenance.auto=false"}, args...)...)
	command.Dir, command.Stdin = r.dir, strings.NewReader(input)
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// write writes files in the worktree; an empty content removes one.
func (r *repo) write(files map[string]string) *repo {
	r.t.Helper()
	for name, content := range files {
		if content == "" {
			check(r.t, os.Remove(filepath.Join(r.dir, name)))
		}
	}
	for name, content := range files {
		if content == "" {
			continue
		}
		at := filepath.Join(r.dir, name)
		check(r.t, os.MkdirAll(filepath.Dir(at), 0o755))
		check(r.t, os.WriteFile(at, []byte(content), 0o644))
	}
	return r
}

func (r *repo) commit(files map[string]string) string {
	r.t.Helper()
	r.write(files)
	r.git("add", "--all")
	r.git("commit", "-q", "--allow-empty", "-m", "change")
	return r.git("rev-parse", "HEAD")
}

func (r *repo) open(base, head string) *Pair {
	r.t.Helper()
	return opened(r.t, Options{Base: base, Head: head, Dir: r.dir})
}

func (r *repo) fails(base, head string) error {
	r.t.Helper()
	return fails(r.t, Options{Base: base, Head: head, Dir: r.dir})
}

func opened(t *testing.T, options Options) *Pair {
	t.Helper()
	pair, err := Open(t.Context(), options)
	check(t, err)
	t.Cleanup(func() { check(t, pair.Close()) })
	return pair
}

func fails(t *testing.T, options Options) error {
	t.Helper()
	before := left(t)
	pair, err := Open(t.Context(), options)
	if err == nil {
		_ = pair.Close()
		t.Fatalf("comparing %q with %q works", options.Base, options.Head)
	}
	if after := left(t); after != before {
		t.Errorf("%d folders are left behind", after-before)
	}
	return err
}

// left counts what lies in the folder for temporary files.
func left(t *testing.T) int {
	t.Helper()
	found, err := os.ReadDir(os.TempDir())
	check(t, err)
	return len(found)
}

// read is a side's content by path; a symbolic link is "-> target".
func read(t *testing.T, side *Side) map[string]string {
	t.Helper()
	files := map[string]string{}
	check(t, fs.WalkDir(side.Root.FS(), ".", func(name string, found fs.DirEntry, err error) error {
		if err != nil || found.IsDir() {
			return err
		}
		if found.Type()&fs.ModeSymlink != 0 {
			target, err := side.Root.Readlink(name)
			files[name] = "-> " + target
			return err
		}
		content, err := side.Root.ReadFile(name)
		files[name] = string(content)
		return err
	}))
	return files
}

// says fails when an error does not have all parts in what it or its hint says.
func says(t *testing.T, err error, parts ...string) {
	t.Helper()
	text := err.Error()
	if stage, is := asA[*plugin.StageError](err); is {
		text += "; " + stage.Hint
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not said: %s", part, text)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func cancelled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
