package revision

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// Commits reads single commits of a repository, for what compares no two sides.
// It looks and never writes, as [Open] does.
type Commits struct {
	repository *repository
	limits     plugin.Limits
}

// OpenCommits finds the repository around a folder.
func OpenCommits(ctx context.Context, dir string, limits plugin.Limits) (*Commits, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, unreadable(dir, err)
	}
	found, err := findRepository(ctx, absolute)
	if err != nil {
		return nil, explain(err, nil, dir)
	}
	return &Commits{repository: found, limits: limits}, nil
}

// Remotes are as in [Pair.Remotes].
func (c *Commits) Remotes() []string { return c.repository.settings.addresses() }

// Find is the commit of a branch, tag or hash. The remote's branch goes before a
// local one, which may be older, or somebody's own. What is not there is a
// [UsageError], in a shallow clone a [plugin.StageError].
func (c *Commits) Find(ctx context.Context, name string) (string, error) {
	remote := "refs/remotes/" + c.repository.settings.remote() + "/"
	names := []string{remote + name, "refs/heads/" + name, "refs/tags/" + strings.TrimPrefix(name, "refs/tags/")}
	if hexadecimal.MatchString(name) {
		names = append(names, name)
	}
	if name == "HEAD" || name == "" {
		names, name = []string{remote + "HEAD", "HEAD"}, "HEAD"
	}
	if problem := misspelt(name); problem != "" {
		return "", &UsageError{Problem: fmt.Sprintf("%.100q is no revision: it %s", name, problem)}
	}
	for _, each := range names {
		commit, err := c.repository.resolve(ctx, each)
		if err == nil {
			return commit, nil
		}
		var usage *UsageError
		if !errors.Is(err, errUnknown) && !errors.As(err, &usage) {
			return "", explain(err, c.repository, name)
		}
	}
	return "", explain(explainRevision(ctx, errUnknown, c.repository, name), c.repository, name)
}

// Here is the commit that is checked out.
func (c *Commits) Here(ctx context.Context) (string, error) {
	commit, err := c.repository.resolve(ctx, "HEAD")
	if err != nil {
		return "", explain(explainRevision(ctx, err, c.repository, "HEAD"), c.repository, "HEAD")
	}
	return commit, nil
}

// Behind is how many commits a tip has that a commit has not; it reports false
// where the tip does not come from the commit. A shallow clone that shows no way
// from one to the other gives no answer.
func (c *Commits) Behind(ctx context.Context, commit, tip string) (int, bool, error) {
	_, err := c.repository.git.output(ctx, "merge-base", "--is-ancestor", "--end-of-options", commit, tip)
	var failure *gitError
	switch {
	case errors.As(err, &failure) && failure.code == 1 && c.repository.shallow:
		return 0, false, noAnswer(fmt.Sprintf("whether %.200q comes from %.200q", tip, commit), deeper(c.repository, tip), errors.New("the clone is shallow and does not show it"))
	case errors.As(err, &failure) && failure.code == 1:
		return 0, false, nil
	case err != nil:
		return 0, false, explain(err, c.repository, commit)
	}
	answer, err := c.repository.git.output(ctx, "rev-list", "--count", "--end-of-options", tip, "^"+commit)
	if err != nil {
		return 0, false, explain(err, c.repository, tip)
	}
	count, err := strconv.Atoi(strings.TrimSpace(answer))
	if err != nil {
		return 0, false, noAnswer("counting commits", "", err)
	}
	return count, true, nil
}

// Tree is the tree of one commit; the caller ends it by the function that comes
// with it.
func (c *Commits) Tree(ctx context.Context, commit string) (*Side, func(), error) {
	for _, at := range []place{findMemory(sharedMemory), {}} {
		keep, err := newStore(at, c.limits)
		if err != nil {
			if errors.Is(err, errCramped) {
				continue
			}
			return nil, nil, err
		}
		side, err := c.repository.openCommit(ctx, keep, Side{Name: commit, Commit: commit})
		if err == nil {
			return side, func() { _, _ = side.Root.Close(), keep.close() }, nil
		}
		_ = keep.close()
		if !errors.Is(err, errCramped) {
			return nil, nil, explain(err, c.repository, commit)
		}
	}
	return nil, nil, errCramped // which no disk says
}
