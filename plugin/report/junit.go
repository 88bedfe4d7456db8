package report

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// The structs below are the JUnit XML that CI systems agree on.

type junitSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	junitCounts
	Suites []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name string `xml:"name,attr"`
	junitCounts
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCounts struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
}

func (c *junitCounts) add(other junitCounts) {
	c.Tests += other.Tests
	c.Failures += other.Failures
	c.Errors += other.Errors
	c.Skipped += other.Skipped
}

// junitCase is one rule on one object. It has passed when it has none of
// failure, error and skipped.
type junitCase struct {
	Name    string       `xml:"name,attr"`
	Class   string       `xml:"classname,attr"`
	File    string       `xml:"file,attr,omitempty"`
	Failure *junitAnswer `xml:"failure"`
	Error   *junitAnswer `xml:"error"`
	Skipped *junitAnswer `xml:"skipped"`
	Output  *junitOutput `xml:"system-out"`
}

type junitOutput struct {
	Text string `xml:",cdata"`
}

type junitAnswer struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",cdata"`
}

// junitReporter writes a test report: a suite for each pack, or area of rules,
// and in it a case for each rule and object that there is something to say of.
// The first suite is the verdict, so that a run without problems has a case
// that passed.
type junitReporter struct{ Options }

func (j junitReporter) Report(w io.Writer, v *plugin.Verdict) error {
	if v == nil {
		return errors.New("writing the junit report: there is no verdict")
	}
	all := junitSuites{Name: neutral("assay: " + subject(v, j.Path)), Suites: j.suites(v)}
	for _, suite := range all.Suites {
		all.add(suite.junitCounts)
	}
	out := bytes.NewBufferString(xml.Header)
	encoder := xml.NewEncoder(out)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return fmt.Errorf("writing the junit report: %w", err)
	}
	out.WriteByte('\n')
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("writing the junit report: %w", err)
	}
	return nil
}

func (j junitReporter) suites(v *plugin.Verdict) []junitSuite {
	findings, omitted := j.shown(v)
	suites := []junitSuite{{Name: "verdict", Cases: []junitCase{j.verdict(v, omitted)}}}
	cases := groupCases(findings)
	byName := map[string]int{}
	for _, each := range cases {
		name := j.suiteOf(each[0])
		at, known := byName[name]
		if !known {
			at = len(suites)
			byName[name] = at
			suites = append(suites, junitSuite{Name: neutral(name)})
		}
		suites[at].Cases = append(suites[at].Cases, newJunitCase(each))
	}
	slices.SortStableFunc(suites[1:], func(a, b junitSuite) int { return cmp.Compare(a.Name, b.Name) })
	for i := range suites {
		suites[i].Timestamp = v.At.UTC().Format("2006-01-02T15:04:05")
		for _, one := range suites[i].Cases {
			suites[i].add(one.counts())
		}
	}
	return suites
}

// suiteOf is the pack that brings the rule, else the rule's area.
func (j junitReporter) suiteOf(finding plugin.Finding) string {
	area, _, _ := strings.Cut(finding.Rule, "/")
	return cmp.Or(j.rule(finding.Rule).Pack, area)
}

// verdict is the case that is always there.
func (j junitReporter) verdict(v *plugin.Verdict, omitted int) junitCase {
	lines := []string{neutral(strings.Join(j.terms(v), "; "))}
	if v.Banner != "" {
		lines = append([]string{neutral(v.Banner)}, lines...)
	}
	if omitted > 0 {
		lines = append(lines, fmt.Sprintf("and %s more, not in this report", plural(omitted, "finding")))
	}
	out := junitCase{Name: "verdict", Class: neutral(subject(v, j.Path)), Output: &junitOutput{strings.Join(lines, "\n")}}
	answer := &junitAnswer{Message: neutral(v.Outcome().String() + ": " + summary(v)), Type: v.Outcome().String()}
	switch v.Outcome() {
	case plugin.Allowed:
	case plugin.Unanswered:
		out.Error = answer
	case plugin.Denied:
		out.Failure = answer
	}
	return out
}

// groupCases puts the findings of one rule on one object, or image, together,
// in the order of the first of each. What assay changed is no test.
func groupCases(findings []plugin.Finding) [][]plugin.Finding {
	type key struct {
		rule   string
		object plugin.ObjectID
		image  string
	}
	index := map[key]int{}
	var cases [][]plugin.Finding
	for _, finding := range findings {
		if finding.Level == plugin.Info {
			continue
		}
		k := key{rule: finding.Rule, object: finding.Object}
		if finding.Object.IsZero() {
			k.image = finding.Image
		}
		at, known := index[k]
		if !known {
			at = len(cases)
			index[k] = at
			cases = append(cases, nil)
		}
		cases[at] = append(cases[at], finding)
	}
	return cases
}

// newJunitCase takes the worst answer of its findings.
func newJunitCase(findings []plugin.Finding) junitCase {
	first := findings[0]
	out := junitCase{Name: neutral(first.Rule + " " + first.Subject()), Class: neutral(first.Subject()), File: neutral(first.Origin.File)}
	worst := plugin.Finding{Level: plugin.Info}
	var lines []string
	for _, finding := range findings {
		if gradeOf(finding) > gradeOf(worst) {
			worst = finding
		}
		lines = append(lines, junitLines(finding)...)
	}
	text := "\n" + strings.Join(lines, "\n") + "\n"
	answer := &junitAnswer{Message: neutral(worst.Message), Type: neutral(worst.Rule), Text: text}
	switch gradeOf(worst) {
	case failed:
		out.Failure = answer
	case unknown:
		out.Error = answer
	case excused:
		out.Skipped = &junitAnswer{Message: neutral(waiver(*worst.Waiver)), Text: text}
	case fine:
		out.Output = &junitOutput{text}
	}
	return out
}

// junitLines are what a reader of the case needs, one thing a line.
func junitLines(finding plugin.Finding) []string {
	mark, _ := levelMark(finding)
	lines := []string{neutral(mark + ": " + finding.Message)}
	for _, part := range []struct{ label, text string }{
		{"field", finding.Field}, {"at", finding.Origin.String()}, {"image", finding.Image}, {"gate", finding.Gate},
		{"why", finding.Why}, {"fix", finding.Hint},
	} {
		if part.text != "" {
			lines = append(lines, "  "+part.label+": "+neutral(part.text))
		}
	}
	for _, detail := range finding.Details[:min(len(finding.Details), mostDetails)] {
		lines = append(lines, "  - "+neutral(detail))
	}
	return lines
}

func (c junitCase) counts() junitCounts {
	counts := junitCounts{Tests: 1}
	switch {
	case c.Failure != nil:
		counts.Failures = 1
	case c.Error != nil:
		counts.Errors = 1
	case c.Skipped != nil:
		counts.Skipped = 1
	}
	return counts
}
