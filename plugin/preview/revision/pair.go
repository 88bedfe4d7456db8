package revision

import (
	"context"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/assay-gitops/assay/plugin"
)

// Worktree is the name of the side that nobody named.
const Worktree = "worktree"

// Side is one tree.
type Side struct {
	// Name is what the user wrote, or [Worktree].
	Name string
	// Commit is the commit's hash in hex; empty for a folder and the worktree.
	Commit string
	// MergeBase is set when the commit is where the named revision and the head
	// went apart.
	MergeBase bool
	// Branches are the names of branches that mean this tree, sorted: what was
	// named, the branch that it follows at its remote, for the base also the
	// remote's default branch, and for the head also those of the base, as that
	// branch is what the change is made for. A base that is named by a tag or a
	// commit is what the head's branches were before.
	Branches []string
	// Root confines reads to the tree, and Dir is its folder. They last until the
	// pair is closed; nothing may be written there.
	Root *os.Root
	Dir  string
	// Notes say what is there and is not as in a checkout, by path.
	Notes []Note

	entries []entry
}

// Pair is the two sides of a comparison. Its methods may be called at once.
type Pair struct {
	Base, Head *Side
	// Path is the folder that the user stands in, in the tree; "." is its root, and
	// so it is for two folders.
	Path string
	// Repository is set when the sides are of a Git repository, and Shallow when it
	// lacks a part of the history.
	Repository, Shallow bool
	// Notes are about both sides.
	Notes []Note

	changed    []string
	repository *repository // nil for two folders
	store      *store

	mu sync.Mutex
	// spill is on disk, for what does not fit into the store in memory.
	spill  *store
	others map[string]*Side // by commit
	closed bool
}

// Changed are the paths of files that differ, slash-separated and sorted:
// added, removed, changed, or of another kind. Whether a file may be executed
// does not count.
func (p *Pair) Changed() []string { return p.changed }

// Remotes are the URLs that the repository is fetched from in the form of
// [NormalizeURL], sorted; none for two folders.
func (p *Pair) Remotes() []string {
	if p.repository == nil {
		return nil
	}
	return p.repository.settings.addresses()
}

// hexadecimal is a commit's hash, or the beginning of one.
var hexadecimal = regexp.MustCompile(`^[0-9A-Fa-f]{7,64}$`)

// At is the tree of a tag or commit of the same repository, which stays the same
// on both sides. It reports false for what is neither here: a branch, a range
// of versions, a tag that was not fetched. The side lasts until the pair is
// closed.
func (p *Pair) At(ctx context.Context, revision string) (*Side, bool, error) {
	if p.repository == nil || misspelt(revision) != "" {
		return nil, false, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, false, noAnswer(revision, "", errors.New("the comparison has ended"))
	}
	commit, err := p.fixed(ctx, revision)
	if err != nil || commit == "" {
		return nil, false, err
	}
	for _, known := range []*Side{p.Base, p.Head, p.others[commit]} {
		if known != nil && known.Commit == commit {
			return known, true, nil
		}
	}
	side, err := p.openOther(ctx, Side{Name: revision, Commit: commit})
	if err != nil {
		return nil, false, explain(err, p.repository, revision)
	}
	p.others[commit] = side
	return side, true, nil
}

// openOther opens a further tree beside the two sides, or on disk when there is
// no room beside them.
func (p *Pair) openOther(ctx context.Context, side Side) (*Side, error) {
	if p.spill == nil {
		opened, err := p.repository.openCommit(ctx, p.store, side)
		if !errors.Is(err, errCramped) {
			return opened, err
		}
		spill, err := newStore(place{}, p.store.limits)
		if err != nil {
			return nil, err
		}
		spill.sides, spill.bytes = p.store.sides-1, p.store.bytes
		p.spill = spill
	}
	return p.repository.openCommit(ctx, p.spill, side)
}

// fixed is the commit that a tag or hash means; empty for neither.
func (p *Pair) fixed(ctx context.Context, revision string) (string, error) {
	if strings.ContainsAny(revision, "~^:?*[\\ @{") { // no reference is named so (git-check-ref-format), what comes from one is
		return "", nil
	}
	names := []string{"refs/tags/" + strings.TrimPrefix(revision, "refs/tags/")}
	if hexadecimal.MatchString(revision) {
		names = append(names, revision)
	}
	for _, name := range names {
		commit, err := p.repository.resolve(ctx, name)
		if err == nil && (!hexadecimal.MatchString(name) || strings.HasPrefix(commit, strings.ToLower(name))) { // else it is a branch that reads as a hash
			return commit, nil
		}
		var usage *UsageError
		if err != nil && !errors.Is(err, errUnknown) && !errors.As(err, &usage) {
			return "", explain(err, p.repository, revision)
		}
	}
	return "", nil
}

// Close removes the trees.
func (p *Pair) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	sides := []*Side{p.Base, p.Head}
	for _, side := range p.others {
		sides = append(sides, side)
	}
	for _, side := range sides {
		if side != nil {
			_ = side.Root.Close()
		}
	}
	if p.spill != nil {
		return errors.Join(p.store.close(), p.spill.close())
	}
	return p.store.close()
}

// Options say what to compare.
type Options struct {
	// Base is a revision or a folder, or "BASE...HEAD" or "BASE..HEAD" as git diff
	// reads them.
	Base string
	// Head is a revision or a folder. When it is empty, it is the worktree, or what
	// stands in Base.
	Head string
	// MergeBase compares with the commit from which Base and the head went apart,
	// as "BASE...HEAD" does.
	MergeBase bool
	// Dir is where the user stands; empty for the process's own folder.
	Dir string
	// Limits bound what is read; a zero value is the defaults.
	Limits plugin.Limits
}

func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
