package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// ended is how a command line ended.
type ended struct {
	code     int
	out, err string
}

// text is all that was printed, on one line, so that no line break hides a
// phrase.
func (e ended) text() string { return strings.Join(strings.Fields(e.out+" "+e.err), " ") }

func (w *world) run(command string) ended {
	w.t.Helper()
	w.settle()
	var out, errors bytes.Buffer
	args := append([]string{command, filepath.Join(w.dir, "app"), "--gate", filepath.Join(w.dir, "gate"), "--project", "team-a"}, w.args...)
	code := run(w.t.Context(), streams{in: strings.NewReader(""), out: &out, err: &errors}, args)
	return ended{code, out.String(), errors.String()}
}

// files lists everything below the world's folder, with its size.
func (w *world) files() string {
	w.t.Helper()
	var list strings.Builder
	must(w.t, filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			fmt.Fprintln(&list, path, info.Mode(), info.Size())
		}
		return err
	}))
	return list.String()
}

// answer is what a command line must say: its exit code, and phrases by which
// a person knows what is wrong, where, and what to do.
type answer struct {
	code int
	says []string
}

func denied(says ...string) answer       { return answer{exitDenied, says} }
func undetermined(says ...string) answer { return answer{exitUndetermined, says} }

// twins runs the same world twice, once with the one thing wrong and once
// without: the first has the answer and prints no manifest, the second is
// allowed.
func twins(t *testing.T, arrange func(w *world, bad bool), want answer) {
	t.Helper()
	t.Parallel()
	t.Run("bad", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		arrange(w, true)
		w.mustEnd(want)
	})
	t.Run("twin", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		arrange(w, false)
		w.mustAllow()
	})
}

// mustEnd demands the answer of check and of render, and that neither leaves
// anything behind.
func (w *world) mustEnd(want answer) {
	w.t.Helper()
	w.settle()
	before := w.files()
	check, render := w.run("check"), w.run("render")
	if render.out != "" {
		w.t.Errorf("render prints on standard output:\n%s", render.out)
	}
	for command, got := range map[string]ended{"check": check, "render": render} {
		if got.code != want.code {
			w.t.Errorf("%s ends with %d, want %d:\n%s%s", command, got.code, want.code, got.out, got.err)
		}
		for _, phrase := range want.says {
			if !strings.Contains(got.text(), phrase) {
				w.t.Errorf("%s does not say %q:\n%s%s", command, phrase, got.out, got.err)
			}
		}
		if strings.Contains(got.out, "kind: Deployment") || strings.Contains(got.out, `"kind":"Deployment"`) {
			w.t.Errorf("%s prints a manifest:\n%s", command, got.out)
		}
		for _, never := range []string{"goroutine ", "root:x:0", "panic"} {
			if strings.Contains(got.text(), never) {
				w.t.Errorf("%s says %q:\n%s%s", command, never, got.out, got.err)
			}
		}
	}
	if after := w.files(); after != before {
		w.t.Errorf("files changed from\n%sto\n%s", before, after)
	}
}

// mustAllow demands yes of check and of render, and the manifests with their
// digest.
func (w *world) mustAllow() {
	w.t.Helper()
	if check := w.run("check"); check.code != exitAllowed || !strings.HasPrefix(check.out, "allowed") {
		w.t.Errorf("check ends with %d:\n%s%s", check.code, check.out, check.err)
	}
	render := w.run("render")
	if render.code != exitAllowed || !strings.Contains(render.out, "kind: ") || render.err != "" {
		w.t.Errorf("render ends with %d:\n%s%s", render.code, render.out, render.err)
	}
	if !strings.Contains(render.out, "@"+w.digest.DigestStr()) {
		w.t.Errorf("render does not pin %s:\n%s", w.digest, render.out)
	}
}
