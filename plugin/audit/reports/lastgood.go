package reports

import (
	"cmp"
	"context"
	"fmt"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
)

// Judge answers about one application. plugin/setup has the one that counts.
type Judge interface {
	Judge(ctx context.Context, source plugin.Source) *plugin.Verdict
}

// Tried is one verdict of the past, and what is made of it now.
type Tried struct {
	Record audit.Record
	// Now is what the gate says of the same manifests now; nil when the revision
	// did not pass then, or when Problem is set.
	Now *plugin.Verdict
	// Problem is why there was nothing to judge again.
	Problem error
}

// Passes reports whether the revision passes now.
func (t Tried) Passes() bool { return t.Problem == nil && t.Now.Allowed() }

// Undecided reports whether the revision passed then and nothing is known of now.
func (t Tried) Undecided() bool {
	return t.Problem != nil || t.Now != nil && t.Now.Outcome() == plugin.Unanswered
}

// Standing is one source of an application: its revisions, the newest first, up to
// the first that passes now.
type Standing struct {
	Repository, Path string
	Tried            []Tried
}

// Good is the newest revision that passes; false when none does.
func (s Standing) Good() (Tried, bool) {
	if len(s.Tried) == 0 || !s.Tried[len(s.Tried)-1].Passes() {
		return Tried{}, false
	}
	return s.Tried[len(s.Tried)-1], true
}

// LastGood judges what passed once again, by a judge of today, the newest first,
// until something passes: for each source of the application that is still one of
// its. Manifests are judged as they were sealed, without rendering anything; values
// of Secrets are not in them.
func LastGood(ctx context.Context, history []audit.Record, sealed func(ctx context.Context, digest string) ([]byte, error), judge Judge) []Standing {
	var standings []Standing
	for _, last := range current(append([]audit.Record{}, history...)) {
		standing := Standing{Repository: last.Repository, Path: cmp.Or(last.RepositoryPath, last.Path)}
		judged := map[string]bool{}
		for _, record := range newest(append([]audit.Record{}, history...)) {
			once := record.Revision + "\x00" + record.Sealed
			if source(record) != source(last) || judged[once] {
				continue
			}
			judged[once] = true
			tried := Tried{Record: record}
			if record.Outcome == plugin.Allowed {
				tried = again(ctx, record, sealed, judge)
			}
			standing.Tried = append(standing.Tried, tried)
			if tried.Passes() {
				break
			}
		}
		standings = append(standings, standing)
	}
	return standings
}

// again judges what was sealed.
func again(ctx context.Context, record audit.Record, sealed func(ctx context.Context, digest string) ([]byte, error), judge Judge) Tried {
	tried := Tried{Record: record}
	manifests, err := sealed(ctx, record.Sealed)
	switch {
	case err != nil:
		tried.Problem = fmt.Errorf("its manifests cannot be judged again: %w", err)
		return tried
	case len(manifests) == 0:
		tried.Problem = fmt.Errorf("its manifests cannot be judged again: %w", ErrNotKept)
		return tried
	}
	tried.Now = judge.Judge(ctx, plugin.Source{
		Path: cmp.Or(record.Path, "."), RepositoryPath: record.RepositoryPath, Revision: record.Revision, Rendered: manifests,
		Application: plugin.Application{
			Name: record.Application, Project: record.Project, SourceNamespace: record.SourceNamespace, Namespace: record.Namespace, Repository: record.Repository,
		},
	})
	if tried.Now == nil { // a judge that says nothing denies
		tried.Now = &plugin.Verdict{}
	}
	return tried
}
