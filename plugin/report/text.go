package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// textReporter writes for a person at a terminal, who must understand a "no"
// in one reading: the answer first, the worst object first, and what to do
// last.
type textReporter struct{ Options }

func (t textReporter) Report(w io.Writer, v *plugin.Verdict) error {
	if v == nil {
		return fmt.Errorf("writing the text report: there is no verdict")
	}
	p := &page{color: t.Color, width: t.Width}
	findings, omitted := t.shown(v)
	p.head(v, t.Options)
	folded := p.findings(v, findings)
	if omitted > 0 {
		p.blank()
		p.line(0, span{yellow, fmt.Sprintf("and %s more, not shown: the limit findingsPerVerdict is %d", plural(omitted, "finding"), t.Findings)})
	}
	if v.Allowed() {
		p.changes(v, findings)
		p.notes(findings)
	} else {
		p.unshown(v, folded)
	}
	p.images(v)
	p.next(v, cmp.Or(t.Path, v.Path, "."))
	if _, err := io.WriteString(w, p.out.String()); err != nil {
		return fmt.Errorf("writing the text report: %w", err)
	}
	return nil
}

// head is the banner under break glass, the answer in one line that stands
// alone, and by whom and when it was given.
func (p *page) head(v *plugin.Verdict, options Options) {
	if v.Banner != "" {
		p.line(0, span{red, v.Banner})
	}
	p.line(0, span{outcomeStyle(v.Outcome()), v.Outcome().String() + ":"}, span{strong, subject(v, options.Path) + ":"},
		span{text: summary(v) + " (" + plural(len(v.Images), "image") + ", " + plural(v.Objects, "object") + ")"})
	terms := append(options.terms(v), "judged at "+v.At.UTC().Format("2006-01-02 15:04:05Z"))
	p.hang(0, len("gates: "), span{faint, "gates:"}, span{faint, strings.Join(terms, "; ")})
}

// terms say by what it was judged, and what the reader chose or left out: the
// gates first.
func (o Options) terms(v *plugin.Verdict) []string {
	gates := "none"
	if len(v.Gates) > 0 {
		gates = strings.Join(v.Gates, ", ")
	}
	if o.BuiltIn {
		gates += " (built in; none was given: 'assay init' proposes one)"
	}
	terms := []string{gates}
	if o.ProjectNeeded && v.Application.Project == "" {
		terms = append(terms, "project: not given, so the gates of all projects apply")
	}
	if o.Lenient {
		terms = append(terms, "lenient: images that no trust rule covers only warn")
	}
	if v.Revision != "" {
		terms = append(terms, "revision "+v.Revision)
	}
	return terms
}

// unshown says what is left out when something blocks: what was changed in
// manifests that nobody gets, what each of several findings on one line says, and
// all but the first line of warnings.
func (p *page) unshown(v *plugin.Verdict, folded int) {
	counts := Count(v, 0)
	if counts.Info == 0 && counts.Warn == 0 && folded == 0 {
		return
	}
	p.blank()
	var parts []string
	if folded > 0 {
		parts = append(parts, plural(folded, "finding")+" that share a line")
	}
	if counts.Warn > 0 {
		parts = append(parts, plural(counts.Warn, "warning"))
	}
	notes := 0
	for _, finding := range v.Findings {
		switch {
		case isNote(finding), isHeldBack(finding) && finding.Level == plugin.Info:
			notes++
		}
	}
	if changes := counts.Info - notes; changes > 0 {
		parts = append(parts, plural(changes, "change"))
	}
	if notes > 0 {
		parts = append(parts, plural(notes, "note"))
	}
	text := "in full in the json report: " + strings.Join(parts, ", ")
	p.hang(0, 0, span{}, span{faint, text})
}

func outcomeStyle(outcome plugin.Outcome) style {
	switch outcome {
	case plugin.Allowed:
		return green
	case plugin.Unanswered:
		return yellow
	case plugin.Denied:
	}
	return red
}

// subject names what was judged: "shop (overlays/prod)".
func subject(v *plugin.Verdict, path string) string {
	switch {
	case path == "-" && v.Application.Name == "":
		return "standard input"
	case path == "-":
		return v.Application.Name + " (standard input)"
	case v.Application.Name == "" && v.Path == "":
		return "application"
	case v.Application.Name == "":
		return v.Path
	case v.Path == "" || v.Path == "." || v.Path == v.Application.Name:
		return v.Application.Name
	}
	return v.Application.Name + " (" + v.Path + ")"
}

// summary counts what the reader must look at.
func summary(v *plugin.Verdict) string {
	counts := Count(v, 0)
	waived := 0
	for _, finding := range v.Findings {
		if finding.Level == plugin.Warn && finding.Waiver != nil {
			waived++
		}
	}
	var parts []string
	for _, part := range []struct {
		count       int
		noun, after string
	}{
		{counts.Deny, "problem", where(v.Findings)},
		{counts.Undetermined, "question", " without an answer"},
		{counts.Audited, "problem", " not enforced (audit)"},
		{waived, "problem", " waived"},
		{counts.Warn - counts.Audited - waived, "warning", ""},
	} {
		if part.count > 0 {
			parts = append(parts, plural(part.count, part.noun)+part.after)
		}
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, ", ")
	case v.Allowed():
		return "no problems"
	}
	return "the run stopped before it had an answer"
}

// where counts the objects and the images that the denials are about.
func where(findings []plugin.Finding) string {
	objects, images := map[plugin.ObjectID]bool{}, map[string]bool{}
	for _, finding := range findings {
		switch {
		case !finding.Level.Blocks() || finding.Level == plugin.Undetermined:
		case !finding.Object.IsZero():
			objects[finding.Object] = true
		case finding.Image != "":
			images[finding.Image] = true
		}
	}
	var parts []string
	if len(objects) > 0 {
		parts = append(parts, plural(len(objects), "object"))
	}
	if len(images) > 0 {
		parts = append(parts, plural(len(images), "image"))
	}
	if len(parts) == 0 {
		return ""
	}
	return " in " + strings.Join(parts, " and ")
}

func plural(count int, noun string) string {
	if count == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", count, noun)
}
