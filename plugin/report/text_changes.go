package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// edit is one change that was made in several places alike.
type edit struct {
	rule, field, change, why string
	objects                  []string
}

// edits are the changes that one side made, and in how many places.
type edits struct {
	kinds  []*edit
	places int
}

// changes sums up what the author did not write: what assay filled in, and
// apart from it what the platform's policies changed. There is one line for each
// kind of change, with the objects that got it.
func (p *page) changes(v *plugin.Verdict, findings []plugin.Finding) {
	filled, mutated := collectEdits(findings)
	p.edits("filled in by assay", filled)
	p.edits("changed by the platform's policies", mutated)
	p.rollouts(Rollouts(v))
	p.heldBack(findings)
}

func (p *page) edits(title string, made edits) {
	if len(made.kinds) == 0 {
		return
	}
	p.blank()
	p.line(0, span{strong, title}, span{faint, fmt.Sprintf("(%s)", plural(made.places, "field"))})
	for _, e := range made.kinds {
		p.columns(2, span{text: e.field}, span{style: green, text: e.change}, span{faint, e.rule})
		p.labelled(4, "why", span{faint, e.why})
		p.labelled(4, "in", span{faint, named(e.objects)})
	}
}

// mostWorkloads is the number of workloads that are written out one by one.
const mostWorkloads = 20

// rollouts says which workloads change, one line each.
func (p *page) rollouts(rollouts []Rollout) {
	if len(rollouts) == 0 {
		return
	}
	p.blank()
	p.line(0, span{strong, "workloads that change"}, span{faint, "(" + rolling(rollouts) + ")"})
	for i, each := range rollouts {
		if i == mostWorkloads {
			p.bullet(2, span{faint, fmt.Sprintf("%d more; the json report has them all", len(rollouts)-i)})
			return
		}
		p.columns(2, span{text: each.Object.String()}, span{yellow, each.Effect.Says()}, span{faint, each.reasons()})
	}
}

func collectEdits(findings []plugin.Finding) (filled, mutated edits) {
	type likeness struct{ rule, field, change, why string }
	byKey := map[likeness]*edit{}
	for _, finding := range findings {
		if finding.Level != plugin.Info || !isChange(finding) {
			continue
		}
		made := &filled
		if byPlatform(finding) {
			made = &mutated
		}
		made.places++
		key := likeness{finding.Rule, lastFields(finding.Field), change(finding), finding.Why}
		e := byKey[key]
		if e == nil {
			e = &edit{rule: key.rule, field: key.field, change: key.change, why: key.why}
			byKey[key] = e
			made.kinds = append(made.kinds, e)
		}
		// Findings are sorted by object, so equal names follow each other.
		if subject := finding.Subject(); len(e.objects) == 0 || e.objects[len(e.objects)-1] != subject {
			e.objects = append(e.objects, subject)
		}
	}
	for _, made := range []edits{filled, mutated} {
		slices.SortFunc(made.kinds, func(a, b *edit) int {
			return strings.Compare(a.field+"\x00"+a.change+"\x00"+a.rule, b.field+"\x00"+b.change+"\x00"+b.rule)
		})
	}
	return filled, mutated
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
		if !isNote(finding) {
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

// isNote reports whether a finding is neither a change nor told elsewhere.
func isNote(finding plugin.Finding) bool {
	return finding.Level == plugin.Info && finding.Was == "" && finding.Now == "" && !isHeldBack(finding)
}
