package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/report"
)

// mostReport is the greatest size of a report in bytes that is read.
const mostReport = 256 << 20

func newBaseline(s streams) *cobra.Command {
	b := baseliner{streams: s}
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
applications. --gate names what they were judged by.

What cannot be waived is listed and left out, and the exit code is then 1.`,
		Example: `  assay check apps/shop -f prod.yaml -g gate --report json=shop.json
  assay baseline shop.json -g gate --owner team-a --approver platform@example.com --reason adoption --reference https://tickets.example.com/17 --until 2026-12-31 --out gate/baseline.yaml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return b.run(args) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&b.gates, "gate", "g", nil, "gate `file or folder` that judged (repeatable)")
	flags.StringVar(&b.terms.Owner, "owner", "", "who answers for mending it")
	flags.StringVar(&b.terms.Approver, "approver", "", "who let it through")
	flags.StringVar(&b.terms.Reason, "reason", "", "why it may stay for now")
	flags.StringVar(&b.terms.Reference, "reference", "", "where it is followed up: a ticket's `URL`")
	flags.StringVar(&b.until, "until", "", "the last `day` (UTC) on which it may stay: 2026-12-31")
	flags.StringVar(&b.file, "out", "", "`file` to write, whole or not at all; default: standard output")
	for _, flag := range []string{"owner", "approver", "reason", "reference", "until"} {
		offer(cmd, flag)
	}
	return cmd
}

// baseliner is one run of baseline.
type baseliner struct {
	streams
	gates       []string
	terms       gate.BaselineTerms
	until, file string
}

func (b *baseliner) run(reports []string) error {
	config, err := b.config()
	if err != nil {
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
	documents, left, err := config.Baseline(b.terms, all)
	if err != nil {
		return &exit{code: exitUsage, err: err}
	}
	switch {
	case len(documents) > 0:
		if err := b.write(documents); err != nil {
			return err
		}
	case len(left) > 0:
		fmt.Fprintln(b.err, "nothing that is denied can be waived; nothing was written")
	default:
		fmt.Fprintln(b.err, "nothing is denied; nothing was written")
	}
	return b.tell(left)
}

// config loads the gates and checks what the waivers will have alike.
func (b *baseliner) config() (*gate.Config, error) {
	if len(b.gates) == 0 {
		return nil, &exit{code: exitUsage, err: errors.New("making a baseline: --gate says which gate gets the waivers; the built-in one takes none ('assay init' proposes one to start from)")}
	}
	var missing []string
	for _, each := range []struct{ flag, value string }{
		{"--owner", b.terms.Owner}, {"--approver", b.terms.Approver}, {"--reason", b.terms.Reason}, {"--reference", b.terms.Reference}, {"--until", b.until},
	} {
		if strings.TrimSpace(each.value) == "" {
			missing = append(missing, each.flag)
		}
	}
	if len(missing) > 0 {
		return nil, &exit{code: exitUsage, err: fmt.Errorf("making a baseline: a waiver needs %s", strings.Join(missing, ", "))}
	}
	if _, err := os.Lstat(b.file); b.file != "" && err == nil {
		return nil, &exit{code: exitUsage, err: fmt.Errorf("making a baseline: there is a %s, and what it waives is in no report that was made with it; choose another name, or remove it and make the reports anew", b.file)}
	}
	config, err := gate.Load(b.gates...)
	if err != nil {
		return nil, &exit{code: exitDenied, err: err}
	}
	if b.terms.Until, err = gate.ParseDate(b.until); err != nil {
		return nil, &exit{code: exitUsage, err: fmt.Errorf("reading --until: %w; write a day such as 2026-12-31", err)}
	}
	today := gate.Date{Time: time.Now().UTC().Truncate(24 * time.Hour)}
	if err := config.CheckUntil(b.terms.Until, today); err != nil {
		return nil, &exit{code: exitUsage, err: err}
	}
	return config, nil
}

// read takes what a report says of its application.
func (b *baseliner) read(name string) (gate.Judged, error) {
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
	cut := func(finding plugin.Finding) bool { return finding.Rule == "report/limit" }
	if document.Counts.Omitted > 0 || slices.ContainsFunc(document.Findings, cut) {
		return gate.Judged{}, fmt.Errorf("reading the report %s: it leaves findings out; raise findingsPerVerdict under the gate's spec.limits and make it again", name)
	}
	return gate.Judged{Gates: document.Gates, Findings: document.Findings}, nil
}

// write writes the documents.
func (b *baseliner) write(documents []gate.Waivers) error {
	text := bytes.NewBufferString("# Written by assay baseline: what was denied on that day, to be mended until the last.\n")
	count := 0
	for i, document := range documents {
		if i > 0 {
			text.WriteString("---\n")
		}
		part, err := document.YAML()
		if err != nil {
			return &exit{code: exitUndetermined, err: err}
		}
		text.Write(part)
		count += len(document.Spec.Waivers)
	}
	if b.file == "" {
		_, err := b.out.Write(text.Bytes())
		return err
	}
	if err := writeAtomically(b.file, text.Bytes()); err != nil {
		return &exit{code: exitUndetermined, err: err}
	}
	fmt.Fprintf(b.out, "wrote %s: %s until %s\n", b.file, counted(count, "waiver"), b.terms.Until)
	return nil
}

// tell lists what was left.
func (b *baseliner) tell(left []gate.Left) error {
	if len(left) == 0 {
		return nil
	}
	for _, each := range left {
		fmt.Fprintf(b.err, "not waived: %s: %s: %s (%s)\n", each.Finding.Rule, report.Neutral(each.Finding.Subject()), report.Neutral(each.Finding.Message), each.Why)
	}
	return &exit{code: exitDenied, err: fmt.Errorf("making a baseline: %s cannot be waived; mend what it says", counted(len(left), "finding"))}
}

func counted(count int, noun string) string {
	if count == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", count, noun)
}
