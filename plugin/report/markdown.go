package report

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// mostMarkdown is the greatest number of bytes of the report: GitHub takes
// 65,536 characters in a comment, and a reader far less.
const mostMarkdown = 60_000

// markdownReporter writes a comment for a pull request, or the summary of a
// job: the answer first, a table of what stands in the way, the rest folded.
type markdownReporter struct{ Options }

func (m markdownReporter) Report(w io.Writer, v *plugin.Verdict) error {
	if v == nil {
		return errors.New("writing the markdown report: there is no verdict")
	}
	d := &markdown{Options: m.Options, v: v}
	findings, omitted := m.shown(v)
	d.head()
	d.problems(findings, omitted)
	d.folded(findings)
	d.images()
	if _, err := io.WriteString(w, d.out.String()); err != nil {
		return fmt.Errorf("writing the markdown report: %w", err)
	}
	return nil
}

// markdown collects one report.
type markdown struct {
	Options

	v   *plugin.Verdict
	out strings.Builder
}

// fits reports whether a piece can be added with space left to end the report.
func (d *markdown) fits(piece string) bool { return d.out.Len()+len(piece) < mostMarkdown }

func (d *markdown) printf(format string, values ...any) { fmt.Fprintf(&d.out, format, values...) }

func (d *markdown) head() {
	sign := map[plugin.Outcome]string{plugin.Allowed: "\u2705", plugin.Unanswered: "\u2753", plugin.Denied: "\u274c"}[d.v.Outcome()]
	d.printf("### %s assay: %s: %s\n\n", sign, d.v.Outcome(), code(subject(d.v, d.Path)))
	if d.v.Banner != "" {
		d.printf("> **%s**\n\n", prose(d.v.Banner))
	}
	d.printf("**%s** (%s, %s)\n\n", prose(summary(d.v)), plural(len(d.v.Images), "image"), plural(d.v.Objects, "object"))
	d.printf("<sub>gates: %s; judged at %s</sub>\n", prose(strings.Join(d.terms(d.v), "; ")), d.v.At.UTC().Format("2006-01-02 15:04:05Z"))
}

// problems is the table of what stops the application and stands for itself;
// when nothing does, of what would have or is waived.
func (d *markdown) problems(findings []plugin.Finding, omitted int) {
	reasons := reasonsOf(findings)
	following, left, rows := 0, omitted, 0
	for _, finding := range findings {
		switch {
		case !finding.Level.Blocks() && (!d.v.Allowed() || finding.Waiver == nil && !finding.Audited):
			continue
		case reasons.of(finding) != "":
			following++
			continue
		}
		row := d.row(finding)
		if !d.fits(row) {
			left++
			continue
		}
		if rows++; rows == 1 {
			d.printf("\n| | rule | object | problem | where | to fix it |\n|---|---|---|---|---|---|\n")
		}
		d.out.WriteString(row)
	}
	if following > 0 {
		d.printf("\nand %s that only follow from these\n", plural(following, "problem"))
	}
	if left > 0 {
		d.printf("\nand %s more, not shown here: the json report has them\n", plural(left, "finding"))
	}
}

func (d *markdown) row(finding plugin.Finding) string {
	what := prose(finding.Message)
	if finding.Field != "" {
		what += "<br>" + code(finding.Field)
	}
	if finding.Waiver != nil {
		what += "<br>" + prose(waiver(*finding.Waiver))
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n",
		word(finding), d.linked(finding.Rule), code(finding.Subject()), what, code(d.place(finding)), prose(finding.Hint))
}

// word is the level in words.
func word(finding plugin.Finding) string {
	mark := standing(finding)
	switch {
	case finding.Level == plugin.Deny && mark == "":
		return "denied"
	case mark == "":
		return "warning"
	}
	return mark
}

// linked is the rule's name, with the rule's page behind it when there is one.
func (d *markdown) linked(id string) string {
	if page := d.rule(id).Page; page != "" {
		return "[" + code(id) + "](" + page + ")"
	}
	return code(id)
}

// place is the finding's file and line, else the first that uses its image.
func (d *markdown) place(finding plugin.Finding) string {
	if at := finding.Origin.String(); at != "" || !finding.Object.IsZero() {
		return at
	}
	for _, image := range d.v.Images {
		if image.Written == finding.Image && len(image.Uses) > 0 {
			return image.Uses[0].Origin.String()
		}
	}
	return ""
}

// folded has what the table has no room for.
func (d *markdown) folded(findings []plugin.Finding) {
	var why, warnings []string
	explained := map[string]bool{}
	for _, finding := range findings {
		switch {
		case finding.Level == plugin.Info, d.v.Allowed() && isHeldBack(finding):
		case finding.Level.Blocks():
			if lines := d.explained(finding, explained); lines != "" {
				why = append(why, lines)
			}
		case !d.v.Allowed() || finding.Waiver == nil && !finding.Audited:
			warnings = append(warnings, bulletOf(finding))
		}
	}
	d.section("why, and what was looked at", why)
	d.section(plural(len(warnings), "warning"), warnings)
	if d.v.Allowed() { // else nobody gets what was changed
		d.changes(findings)
	}
}

// explained says of a finding why it matters, and every candidate that was
// looked at; the same is said once.
func (d *markdown) explained(finding plugin.Finding, before map[string]bool) string {
	text := ""
	if finding.Why != "" {
		text = ": " + prose(finding.Why)
	}
	for i, detail := range finding.Details {
		if i == mostDetails {
			text += fmt.Sprintf("\n  - %d more; the json report has them all", len(finding.Details)-i)
			break
		}
		text += "\n  - " + prose(detail)
	}
	if before[finding.Rule+text] || text == "" {
		return ""
	}
	before[finding.Rule+text] = true
	about := ""
	if len(finding.Details) > 0 {
		about = " " + code(finding.Subject())
	}
	return "- " + code(finding.Rule) + about + text + "\n"
}

func bulletOf(finding plugin.Finding) string {
	text := "- " + code(finding.Rule) + " " + code(finding.Subject())
	if finding.Field != "" {
		text += " " + code(finding.Field)
	}
	text += ": " + prose(finding.Message)
	if finding.Waiver != nil {
		text += " (" + prose(waiver(*finding.Waiver)) + ")"
	}
	return text + "\n"
}

// section is a list that the reader unfolds.
func (d *markdown) section(title string, lines []string) {
	if len(lines) == 0 || !d.fits(title+lines[0]) {
		return
	}
	d.printf("\n<details><summary>%s</summary>\n\n", title)
	for i, line := range lines {
		if !d.fits(line) {
			d.printf("- %d more; the json report has them all\n", len(lines)-i)
			break
		}
		d.out.WriteString(line)
	}
	d.printf("\n</details>\n")
}

// images says what ships, and who vouches for it.
func (d *markdown) images() {
	var lines []string
	silent := unanswered(d.v.Findings)
	for _, image := range d.v.Images {
		text := "- " + code(called(image))
		if image.Digest != "" {
			text += " is " + code(image.Digest) + " " + prose(digestOrigin(image))
		}
		for _, line := range vouchers(image.Evidence, len(d.v.Gates) > 1) {
			text += "\n  - " + prose(line)
		}
		if len(image.Evidence) == 0 {
			text += "\n  - " + prose(unvouched(image, silent[image.Written]).text)
		}
		lines = append(lines, text+"\n")
	}
	d.section(plural(len(d.v.Images), "image"), lines)
}
