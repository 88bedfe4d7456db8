package page

import (
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/report"
)

// objects adds the differences, each in a fence. One that is too long is cut
// between lines; those that have no room are counted.
func (d *markdown) objects(a change.Application) {
	if len(a.Objects) == 0 {
		return
	}
	title := "\n#### " + report.Plural(len(a.Objects), "object") + "\n"
	rest := func(count int) string {
		return "\nand " + report.Plural(count, "object") + " more, which did not fit\n"
	}
	reserve := characters(rest(len(a.Objects))) + 80 // for what is still there
	if !d.whole(title, reserve) {
		return
	}
	for i, object := range a.Objects {
		if !d.object(object, reserve) {
			d.add(rest(len(a.Objects) - i))
			return
		}
	}
	if a.Omitted > 0 {
		d.whole("\nand "+report.Plural(a.Omitted, "difference")+" more, beyond the limits of the comparison\n", 0)
	}
}

// object adds one object; false when there is no room for its first line.
func (d *markdown) object(object change.Object, reserve int) bool {
	head := "\n" + report.Code(object.ID.String()) + " " + string(object.Status)
	if object.WasID != nil {
		head += ", was " + report.Code(object.WasID.String())
	}
	if effect := effect(object); effect != "" {
		head += ", **" + effect + "**"
	}
	if at := object.Origin.String(); at != "" {
		head += ", " + report.Code(at)
	}
	if object.Folded > 0 {
		head += ", " + report.Prose(noise(object))
	}
	if !d.whole(head+"\n", reserve) {
		return false
	}
	d.fence(differences(object), reserve)
	return true
}

// fence adds lines in a fence, as many as fit.
func (d *markdown) fence(lines []string, reserve int) {
	const most = 80 // lines of one object; the other formats have them all
	if len(lines) == 0 {
		return
	}
	mark := report.Fence(lines)
	rest := func(count int) string { return fmt.Sprintf("  ... %s more\n", report.Plural(count, "line")) }
	closing := mark + "\n"
	reserve += characters(closing) + characters(rest(len(lines)))
	if !d.whole("\n"+mark+"diff\n", reserve+characters(lines[0])+1) {
		return
	}
	for i, line := range lines {
		if i == most || !d.whole(line+"\n", reserve) {
			d.add(rest(len(lines) - i))
			break
		}
	}
	d.add(closing)
}

// differences are an object's fields as lines of a diff, without noise.
func differences(object change.Object) []string {
	var out []string
	for _, field := range object.Fields {
		if field.Noise != "" {
			continue
		}
		name := "  " + codeLine(field.Path)
		if field.Injected {
			name += "  (injected)"
		}
		if field.Cut {
			name += "  (cut)"
		}
		out = append(out, name)
		if masked(field) {
			out = append(out, "! "+notShown)
			continue
		}
		if field.Was != "" {
			out = append(out, "- "+codeLine(field.Was))
		}
		if field.Now != "" {
			out = append(out, "+ "+codeLine(field.Now))
		}
		for _, line := range field.Lines {
			out = append(out, diffLine(line))
		}
	}
	return out
}

// diffLine is a line of a unified diff. It begins with the sign of one whatever
// it is, so that no service or robot takes it for a command ("/approve").
func diffLine(line string) string {
	if line == "" || !strings.ContainsRune(" +-@\\", rune(line[0])) {
		line = " " + line
	}
	return codeLine(line)
}

// codeLine is a text as one line of a fence, in which services read nothing but
// the fence's end. Unlike in a sentence, what it begins with counts.
func codeLine(text string) string {
	const most = 1000
	rest := strings.TrimLeft(text, " \t")
	indent := strings.ReplaceAll(text[:len(text)-len(rest)], "\t", "    ")
	shown := report.Neutral(rest)
	if runes := []rune(shown); len(runes) > most {
		shown = string(runes[:most]) + "..."
	}
	return indent[:min(len(indent), most)] + shown
}
