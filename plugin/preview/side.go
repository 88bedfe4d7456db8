package preview

import (
	"context"
	"os"

	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/preview/discover"
)

// Side is one of the two revisions.
type Side struct {
	// Name is what the user wrote, Commit the hash of the commit, if it is one.
	Name, Commit string
	// Root confines every read.
	Root *os.Root
	// Unseen is what a checkout of the side would have and Root has not.
	Unseen []discover.Unseen
	// Own reports whether a repository's URL means this repository; nil for no.
	Own func(url string) bool
	// Tracks reports whether a branch means this side; nil for no.
	Tracks func(branch string) bool
	// At is the tree of a tag or commit of this repository; a nil tree where there
	// is none by that name. It may be nil.
	At func(ctx context.Context, revision string) (*os.Root, error)
}

func (s Side) named() change.Side { return change.Side{Name: s.Name, Commit: s.Commit} }

func (s Side) own(url string) bool { return url == "" || s.Own != nil && s.Own(url) }

// tracks reports whether a revision moves with this side.
func (s Side) tracks(revision string) bool {
	return revision == "" || revision == "HEAD" || s.Tracks != nil && s.Tracks(revision)
}
