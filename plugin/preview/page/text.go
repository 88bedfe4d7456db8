package page

import (
	"fmt"
	"io"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
)

// text writes for a person at a terminal: the answer first, then what stands in
// the way and how to mend it, then each application.
type text struct {
	*report.Sheet
	options Options
	advised map[string]bool
}

func writeText(w io.Writer, r change.Report, o Options) error {
	t := &text{Sheet: report.NewSheet(o.Color, o.Width), options: o, advised: map[string]bool{}}
	t.head(r)
	t.problems("new denials", findings(r, isNewDenial))
	t.problems("without an answer, and new", findings(r, isNewQuestion))
	t.trust(r)
	for i := range r.Applications {
		t.application(r.Applications[i])
	}
	t.unseen(r.Unseen)
	t.next(r)
	_, err := t.WriteTo(w)
	return err
}

// head is one screen: what the change does, in numbers.
func (t *text) head(r change.Report) {
	s := r.Summary
	style := report.Green
	switch {
	case s.NewDenials > 0:
		style = report.Red
	case s.NewUndetermined > 0 || len(r.Applications) == 0 && s.Same+s.Unaffected == 0:
		style = report.Yellow
	}
	t.Line(0, style(verdict(s)+":"), report.Strong(sideName(r.Base)+" -> "+sideName(r.Head)))
	const column = 0
	for _, banner := range banners(r) {
		t.Line(column, report.Red(banner))
	}
	t.Labelled(2, "apps", report.Plain(applications(s)))
	t.Labelled(2, "says", report.Plain(answers(s)))
	t.Labelled(2, "objects", report.Plain(counts(s.Objects)))
	t.Labelled(2, "images", report.Plain(counts(s.Images)))
	if s.Rollouts > 0 {
		t.Labelled(2, "rolls", report.Plain(report.Plural(s.Rollouts, "workload")+" will be replaced"))
	}
	if len(r.Unseen) > 0 {
		t.Labelled(2, "unseen", report.Yellow(report.Plural(len(r.Unseen), "source")+" could not be looked at: see the end"))
	}
	t.Labelled(2, "gates", report.Faint(gates(r)+"; judged at "+stamp(r.At)))
}

// problems writes findings with what to do, by application.
func (t *text) problems(title string, all []located) {
	if len(all) == 0 {
		return
	}
	t.Blank()
	t.Line(0, report.Strong(title), report.Faint(fmt.Sprintf("(%d)", len(all))))
	var last *change.Application
	for i, each := range all {
		if i == mostTextProblems {
			t.Line(2, report.Faint(report.Plural(len(all)-i, "finding")+" more; the html and json reports have them"))
			return
		}
		if each.application != last {
			last = each.application
			t.Columns(2, report.Strong(nameOf(*last)), report.Faint(last.Origin.String()))
		}
		t.problem(each)
	}
}

func (t *text) problem(f located) {
	t.Columns(4, report.Mark(f.Finding.Finding), report.Strong(f.Rule), report.Plain(f.Subject()), report.Faint(f.Field))
	t.Paragraph(6, report.Plain(f.Message))
	if !f.Object.IsZero() {
		t.Labelled(6, "image", report.Plain(f.Image))
	}
	if at := f.Origin.String(); at != f.application.Origin.String() {
		t.Labelled(6, "from", report.Plain(at))
	}
	for i, detail := range f.Details {
		if i == mostDetails {
			t.Bullet(8, report.Faint(fmt.Sprintf("%d more; the json report has them all", len(f.Details)-i)))
			break
		}
		t.Bullet(8, report.Plain(detail))
	}
	hint := f.Hint
	if hint == "" {
		hint = t.options.page(f.Rule).Fix
	}
	switch key := f.Rule + "\x00" + f.Why + "\x00" + hint; {
	case hint == "" && f.Why == "":
	case t.advised[key]:
		t.Labelled(6, "fix", report.Faint("as for "+f.Rule+" above"))
	default:
		t.advised[key] = true
		t.Labelled(6, "why", report.Plain(f.Why))
		t.Labelled(6, "fix", report.Plain(hint))
	}
}

// trust lists the images whose vouchers change.
func (t *text) trust(r change.Report) {
	first := true
	for _, a := range r.Applications {
		for _, image := range a.Images {
			if len(image.Trust) == 0 {
				continue
			}
			if first {
				t.Blank()
				t.Line(0, report.Strong("what changes in whom you trust"))
				first = false
			}
			name := report.Strong(imageName(image))
			if image.Weaker {
				name = report.Red(imageName(image))
			}
			t.Columns(2, name, report.Plain(versions(image)), report.Faint(nameOf(a)))
			for _, line := range image.Trust {
				t.Bullet(4, report.Plain(line))
			}
		}
	}
}

// unseen says what was not looked at, and what makes it seen.
func (t *text) unseen(all []change.Unseen) {
	if len(all) == 0 {
		return
	}
	t.Blank()
	t.Line(0, report.Strong("not seen"), report.Faint("(what this report says nothing of)"))
	for _, each := range all {
		t.Columns(2, report.Yellow(each.What), report.Plain(each.Application), report.Faint(each.Origin.String()), report.Faint(onSide(each)))
		t.Paragraph(4, report.Plain(each.Reason))
		t.Labelled(4, "fix", report.Plain(each.Hint))
	}
}

// next ends with where to read more.
func (t *text) next(r change.Report) {
	rules := map[string]bool{}
	var names []string
	for _, f := range findings(r, isNewDenial) {
		if !rules[f.Rule] {
			rules[f.Rule] = true
			names = append(names, f.Rule)
		}
	}
	if len(names) == 0 && t.options.Link == "" {
		return
	}
	t.Blank()
	if len(names) > 0 {
		const most = 8
		t.Labelled(0, "explain", report.Plain("assay explain RULE says why a rule exists and how to satisfy it: "+strings.Join(names[:min(len(names), most)], ", ")))
	}
	t.Labelled(0, "report", report.Plain(t.options.Link))
}

// onSide names the side, when something is not seen on one alone.
func onSide(u change.Unseen) string {
	switch {
	case u.Base && !u.Head:
		return "on the base"
	case u.Head && !u.Base:
		return "on the head"
	}
	return ""
}

// outcomeSpan is an application's answer in its style.
func outcomeSpan(a change.Application) report.Span {
	text := answered(a)
	if a.Status == change.Removed {
		return report.Faint(text)
	}
	switch outcomeOf(a) {
	case plugin.Allowed:
		return report.Green(text)
	case plugin.Unanswered:
		return report.Yellow(text)
	case plugin.Denied:
	}
	return report.Red(text)
}
