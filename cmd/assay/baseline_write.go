package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/report"
)

// baseline is a baseline to make, as the command line describes it: of reports
// by baseline, of the verdict just made by check.
type baseline struct {
	streams
	terms       gate.BaselineTerms
	until, file string
}

// baselineTerm is a flag without which no waiver holds.
type baselineTerm struct {
	flag, usage string
	value       *string
}

func (b *baseline) flags() []baselineTerm {
	return []baselineTerm{
		{"owner", "who answers for mending it", &b.terms.Owner},
		{"approver", "who let it through", &b.terms.Approver},
		{"reason", "why it may stay until that day", &b.terms.Reason},
		{"reference", "where it is followed up: a ticket's `URL`", &b.terms.Reference},
		{"until", "the last `day` (UTC) on which it may stay: 2026-12-31", &b.until},
	}
}

// add adds the terms of the waivers; prefix says what they go with.
func (b *baseline) add(cmd *cobra.Command, prefix string) {
	for _, each := range b.flags() {
		cmd.Flags().StringVar(each.value, each.flag, "", prefix+each.usage)
		offer(cmd, each.flag)
	}
}

// addToCheck adds the flag that makes check write a baseline, and its terms.
func (b *baseline) addToCheck(cmd *cobra.Command) {
	cmd.Flags().StringVar(&b.file, "write-baseline", "", "also write what is denied as waivers to a `file`, with --owner, --approver, --reason, --reference and --until")
	b.add(cmd, "with --write-baseline: ")
}

// wanted reports whether check was told to write a baseline. Terms alone would
// look like one that was written.
func (b *baseline) wanted(cmd *cobra.Command, reports []reportFile) (bool, error) {
	if !cmd.Flags().Changed("write-baseline") {
		for _, each := range b.flags() {
			if cmd.Flags().Changed(each.flag) {
				return false, fmt.Errorf("reading --%s: it is a term of the waivers that --write-baseline FILE writes, and does nothing without", each.flag)
			}
		}
		return false, nil
	}
	if b.file == "" {
		return false, errors.New("reading --write-baseline: it names no file")
	}
	same := func(other reportFile) bool { return filepath.Clean(other.file) == filepath.Clean(b.file) }
	if slices.ContainsFunc(reports, same) {
		return false, fmt.Errorf("reading --write-baseline %q: a report goes to that file; give each a file of its own", b.file)
	}
	return true, nil
}

// prepare loads the gates and refuses, before anything is judged or read, what
// could not become a waiver that holds.
func (b *baseline) prepare(gates *gateFlags) error {
	if len(gates.gates) == 0 {
		return &exit{code: exitUsage, err: errors.New("making a baseline: --gate says which gate gets the waivers; the built-in one takes none ('assay init' proposes one to start from)")}
	}
	var missing []string
	for _, each := range b.flags() {
		if strings.TrimSpace(*each.value) == "" {
			missing = append(missing, "--"+each.flag)
		}
	}
	if len(missing) > 0 {
		return &exit{code: exitUsage, err: fmt.Errorf("making a baseline: a waiver needs %s", strings.Join(missing, ", "))}
	}
	if _, err := os.Lstat(b.file); b.file != "" && err == nil {
		return &exit{code: exitUsage, err: fmt.Errorf("making a baseline: there is a %s, and what it waives is in no verdict that was made with it; choose another name, or remove it and judge anew", b.file)}
	}
	config, err := gates.load()
	if err != nil {
		return gates.unloaded(err)
	}
	if b.terms.Until, err = gate.ParseDate(b.until); err != nil {
		return &exit{code: exitUsage, err: fmt.Errorf("reading --until: %w; write a day such as 2026-12-31", err)}
	}
	today := gate.Date{Time: time.Now().UTC().Truncate(24 * time.Hour)}
	if err := config.CheckUntil(b.terms.Until, today); err != nil {
		return &exit{code: exitUsage, err: err}
	}
	return nil
}

// ofVerdict writes the baseline of the verdict that check has just made. What
// is left is told and no error: the verdict says already what it comes to.
func (b *baseline) ofVerdict(config *gate.Config, v *plugin.Verdict) error {
	if cut(v.Findings) {
		return errors.New("making a baseline: the verdict leaves findings out; raise findingsPerVerdict under the gate's spec.limits and check again; nothing was written")
	}
	documents, left, err := config.Baseline(b.terms, []gate.Judged{{Gates: v.Gates, Findings: v.Findings}})
	if err != nil {
		return err
	}
	return b.write(b.err, documents, left)
}

// cut reports whether findings were left out of a verdict.
func cut(findings []plugin.Finding) bool {
	return slices.ContainsFunc(findings, func(finding plugin.Finding) bool { return finding.Rule == "report/limit" })
}

// write writes the documents, if any, whole or not at all, says so on told, and
// lists what was left.
func (b *baseline) write(told io.Writer, documents []gate.Waivers, left []gate.Left) error {
	switch {
	case len(documents) > 0:
		if err := b.writeDocuments(told, documents); err != nil {
			return err
		}
	case len(left) > 0:
		fmt.Fprintln(b.err, "nothing that is denied can be waived; nothing was written")
	default:
		fmt.Fprintln(b.err, "nothing is denied; nothing was written")
	}
	for _, each := range left {
		fmt.Fprintf(b.err, "not waived: %s: %s: %s (%s)\n", each.Finding.Rule, report.Neutral(each.Finding.Subject()), report.Neutral(each.Finding.Message), each.Why)
	}
	return nil
}

func (b *baseline) writeDocuments(told io.Writer, documents []gate.Waivers) error {
	text := bytes.NewBufferString("# A baseline, written by assay: what was denied on that day, to be mended until the last.\n")
	count := 0
	for i, document := range documents {
		if i > 0 {
			text.WriteString("---\n")
		}
		part, err := document.YAML()
		if err != nil {
			return err
		}
		text.Write(part)
		count += len(document.Spec.Waivers)
	}
	if b.file == "" {
		_, err := b.out.Write(text.Bytes())
		return err
	}
	if err := writeAtomically(b.file, text.Bytes()); err != nil {
		return err
	}
	tell(told, "wrote %s: %s until %s\n", b.file, counted(count, "waiver"), b.terms.Until)
	return nil
}

func counted(count int, noun string) string {
	if count == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", count, noun)
}
