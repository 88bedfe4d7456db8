package revision

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// settings are what the repository's configuration says about remotes.
type settings struct {
	// urls are by remote, in the order of the configuration.
	urls map[string][]string
	// remotes are their names, in that order.
	remotes []string
	// instead are the beginnings that another one is written for.
	instead []rewriting
	// upstream is by local branch: the branch of the remote that it follows.
	upstream map[string]string
	partial  bool
}

// rewriting is url.<base>.insteadOf (git-config).
type rewriting struct{ written, base string }

func (r *repository) readSettings(ctx context.Context) (settings, error) {
	known := settings{urls: map[string][]string{}, upstream: map[string]string{}}
	answer, err := r.git.output(ctx, "config", "--includes", "--null", "--get-regexp",
		`^(remote\..*\.(url|promisor|partialclonefilter)|url\..*\.insteadof|branch\..*\.merge|extensions\.partialclone)$`)
	var failure *gitError
	if errors.As(err, &failure) && failure.code == 1 { // nothing is set
		return known, nil
	}
	if err != nil {
		return known, err
	}
	for pair := range strings.SplitSeq(answer, "\x00") {
		key, value, _ := strings.Cut(pair, "\n")
		known.note(key, value)
	}
	slices.SortStableFunc(known.instead, func(a, b rewriting) int { return len(b.written) - len(a.written) })
	return known, nil
}

// note takes one setting. Git writes section and name in lower case.
func (s *settings) note(key, value string) {
	section, rest, _ := strings.Cut(key, ".")
	dot := strings.LastIndexByte(rest, '.')
	if dot < 0 {
		s.partial = s.partial || section == "extensions"
		return
	}
	middle, name := rest[:dot], rest[dot+1:]
	switch {
	case section == "remote" && name == "url":
		if len(s.urls[middle]) == 0 {
			s.remotes = append(s.remotes, middle)
		}
		s.urls[middle] = append(s.urls[middle], value)
	case section == "remote":
		s.partial = true
	case section == "url":
		s.instead = append(s.instead, rewriting{written: value, base: middle})
	case section == "branch":
		if branch, is := strings.CutPrefix(value, "refs/heads/"); is {
			s.upstream[middle] = branch
		}
	}
}

// addresses are the normal forms of the remotes' URLs, as they are written and
// as git rewrites them, sorted.
func (s *settings) addresses() []string {
	var found []string
	for _, urls := range s.urls {
		for _, written := range urls {
			found = append(found, NormalizeURL(written), NormalizeURL(s.rewritten(written)))
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	return slices.DeleteFunc(found, func(each string) bool { return each == "" })
}

// rewritten is a URL with its longest beginning replaced that has another.
func (s *settings) rewritten(written string) string {
	for _, each := range s.instead {
		if rest, is := strings.CutPrefix(written, each.written); is && each.written != "" {
			return each.base + rest
		}
	}
	return written
}

// remote is the remote that one fetches from when nothing else is said.
func (s *settings) remote() string {
	if len(s.remotes) == 0 || slices.Contains(s.remotes, "origin") {
		return "origin"
	}
	return s.remotes[0]
}

// branches are the names of branches that the reference of a name stands for.
func (s *settings) branches(full string) []string {
	if branch, is := strings.CutPrefix(full, "refs/heads/"); is {
		names := []string{branch}
		if upstream := s.upstream[branch]; upstream != "" && upstream != branch {
			names = append(names, upstream)
		}
		return names
	}
	rest, is := strings.CutPrefix(full, "refs/remotes/")
	if !is {
		return nil
	}
	best := ""
	for _, remote := range append([]string{"origin"}, s.remotes...) {
		if branch, below := strings.CutPrefix(rest, remote+"/"); below && (best == "" || len(branch) < len(best)) {
			best = branch
		}
	}
	if best == "" || best == "HEAD" {
		return nil
	}
	return []string{best, rest}
}
