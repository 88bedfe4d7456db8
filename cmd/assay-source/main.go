// Command assay-source is the gate for Flux: a controller that judges what
// Flux's sources give out and publishes what passes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/assay-gitops/assay/plugin/render"
	"github.com/assay-gitops/assay/plugin/report"
)

// version is set by the linker.
var version = ""

// program is how it calls itself.
const program = "assay-source"

// Exit codes.
const (
	exitEnded  = 0
	exitFailed = 1
	exitUsage  = 64
)

// streams are the program's standard input and outputs; the log goes to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends what does not listen
	code := run(ctx, streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}

// run is one process: the controller, or one of its workers.
func run(ctx context.Context, s streams, args []string) int {
	if len(args) == 1 && args[0] == "render-worker" {
		if err := render.WorkerMain(s.in, s.out); err != nil {
			report.WriteError(s.err, program, err)
			return exitFailed
		}
		return exitEnded
	}
	flags, err := parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Fprint(s.out, usage(flags))
		return exitEnded
	case err != nil:
		report.WriteError(s.err, program, fmt.Errorf("%w; run assay-source --help for the flags", err))
		return exitUsage
	case flags.version:
		fmt.Fprintln(s.out, program+" "+report.Version(version))
		return exitEnded
	}
	if err := start(ctx, s, flags); err != nil {
		report.WriteError(s.err, program, err)
		return exitFailed
	}
	return exitEnded
}
