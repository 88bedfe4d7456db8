package revision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// Open opens both sides. What the command line names and is not there is a
// [UsageError], and everything that could not be looked at a
// [plugin.StageError], a lasting one for a tree that git would not check out or
// that is beyond a limit. The caller closes the pair.
func Open(ctx context.Context, options Options) (*Pair, error) {
	return openIn(ctx, options, findMemory(sharedMemory))
}

// openIn opens both sides in memory if they fit.
func openIn(ctx context.Context, options Options, memory place) (*Pair, error) {
	if options.Limits == (plugin.Limits{}) {
		options.Limits = plugin.DefaultLimits()
	}
	dir, err := filepath.Abs(cmp.Or(options.Dir, "."))
	if err != nil {
		return nil, unreadable(options.Dir, err)
	}
	options.Dir = dir
	if is, err := isFolder(dir); err != nil || !is {
		return nil, &UsageError{Problem: fmt.Sprintf("there is no folder %.200q", dir), Hint: "name the folder of the repository"}
	}
	if options.Base == "" {
		return nil, &UsageError{Problem: "nothing is named to compare with", Hint: "name a revision, such as main, or two folders"}
	}
	asked, err := spread(options)
	if err != nil {
		return nil, err
	}
	asked.memory = memory
	return asked.open(ctx)
}

// fit opens both sides in memory, or on disk when they are too large for it.
func (q request) fit(both func(*store) (*Pair, error)) (*Pair, error) {
	for _, at := range []place{q.memory, {}} {
		keep, err := newStore(at, q.Limits)
		if err == nil {
			var pair *Pair
			if pair, err = both(keep); err == nil {
				return pair, nil
			}
		}
		if !errors.Is(err, errCramped) {
			return nil, err
		}
	}
	return nil, errCramped // which no disk says
}

// request is what the user asks for, with a range taken apart.
type request struct {
	Options
	// ranged is set for "BASE..HEAD" and "BASE...HEAD".
	ranged bool
	memory place
}

// spread reads a range, as git diff does: an end that is left out is HEAD.
func spread(options Options) (request, error) {
	if isPath(options.Base) {
		return request{Options: options}, nil
	}
	base, head, found := strings.Cut(options.Base, "...")
	if !found {
		if base, head, found = strings.Cut(options.Base, ".."); !found {
			return request{Options: options}, nil
		}
	} else {
		options.MergeBase = true
	}
	if options.Head != "" {
		return request{}, &UsageError{
			Problem: fmt.Sprintf("%.200q names both sides, and %.200q is named beside it", options.Base, options.Head),
			Hint:    "write BASE...HEAD, or BASE and HEAD",
		}
	}
	options.Base, options.Head = cmp.Or(base, "HEAD"), cmp.Or(head, "HEAD")
	return request{Options: options, ranged: true}, nil
}

// isPath reports what cannot be a revision: no name of one begins with a dot or
// a slash, or ends in a slash (git-check-ref-format).
func isPath(name string) bool {
	return name == "." || name == ".." || strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../") || strings.HasSuffix(name, "/") || filepath.IsAbs(name)
}

func (q request) open(ctx context.Context) (*Pair, error) {
	base, head := q.folder(q.Base), q.folder(q.Head)
	if isPath(q.Base) || isPath(q.Head) {
		return q.openFolders(ctx, base, head)
	}
	repository, err := findRepository(ctx, q.Dir)
	if err == nil {
		_, unknown := repository.resolve(ctx, q.Base)
		if !errors.Is(unknown, errUnknown) || base == "" {
			return q.openRevisions(ctx, repository)
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, noAnswer("opening the repository", "", context.Cause(ctx))
	case base != "" && !q.ranged:
		return q.openFolders(ctx, base, head)
	}
	return nil, explain(err, repository, q.Base)
}

// folder is where a name leads as a folder; empty when there is none.
func (q request) folder(name string) string {
	if name == "" || q.ranged {
		return ""
	}
	at := name
	if !filepath.IsAbs(name) {
		at = filepath.Join(q.Dir, name)
	}
	if is, err := isFolder(at); err != nil || !is {
		return ""
	}
	return at
}

func (q request) openFolders(ctx context.Context, base, head string) (*Pair, error) {
	for _, side := range []struct{ name, dir string }{{q.Base, base}, {q.Head, head}} {
		switch {
		case side.name == "":
			return nil, &UsageError{Problem: fmt.Sprintf("%.200q is a folder, and no second one is named to compare it with", q.Base), Hint: "name two folders, or a revision"}
		case side.dir == "":
			return nil, &UsageError{
				Problem: fmt.Sprintf("comparing %.200q with %.200q: there is no folder %.200q", q.Base, q.Head, side.name),
				Hint:    "a folder is compared with a folder, and a revision with a revision or the worktree",
			}
		}
	}
	if q.MergeBase {
		return nil, &UsageError{Problem: "two folders have no merge base", Hint: "leave it out, or name revisions"}
	}
	return q.fit(func(keep *store) (*Pair, error) {
		pair := &Pair{Path: ".", store: keep, others: map[string]*Side{}}
		var err error
		if pair.Base, err = openFolder(ctx, keep, base, Side{Name: q.Base}); err == nil {
			pair.Head, err = openFolder(ctx, keep, head, Side{Name: q.Head})
		}
		return pair.done(err, q.Base)
	})
}

// done closes a pair that is not whole.
func (p *Pair) done(err error, name string) (*Pair, error) {
	if err != nil {
		_ = p.Close()
		return nil, explain(err, p.repository, name)
	}
	p.changed = differing(p.Base.entries, p.Head.entries)
	return p, nil
}

func (q request) openRevisions(ctx context.Context, repository *repository) (*Pair, error) {
	base, head, err := q.resolve(ctx, repository)
	if err == nil {
		err = q.name(ctx, repository, &base, &head)
	}
	if err != nil {
		return nil, explain(err, repository, q.Base)
	}
	var told []Note
	if base.MergeBase && repository.shallow {
		told = append(told, Note{Reason: "the clone is shallow: the merge base that it knows may be older than the real one", Hint: deeper(repository, q.Base)})
	}
	return q.fit(func(keep *store) (*Pair, error) {
		pair := &Pair{
			Path: repository.path, Repository: true, Shallow: repository.shallow, Notes: told,
			repository: repository, store: keep, others: map[string]*Side{},
		}
		var err error
		if pair.Base, err = repository.openCommit(ctx, keep, base); err != nil {
			return pair.done(err, base.Name)
		}
		if head.Commit == "" {
			pair.Head, err = repository.openWorktree(ctx, keep, head)
		} else {
			pair.Head, err = repository.openCommit(ctx, keep, head)
		}
		return pair.done(err, head.Name)
	})
}

// resolve finds the commits of both sides; the worktree has none.
func (q request) resolve(ctx context.Context, repository *repository) (base, head Side, err error) {
	if q.Head == "" && repository.top == "" {
		return base, head, &UsageError{Problem: "there is no worktree here to compare with: the repository is bare, or this is a folder of Git's own", Hint: "name the head too, such as assay diff " + q.Base + " HEAD"}
	}
	base, head = Side{Name: q.Base}, Side{Name: cmp.Or(q.Head, Worktree)}
	if base.Commit, err = repository.resolve(ctx, q.Base); err != nil {
		return base, head, explainRevision(ctx, err, repository, q.Base)
	}
	meeting := "HEAD"
	if q.Head != "" {
		meeting = q.Head
	}
	if q.Head == "" && !q.MergeBase {
		return base, head, nil
	}
	commit, err := repository.resolve(ctx, meeting)
	if err != nil {
		return base, head, explainRevision(ctx, err, repository, meeting)
	}
	if q.Head != "" {
		head.Commit = commit
	}
	if q.MergeBase {
		common, err := repository.mergeBase(ctx, base.Commit, commit)
		if err == nil && common == "" {
			err = explainApart(repository, q.Base, meeting)
		}
		if err != nil {
			return base, head, err
		}
		base.Commit, base.MergeBase = common, true
	}
	return base, head, nil
}

// name finds the branches that mean the sides.
func (q request) name(ctx context.Context, repository *repository, base, head *Side) error {
	for side, written := range map[*Side]string{base: q.Base, head: cmp.Or(q.Head, "HEAD")} {
		full, err := repository.fullName(ctx, written)
		if err != nil {
			return err
		}
		side.Branches = repository.settings.branches(full)
	}
	if len(base.Branches) == 0 {
		base.Branches = slices.Clone(head.Branches)
	}
	usual, err := repository.target(ctx, "refs/remotes/"+repository.settings.remote()+"/HEAD")
	if err != nil {
		return err
	}
	if branches := repository.settings.branches(usual); len(branches) > 0 {
		base.Branches = append(base.Branches, branches[0])
	}
	base.Branches = sorted(base.Branches)
	head.Branches = sorted(append(head.Branches, slices.Clone(base.Branches)...))
	return nil
}
