package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/policy"
	"github.com/assay-gitops/assay/plugin/report"
)

// reportFile is one report that goes to a file.
type reportFile struct{ format, file string }

// parseReports reads the values of --report, before anything is judged.
func parseReports(values []string) ([]reportFile, error) {
	return parseFiles(values, func(format string) error {
		_, err := report.For(format, report.Options{})
		return err
	})
}

// parseFiles reads "format=file", each file once; known refuses a format.
func parseFiles(values []string, known func(format string) error) ([]reportFile, error) {
	var files []reportFile
	for _, value := range values {
		format, file, both := strings.Cut(value, "=")
		if !both || file == "" {
			return nil, fmt.Errorf("reading --report %q: write format=file, such as sarif=assay.sarif", value)
		}
		if err := known(format); err != nil {
			return nil, fmt.Errorf("reading --report %q: %w", value, err)
		}
		twice := func(other reportFile) bool { return filepath.Clean(other.file) == filepath.Clean(file) }
		if slices.ContainsFunc(files, twice) {
			return nil, fmt.Errorf("reading --report %q: another report goes to %s; give each a file of its own", value, file)
		}
		files = append(files, reportFile{format, file})
	}
	return files, nil
}

// options are what every report of this job shares.
func (j job) options() report.Options {
	return report.Options{
		Path: j.path, BuiltIn: len(j.gates.gates) == 0, Lenient: j.gates.lenient, ProjectNeeded: j.gates.byProject,
		Version: report.Version(version), Rule: rulePages(),
	}
}

// pages is where the rules' pages are read.
const pages = "https://github.com/assay-gitops/assay/blob/main/docs/rules/"

// rulePages is the catalogue as reports see it; each page is looked up once.
func rulePages() func(id string) (report.Rule, bool) {
	known := map[string]report.Rule{}
	return func(id string) (report.Rule, bool) {
		page, asked := known[id]
		if !asked {
			page, _ = rulePage(id)
			known[id] = page
		}
		return page, page != report.Rule{}
	}
}

func rulePage(id string) (report.Rule, bool) {
	rule, known := policy.Explain(id)
	if !known {
		return report.Rule{}, false
	}
	return report.Rule{
		Title: rule.Title, Severity: rule.Severity, Pack: rule.Pack, Why: rule.Why, Fix: rule.Fix, Page: pages + pageFile(rule.ID),
	}, true
}

// pageFile is the file of a rule's page in docs/rules.
func pageFile(id string) string {
	return strings.NewReplacer("/", "-", "*", "any").Replace(id) + ".md"
}

// writeReports writes every report that was asked for to its file, and goes on
// after one that cannot be written.
func (j job) writeReports(v *plugin.Verdict, files []reportFile) error {
	var failed []error
	for _, each := range files {
		reporter, err := report.For(each.format, j.options())
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if err := reporter.Report(&text, v); err != nil {
			failed = append(failed, err)
			continue
		}
		failed = append(failed, writeAtomically(each.file, text.Bytes()))
	}
	return errors.Join(failed...)
}

// unwritten is the end of a command whose report nobody got: a denial stays
// one, and what is allowed has not succeeded.
func unwritten(v *plugin.Verdict, err error) error {
	if v.Outcome() == plugin.Denied {
		return &exit{code: exitDenied, err: err}
	}
	return &exit{code: exitUndetermined, err: err}
}
