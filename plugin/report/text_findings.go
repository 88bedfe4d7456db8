package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// mostDetails is the number of candidates shown for one finding; JSON has all.
const mostDetails = 20

// teller writes the findings of one verdict. It knows what it said before.
type teller struct {
	*page
	uses         map[string][]plugin.Use // by image
	severalGates bool
	// brief is set when something blocks: then warnings take one line each, so
	// that they do not hide the reason for the "no".
	brief bool
	// advised maps a why and a fix to the title of the group that has it.
	advised map[string]string
	reasons reasons
	details []string // of the finding before, in the same group
	folded  int      // findings that share a line
	remarks []string // told about them
}

// findings writes everything that blocks or warns, by object, the worst first,
// and returns how many findings share a line that leaves out what each says.
func (p *page) findings(v *plugin.Verdict, findings []plugin.Finding) (folded int) {
	t := teller{page: p, uses: usesByImage(v.Images), severalGates: len(v.Gates) > 1, brief: !v.Allowed(), advised: map[string]string{}, reasons: reasonsOf(findings).withSilent(findings)}
	for _, g := range groupFindings(v, t.uses, findings) {
		if g.outage != (outage{}) {
			p.blank()
			t.tellOutage(g)
			continue
		}
		if g.findings = slices.DeleteFunc(g.findings, t.silent); !t.tells(g) {
			continue
		}
		p.blank()
		p.columns(0, span{strong, g.title}, span{faint, g.kind}, span{faint, g.origin})
		p.labelled(2, "in", span{faint, g.used})
		t.details = nil
		slices.SortStableFunc(g.findings, func(a, b plugin.Finding) int {
			return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(rank(t.reasons.of(a)), rank(t.reasons.of(b))))
		})
		t.tellEach(g)
	}
	return t.folded
}

// rank puts what only follows from something else behind what does not.
func rank(reason string) int {
	if reason != "" {
		return 1
	}
	return 0
}

// tellEach writes the findings of a group, and in one line those that only wait
// for the answer about some image.
func (t *teller) tellEach(g *group) {
	waiting := t.waiting(g.findings)
	for i, finding := range g.findings {
		switch at := slices.Index(waiting, i); {
		case at < 0 || len(waiting) == 1:
			t.tell(g, finding)
		case at == 0:
			t.together(g.findings, waiting)
		}
	}
}

func (t *teller) tell(g *group, finding plugin.Finding) {
	if reason := t.reasons.of(finding); reason != "" {
		t.following(finding, reason)
		return
	}
	if t.brief && !finding.Level.Blocks() {
		mark, markStyle := levelMark(finding)
		t.hang(2, len(mark)+2, span{markStyle, mark}, span{text: finding.Rule + ": " + finding.Message})
		return
	}
	t.finding(g, finding)
	t.advice(g, finding)
}

// silent are warnings about what something that blocks says already, and, when
// nothing blocks, what was held back: that has a part of its own.
func (t *teller) silent(finding plugin.Finding) bool {
	if !t.brief {
		return isHeldBack(finding)
	}
	return !finding.Level.Blocks() && t.reasons.of(finding) != ""
}

// tells reports whether a group has anything to say. What was held back from an
// object that nothing stops does not hide the reason for a "no".
func (t *teller) tells(g *group) bool {
	return slices.ContainsFunc(g.findings, func(finding plugin.Finding) bool { return !isHeldBack(finding) })
}

// finding writes what is wrong and where.
func (t *teller) finding(g *group, finding plugin.Finding) {
	mark, markStyle := levelMark(finding)
	t.columns(2, span{markStyle, mark}, span{strong, finding.Rule}, span{faint, finding.Field})
	t.paragraph(span{text: finding.Message})
	if finding.Was != "" || finding.Now != "" {
		t.labelled(4, "was", span{text: change(finding)})
	}
	if !finding.Object.IsZero() {
		t.labelled(4, "image", span{text: finding.Image})
	}
	if at := finding.Origin.String(); at != g.origin {
		t.labelled(4, "from", span{text: at})
	}
	if t.severalGates {
		t.labelled(4, "gate", span{text: finding.Gate})
	}
	if finding.Waiver != nil {
		t.labelled(4, "waived", span{style: yellow, text: waiver(*finding.Waiver)})
	}
	t.detailed(finding.Details)
}

// detailed writes every candidate that was looked at, unless the finding before
// had the same.
func (t *teller) detailed(details []string) {
	before := t.details
	t.details = details
	if slices.Equal(before, details) {
		return
	}
	for i, detail := range details {
		if i == mostDetails {
			t.bullet(6, span{faint, fmt.Sprintf("%d more; the json report has them all", len(details)-i)})
			return
		}
		t.bullet(6, span{text: detail})
	}
}

// advice writes why a finding matters and how to fix it; when the same was
// said before, it points there.
func (t *teller) advice(g *group, finding plugin.Finding) {
	if finding.Why == "" && finding.Hint == "" {
		return
	}
	text := finding.Why + "\x00" + finding.Hint
	if before, said := t.advised[text]; said {
		if before == g.title {
			before = "above"
		}
		t.labelled(4, "fix", span{faint, "as for " + finding.Rule + ", " + before})
		return
	}
	t.advised[text] = g.title
	t.labelled(4, "why", span{text: finding.Why})
	t.labelled(4, "fix", span{text: finding.Hint})
}

// levelMark is the sign and the word of a level, so that neither colour nor a
// special character is needed to read it.
func levelMark(finding plugin.Finding) (string, style) {
	suffix := ""
	if finding.Indeterminate {
		suffix = " (cannot be decided offline)"
	}
	switch finding.Level {
	case plugin.Info:
		return "- info" + suffix, faint
	case plugin.Warn:
		switch {
		case finding.Waiver != nil:
			return "! waived" + suffix, yellow
		case finding.Audited:
			return "! would deny" + suffix, yellow
		}
		return "! warn" + suffix, yellow
	case plugin.Undetermined:
		return "? no answer" + suffix, yellow
	case plugin.Deny:
	}
	return "x deny" + suffix, red
}

func waiver(w plugin.Waived) string {
	text := w.Kind
	if w.Owner != "" {
		text += " owned by " + w.Owner
	}
	if w.Approver != "" {
		text += ", approved by " + w.Approver
	}
	if !w.Until.IsZero() {
		text += ", until " + w.Until.UTC().Format("2006-01-02 15:04Z")
	}
	return text + ": " + w.Reason
}
