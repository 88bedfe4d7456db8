// Package report writes verdicts for readers: people at a terminal and
// programs. One format is one file and one line in the list of [For].
//
// A report never holds a manifest. Whatever the application's author may have
// written (names, fields, file names, error texts that quote them) is
// untrusted: reporters escape what could steer a terminal.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// Reporter writes one verdict in one format. A nil verdict is an error, and so
// is a writer that fails; nothing else is.
type Reporter interface {
	Report(w io.Writer, v *plugin.Verdict) error
}

// Options are what a reader may choose about a report.
type Options struct {
	// Color paints text with ANSI escapes; formats for programs ignore it.
	Color bool
	// Width is the number of columns to wrap text at; zero is 100, and less
	// than 40 counts as 40.
	Width int
	// Findings is the greatest number of findings that are written out, the
	// worst first; zero takes the default of the limit findingsPerVerdict.
	Findings int64
	// Path is how the reader names the application's path on the command line,
	// for the commands that a report proposes; empty takes the verdict's path,
	// and "-" is standard input.
	Path string
	// BuiltIn says that no gate was given, so that the built-in one judged.
	BuiltIn bool
	// Lenient says that images which no trust rule covers only warned, by the
	// reader's own wish.
	Lenient bool
	// ProjectNeeded says that gates are chosen by project; the report then tells
	// when none was given.
	ProjectNeeded bool
	// Version is the program's, for formats that name it.
	Version string
	// Rule is the page of a rule. Nil, and a rule without a page, leave out what
	// only the page knows.
	Rule func(id string) (Rule, bool)
}

// Rule is what the catalogue says of a rule.
type Rule struct {
	Title string
	// Severity is "critical", "high", "medium", "low" or "info".
	Severity string
	// Pack is the shipped pack that brings it: "pack/workload@1"; empty when no
	// pack does.
	Pack string
	// Why says why it matters, Fix what to do.
	Why, Fix string
	// Page is the URL of the rule's page.
	Page string
}

// rule is the page of a rule, as far as it is known.
func (o Options) rule(id string) Rule {
	if o.Rule == nil {
		return Rule{}
	}
	page, _ := o.Rule(id) // without a page: nothing is known of it
	return page
}

const (
	defaultWidth = 100
	leastWidth   = 40
)

// format is one line of the list of formats.
type format struct {
	name string
	make func(Options) Reporter
}

func formats() []format {
	return []format{
		{"text", func(o Options) Reporter { return textReporter{o} }},
		{"json", func(o Options) Reporter { return jsonReporter{o} }},
		{"sarif", func(o Options) Reporter { return sarifReporter{o} }},
		{"junit", func(o Options) Reporter { return junitReporter{o} }},
		{"markdown", func(o Options) Reporter { return markdownReporter{o} }},
		{"policyreport", func(o Options) Reporter { return policyReporter{o, wgPolicy()} }},
		{"openreports", func(o Options) Reporter { return policyReporter{o, openReports()} }},
	}
}

// Formats are the names that [For] knows, the default first.
func Formats() []string {
	var names []string
	for _, format := range formats() {
		names = append(names, format.name)
	}
	return names
}

// For returns the reporter of a format. A format that is not known is an error
// that lists those that are; there is no default.
func For(name string, options Options) (Reporter, error) {
	if options.Width < 0 || options.Findings < 0 {
		return nil, fmt.Errorf("choosing a report format: width %d and findings %d must not be negative", options.Width, options.Findings)
	}
	if options.Width == 0 {
		options.Width = defaultWidth
	}
	options.Width = max(options.Width, leastWidth)
	if options.Findings == 0 {
		options.Findings = plugin.DefaultLimits().FindingsPerVerdict
	}
	for _, format := range formats() {
		if format.name == name {
			return format.make(options), nil
		}
	}
	return nil, fmt.Errorf("choosing a report format: %q is not known; choose one of: %s", name, strings.Join(Formats(), ", "))
}

// The exit codes of a verdict. Wrong usage is 64 and no verdict's.
const (
	ExitAllowed      = 0
	ExitDenied       = 1
	ExitUndetermined = 2
)

// ExitCode is the process exit code of a verdict: 0 allowed, 1 denied (also
// when something else is undetermined), 2 undetermined. A nil verdict is
// denied.
func ExitCode(v *plugin.Verdict) int {
	switch v.Outcome() {
	case plugin.Allowed:
		return ExitAllowed
	case plugin.Unanswered:
		return ExitUndetermined
	case plugin.Denied:
	}
	return ExitDenied
}

// shown cuts the findings, which are sorted worst first, to the limit and says
// how many were left out.
func (o Options) shown(v *plugin.Verdict) (findings []plugin.Finding, omitted int) {
	if int64(len(v.Findings)) <= o.Findings {
		return v.Findings, 0
	}
	return v.Findings[:o.Findings], len(v.Findings) - int(o.Findings)
}
