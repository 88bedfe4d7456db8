package preview

import (
	"context"
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
)

// renamed pairs what one side alone has by what it renders: an application that
// got another name and another folder. Only these are rendered for it.
func (r *runner) renamed(ctx context.Context, pairs []pair) []pair {
	var removed, added []int
	for i, p := range pairs {
		switch {
		case p.head == nil:
			removed = append(removed, i)
		case p.base == nil:
			added = append(added, i)
		}
	}
	if len(removed) == 0 || len(added) == 0 {
		return pairs
	}
	candidates := make([]change.Candidate, len(pairs))
	alone := slices.Concat(removed, added)
	sideBySide(r.Workers, len(alone), func(i int) { candidates[alone[i]] = r.candidate(ctx, pairs[alone[i]].named()) })
	of := func(places []int) []change.Candidate {
		var out []change.Candidate
		for _, i := range places {
			out = append(out, candidates[i])
		}
		return out
	}
	pairs = slices.Clone(pairs)
	gone := map[*deployed]bool{}
	for head, base := range change.MatchRenamed(of(removed), of(added)) {
		found := pairs[removed[base]].base
		pairs[added[head]].base = found
		gone[found] = true
	}
	return slices.DeleteFunc(pairs, func(p pair) bool { return p.head == nil && gone[p.base] })
}

// candidate is what an application renders; nothing when a part does not render,
// so that it is no other application's.
func (r *runner) candidate(ctx context.Context, each *deployed) change.Candidate {
	made := change.Candidate{Kind: each.Kind}
	var objects []plugin.ObjectID
	for _, part := range each.parts {
		rendering, err := r.render(ctx, part)
		if err != nil {
			return made
		}
		for _, object := range rendering.Objects {
			objects = append(objects, object.ID())
		}
	}
	made.Objects = objects
	return made
}
