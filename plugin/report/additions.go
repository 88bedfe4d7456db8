package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// Additions are what assay adds to applications beside what their sources
// render to.
type Additions struct {
	// Verdicts are one for each source.
	Verdicts []*plugin.Verdict
	// Judged says that the gates were asked, and not only what would be filled in.
	Judged bool
}

// Images are a verdict's images for programs.
func Images(v *plugin.Verdict) []Image {
	images := []Image{}
	for _, image := range v.Images {
		images = append(images, newImage(image))
	}
	return images
}

// Added are the findings of a verdict that say what its author did not write,
// and those that say what was not filled in.
func Added(v *plugin.Verdict) (changed, heldBack []plugin.Finding) {
	changed, heldBack = []plugin.Finding{}, []plugin.Finding{}
	for _, finding := range v.Findings {
		switch {
		case isHeldBack(finding):
			heldBack = append(heldBack, finding)
		case finding.Level == plugin.Info && isChange(finding):
			changed = append(changed, finding)
		}
	}
	return changed, heldBack
}

// mostPins is the number of images that are written out one by one.
const mostPins = 20

// WriteAdditions writes the section for a person at a terminal.
func WriteAdditions(w io.Writer, additions Additions, options Options) error {
	p := &page{color: options.Color, width: cmp.Or(options.Width, defaultWidth)}
	all := &plugin.Verdict{}
	for _, v := range additions.Verdicts {
		all.Findings = append(all.Findings, v.Findings...)
		all.Images = append(all.Images, v.Images...)
	}
	plugin.SortFindings(all.Findings)
	p.line(0, span{strong, "what assay adds"}, span{faint, "(" + plural(len(additions.Verdicts), "source") + "; apart from the proof)"})
	p.pins(all.Images, additions.Judged)
	filled, mutated := collectEdits(all.Findings)
	p.edits("filled in by assay", filled)
	p.edits("changed by the platform's policies", mutated)
	if additions.Judged {
		p.heldBack(all.Findings)
	}
	p.answers(additions)
	if len(all.Images)+len(filled.kinds)+len(mutated.kinds) == 0 {
		p.line(2, span{text: "nothing"})
	}
	if _, err := io.WriteString(w, p.out.String()); err != nil {
		return fmt.Errorf("writing what assay adds: %w", err)
	}
	return nil
}

// pins are the images, each once, with the digest that is written into the
// manifests.
func (p *page) pins(images []plugin.Image, judged bool) {
	digests := map[string]string{}
	for _, image := range images {
		digests[called(image)] = cmp.Or(digests[called(image)], image.Digest)
	}
	if len(digests) == 0 {
		return
	}
	p.blank()
	how := ""
	if !judged {
		how = "; each tag gets a digest; no registry was asked, --gate has a gate ask"
	}
	p.line(0, span{strong, "images"}, span{faint, "(" + plural(len(digests), "image") + how + ")"})
	names := make([]string, 0, len(digests))
	for name := range digests {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		if i == mostPins {
			p.bullet(2, span{faint, fmt.Sprintf("%d more; the json report has them all", len(names)-i)})
			break
		}
		digest := span{faint, "-> " + shortDigest(digests[name])}
		switch {
		case digests[name] == "" && judged:
			digest = span{red, "no digest"}
		case digests[name] == "":
			digest = span{}
		}
		p.line(2, span{text: name}, digest)
	}
}

// answers are what the gates say of each source, those that are allowed in one
// line. Where no gate was asked they are those about which nothing is known.
func (p *page) answers(additions Additions) {
	allowed := 0
	var told []*plugin.Verdict
	for _, v := range additions.Verdicts {
		switch {
		case v.Allowed():
			allowed++
		case additions.Judged || slices.ContainsFunc(v.Findings, blocks):
			told = append(told, v)
		}
	}
	if len(told) == 0 && !additions.Judged {
		return
	}
	p.blank()
	p.line(0, span{strong, "what the gate says"})
	for _, v := range told {
		first := "it did not come to its end"
		if at := slices.IndexFunc(v.Findings, blocks); at >= 0 {
			first = v.Findings[at].Subject() + ": " + v.Findings[at].Message + " (" + v.Findings[at].Rule + ")"
		}
		outcome := v.Outcome()
		p.hang(2, len(outcome.String())+2, span{outcomeStyle(outcome), outcome.String()}, span{text: strings.TrimSpace(v.Application.Name+" "+v.Path) + ": " + first})
	}
	if additions.Judged {
		p.line(2, span{text: plural(allowed, "source") + " allowed"})
	}
}

func blocks(finding plugin.Finding) bool { return finding.Level.Blocks() }
