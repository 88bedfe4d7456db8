package page

import (
	"fmt"
	"io"
	"strings"

	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
)

// MarkdownMarker is the hidden first line by which a comment is found again.
func MarkdownMarker(id string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-._/", r):
			return r
		}
		return '_'
	}, id[:min(len(id), 100)])
	return "<!-- assay-diff:" + strings.ReplaceAll(safe, "--", "__") + " -->" // "--" ends a comment
}

// markdown writes a comment for a pull request: the answer and a table of what
// the change does, what stands in the way, what could not be looked at, whom one
// trusts from now on, and each application folded.
type markdown struct {
	*sheaf
	options Options
}

func writeMarkdown(w io.Writer, r change.Report, o Options) error {
	end := ending(r, o)
	d := &markdown{sheaf: &sheaf{most: o.Characters - characters(end)}, options: o}
	d.head(r)
	d.problems("New denials", findings(r, isNewDenial))
	d.problems("New, and without an answer", findings(r, isNewQuestion))
	d.trust(r)
	d.unseen(r.Unseen)
	d.applications(r)
	_, err := io.WriteString(w, d.String()+end)
	return err
}

// head is what always fits: no part of it is longer than a few lines.
func (d *markdown) head(r change.Report) {
	s := r.Summary
	sign := "\u2705"
	switch {
	case s.NewDenials > 0:
		sign = "\u274c"
	case s.NewUndetermined > 0, s.Added+s.Changed+s.Removed+s.Renamed+s.Same+s.Unaffected == 0:
		sign = "\u2753"
	case s.Denied+s.Undetermined > 0:
		sign = "\u26a0\ufe0f"
	}
	d.printf("%s\n### %s assay: %s\n\n", MarkdownMarker(d.options.ID), sign, verdict(s))
	d.printf("%s \u2192 %s\n\n", brief(sideName(r.Base)), brief(sideName(r.Head)))
	for i, banner := range banners(r) {
		if i == 3 {
			break
		}
		d.printf("> **%s**\n\n", report.Prose(banner))
	}
	d.printf("| | |\n|---|---|\n")
	row := func(name, text string) {
		if text != "" {
			d.printf("| %s | %s |\n", name, text)
		}
	}
	row("applications", applications(s))
	row("the gate says", answers(s))
	row("objects", counts(s.Objects))
	row("images", counts(s.Images))
	if s.Rollouts > 0 {
		row("rollouts", report.Plural(s.Rollouts, "workload")+" will be replaced")
	}
	if len(r.Unseen) > 0 {
		row("not seen", report.Plural(len(r.Unseen), "source")+" could not be looked at")
	}
}

// brief is a name of the reader's own, which may be long all the same.
func brief(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "..."
	}
	return report.Code(text)
}

// problems is a table of findings with what to do.
func (d *markdown) problems(title string, all []located) {
	rows := make([]string, len(all))
	for i, each := range all {
		rows[i] = d.problem(each)
	}
	d.table(fmt.Sprintf("%s (%d)", title, len(all)), []string{"rule", "application", "object", "problem", "where", "to fix it"}, rows)
}

func (d *markdown) problem(f located) string {
	what := report.Prose(f.Message)
	if f.Field != "" {
		what += "<br>" + report.Code(f.Field)
	}
	for i, detail := range f.Details {
		const most = 3
		if i == most {
			what += fmt.Sprintf("<br>and %d more", len(f.Details)-i)
			break
		}
		what += "<br>" + report.Prose(detail)
	}
	hint := f.Hint
	if hint == "" {
		hint = d.options.page(f.Rule).Fix
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n",
		d.linked(f.Rule), report.Code(nameOf(*f.application)), report.Code(f.Subject()), what, report.Code(placeOf(f)), report.Prose(hint))
}

// linked is the rule's name, with the rule's page behind it when there is one.
func (d *markdown) linked(id string) string {
	if page := d.options.page(id).Page; page != "" {
		return "[" + report.Code(id) + "](" + page + ")"
	}
	return report.Code(id)
}

// trust is the table of the images whose vouchers change, the weaker first.
func (d *markdown) trust(r change.Report) {
	var weaker, other []string
	for _, a := range r.Applications {
		for _, image := range a.Images {
			if len(image.Trust) == 0 {
				continue
			}
			lines := make([]string, len(image.Trust))
			for i, line := range image.Trust {
				lines[i] = report.Prose(line)
			}
			sign := ""
			if image.Weaker {
				sign = "\u26a0\ufe0f "
			}
			row := fmt.Sprintf("| %s%s | %s | %s | %s |\n", sign, report.Code(imageName(image)), report.Code(versions(image)), report.Code(nameOf(a)), strings.Join(lines, "<br>"))
			if image.Weaker {
				weaker = append(weaker, row)
			} else {
				other = append(other, row)
			}
		}
	}
	d.table("What changes in whom you trust", []string{"image", "version", "application", "change"}, append(weaker, other...))
}

func (d *markdown) unseen(all []change.Unseen) {
	rows := make([]string, len(all))
	for i, each := range all {
		about := report.Code(each.What)
		if each.Application != "" {
			about += "<br>" + report.Code(each.Application)
		}
		reason := report.Prose(each.Reason)
		if side := onSide(each); side != "" {
			reason += " (" + side + ")"
		}
		rows[i] = fmt.Sprintf("| %s | %s | %s | %s |\n", about, reason, report.Code(each.Origin.String()), report.Prose(each.Hint))
	}
	d.table(fmt.Sprintf("Not seen (%d)", len(all)), []string{"what", "why", "where", "to have it seen"}, rows)
}

// ending closes the comment: by whom and when it was judged, and where all of it
// is.
func ending(r change.Report, o Options) string {
	text := "\n<sub>gates: " + report.Prose(gates(r)) + "; judged at " + stamp(r.At)
	if o.Link != "" {
		text += "; [the whole report](" + address(o.Link) + ")"
	}
	return text + "</sub>\n"
}

// address is a URL within the parentheses of a link.
func address(link string) string {
	return "<" + strings.NewReplacer("<", "%3C", ">", "%3E", "\n", "", "\r", "", `\`, "%5C", " ", "%20").Replace(link) + ">"
}
