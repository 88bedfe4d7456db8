package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin/inplace"
	"github.com/assay-gitops/assay/plugin/inplace/yamltext"
	"github.com/assay-gitops/assay/plugin/report"
)

func newHarden(s streams) *cobra.Command {
	var gates gateFlags
	var render renderFlags
	var inPlace bool
	cmd := &cobra.Command{
		Use:   "harden PATH",
		Short: "write the settings that the gate would fill in into the source",
		Long: `harden prints, as a diff, what the gate's hardening would fill in, and with
--in-place writes it into the source, for teams who want the settings in Git:
lines in plain manifests, with comments, order and quotes as they were; a
component (hardening/) beside a kustomization. A chart's templates cannot be
written into; its settings are listed.

What is written was rendered and hardened again first: the application stays
what it was. Nothing is written about an object while an image of it is not
known.`,
		Example: `  assay harden examples/shop-plain
  assay harden examples/shop-kustomize/overlays/prod --gate gate/ --in-place`,
		Args: onePath("the PATH of an application"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return harden(cmd.Context(), job{streams: s, path: args[0], gates: &gates, render: &render, does: "looking at images"}, inPlace)
		},
	}
	gates.add(cmd)
	render.add(cmd)
	cmd.Flags().BoolVar(&inPlace, "in-place", false, "write the files; without it nothing is written")
	return cmd
}

func harden(ctx context.Context, j job, inPlace bool) error {
	if j.path == "-" {
		return &exit{code: exitUsage, err: fmt.Errorf("hardening: standard input has no files to write into; name a path")}
	}
	s, source, closeAll, err := j.open(ctx)
	if err != nil {
		return err
	}
	plan, err := inplace.Make(ctx, s, source)
	if err == nil && inPlace {
		err = plan.Write(source.Root)
	}
	closeAll() // before anything is printed, for the sake of the line of progress
	if err != nil {
		return asExit(advised(err))
	}
	if inPlace {
		printWritten(j.out, plan)
	} else {
		printDiff(j.out, plan)
	}
	return j.settle(plan, inPlace)
}

// printWritten names the files.
func printWritten(w io.Writer, plan *inplace.Plan) {
	for _, file := range plan.Files {
		verb := "wrote"
		if file.New == nil {
			verb = "removed"
		}
		tell(w, "%s %s\n", verb, file.Path)
	}
}

// printDiff shows what would be written; no line of a Secret is in it.
func printDiff(w io.Writer, plan *inplace.Plan) {
	for _, file := range plan.Files {
		name := report.Neutral(file.Path) // one line, whatever is in it
		from, to := "a/"+name, "b/"+name
		if file.Old == nil {
			from = "/dev/null"
		}
		if file.New == nil {
			to = "/dev/null"
		}
		text := diff.Diff(from, yamltext.HideSecrets(file.Old), to, yamltext.HideSecrets(file.New))
		_, text, _ = bytes.Cut(text, []byte("\n")) // its first line names no format that tools read
		for line := range strings.Lines(string(text)) {
			fmt.Fprintln(w, paintDiff(neutralLine(strings.TrimRight(line, "\r\n")), wantsColor(w)))
		}
	}
}

// neutralLine is a line of a diff, its indentation kept.
func neutralLine(line string) string {
	rest := strings.TrimLeft(line, "+- ")
	return line[:len(line)-len(rest)] + report.Neutral(rest)
}

// paintDiff colours one line of a diff.
func paintDiff(line string, color bool) string {
	const reset = "\x1b[0m"
	switch {
	case !color:
		return line
	case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"):
		return "\x1b[1m" + line + reset
	case strings.HasPrefix(line, "@@"):
		return "\x1b[36m" + line + reset
	case strings.HasPrefix(line, "+"):
		return "\x1b[32m" + line + reset
	case strings.HasPrefix(line, "-"):
		return "\x1b[31m" + line + reset
	}
	return line
}

// settle says on standard error what the plan comes to, and gives the exit
// code: what could not be written is not passed over.
func (j job) settle(plan *inplace.Plan, inPlace bool) error {
	for _, left := range plan.Left {
		at := left.Origin.String()
		if at != "" {
			at = " (" + at + ")"
		}
		tell(j.err, "not written: %s: %s\n", left.Object.String()+at, left.Reason)
		for _, setting := range left.Settings {
			tell(j.err, "    %s\n", setting)
		}
		if left.Hint != "" {
			tell(j.err, "  %s\n", left.Hint)
		}
	}
	for _, held := range plan.HeldBack {
		tell(j.err, "held back: %s: %s\n", held.Object.String(), held.Message)
	}
	switch {
	case len(plan.Files) == 0 && len(plan.Left) == 0:
		tell(j.err, "%s: there is nothing to fill in\n", j.path)
	case len(plan.Files) > 0 && !inPlace:
		tell(j.err, "%s in %s; run it with --in-place to write\n", counted(plan.Settings, "setting"), counted(len(plan.Files), "file"))
	case len(plan.Files) > 0:
		tell(j.err, "%s in %s; review and commit\n", counted(plan.Settings, "setting"), counted(len(plan.Files), "file"))
	}
	switch {
	case len(plan.Left) == 0:
		return nil
	case plan.Undetermined():
		return &exit{code: exitUndetermined}
	}
	return &exit{code: exitDenied}
}
