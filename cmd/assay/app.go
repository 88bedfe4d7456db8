package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Exit codes of every command.
const (
	exitAllowed      = 0
	exitDenied       = 1
	exitUndetermined = 2
	exitUsage        = 64
)

// streams are a command's standard input and outputs. Reports and manifests go
// to out; progress and errors to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// exit is how a command ends with a code and, where there is more to say than
// the report said, an error.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// run executes one command line and returns its exit code.
func run(ctx context.Context, s streams, args []string) int {
	out := &output{Writer: s.out}
	s.out = out
	root := newRoot(s)
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = out.failure()
	}
	var end *exit
	switch {
	case err == nil:
		return exitAllowed
	case errors.As(err, &end):
		if end.err != nil {
			fmt.Fprintf(s.err, "assay: %v\n", end.err)
		}
		return end.code
	}
	fmt.Fprintf(s.err, "assay: %v\nrun 'assay help' for the commands and their flags\n", err)
	return exitUsage
}

func newRoot(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "assay",
		Short: "the gate between Git and the cluster",
		Long: `assay renders an application, pins every image to a digest, verifies who built
it, fills in security settings, judges the result, and says yes, no, or that
there is no answer.

Exit codes: 0 allowed, 1 denied, 2 undetermined (no answer), 64 wrong usage.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddCommand(
		newCheck(s), newRender(s), newLock(s), newVendor(s), newInit(s),
		newGate(s), newExplain(s), newDemo(s), newVersion(s), newWorker(s),
	)
	return root
}
