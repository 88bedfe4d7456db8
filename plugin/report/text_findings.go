package report

import (
	"fmt"

	"github.com/assay-gitops/assay/plugin"
)

// mostDetails is the number of candidates shown for one finding; JSON has all.
const mostDetails = 20

// group is what is said about one object, one image, or the application.
type group struct {
	title    string
	kind     string // the object's apiVersion, "image", or nothing
	used     string // the places that use an image
	findings []plugin.Finding
}

// findings writes everything that blocks or warns, by object, the worst first.
func (p *page) findings(v *plugin.Verdict, findings []plugin.Finding) {
	explained := map[string]string{}
	for _, g := range groupFindings(v, findings) {
		p.blank()
		p.columns(0, span{strong, g.title}, span{faint, g.kind})
		p.labelled(2, "in", span{faint, g.used})
		for _, finding := range g.findings {
			p.finding(finding, len(v.Gates) > 1)
			p.advice(finding, g.title, explained)
		}
	}
}

// groupFindings keeps the order of the findings, so that the group with the
// worst finding comes first.
func groupFindings(v *plugin.Verdict, findings []plugin.Finding) []*group {
	type key struct {
		object plugin.ObjectID
		image  string
	}
	byKey := map[key]*group{}
	uses := usesByImage(v.Images)
	var groups []*group
	for _, finding := range findings {
		if finding.Level == plugin.Info {
			continue
		}
		k := key{object: finding.Object}
		if finding.Object.IsZero() {
			k.image = finding.Image
		}
		g := byKey[k]
		if g == nil {
			g = newGroup(uses, finding)
			byKey[k] = g
			groups = append(groups, g)
		}
		g.findings = append(g.findings, finding)
	}
	return groups
}

func newGroup(uses map[string][]plugin.Use, finding plugin.Finding) *group {
	g := &group{title: finding.Subject()}
	switch {
	case !finding.Object.IsZero():
		g.kind = finding.Object.APIVersion
	case finding.Image != "":
		g.kind = "image"
		g.used = usedIn(uses[finding.Image])
	}
	return g
}

func usesByImage(images []plugin.Image) map[string][]plugin.Use {
	uses := map[string][]plugin.Use{}
	for _, image := range images {
		uses[image.Written] = image.Uses
	}
	return uses
}

// usedIn names up to three places that use an image.
func usedIn(uses []plugin.Use) string {
	text := ""
	for i, use := range uses {
		switch {
		case i == 3:
			return fmt.Sprintf("%s and %d more", text, len(uses)-i)
		case i > 0:
			text += ", "
		}
		text += use.ID.String()
		if use.Container != "" {
			text += " [" + use.Container + "]"
		}
		if at := use.Origin.String(); at != "" {
			text += " at " + at
		}
	}
	return text
}

// finding writes what is wrong and where.
func (p *page) finding(finding plugin.Finding, severalGates bool) {
	mark, markStyle := levelMark(finding)
	p.columns(2, span{markStyle, mark}, span{strong, finding.Rule}, span{faint, finding.Field})
	p.paragraph(span{text: finding.Message})
	if finding.Was != "" || finding.Now != "" {
		p.labelled(4, "was", span{text: change(finding)})
	}
	if !finding.Object.IsZero() {
		p.labelled(4, "image", span{text: finding.Image})
	}
	p.labelled(4, "from", span{text: finding.Origin.String()})
	if severalGates {
		p.labelled(4, "gate", span{text: finding.Gate})
	}
	if finding.Waiver != nil {
		p.labelled(4, "waived", span{style: yellow, text: waiver(*finding.Waiver)})
	}
	for i, detail := range finding.Details {
		if i == mostDetails {
			p.bullet(6, span{faint, fmt.Sprintf("%d more; the json report has them all", len(finding.Details)-i)})
			break
		}
		p.bullet(6, span{text: detail})
	}
}

// advice writes why a finding matters and how to fix it; when the same was
// said before, it points there.
func (p *page) advice(finding plugin.Finding, title string, explained map[string]string) {
	if finding.Why == "" && finding.Hint == "" {
		return
	}
	text := finding.Why + "\x00" + finding.Hint
	if before, said := explained[text]; said {
		if before == title {
			before = "above"
		}
		p.labelled(4, "fix", span{faint, "as for " + finding.Rule + ", " + before})
		return
	}
	explained[text] = title
	p.labelled(4, "why", span{text: finding.Why})
	p.labelled(4, "fix", span{text: finding.Hint})
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
	return text + ", until " + w.Until.UTC().Format("2006-01-02 15:04Z") + ": " + w.Reason
}
