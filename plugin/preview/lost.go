package preview

import (
	"cmp"
	"errors"
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
)

// lost is why an application of the base cannot be looked at on the head, though
// nothing says that it is gone: its source is elsewhere now, or the head's
// definition of it, or of what makes it, cannot be read. Nil where it is seen, or
// is gone.
func (p pair) lost(gaps []change.Unseen) *plugin.StageError {
	if !p.base.seen() || p.head.seen() {
		return nil
	}
	at := slices.IndexFunc(gaps, func(gap change.Unseen) bool {
		switch {
		case !gap.Head:
			return false
		case p.head != nil:
			return gap.Application == p.head.label()
		case gap.Base || gap.Application != "":
			return false
		}
		return slices.Contains(p.base.Parents, gap.What) || gap.Origin.File != "" && gap.What == gap.Origin.File && gap.Origin.File == p.base.Origin.File
	})
	if at < 0 {
		return nil
	}
	return &plugin.StageError{Stage: "diff", Subject: gaps[at].What, Cause: errors.New(gaps[at].Reason), Hint: gaps[at].Hint}
}

// noAnswer is the verdict on an application that is lost.
func (r *runner) noAnswer(p pair, reason *plugin.StageError) *change.Judged {
	source := plugin.Source{Root: r.Head.Root, Path: ".", Application: cmp.Or(p.head, p.base).Identity}
	return &change.Judged{Verdicts: []*plugin.Verdict{r.Setup.Refused(source, reason)}}
}
