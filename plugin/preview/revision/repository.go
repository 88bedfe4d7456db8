package revision

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
)

// repository is a Git repository that was found from a folder.
type repository struct {
	git program
	// top is the worktree's folder; empty for a bare repository.
	top string
	// path is the folder that was asked from, in the tree; "." is its root.
	path    string
	shallow bool
	// sha256 is set where objects are named by SHA-256, else they are by SHA-1.
	sha256   bool
	settings settings
}

// findRepository looks from a folder upwards.
func findRepository(ctx context.Context, dir string) (*repository, error) {
	git, err := findGit(dir)
	if err != nil {
		return nil, err
	}
	answer, err := git.output(ctx, "rev-parse", "--is-bare-repository", "--is-inside-work-tree", "--is-shallow-repository", "--show-object-format", "--absolute-git-dir")
	if err != nil {
		return nil, err
	}
	words := strings.SplitN(answer, "\n", 5)
	if len(words) < 5 {
		return nil, fmt.Errorf("git rev-parse answers %.100q; assay needs git 2.31 or newer", answer)
	}
	r := &repository{git: git, path: ".", shallow: words[2] == "true", sha256: words[3] == "sha256"}
	switch {
	case words[1] == "true":
		if err := r.locate(ctx); err != nil {
			return nil, err
		}
	case words[0] != "true": // inside .git
		r.git.dir = strings.TrimSuffix(words[4], "\n")
	}
	r.settings, err = r.readSettings(ctx)
	return r, err
}

// locate finds the worktree's folder, and where in it one stands. A name may
// hold newlines, so that each is asked alone.
func (r *repository) locate(ctx context.Context) error {
	top, err := r.git.output(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	prefix, err := r.git.output(ctx, "rev-parse", "--show-prefix")
	if err != nil {
		return err
	}
	r.top = strings.TrimSuffix(top, "\n")
	r.git.dir = r.top
	r.path = path.Clean(strings.TrimSuffix(prefix, "\n"))
	return nil
}

// errUnknown says that a revision is not in the repository.
var errUnknown = errors.New("the repository does not have it")

// resolve is the commit that a revision names, or errUnknown.
func (r *repository) resolve(ctx context.Context, name string) (string, error) {
	if problem := misspelt(name); problem != "" {
		return "", &UsageError{Problem: fmt.Sprintf("%.100q is no revision: it %s", name, problem)}
	}
	answer, err := r.git.output(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
	var failure *gitError
	switch {
	case err == nil:
		return strings.TrimSuffix(answer, "\n"), nil
	case !errors.As(err, &failure):
		return "", err
	case strings.Contains(failure.all, "is ambiguous"):
		return "", &UsageError{Problem: fmt.Sprintf("%q means several objects", name), Hint: "write more of the hash"}
	case strings.Contains(failure.all, "expected commit type"):
		return "", &UsageError{Problem: fmt.Sprintf("%q names an object that is no commit", name), Hint: "name a branch, a tag of a commit, or a commit"}
	case failure.code == 1, strings.Contains(failure.all, "Needed a single revision"):
		return "", errUnknown
	}
	return "", err
}

// longestRevision is the greatest length of a revision's name, in bytes.
const longestRevision = 1000

// misspelt says why a text cannot be a revision; empty when it may be one.
func misspelt(name string) string {
	switch {
	case name == "":
		return "is empty"
	case strings.HasPrefix(name, "-"):
		return "begins like a flag"
	case len(name) > longestRevision:
		return fmt.Sprintf("has more than %d characters", longestRevision)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "has control characters"
	}
	return ""
}

// mergeBase is the commit from which two commits went apart; empty when the
// repository knows none.
func (r *repository) mergeBase(ctx context.Context, one, other string) (string, error) {
	answer, err := r.git.output(ctx, "merge-base", "--end-of-options", one, other)
	var failure *gitError
	switch {
	case err == nil:
		base, _, _ := strings.Cut(answer, "\n")
		return base, nil
	case errors.As(err, &failure) && failure.code == 1:
		return "", nil
	}
	return "", err
}

// fullName is the reference that a name stands for; empty for a commit's hash
// and the like.
func (r *repository) fullName(ctx context.Context, name string) (string, error) {
	answer, err := r.git.output(ctx, "rev-parse", "--symbolic-full-name", "--verify", "--quiet", "--end-of-options", name)
	var failure *gitError
	if err != nil && !errors.As(err, &failure) {
		return "", err
	}
	line, _, _ := strings.Cut(answer, "\n")
	return line, nil
}

// target is what a symbolic reference points to; empty when it is none.
func (r *repository) target(ctx context.Context, name string) (string, error) {
	answer, err := r.git.output(ctx, "symbolic-ref", "--quiet", name)
	var failure *gitError
	if err != nil && !errors.As(err, &failure) {
		return "", err
	}
	return strings.TrimSuffix(answer, "\n"), nil
}
