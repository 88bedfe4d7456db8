package render

import (
	"os"
	"sync"

	"github.com/assay-gitops/assay/plugin"
)

// Still is a tree that nobody changes: of each path is read once what facts of
// many renderings say. Its methods may be called at once.
type Still struct {
	root   *os.Root
	limits plugin.Limits

	mu    sync.Mutex
	tree  *tree
	known map[glance]seen
}

// glance is what is asked of a path.
type glance struct {
	name    string
	content bool
}

type seen struct {
	read
	known bool
}

// NewStill is the tree below a root, which lasts as long as it is asked.
func NewStill(root *os.Root, limits plugin.Limits) *Still {
	return &Still{root: root, limits: limits, tree: newTree(root, limits), known: map[glance]seen{}}
}

// Hold reports whether facts are still true of a source: what facts.Hold says,
// without reading again what is known of this tree.
func (s *Still) Hold(all plugin.TreeFacts, source plugin.Source) bool {
	each, ours := all.(facts)
	if !ours || source.Root != s.root || len(source.Overlay) > 0 {
		return all.Hold(source, s.limits)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, fact := range each {
		asked := glance{name: name, content: fact.text != ""}
		now, asks := s.known[asked]
		if !asks {
			now.read, now.known = s.tree.now(name, asked.content)
			s.known[asked] = now
		}
		if !now.known || now.read != fact {
			return false
		}
	}
	return true
}
