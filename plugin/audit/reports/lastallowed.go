package reports

import (
	"context"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
)

// LastAllowed is the newest revision of the verdict's source that passed, other
// than the verdict's own; none when none is kept here. Other sidecars are not
// asked: somebody waits for the answer.
func (s *Store) LastAllowed(_ context.Context, v *plugin.Verdict) (plugin.Passed, error) {
	if v == nil || v.Application.Name == "" || v.Revision == "" {
		return plugin.Passed{}, nil
	}
	records, _, err := s.History(v.Application.Name)
	if err != nil {
		return plugin.Passed{}, err
	}
	same := source(audit.Record{Repository: v.Application.Repository, RepositoryPath: v.RepositoryPath, Path: v.Path})
	var last plugin.Passed
	for _, record := range ofProject(records, v.Application.Project, v.Application.Name) {
		other := record.Revision != "" && record.Revision != v.Revision
		if record.Outcome == plugin.Allowed && other && source(record) == same && record.Time.After(last.Time) {
			last = plugin.Passed{Revision: record.Revision, Time: record.Time}
		}
	}
	return last, nil
}
