package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// gone is a standard output that nobody reads any more.
type gone struct{}

func (gone) Write([]byte) (int, error) { return 0, fmt.Errorf("writing: %w", io.ErrClosedPipe) }

func TestCommands_OutputThatIsClosedIsNoSuccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sign(trusted())
	w.settle()
	app, gate := filepath.Join(w.dir, "app"), filepath.Join(w.dir, "gate")
	for _, args := range [][]string{
		{"check", app, "-g", gate}, {"check", app, "-g", gate, "-o", "json"}, {"render", app, "-g", gate}, {"explain", "image/not-signed"}, {"version"},
		{"gate", "check", gate}, {"gate", "try", gate, "--against", w.dir}, {"init", app, "-g", gate}, {"lock", app, "-g", gate},
	} {
		var errs bytes.Buffer
		code := run(t.Context(), streams{in: strings.NewReader(""), out: gone{}, err: &errs}, args)
		if code == exitAllowed || !strings.Contains(errs.String(), "closed pipe") {
			t.Errorf("%v ends with %d, although nobody got its output: %s", args, code, errs.String())
		}
	}
}

// commandsOf are command lines that ask a registry.
func commandsOf(w *world) [][]string {
	app, gate := filepath.Join(w.dir, "app"), filepath.Join(w.dir, "gate")
	return [][]string{
		{"check", app, "-g", gate}, {"render", app, "-g", gate}, {"render", app, "-g", gate, "--isolated"}, {"lock", app, "-g", gate},
		{"lock", app, "--check", "-g", gate}, {"init", app, "-g", gate}, {"gate", "try", gate, "--against", w.dir},
	}
}

// A command that is interrupted has no answer, whatever it had found so far.
func TestCommands_CancelledIsUndetermined(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sign(trusted())
	w.settle()
	for _, args := range commandsOf(w) {
		for name, prepare := range map[string]func(cancel func()){
			"before the first request": func(cancel func()) { cancel() },
			"while the registry is silent": func(cancel func()) {
				w.server.SetFault(func(*http.Request) *ociserver.Fault { cancel(); return &ociserver.Fault{Hang: true} })
			},
		} {
			w.server.SetFault(nil)
			ctx, cancel := context.WithCancel(t.Context())
			prepare(cancel)
			before := w.files()
			var out, errs bytes.Buffer
			code := run(ctx, streams{in: strings.NewReader(""), out: &out, err: &errs}, args)
			cancel()
			if code != exitUndetermined {
				t.Errorf("%v, cancelled %s, ends with %d:\n%s%s", args, name, code, out.String(), errs.String())
			}
			if args[0] == "render" && out.Len() > 0 {
				t.Errorf("%v, cancelled %s, prints %s", args, name, out.String())
			}
			if after := w.files(); after != before {
				t.Errorf("%v, cancelled %s, leaves\n%s", args, name, after)
			}
		}
	}
}

// The twin of every command that is cancelled.
func TestCommands_NotCancelledIsAllowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sign(trusted())
	w.settle()
	for _, args := range commandsOf(w) {
		if got := in(t, "", args...); got.code != exitAllowed {
			t.Errorf("%v ends with %d:\n%s%s", args, got.code, got.out, got.err)
		}
	}
}

// Deadlines are the caller's, and are no answer either.
func TestCommands_DeadlineIsUndetermined(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sign(trusted())
	w.settle()
	ctx, cancel := context.WithTimeout(t.Context(), 1)
	defer cancel()
	<-ctx.Done()
	for _, args := range commandsOf(w) {
		var out, errs bytes.Buffer
		if code := run(ctx, streams{in: strings.NewReader(""), out: &out, err: &errs}, args); code != exitUndetermined {
			t.Errorf("%v ends with %d:\n%s%s", args, code, out.String(), errs.String())
		}
	}
}

// What does not listen to the first signal, such as a wait for standard input,
// is ended by the next.
func TestMain_SignalsEndWhatDoesNotListen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "endless/templates"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "endless/Chart.yaml"), []byte("apiVersion: v2\nname: web\nversion: 1.0.0\n"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "endless/templates/a.yaml"), []byte(endless(100_000)), 0o644))
	for name, args := range map[string][]string{"standard input": {"render", "-"}, "endless template": {"render", "endless"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := exec.CommandContext(t.Context(), "assay", args...)
			command.Dir = dir
			var out bytes.Buffer
			command.Stdout = &out
			input, err := command.StdinPipe() // is never closed
			must(t, err)
			defer input.Close()
			must(t, command.Start())
			ended := make(chan error, 1)
			go func() { ended <- command.Wait() }()
			again := time.NewTicker(100 * time.Millisecond)
			defer again.Stop()
			for {
				select {
				case err := <-ended:
					if err == nil || out.Len() > 0 {
						t.Errorf("it ends with %v and prints %q", err, out.String())
					}
					return
				case <-again.C:
					_ = command.Process.Signal(os.Interrupt) // it may have ended already
				}
			}
		})
	}
}

// A denial beside a question without an answer is a denial, however they are
// wrapped.
func TestAsExit_ADenialWinsOverNoAnswer(t *testing.T) {
	t.Parallel()
	noAnswer := &plugin.StageError{Stage: "resolve", Subject: "app", Cause: io.ErrUnexpectedEOF}
	refusal := &plugin.Refusal{Rule: "render/escape", Message: "it leaves the tree"}
	for name, test := range map[string]struct {
		err  error
		code int
	}{
		"no answer":                  {noAnswer, exitUndetermined},
		"cancelled":                  {fmt.Errorf("asking: %w", context.Canceled), exitUndetermined},
		"refusal":                    {refusal, exitDenied},
		"any other error":            {io.ErrClosedPipe, exitDenied},
		"no answer, then a refusal":  {errors.Join(noAnswer, refusal), exitDenied},
		"refusal, then no answer":    {errors.Join(refusal, noAnswer), exitDenied},
		"the same, wrapped":          {fmt.Errorf("vendoring: %w", errors.Join(noAnswer, refusal)), exitDenied},
		"cancelled beside a refusal": {errors.Join(context.Canceled, refusal), exitDenied},
		"twice no answer":            {errors.Join(noAnswer, context.DeadlineExceeded), exitUndetermined},
	} {
		var end *exit
		if !errors.As(asExit(test.err), &end) || end.code != test.code || !errors.Is(end, test.err) {
			t.Errorf("%s ends with %v, want %d", name, end, test.code)
		}
	}
}
