package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// edit is one change that was made in several places alike.
type edit struct {
	rule, field, change string
	objects             []string
}

// changes sums up what assay filled in: one line for each kind of change, with
// the objects that got it.
func (p *page) changes(findings []plugin.Finding) {
	edits, places := collectEdits(findings)
	if len(edits) == 0 {
		return
	}
	p.blank()
	p.line(0, span{strong, "changes"}, span{faint, fmt.Sprintf("(%s filled in)", plural(places, "field"))})
	for _, e := range edits {
		p.columns(2, span{text: e.field}, span{style: green, text: e.change}, span{faint, e.rule})
		p.paragraph(span{faint, named(e.objects)})
	}
}

func collectEdits(findings []plugin.Finding) (edits []*edit, places int) {
	type likeness struct{ rule, field, change string }
	byKey := map[likeness]*edit{}
	for _, finding := range findings {
		if finding.Level != plugin.Info || finding.Was == "" && finding.Now == "" {
			continue
		}
		places++
		key := likeness{finding.Rule, lastFields(finding.Field), change(finding)}
		e := byKey[key]
		if e == nil {
			e = &edit{rule: key.rule, field: key.field, change: key.change}
			byKey[key] = e
			edits = append(edits, e)
		}
		// Findings are sorted by object, so equal names follow each other.
		if subject := finding.Subject(); len(e.objects) == 0 || e.objects[len(e.objects)-1] != subject {
			e.objects = append(e.objects, subject)
		}
	}
	slices.SortFunc(edits, func(a, b *edit) int {
		return strings.Compare(a.field+"\x00"+a.change+"\x00"+a.rule, b.field+"\x00"+b.change+"\x00"+b.rule)
	})
	return edits, places
}

// change is "unset -> false".
func change(finding plugin.Finding) string {
	was, now := finding.Was, finding.Now
	if was == "" || was == "null" {
		was = "unset"
	}
	if now == "" || now == "null" {
		now = "removed"
	}
	return was + " -> " + now
}

// lastFields is the part of a field's path below the container or the Pod, so
// that equal changes in many containers read as one.
func lastFields(path string) string {
	if at := strings.LastIndex(path, "]."); at >= 0 {
		return path[at+2:]
	}
	if at := strings.LastIndex(path, "spec."); at >= 0 {
		return path[at+len("spec."):]
	}
	return path
}

// named lists up to five names.
func named(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// notes are facts that change nothing and block nothing.
func (p *page) notes(findings []plugin.Finding) {
	first := true
	for _, finding := range findings {
		if finding.Level != plugin.Info || finding.Was != "" || finding.Now != "" {
			continue
		}
		if first {
			p.blank()
			p.line(0, span{strong, "notes"})
			first = false
		}
		p.bullet(2, span{text: finding.Subject() + ": " + finding.Message + " (" + finding.Rule + ")"})
	}
}
