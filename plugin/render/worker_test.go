//go:build linux && (amd64 || arm64)

package render

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// TestMain lets the test binary stand for the programs that the tests start.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "render-worker":
			if err := WorkerMain(os.Stdin, os.Stdout); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		case "sandbox-probe":
			os.Exit(probeSandbox())
		case "dying-worker":
			_ = writeFrame(os.Stdout, ready{})
			_, _ = io.ReadFull(os.Stdin, make([]byte, 64))
			fmt.Fprintln(os.Stderr, "fatal: the end")
			os.Exit(3)
		case "version", "template":
			os.Exit(fakeHelm(os.Args[1:]))
		}
	}
	os.Exit(m.Run())
}

// probeSandbox prints what a sandboxed process may do.
func probeSandbox() int {
	root, err := os.OpenRoot("/")
	if err != nil {
		return 1
	}
	if err := enterSandbox(1 << 30); err != nil {
		fmt.Println("sandbox:", err)
		return 1
	}
	_, dial := net.Dial("tcp", "127.0.0.1:1")
	_, local := net.Listen("unix", filepath.Join(os.TempDir(), "probe"))
	run := exec.Command("/bin/true").Run()
	write := os.WriteFile(filepath.Join(os.TempDir(), "probe"), nil, 0o600)
	signal := (&os.Process{Pid: os.Getppid()}).Kill()
	file, read := root.Open("etc/passwd")
	if read == nil {
		_ = file.Close()
	}
	var grow sync.WaitGroup
	for range 50 { // new threads are under the filter too
		grow.Add(1)
		go func() {
			defer grow.Done()
			if _, err := net.Dial("tcp", "127.0.0.1:1"); !errors.Is(err, os.ErrPermission) {
				fmt.Println("thread:", err)
			}
		}()
	}
	grow.Wait()
	for _, result := range []struct {
		what string
		err  error
	}{{"dial", dial}, {"listen", local}, {"exec", run}, {"write", write}, {"kill", signal}} {
		fmt.Printf("%s forbidden=%t\n", result.what, errors.Is(result.err, os.ErrPermission))
	}
	fmt.Printf("read works=%t\n", read == nil)
	return 0
}

func newWorkers(t testing.TB, change func(*WorkerOptions)) *Workers {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	options := WorkerOptions{Command: []string{executable, "render-worker"}, Count: 2, Limits: plugin.DefaultLimits()}
	if change != nil {
		change(&options)
	}
	workers := NewWorkers(options)
	t.Cleanup(workers.Close)
	return workers
}

func TestSandbox_HasNoNetworkNoProgramsAndNoWriting(t *testing.T) {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(executable, "sandbox-probe").CombinedOutput()
	want := "dial forbidden=true\nlisten forbidden=true\nexec forbidden=true\nwrite forbidden=true\nkill forbidden=true\nread works=true\n"
	if err != nil || string(out) != want {
		t.Errorf("got %q (%v), want %q", out, err, want)
	}
}

func TestWorkers_HaveTheFilterAndNoEnvironment(t *testing.T) {
	t.Setenv("REGISTRY_PASSWORD", "not-for-workers")
	workers := newWorkers(t, func(options *WorkerOptions) { options.Count = 1 })
	worker, err := workers.next(t.Context(), plugin.Source{})
	if err != nil {
		t.Fatal(err)
	}
	defer workers.line.put(worker)
	proc := fmt.Sprintf("/proc/%d/", worker.command.Process.Pid)
	status, err := os.ReadFile(proc + "status")
	if err != nil || !strings.Contains(string(status), "Seccomp:\t2") || !strings.Contains(string(status), "NoNewPrivs:\t1") {
		t.Errorf("no filter is installed (%v):\n%s", err, status)
	}
	environment, err := os.ReadFile(proc + "environ")
	if err != nil && !errors.Is(err, os.ErrPermission) || len(environment) != 0 {
		t.Errorf("the environment is %q (%v)", environment, err)
	}
	if got := worker.command.Env; got == nil || len(got) != 0 || worker.command.ExtraFiles != nil {
		t.Errorf("the worker inherits %q and %v", got, worker.command.ExtraFiles)
	}
}

func TestWorkers_RenderWhatTheRendererRenders(t *testing.T) {
	workers := newWorkers(t, nil)
	for _, path := range []string{"kustomize/overlay", "kustomize/charts-app", "chart", "plain"} {
		source := plugin.Source{Root: openTree(t, "testdata"), Path: path}
		got, err := workers.Render(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		if want := mustRender(t, source); !reflect.DeepEqual(got.Objects, want.Objects) {
			t.Errorf("%s: the worker's objects differ", path)
		}
	}
	stdin := plugin.Source{Rendered: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")}
	if got, err := workers.Render(t.Context(), stdin); err != nil || len(got.Objects) != 1 {
		t.Errorf("standard input: %v %v", got.Objects, err)
	}
}

// endlessChart has a template that never ends, and never allocates.
func endlessChart(t testing.TB) plugin.Source {
	return plugin.Source{Path: ".", Root: writeTree(t, map[string]string{
		"Chart.yaml":          "apiVersion: v2\nname: endless\nversion: 0.1.0\n",
		"templates/loop.yaml": "{{- range 9000000000000000000 }}{{ end }}",
	})}
}

func TestWorkers_AChartWhoseTemplateNeverEndsIsDenied_20GoodRendersFinishBesideIt(t *testing.T) {
	workers := newWorkers(t, func(options *WorkerOptions) { options.Limits.RenderSeconds = 8 })
	var good atomic.Int32
	endless := make(chan error, 1)
	go func() {
		_, err := workers.Render(context.Background(), endlessChart(t))
		endless <- err
	}()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			source := plugin.Source{Root: openTree(t, "testdata"), Path: "chart"}
			if rendering, err := workers.Render(context.Background(), source); err == nil && len(rendering.Objects) == 7 {
				good.Add(1)
			} else {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if good.Load() != 20 {
		t.Errorf("%d of 20 good renderings finished", good.Load())
	}
	select {
	case err := <-endless:
		t.Fatalf("the endless template answered before the good ones were done: %v", err)
	default:
	}
	refused(t, <-endless, ruleLimit, "renderSeconds")
	if _, err := workers.Render(t.Context(), plugin.Source{Root: openTree(t, "testdata"), Path: "plain"}); err != nil {
		t.Errorf("the killed worker was not replaced: %v", err)
	}
}

func TestWorkers_WhatNeverEndedIsRefusedAgainWithoutAWorker(t *testing.T) {
	var now atomic.Int64
	workers := newWorkers(t, func(options *WorkerOptions) {
		options.Count, options.Limits.RenderSeconds = 1, 1
		options.Clock = func() time.Time { return time.Unix(0, now.Load()) }
	})
	endless := endlessChart(t)
	_, first := workers.Render(t.Context(), endless)
	refused(t, first, ruleLimit, "renderSeconds")
	held, err := workers.next(t.Context(), plugin.Source{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, again := workers.Render(ctx, endless); again == nil || again.Error() != first.Error() {
		t.Errorf("got %v, want %v at once", again, first)
	}
	now.Store(int64(exhaustedFor))
	short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	_, err = workers.Render(short, endless) // minutes later it has to wait for a worker again
	unanswered(t, err, context.DeadlineExceeded)
	workers.line.leave("")
	workers.line.put(held)
}

func TestWorkers_TheCallersDeadlineIsNoAnswer(t *testing.T) {
	workers := newWorkers(t, func(options *WorkerOptions) { options.Count = 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := workers.Render(ctx, endlessChart(t))
	unanswered(t, err, context.DeadlineExceeded)

	t.Run("waiting in line", func(t *testing.T) {
		held, err := workers.next(t.Context(), plugin.Source{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = workers.Render(ctx, plugin.Source{Root: openTree(t, "testdata"), Path: "plain"})
		unanswered(t, err, context.Canceled)
		ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err = workers.Render(ctx, plugin.Source{Root: openTree(t, "testdata"), Path: "plain"})
		unanswered(t, err, context.DeadlineExceeded)
		workers.line.put(held)
	})
	if _, err := workers.Render(t.Context(), plugin.Source{Root: openTree(t, "testdata"), Path: "plain"}); err != nil {
		t.Errorf("the twin with time fails: %v", err)
	}
}

func TestWorkers_ATemplateThatEatsMemoryIsDenied(t *testing.T) {
	workers := newWorkers(t, func(options *WorkerOptions) { options.Count = 1; options.Limits.RenderMemory = 200 << 20 })
	hungry := plugin.Source{Path: ".", Root: writeTree(t, map[string]string{
		"Chart.yaml":         "apiVersion: v2\nname: hungry\nversion: 0.1.0\n",
		"templates/eat.yaml": "{{- $s := \"aaaaaaaaaaaaaaaa\" }}{{- range 40 }}{{- $s = printf \"%s%s\" $s $s }}{{ end }}{{ $s }}",
	})}
	_, err := workers.Render(t.Context(), hungry)
	refused(t, err, ruleLimit, "renderMemory")
	if _, err := workers.Render(t.Context(), plugin.Source{Root: openTree(t, "testdata"), Path: "chart"}); err != nil {
		t.Errorf("the killed worker was not replaced: %v", err)
	}
}

func TestWorkers_AWorkerThatDiesIsARefusal(t *testing.T) {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	workers := newWorkers(t, func(options *WorkerOptions) { options.Command = []string{executable, "dying-worker"} })
	_, err = workers.Render(t.Context(), plugin.Source{Root: openTree(t, "testdata"), Path: "plain"})
	refused(t, err, ruleCrashed, "the end")
}

func TestWorkers_AWorkerThatDoesNotStartIsNoAnswer(t *testing.T) {
	workers := newWorkers(t, func(options *WorkerOptions) { options.Command = []string{"/nonexistent"} })
	_, err := workers.Render(t.Context(), plugin.Source{Root: openTree(t, "testdata"), Path: "plain"})
	unanswered(t, err, os.ErrNotExist)
}

func TestWorkerMain_EndsWithItsInput(t *testing.T) {
	if err := WorkerMain(strings.NewReader(""), io.Discard); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want io.EOF before anything was done", err)
	}
}

func unanswered(t *testing.T, err, cause error) {
	t.Helper()
	var noAnswer *plugin.StageError
	if !errors.As(err, &noAnswer) || !errors.Is(err, cause) || noAnswer.Stage != "render" {
		t.Errorf("got %v, want no answer because of %v", err, cause)
	}
}
