package revision

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// merge merges and does not mind conflicts.
func (r *repo) merge(name string) {
	r.t.Helper()
	command := exec.CommandContext(r.t.Context(), "git", "merge", "-q", name)
	command.Dir = r.dir
	var exit *exec.ExitError
	if out, err := command.CombinedOutput(); err != nil && !errors.As(err, &exit) {
		r.t.Fatalf("%v: %s", err, out)
	}
}

// TestOpen_RunsNothingOfTheRepositorys configures everything that could run a
// program, and the twin shows that it would.
func TestOpen_RunsNothingOfTheRepositorys(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	ran := filepath.Join(t.TempDir(), "ran")
	first := r.commit(map[string]string{"a": "1", ".gitattributes": "* filter=x diff=x ident\n"})
	script := filepath.Join(t.TempDir(), "script")
	check(t, os.WriteFile(script, []byte("#!/bin/sh\necho $0 >>'"+ran+"'\ncat 2>/dev/null\n"), 0o755))
	for _, hook := range []string{"post-index-change", "post-checkout", "reference-transaction", "fsmonitor-watchman"} {
		check(t, os.MkdirAll(filepath.Join(r.dir, ".git", "hooks"), 0o755))
		content, err := os.ReadFile(script)
		check(t, err)
		check(t, os.WriteFile(filepath.Join(r.dir, ".git", "hooks", hook), content, 0o755))
	}
	for name, value := range map[string]string{
		"core.fsmonitor": script, "filter.x.clean": script, "filter.x.smudge": script, "filter.x.process": script, "diff.x.textconv": script, "diff.external": script,
		"core.pager": script, "core.sshCommand": script, "alias.ls-tree": "!" + script, "gpg.program": script, "core.editor": script,
	} {
		r.git("config", name, value)
	}
	r.write(map[string]string{"a": "2", "b": "3"})
	same(t, "changed", r.open(first, "").Changed(), []string{"a", "b"})
	if content, err := os.ReadFile(ran); err == nil {
		t.Errorf("these ran: %s", content)
	}
	r.git("status", "--short")
	if _, err := os.Stat(ran); err != nil {
		t.Error("nothing would have run: the test shows nothing")
	}
}

func TestOpen_ReplacedObjectsAreNotFollowed(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	first := r.commit(map[string]string{"a": "real"})
	second := r.commit(map[string]string{"a": "replaced"})
	r.git("replace", first, second)
	if shown := r.git("show", first+":a"); shown != "replaced" {
		t.Errorf("git shows %q: the test shows nothing", shown)
	}
	holds(t, r.open(first, second).Base, map[string]string{"a": "real"})
}

func TestOpen_EnvironmentOfAHookDoesNotMislead(t *testing.T) {
	isolate(t)
	r, other := newRepo(t), newRepo(t)
	first := r.commit(map[string]string{"a": "1"})
	other.commit(map[string]string{"b": "1"})
	for name, value := range map[string]string{
		"GIT_DIR": filepath.Join(other.dir, ".git"), "GIT_WORK_TREE": other.dir, "GIT_INDEX_FILE": filepath.Join(other.dir, ".git", "index"),
		"GIT_LITERAL_PATHSPECS": "1", "GIT_PREFIX": "x/", "GIT_TRACE": "1", "GIT_NAMESPACE": "x",
	} {
		t.Setenv(name, value)
	}
	holds(t, r.open(first, "").Head, map[string]string{"a": "1"})
}

// TestOpen_ObjectsInQuarantine: a server's pre-receive hook finds what is pushed
// beside the repository (git-receive-pack).
func TestOpen_ObjectsInQuarantine(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	first := r.commit(map[string]string{"a": "1"})
	t.Setenv("GIT_OBJECT_DIRECTORY", t.TempDir())
	t.Setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", filepath.Join(r.dir, ".git", "objects"))
	pushed := r.commitTree(r.tree(map[string]string{"a": r.pipe("2", "hash-object", "-w", "--stdin")}))
	same(t, "changed", r.open(first, pushed).Changed(), []string{"a"})
	check(t, os.Unsetenv("GIT_OBJECT_DIRECTORY"))
	usage(t, r.fails(first, pushed), "there is no revision")
}

func TestEnvironment_KeepsWhatFindsObjectsAndSettings(t *testing.T) {
	got := environment([]string{
		"PATH=/bin", "HOME=/root", "GIT_DIR=x", "GIT_OBJECT_DIRECTORY=quarantine", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		"LC_ALL=de_DE", "LANGUAGE=de", "LANG=de_DE", "GIT_SSH_COMMAND=x", "GIT_EXTERNAL_DIFF=x", "GIT_ALLOW_PROTOCOL=https", "GIT_NO_LAZY_FETCH=0",
	})
	for text, wanted := range map[string]bool{
		"PATH=/bin": true, "HOME=/root": true, "GIT_OBJECT_DIRECTORY=quarantine": true, "GIT_CONFIG_COUNT=1": true, "GIT_CONFIG_KEY_0=safe.directory": true, "GIT_CONFIG_VALUE_0=*": true,
		"LC_ALL=C": true, "GIT_ALLOW_PROTOCOL=none": true, "GIT_NO_LAZY_FETCH=1": true, "GIT_OPTIONAL_LOCKS=0": true,
		"GIT_DIR=x": false, "LC_ALL=de_DE": false, "LANGUAGE=de": false, "GIT_SSH_COMMAND=x": false, "GIT_EXTERNAL_DIFF=x": false, "GIT_ALLOW_PROTOCOL=https": false, "GIT_NO_LAZY_FETCH=0": false,
	} {
		if slices.Contains(got, text) != wanted {
			t.Errorf("%s: it should be there: %v", text, wanted)
		}
	}
}

// fakeGit puts a program in the place of git that behaves as the script, and
// otherwise as git.
func fakeGit(t *testing.T, script string) {
	t.Helper()
	real, err := exec.LookPath("git")
	check(t, err)
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "git"), []byte("#!/bin/sh\n"+script+"\nexec '"+real+"' \"$@\"\n"), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestOpen_GitThatHangsEndsWithTheCaller(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	path := os.Getenv("PATH")
	for _, script := range []string{
		`case "$*" in *--batch*) touch "$STARTED"; exec sleep 60;; esac`,
		`case "$*" in *--batch*) touch "$STARTED"; sleep 60; exit;; esac`, // its child holds the pipes
		`case "$*" in *rev-parse*) touch "$STARTED"; exec sleep 60;; esac`,
	} {
		started := filepath.Join(t.TempDir(), "started")
		t.Setenv("STARTED", started)
		t.Setenv("PATH", path)
		fakeGit(t, script)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for {
				if _, err := os.Stat(started); err == nil || ctx.Err() != nil {
					cancel()
					return
				}
				time.Sleep(time.Millisecond)
			}
		}()
		pair, err := Open(ctx, Options{Base: "HEAD", Dir: r.dir})
		if err == nil {
			check(t, pair.Close())
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", script, err)
		}
		if left(t) != 0 {
			t.Error("something is left behind")
		}
	}
}

func TestOutput_IsBounded(t *testing.T) {
	isolate(t)
	fakeGit(t, `case "$*" in
*complain*) head -c 200000 /dev/zero | tr '\0' x >&2; exit 3;;
*answer*) head -c 20000000 /dev/zero; exit 0;;
*endless*) exec cat /dev/zero;;
esac`)
	git, err := findGit(t.TempDir())
	check(t, err)
	_, err = git.output(t.Context(), "complain")
	if failure, is := asA[*gitError](err); !is || failure.code != 3 || len(failure.all) != mostErrors || len(failure.said) != 300 {
		t.Errorf("%T of %d bytes", err, len(err.Error()))
	}
	for _, command := range []string{"answer", "endless"} {
		if _, err := git.output(t.Context(), command); err == nil || !strings.Contains(err.Error(), "more than") {
			t.Errorf("%s: %v", command, err)
		}
	}
}

func TestOpen_GitThatAnswersOtherwise(t *testing.T) {
	isolate(t)
	r := newRepo(t)
	r.commit(map[string]string{"a": "1"})
	path := os.Getenv("PATH")
	for script, parts := range map[string][]string{
		`case "$*" in *rev-parse*--is-bare*) exit 0;; esac`:                                                                   {"needs git 2.31"},
		`case "$*" in *rev-parse*--is-bare*) echo "usage: git rev-parse" >&2; exit 129;; esac`:                                {"usage: git rev-parse", "needs git 2.31"},
		`case "$*" in *ls-tree*) printf 'what is this\0'; exit 0;; esac`:                                                      {"git ls-tree answers"},
		`case "$*" in *ls-tree*) printf '100644 blob abc'; exit 0;; esac`:                                                     {"unexpected EOF"},
		`case "$*" in *ls-tree*) printf '070000 x abc\ta\0'; exit 0;; esac`:                                                   {"unknown mode"},
		`case "$*" in *ls-files*) printf 'H\0'; exit 0;; esac`:                                                                {"git ls-files answers"},
		`case "$*" in *batch-check*) exit 0;; esac`:                                                                           {"reading the blob", "unexpected EOF"},
		`case "$*" in *"batch-check"*) echo "x blob 1"; cat >/dev/null; exit 0;; esac`:                                        {"git answers"},
		`case "$*" in *"batch-check"*) read o; echo "$o tree 1"; cat >/dev/null; exit 0;; esac`:                               {"it is a tree"},
		`case "$*" in *"batch-check"*) read o; echo "$o blob -1"; cat >/dev/null; exit 0;; esac`:                              {"git answers"},
		`case "$*" in *"--batch "*) read o; echo "$o blob 1"; cat >/dev/null; exit 0;; esac`:                                  {"reading the blob", "unexpected EOF"},
		`case "$*" in *"--batch "*) read o; echo "$o blob 100"; printf x; cat >/dev/null; exit 0;; esac`:                      {"git answers that it has 100 bytes"},
		`case "$*" in *"--batch "*) read o; echo "$o blob 99999999999999"; cat >/dev/null; exit 0;; esac`:                     {"git answers"},
		`case "$*" in *ls-tree*) echo "fatal: <b>\033[31m broken" >&2; kill -9 $$;; esac`:                                     {"git ls-tree"},
		`case "$*" in *ls-tree*) while :; do printf '100644 blob 0000000000000000000000000000000000000000\t/a\0'; done; esac`: {"limit revisionFiles"},
	} {
		t.Setenv("PATH", path)
		fakeGit(t, script)
		silent(t, r.fails("HEAD", ""), parts...)
	}
	t.Setenv("PATH", path)
	if pair := r.open("HEAD", ""); strings.Join(pair.Changed(), "") != "" {
		t.Error("the twin does not work")
	}
}
