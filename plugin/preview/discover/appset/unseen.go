package appset

import "fmt"

// unseenError says that a generator asks something that is not in the
// repository. It is no error of the set's: the other generators count.
type unseenError struct{ reason, hint string }

func (e *unseenError) Error() string { return e.reason }

// hintedError carries what to do beside an error.
type hintedError struct {
	err  error
	hint string
}

func (e *hintedError) Error() string { return e.err.Error() }
func (e *hintedError) Unwrap() error { return e.err }

// isUnseen tells of a generator of whose kinds one asks a cluster or the
// network. A matrix or a merge around it cannot be known either.
func (e *expander) isUnseen(requested generator, at string) bool {
	kinds := asking(requested, at)
	for _, kind := range kinds {
		e.problem(kind.reason, kind.hint)
	}
	if len(kinds) == 0 && !requested.hasKind() {
		e.problem(fmt.Sprintf("%s names no generator that Argo CD 3.5 knows, and gives no Application", at),
			"write list, clusters, git, matrix or merge")
		return true
	}
	return len(kinds) > 0
}

func (g generator) hasKind() bool { return len(g.kinds()) > 0 }

// asking lists the kinds in a generator that cannot be answered from a
// repository.
func asking(requested generator, at string) []*unseenError {
	var found []*unseenError
	add := func(set bool, kind, what string) {
		if set {
			found = append(found, &unseenError{
				reason: fmt.Sprintf("%s.%s asks %s, which is not in the repository: its Applications are not seen", at, kind, what),
				hint:   "look at them in Argo CD, or write a list generator beside it for what should be previewed",
			})
		}
	}
	add(requested.SCMProvider != nil, "scmProvider", "a Git host for its repositories")
	add(requested.ClusterDecisionResource != nil, "clusterDecisionResource", "an object in the cluster")
	add(requested.PullRequest != nil, "pullRequest", "a Git host for its pull requests")
	add(requested.Plugin != nil, "plugin", "a service over the network")
	found = append(found, askingInside(requested.Matrix, at+".matrix")...)
	return append(found, askingInside(requested.Merge, at+".merge")...)
}

func askingInside(inner *combination, at string) []*unseenError {
	if inner == nil {
		return nil
	}
	var found []*unseenError
	for i, child := range inner.Generators {
		found = append(found, asking(child, fmt.Sprintf("%s.generators[%d]", at, i))...)
	}
	return found
}
