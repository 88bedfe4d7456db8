package report

import (
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// held is what was held back for one reason: the settings that the reason keeps
// out, what to write in their place, and where.
type held struct {
	reason, instead string
	level           plugin.Level
	fields, objects []string
	places          int
}

// isHeldBack reports whether hardening left a setting alone, and nobody decided
// more about it than that.
func isHeldBack(finding plugin.Finding) bool {
	return finding.Rule == ruleHeldBack && !finding.Level.Blocks() && finding.Waiver == nil && !finding.Audited
}

// collectHeldBack gathers what was held back, in the order of the findings: by
// reason and advice, however many containers it stands for.
func collectHeldBack(findings []plugin.Finding) (all []*held, places int) {
	type likeness struct {
		reason, instead string
		level           plugin.Level
	}
	byKey := map[likeness]*held{}
	for _, finding := range findings {
		if !isHeldBack(finding) {
			continue
		}
		places++
		key := likeness{reason(finding), finding.Hint, finding.Level}
		h := byKey[key]
		if h == nil {
			h = &held{reason: key.reason, instead: key.instead, level: key.level}
			byKey[key] = h
			all = append(all, h)
		}
		h.places++
		h.fields = addOnce(h.fields, lastFields(finding.Field))
		h.objects = addOnce(h.objects, finding.Subject())
	}
	return all, places
}

// addOnce looks only at a list's end for what findings of one object repeat, and
// at the whole of a short list.
func addOnce(list []string, text string) []string {
	const short = 16
	for i := len(list) - 1; i >= max(0, len(list)-short); i-- {
		if list[i] == text {
			return list
		}
	}
	return append(list, text)
}

// reason is why a setting was held back, without the name of its container.
func reason(finding plugin.Finding) string {
	if _, why, found := strings.Cut(finding.Message, "filled in: "); found {
		return why
	}
	return finding.Message
}

// heldBack says what was held back, what would have broken and what the author
// can write in its place: one paragraph for each reason.
func (p *page) heldBack(findings []plugin.Finding) {
	all, places := collectHeldBack(findings)
	if len(all) == 0 {
		return
	}
	p.blank()
	p.line(0, span{strong, "held back"}, span{faint, "(" + plural(places, "field") + ")"})
	for _, h := range all {
		mark, markStyle := levelMark(plugin.Finding{Level: h.level})
		p.hang(2, len(mark)+2, span{markStyle, mark}, span{text: strings.Join(h.fields, ", ")})
		p.labelled(4, "why", span{text: h.reason})
		p.labelled(4, "instead", span{text: h.instead})
		p.labelled(4, "in", span{faint, named(h.objects)})
	}
}
