package gate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// ruleInvalid is the rule of every problem that loading reports.
const ruleInvalid = "gate/invalid"

// maxProblems bounds one answer; a file of a million mistakes is one mistake.
const maxProblems = 500

// problem is one thing that is wrong with the configuration. It reads as one
// line, and unwraps to a *plugin.Refusal, so that a door can show it as a
// finding.
type problem struct{ refusal plugin.Refusal }

func (p *problem) Error() string {
	if p.refusal.Hint == "" {
		return p.refusal.Error()
	}
	return p.refusal.Error() + "; " + p.refusal.Hint
}

func (p *problem) Unwrap() error { return &p.refusal }

// problems collects, so that an author hears of everything at once.
type problems struct{ list []*problem }

// add keeps a problem; beyond what anybody would be shown it keeps none, so
// that a hostile file cannot fill the memory with complaints.
func (p *problems) add(at plugin.Origin, message, hint string) {
	if len(p.list) > 4*maxProblems {
		return
	}
	p.list = append(p.list, &problem{plugin.Refusal{Rule: ruleInvalid, Origin: at, Message: message, Hint: hint}})
}

// err joins what was found, by file and line; nil when there was nothing.
func (p *problems) err() error {
	slices.SortStableFunc(p.list, func(a, b *problem) int {
		return cmp.Or(
			cmp.Compare(a.refusal.Origin.File, b.refusal.Origin.File),
			cmp.Compare(a.refusal.Origin.Line, b.refusal.Origin.Line),
			cmp.Compare(a.Error(), b.Error()),
		)
	})
	list := slices.CompactFunc(p.list, func(a, b *problem) bool { return a.Error() == b.Error() })
	more := len(list) - maxProblems
	if more > 0 {
		list = list[:maxProblems]
	}
	all := make([]error, 0, len(list)+1)
	for _, one := range list {
		all = append(all, one)
	}
	if more > 0 {
		all = append(all, fmt.Errorf("reading the gate's configuration: %d more problems; mend these first", more))
	}
	return errors.Join(all...)
}
