package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// outage is one reason why a registry gives no answer about several images.
type outage struct {
	host, rule, gate, cause, why, hint string
}

// outages are those with the images that each is about.
type outages struct {
	hosts  map[string]string // by image
	images map[outage][]string
}

func outagesOf(images []plugin.Image, findings []plugin.Finding) outages {
	o := outages{hosts: map[string]string{}, images: map[outage][]string{}}
	for _, image := range images {
		o.hosts[image.Written] = image.Reference.Host()
	}
	for _, finding := range findings {
		if one := o.reason(finding); one != (outage{}) {
			o.images[one] = once(o.images[one], finding.Image)
		}
	}
	return o
}

// of is the outage that a finding is told with; the zero value for what is told
// by itself.
func (o outages) of(finding plugin.Finding) outage {
	one := o.reason(finding)
	if len(o.images[one]) < 2 {
		return outage{}
	}
	return one
}

// reason is the zero value for what is no outage.
func (o outages) reason(finding plugin.Finding) outage {
	cause, host := causeOf(finding), o.hosts[finding.Image]
	if cause == "" || host == "" {
		return outage{}
	}
	return outage{host: host, rule: finding.Rule, gate: finding.Gate, cause: cause, why: finding.Why, hint: finding.Hint}
}

// causeOf is what a registry's silence about an image comes from, without the
// image's name; empty for any other finding. The finding is that of a
// plugin.StageError: "stage subject: cause".
func causeOf(finding plugin.Finding) string {
	if finding.Level != plugin.Undetermined || !slices.Contains([]string{"resolve/no-answer", "registry/no-answer"}, finding.Rule) {
		return ""
	}
	_, cause, _ := strings.Cut(steady(finding.Message), ": ")
	return cause
}

// tellOutage writes the reason once, and the images with the places that use
// them.
func (t *teller) tellOutage(g *group) {
	first := g.findings[0]
	mark, markStyle := levelMark(first)
	t.columns(0, span{strong, g.title}, span{faint, g.kind})
	t.columns(2, span{markStyle, mark}, span{strong, first.Rule})
	t.paragraph(span{text: g.outage.cause})
	if t.severalGates {
		t.labelled(4, "gate", span{text: first.Gate})
	}
	t.advice(g, first)
	slices.SortStableFunc(g.findings, func(a, b plugin.Finding) int { return cmp.Compare(a.Image, b.Image) })
	for i, finding := range g.findings {
		if i == mostDetails {
			t.bullet(4, span{faint, fmt.Sprintf("%s more; the json report has them all", plural(len(g.findings)-i, "image"))})
			return
		}
		text := finding.Image
		if used := usedIn(t.uses[finding.Image]); used != "" {
			text += " in " + used
		}
		t.bullet(4, span{text: text})
	}
}
