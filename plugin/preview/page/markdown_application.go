package page

import (
	"fmt"
	"html"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
)

// applications adds each application as a fold. Those that a comment has no room
// for get a line, and those that have no room for that are counted.
func (d *markdown) applications(r change.Report) {
	if len(r.Applications) == 0 {
		return
	}
	const heading = "\n#### Applications\n"
	if !d.whole(heading, 500) {
		return
	}
	for i := range r.Applications {
		lines, later := 0, 0
		for _, each := range r.Applications[i+1:] {
			if lines++; lines > mostRows {
				break
			}
			later += characters(lineOf(each))
		}
		later = min(later+200, d.left()/2)
		if !d.application(r.Applications[i], d.left()-later) {
			d.listed(r.Applications[i:])
			return
		}
	}
}

// listed names the applications that no fold is left for.
func (d *markdown) listed(rest []change.Application) {
	d.whole("\n", 200)
	for i, a := range rest {
		if i == mostRows || !d.whole(lineOf(a), 100) {
			d.whole("- and "+report.Plural(len(rest)-i, "application")+" more\n", 0)
			return
		}
	}
}

func lineOf(a change.Application) string {
	return fmt.Sprintf("- %s %s %s: %s\n", sign(a), report.Code(nameOf(a)), a.Status, content(a))
}

// content counts what an application's fold has.
func content(a change.Application) string {
	var parts counted
	denials, questions, images := 0, 0, 0
	for _, finding := range a.Findings {
		switch {
		case isNewDenial(finding):
			denials++
		case isNewQuestion(finding):
			questions++
		}
	}
	for _, image := range a.Images {
		if image.Status != change.Same {
			images++
		}
	}
	parts.add(denials, "new denial", "")
	parts.add(questions, "new question", "")
	parts.add(len(a.Objects), "object", "")
	parts.add(images, "image", "")
	parts.add(len(a.Rollouts), "rolling workload", "")
	return answered(a) + ": " + parts.or("nothing differs")
}

func sign(a change.Application) string {
	if a.Status == change.Removed {
		return "\u2796"
	}
	switch outcomeOf(a) {
	case plugin.Allowed:
		return "\u2705"
	case plugin.Unanswered:
		return "\u2753"
	case plugin.Denied:
	}
	return "\u274c"
}

// application adds one fold with at most so many characters; false when there is
// no room for what it begins with.
func (d *markdown) application(a change.Application, most int) bool {
	const closing = "\n</details>\n"
	open := fmt.Sprintf("\n<details><summary>%s <code>%s</code> %s: %s</summary>\n\n", sign(a), raw(nameOf(a)), a.Status, content(a))
	within := &sheaf{most: most - characters(closing)}
	if !within.whole(open, 300) {
		return false
	}
	fold := &markdown{sheaf: within, options: d.options}
	fold.facts(a)
	fold.images(a.Images)
	fold.waivers(a.Waivers)
	fold.bullets("Fixed", a.Findings, func(f change.Finding) bool { return f.State == change.Fixed })
	fold.bullets("New warnings", a.Findings, func(f change.Finding) bool { return brought(f) && f.Level == plugin.Warn })
	fold.objects(a)
	if still := stillOf(a); still > 0 {
		within.whole("\n"+report.Plural(still, "finding")+" still there\n", 0)
	}
	d.add(within.String() + closing)
	return true
}

func stillOf(a change.Application) int {
	count := 0
	for _, finding := range a.Findings {
		if finding.State == change.Still {
			count++
		}
	}
	return count
}

// raw is a text within HTML, in which Markdown's escapes are none: a summary.
func raw(text string) string {
	const most = 120
	text = report.Neutral(text)
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "..."
	}
	return html.EscapeString(text)
}

func (d *markdown) facts(a change.Application) {
	for _, fact := range []struct{ name, text string }{
		{"defined in", report.Code(a.Origin.String())}, {"path", report.Code(a.Path)}, {"name", report.Prose(renamed(a))},
		{"made by", report.Prose(strings.Join(a.Parents, " > "))}, {"note", report.Prose(a.Note)},
	} {
		if fact.text != "" {
			d.whole("- "+fact.name+": "+fact.text+"\n", 200)
		}
	}
}

func (d *markdown) images(all []change.Image) {
	var rows []string
	same := 0
	for _, image := range all {
		if image.Status == change.Same {
			same++
			continue
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", report.Code(imageName(image)), side(image.Was), side(image.Now),
			lines(vouched(image.Now)), lines(image.Trust), report.Prose(scannedBy(image.Vulnerabilities))))
	}
	d.table(imagesTitle(len(rows), same), []string{"image", "was", "now", "vouched for by", "trust", "scan"}, rows)
}

func imagesTitle(changed, same int) string {
	title := report.Plural(changed, "image")
	if same > 0 {
		title += fmt.Sprintf(", %d more unchanged", same)
	}
	return title
}

// lines are texts in one cell.
func lines(texts []string) string {
	const most = 4
	var out []string
	for i, each := range texts {
		if i == most {
			out = append(out, fmt.Sprintf("and %d more", len(texts)-i))
			break
		}
		out = append(out, report.Prose(each))
	}
	return strings.Join(out, "<br>")
}

// side is an image on one side: tag, digest, platforms and size.
func side(s *change.ImageSide) string {
	if s == nil {
		return ""
	}
	parts := []string{}
	if s.Tag != "" {
		parts = append(parts, report.Code(s.Tag))
	}
	parts = append(parts, report.Code(digest(s)))
	if len(s.Platforms) > 0 {
		parts = append(parts, report.Prose(strings.Join(s.Platforms, ", ")))
	}
	if s.Size > 0 {
		parts = append(parts, size(s.Size))
	}
	return strings.Join(parts, "<br>")
}

func (d *markdown) waivers(all []change.Waiver) {
	rows := make([]string, len(all))
	for i, waiver := range all {
		last := ""
		if !waiver.Until.IsZero() {
			last = waiver.Until.UTC().Format("2006-01-02")
		}
		rows[i] = fmt.Sprintf("| %s, %s | %s | %s | %s | %s |\n", report.Prose(waiver.Use), waiverState(waiver), report.Code(waiver.Rule),
			report.Code(waiverSubject(waiver)), last, report.Prose(report.WaiverText(waiver.Waived)))
	}
	d.table(report.Plural(len(all), "waiver"), []string{"use", "rule", "for", "last day", "by whom, and why"}, rows)
}

func (d *markdown) bullets(title string, all []change.Finding, asked func(change.Finding) bool) {
	var rows []string
	for _, finding := range all {
		if asked(finding) {
			rows = append(rows, fmt.Sprintf("| %s | %s | %s |\n", d.linked(finding.Rule), report.Code(finding.Subject()), report.Prose(finding.Message)))
		}
	}
	d.table(fmt.Sprintf("%s (%d)", title, len(rows)), []string{"rule", "object", "problem"}, rows)
}
