package preview

import (
	"os"
	"sync"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// stills are the trees of this run. Nobody changes them, so that what hundreds
// of renderings read of one base is read once on each side.
type stills struct {
	mu sync.Mutex
	by map[still]*render.Still
}

type still struct {
	root   *os.Root
	limits plugin.Limits
}

// hold reports whether what a rendering read is as it was in the tree of a part.
func (s *stills) hold(facts plugin.TreeFacts, part *located) bool {
	if part.source.Root == nil {
		return facts.Hold(part.source, part.limits)
	}
	s.mu.Lock()
	tree := still{part.source.Root, part.limits}
	if s.by == nil {
		s.by = map[still]*render.Still{}
	}
	known := s.by[tree]
	if known == nil {
		known = render.NewStill(tree.root, tree.limits)
		s.by[tree] = known
	}
	s.mu.Unlock()
	return known.Hold(facts, part.source)
}
