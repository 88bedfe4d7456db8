package main

import (
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/inplace"
	"github.com/assay-gitops/assay/plugin/migrate"
	"github.com/assay-gitops/assay/plugin/report"
)

// tell prints the files and what stands in the way, and gives the exit code.
func (m *migrator) tell(result migrate.Result) error {
	if m.format == "json" {
		if err := m.document(result); err != nil {
			return err
		}
		return ends(m.ending(result))
	}
	var plan inplace.Plan
	written := 0
	for _, file := range result.Files {
		if file.MayWrite(m.unproven) {
			written++
		}
		if file.MayWrite(m.unproven || !m.inPlace) {
			plan.Files = append(plan.Files, inplace.File{Path: file.Path, Old: file.Old, New: file.New})
		}
	}
	done := "to be written; run it with --in-place to write"
	if m.inPlace {
		printWritten(m.out, &plan)
		done = "written; review and commit"
	} else {
		printDiff(m.out, &plan)
	}
	if len(result.Files) == 0 {
		done = "to be written: there is nothing to migrate"
	}
	m.say(result)
	tell(m.err, "%s proven to render to the same objects, %s "+done+"\n", counted(proven(result), "source"), counted(written, "file"))
	if err := m.added(result); err != nil {
		return err
	}
	return ends(m.ending(result))
}

// ending is 1 for what is refused or differs, 2 for what could not be compared.
func (m *migrator) ending(result migrate.Result) int {
	code := exitAllowed
	for _, file := range result.Files {
		switch {
		case len(file.Refused)+len(file.Different) > 0:
			return exitDenied
		case len(file.Unproven) > 0 && !m.unproven:
			code = exitUndetermined
		}
	}
	return code
}

func ends(code int) error {
	if code == exitAllowed {
		return nil
	}
	return &exit{code: code}
}

func proven(result migrate.Result) int {
	count := 0
	for _, file := range result.Files {
		count += file.Proven
	}
	return count
}

// say tells what stands in the way, and what varies.
func (m *migrator) say(result migrate.Result) {
	for _, file := range result.Files {
		m.problems("refused", file.Refused)
		m.problems("differs", file.Different)
		m.problems("not proven", file.Unproven)
		m.problems("varies", file.Varies)
	}
}

// problems prints problems, a hint that follows itself once.
func (m *migrator) problems(what string, problems []migrate.Problem) {
	for i, each := range problems {
		var parts []string
		for _, part := range []string{each.Where.String(), each.Field, each.Reason} {
			if part != "" {
				parts = append(parts, part)
			}
		}
		tell(m.err, "%s: %s\n", what, strings.Join(parts, ": "))
		if each.Hint != "" && (i+1 == len(problems) || problems[i+1].Hint != each.Hint) {
			tell(m.err, "  %s\n", each.Hint)
		}
	}
}

// added is the section about what assay adds.
func (m *migrator) added(result migrate.Result) error {
	if len(result.Hardened) == 0 {
		return nil
	}
	additions := report.Additions{Judged: len(m.gates.gates) > 0}
	for _, each := range result.Hardened {
		additions.Verdicts = append(additions.Verdicts, each.Verdict)
	}
	fmt.Fprintln(m.err)
	options := report.Options{Color: wantsColor(m.err), Width: terminalWidth(m.err)}
	if err := report.WriteAdditions(m.err, additions, options); err != nil {
		return &exit{code: exitUndetermined, err: err}
	}
	return nil
}

func (m *migrator) document(result migrate.Result) error {
	document := migrate.DocumentOf(result, migrate.Asked{Written: m.inPlace, Unproven: m.unproven, Judged: len(m.gates.gates) > 0})
	if err := report.WriteJSON(m.out, document); err != nil {
		return &exit{code: exitUndetermined, err: fmt.Errorf("writing the json report: %w", err)}
	}
	return nil
}

// fromOwner is what is told of an object that something else keeps as it is.
func fromOwner(name, owner string) migrate.Problem {
	return migrate.Problem{Where: plugin.Origin{File: name}, Reason: "it is left out: " + owner + " makes it", Hint: "what made them is among what is moved, or has to be"}
}
