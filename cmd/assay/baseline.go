package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/report"
)

// mostReport is the greatest size of a report in bytes that is read.
const mostReport = 256 << 20

func newBaseline(s streams) *cobra.Command {
	b := baseline{streams: s}
	var gates gateFlags
	cmd := &cobra.Command{
		Use:   "baseline REPORT...",
		Short: "write today's denials as waivers, to start from",
		Long: `baseline reads json reports of check ("-" is standard input) and writes what is
denied in them as waivers: a document of kind Waivers for each gate, to be
reviewed, committed beside the gate and loaded with it. A run by both is then
allowed, and denied again for whatever is new and for whatever has changed, as
each waiver is bound to the content that was judged.

It takes reports and no paths, so that whatever check was told (values,
namespace, project) need not be told again, and so that one baseline covers many
applications. --gate names what they were judged by. For one application that is
judged now, 'assay check --write-baseline' does the same.

What cannot be waived is listed and left out, and the exit code is then 1.`,
		Example: `  assay check apps/shop -f prod.yaml -g gate --report json=shop.json
  assay baseline shop.json -g gate --owner team-a --approver platform@example.com --reason adoption --reference https://tickets.example.com/17 --until 2026-12-31 --out gate/baseline.yaml`,
		Args: someOf("REPORT, a file that 'assay check --report json=FILE' writes"),
		RunE: func(_ *cobra.Command, args []string) error { return b.run(&gates, args) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&gates.gates, "gate", "g", nil, "gate `file or folder` that judged (repeatable)")
	flags.StringVar(&b.file, "out", "", "`file` to write, whole or not at all; default: standard output")
	b.add(cmd, "")
	return cmd
}

// run makes one baseline of all reports.
func (b *baseline) run(gates *gateFlags, reports []string) error {
	if err := b.prepare(gates); err != nil {
		return err
	}
	var all []gate.Judged
	for _, name := range reports {
		judged, err := b.read(name)
		if err != nil {
			return &exit{code: exitUsage, err: err}
		}
		all = append(all, judged)
	}
	documents, left, err := gates.config.Baseline(b.terms, all)
	if err != nil {
		return &exit{code: exitUsage, err: err}
	}
	if err := b.write(b.out, documents, left); err != nil {
		return &exit{code: exitUndetermined, err: err}
	}
	if len(left) > 0 {
		return &exit{code: exitDenied, err: fmt.Errorf("making a baseline: %s cannot be waived; mend what it says", counted(len(left), "finding"))}
	}
	return nil
}

// read takes what a report says of its application.
func (b *baseline) read(name string) (gate.Judged, error) {
	in := b.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return gate.Judged{}, fmt.Errorf("reading a report: %w", err)
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, mostReport+1))
	if err != nil {
		return gate.Judged{}, fmt.Errorf("reading the report %s: %w", name, err)
	}
	if len(data) > mostReport {
		return gate.Judged{}, fmt.Errorf("reading the report %s: it has more than %d bytes; judge fewer applications at a time", name, mostReport)
	}
	var document report.Document
	if err := json.Unmarshal(data, &document); err != nil || document.Schema != report.Schema {
		return gate.Judged{}, fmt.Errorf("reading the report %s: it is no report of 'assay check --output json' (%s)", name, report.Schema)
	}
	if document.Counts.Omitted > 0 || cut(document.Findings) {
		return gate.Judged{}, fmt.Errorf("reading the report %s: it leaves findings out; raise findingsPerVerdict under the gate's spec.limits and make it again", name)
	}
	return gate.Judged{Gates: document.Gates, Findings: document.Findings}, nil
}
