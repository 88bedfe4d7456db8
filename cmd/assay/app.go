package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin/report"
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

// knownCommand refuses what is no command: a typing error in a pipeline must
// not end as "allowed".
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return fmt.Errorf("unknown command %q of %s%s", args[0], cmd.CommandPath(), hint)
}

// onePath asks for exactly one argument and says what it is.
func onePath(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fmt.Errorf("%s needs %s, and nothing else beside its flags", cmd.CommandPath(), what)
	}
}

// someOf asks for one argument or more and says what they are.
func someOf(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return fmt.Errorf("%s needs at least one %s", cmd.CommandPath(), what)
	}
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, s streams, args []string) int {
	out := &output{Writer: s.out}
	s.out = out
	root := newRoot(s)
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = out.failure()
	}
	var end *exit
	switch {
	case err == nil:
		return exitAllowed
	case errors.As(err, &end):
		if end.err != nil {
			report.WriteError(s.err, "assay", end.err)
		}
		return end.code
	}
	report.WriteError(s.err, "assay", err)
	fmt.Fprintln(s.err, usageHint(cmd))
	return exitUsage
}

// usageHint says where the command's arguments and flags are explained.
func usageHint(cmd *cobra.Command) string {
	if cmd.HasParent() {
		return "run '" + cmd.CommandPath() + " --help' for its arguments and flags"
	}
	return "run 'assay help' for the commands and their flags"
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
		Version:       report.Version(version),
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("assay {{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddCommand(
		newCheck(s), newDiff(s), newBaseline(s), newRender(s), newHarden(s), newMigrate(s), newProve(s), newLastGood(s), newLock(s), newVendor(s), newInit(s), newTrust(s),
		newGate(s), newServe(s), newRefresh(s), newGenerate(s), newExplain(s), newPolicies(s), newTest(s), newDemo(s), newVersion(s), newWorker(s),
	)
	return root
}
