package page

import (
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
)

// How much is shown at a terminal; the other formats have more.
const (
	mostDetails      = 20
	mostTextProblems = 200
	mostTextObjects  = 60
	mostTextFields   = 12
	mostTextLines    = 24
)

// application writes what changes in one.
func (t *text) application(a change.Application) {
	t.Blank()
	t.Columns(0, report.Strong(nameOf(a)), report.Plain(string(a.Status)), outcomeSpan(a), report.Faint(a.Origin.String()))
	t.Labelled(2, "name", report.Plain(renamed(a)))
	t.Labelled(2, "made by", report.Faint(strings.Join(a.Parents, " > ")))
	t.Labelled(2, "path", report.Faint(a.Path))
	t.Labelled(2, "note", report.Yellow(a.Note))
	t.objects(a)
	t.images(a)
	t.standing(a)
	t.waivers(a.Waivers)
}

func (t *text) objects(a change.Application) {
	for i, object := range a.Objects {
		if i == mostTextObjects {
			t.Line(2, report.Faint(report.Plural(len(a.Objects)-i, "object")+" more; the html and json reports have them"))
			break
		}
		t.object(object)
	}
	if a.Omitted > 0 {
		t.Line(2, report.Yellow(fmt.Sprintf("%s more: the limits of the comparison were reached", report.Plural(a.Omitted, "difference"))))
	}
}

func (t *text) object(object change.Object) {
	was := ""
	if object.WasID != nil {
		was = "was " + object.WasID.String()
	}
	t.Columns(2, signed(object.Status), report.Strong(object.ID.String()), report.Faint(was), report.Yellow(effect(object)), report.Faint(object.Origin.String()))
	shown := 0
	for _, field := range object.Fields {
		if field.Noise != "" {
			continue
		}
		if shown++; shown > mostTextFields {
			continue
		}
		t.field(field)
	}
	if shown > mostTextFields {
		t.Line(6, report.Faint(report.Plural(shown-mostTextFields, "field")+" more"))
	}
	if object.Folded > 0 {
		t.Line(6, report.Faint(noise(object)))
	}
}

func (t *text) field(field change.Field) {
	injected := ""
	if field.Injected {
		injected = "(injected)"
	}
	if len(field.Lines) == 0 {
		t.Columns(6, report.Plain(field.Path), report.Plain(wasNow(field)), report.Faint(injected), report.Faint(cut(field)))
		return
	}
	t.Columns(6, report.Plain(field.Path), report.Faint(injected), report.Faint(cut(field)))
	for i, line := range field.Lines {
		if i == mostTextLines {
			t.Line(8, report.Faint(report.Plural(len(field.Lines)-i, "line")+" more"))
			break
		}
		t.line(8, line)
	}
}

// line writes a line of a unified diff in its style.
func (t *text) line(indent int, line string) {
	span := report.Faint
	switch line[:min(len(line), 1)] {
	case "+":
		span = report.Green
	case "-":
		span = report.Red
	}
	rest := strings.TrimLeft(line, " \t") // spans lose what they begin with
	t.Line(indent+len(line)-len(rest), span(rest))
}

func signed(status change.Status) report.Span {
	switch status {
	case change.Added:
		return report.Green("+ added")
	case change.Removed:
		return report.Red("- removed")
	case change.Renamed:
		return report.Yellow("> renamed")
	case change.Changed:
		return report.Yellow("~ changed")
	case change.Same:
		return report.Faint("= same")
	}
	return report.Plain(string(status))
}

func (t *text) images(a change.Application) {
	if len(a.Images) == 0 {
		return
	}
	t.Line(2, report.Strong("images"))
	same := 0
	for _, image := range a.Images {
		if image.Status == change.Same {
			same++
			continue
		}
		t.Columns(4, signed(image.Status), report.Strong(imageName(image)), report.Plain(versions(image)))
		t.Labelled(6, "digest", report.Faint(digests(image)))
		for _, line := range vouched(image.Now) {
			t.Bullet(6, report.Plain(line))
		}
		t.Labelled(6, "scan", report.Plain(scannedBy(image.Vulnerabilities)))
	}
	if same > 0 {
		t.Line(4, report.Faint(report.Plural(same, "image")+" unchanged"))
	}
}

// standing are the findings that are not told at the top: one line each.
func (t *text) standing(a change.Application) {
	still, fixed := 0, 0
	for _, finding := range a.Findings {
		switch {
		case finding.State == change.Still:
			still++
		case finding.State == change.Fixed:
			if fixed++; fixed <= mostDetails {
				t.Columns(2, report.Green("fixed"), report.Plain(finding.Rule), report.Plain(finding.Subject()), report.Faint(finding.Field))
			}
		case finding.Level == plugin.Warn:
			t.Columns(2, report.Yellow("! new"), report.Plain(finding.Rule), report.Plain(finding.Subject()), report.Faint(finding.Field))
			t.Paragraph(4, report.Plain(finding.Message))
		}
	}
	if fixed > mostDetails {
		t.Line(2, report.Faint(report.Plural(fixed-mostDetails, "finding")+" more fixed"))
	}
	if still > 0 {
		t.Line(2, report.Faint(report.Plural(still, "finding")+" still there"))
	}
}

func (t *text) waivers(all []change.Waiver) {
	for _, waiver := range all {
		t.Columns(2, report.Yellow("waiver "+waiver.Use), report.Plain(waiver.Rule), report.Plain(waiverSubject(waiver)), report.Faint(waiverState(waiver)))
		t.Paragraph(4, report.Faint(report.WaiverText(waiver.Waived)))
	}
}
