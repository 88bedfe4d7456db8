package revision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// mostReferences bounds the names among which a near one is looked for.
const mostReferences = "20000"

// explain says of an error what it means and what to do. Errors that say so
// themselves pass.
func explain(err error, repository *repository, name string) error {
	var usage *UsageError
	var told *plugin.StageError
	if errors.As(err, &usage) || errors.As(err, &told) || errors.Is(err, errCramped) {
		return err
	}
	subject := fmt.Sprintf("opening %.200q", name)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return noAnswer(subject, "", err)
	}
	if errors.Is(err, errNoProgram) {
		return noAnswer(subject, "install git and see that it is on the PATH; two folders are compared without it", err)
	}
	said := err.Error()
	var failure *gitError
	if errors.As(err, &failure) {
		said = failure.all
	}
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(said, part) })
	}
	switch {
	case has("not a git repository"):
		return &UsageError{
			Problem: fmt.Sprintf("%.200q is no folder here, and this is no git repository that could have it as a revision", name),
			Hint:    "go to the repository, or name two folders",
		}
	case has("dubious ownership"):
		return noAnswer(subject, "if you trust who owns it: git config --global --add safe.directory <the repository's folder>", err)
	case has("safe.bareRepository"):
		return noAnswer(subject, "the setting safe.bareRepository forbids bare repositories; compare in a clone of it with a worktree", err)
	case has("promisor remote", "lazy fetching disabled"), repository != nil && repository.settings.partial && errors.Is(err, errMissing):
		return noAnswer(subject, "this is a partial clone, and nothing is fetched while comparing: run git fetch --refetch --no-filter "+remoteOf(repository)+", or clone without --filter (actions/checkout: leave out filter and sparse-checkout)", err)
	case errors.Is(err, errMissing), has("is corrupt", "inflate", "object file", "unable to read", "unable to stream", "bad object", "not a tree object", "tree entry", "tree data", "corrupted", "unpack"):
		return noAnswer(subject, "the repository is damaged: run git fsck, and clone it anew if that finds errors", err)
	}
	return noAnswer(subject, "run git status in the same folder to see whether git can read the repository; assay needs git 2.31 or newer", err)
}

func remoteOf(repository *repository) string {
	if repository == nil {
		return "origin"
	}
	return repository.settings.remote()
}

// explainRevision says what to do about a revision that is not there.
func explainRevision(ctx context.Context, err error, repository *repository, name string) error {
	if !errors.Is(err, errUnknown) {
		return err
	}
	names, problem := repository.references(ctx)
	if problem != nil {
		return problem
	}
	remote := repository.settings.remote()
	switch {
	case name == "HEAD" || name == "@":
		return &UsageError{Problem: "the branch that is checked out has no commit yet", Hint: "commit first, or compare with another revision"}
	case slices.Contains(names, remote+"/"+name):
		return &UsageError{Problem: fmt.Sprintf("there is no revision %.200q here; the remote's branch is %q", name, remote+"/"+name), Hint: "write " + remote + "/" + name}
	case repository.shallow:
		return noAnswer(fmt.Sprintf("opening %.200q", name), fetchInto(remote, name), errors.New("the clone is shallow and does not have it"))
	}
	hint := "git branch --all and git tag list what there is"
	if len(repository.settings.remotes) > 0 {
		hint += "; " + fetchInto(remote, name)
	}
	return &UsageError{Problem: fmt.Sprintf("there is no revision %.200q%s", name, plugin.Nearest(name, names)), Hint: hint}
}

// fetchInto says how a revision that is missing is fetched.
func fetchInto(remote, name string) string {
	branch := strings.TrimPrefix(strings.TrimPrefix(name, "refs/heads/"), remote+"/")
	if hexadecimal.MatchString(name) {
		return fmt.Sprintf("fetch it first: git fetch --depth=1 %s %s (actions/checkout: fetch-depth: 0; GitLab CI: GIT_DEPTH: 0)", remote, name)
	}
	if strings.ContainsAny(branch, "~^@{}: '\"$`;&|<>\\") {
		return "fetch the history first: git fetch --unshallow " + remote + " (actions/checkout: fetch-depth: 0; GitLab CI: GIT_DEPTH: 0)"
	}
	return fmt.Sprintf("fetch it first: git fetch --depth=1 %[1]s %[2]s:refs/remotes/%[1]s/%[2]s, and compare with %[1]s/%[2]s (actions/checkout: fetch-depth: 0; GitLab CI: GIT_DEPTH: 0)", remote, branch)
}

// explainApart says what to do when two commits have no merge base here.
func explainApart(repository *repository, one, other string) error {
	subject := fmt.Sprintf("the merge base of %.200q and %.200q", one, other)
	if repository.shallow {
		return noAnswer(subject, deeper(repository, one), errors.New("the clone is shallow and does not have it"))
	}
	return &UsageError{Problem: "there is none: " + subject + " would be a commit that both come from", Hint: "compare the two directly, without a merge base"}
}

// deeper says how more of the history is fetched.
func deeper(repository *repository, name string) string {
	remote := repository.settings.remote()
	branch := strings.TrimPrefix(name, remote+"/")
	return fmt.Sprintf("fetch more of the history: git fetch --deepen=100 %s %s, or all of it: git fetch --unshallow %s (actions/checkout: fetch-depth: 0; GitLab CI: GIT_DEPTH: 0)", remote, branch, remote)
}

// references are the short names of branches and tags.
func (r *repository) references(ctx context.Context) ([]string, error) {
	answer, err := r.git.output(ctx, "for-each-ref", "--count="+mostReferences, "--format=%(refname)", "refs/heads", "refs/tags", "refs/remotes")
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(answer) {
		name := strings.TrimSuffix(line, "\n")
		for _, prefix := range []string{"refs/heads/", "refs/tags/", "refs/remotes/"} {
			name = strings.TrimPrefix(name, prefix)
		}
		names = append(names, name)
	}
	return names, nil
}
