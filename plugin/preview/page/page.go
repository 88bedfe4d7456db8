// Package page writes what a change does to everything that a repository
// deploys: for people at a terminal, as a comment of a pull request, as a page
// of its own, and for programs. One format is one file and one line in the list
// of formats.
//
// Names, values, file names and messages are written by whom the change is
// from: no format lets them be anything but text.
package page

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
)

// The most characters that services take in one comment.
const (
	GitHubCharacters = 65_536
	GitLabCharacters = 1_000_000
	// leastCharacters has room for the summary, whatever the names in it.
	leastCharacters = 8_000
)

// Options are what a reader may choose.
type Options struct {
	// Link is the address of the whole report, for formats that have no room for
	// it; empty when there is none.
	Link string
	// Rule is the page of a rule; nil leaves out what only the page knows.
	Rule func(id string) (report.Rule, bool)
	// Version is the program's, for formats that name it.
	Version string
	// Color paints text with ANSI escapes.
	Color bool
	// Width is the number of columns of text; zero is 100.
	Width int
	// ID is by what a comment is found again; empty is "default".
	ID string
	// Characters is the most that Markdown may have, as services count; zero is
	// GitHubCharacters.
	Characters int
}

// format is one line of the list of formats.
type format struct {
	name  string
	write func(w io.Writer, r change.Report, o Options) error
}

func formats() []format {
	return []format{
		{"text", writeText},
		{"markdown", writeMarkdown},
		{"html", writeHTML},
		{"json", writeJSON},
		{"sarif", writeSARIF},
	}
}

// Formats are the names that [Write] knows, the default first.
func Formats() []string {
	var names []string
	for _, format := range formats() {
		names = append(names, format.name)
	}
	return names
}

// Write writes the report in a format. One that is not known is an error that
// lists those that are.
func Write(w io.Writer, name string, r change.Report, o Options) error {
	if o.Width < 0 {
		return fmt.Errorf("writing the report: the width %d is negative", o.Width)
	}
	o.Characters = cmp.Or(o.Characters, GitHubCharacters)
	if o.Characters < leastCharacters {
		return fmt.Errorf("writing the report: %d characters have no room for it; allow at least %d", o.Characters, leastCharacters)
	}
	o.ID = cmp.Or(o.ID, "default")
	for _, format := range formats() {
		if format.name != name {
			continue
		}
		if name != "json" { // whose readers have all that tells them apart
			r = apart(r)
		}
		if err := format.write(w, r, o); err != nil {
			return fmt.Errorf("writing the %s report: %w", name, err)
		}
		return nil
	}
	return fmt.Errorf("choosing a report format: %q is not known; choose one of: %s", name, strings.Join(Formats(), ", "))
}

// page is what is known of a rule.
func (o Options) page(id string) report.Rule {
	if o.Rule == nil {
		return report.Rule{}
	}
	page, _ := o.Rule(id) // without a page: nothing is known of it
	return page
}
