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
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
	"github.com/assay-gitops/assay/plugin/report"
)

// version is set by the linker.
var version = ""

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
			printError(s.err, err)
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
		printError(s.err, fmt.Errorf("%w; run assay-source --help for the flags", err))
		return exitUsage
	case flags.version:
		fmt.Fprintln(s.out, "assay-source "+buildVersion())
		return exitEnded
	}
	if err := start(ctx, s, flags); err != nil {
		printError(s.err, err)
		return exitFailed
	}
	return exitEnded
}

// printError writes an error for a person, each line so that it cannot steer
// the terminal.
func printError(w io.Writer, err error) {
	for i, line := range strings.Split(err.Error(), "\n") {
		if i == 0 {
			line = "assay-source: " + line
		}
		fmt.Fprintln(w, report.Neutral(line))
	}
	var stage *plugin.StageError
	if errors.As(err, &stage) && stage.Hint != "" {
		fmt.Fprintln(w, "  "+report.Neutral(stage.Hint))
	}
}
