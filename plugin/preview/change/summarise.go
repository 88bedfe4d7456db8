package change

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// Header is what a report says besides its applications.
type Header struct {
	Base, Head Side
	// At is the time by which both sides were judged.
	At time.Time
	// Gates are the names of all gates that judged.
	Gates []string
	// Unaffected counts the applications that were not judged, as nothing that
	// their renderings read changed.
	Unaffected int
	Unseen     []Unseen
}

// Summarise orders and counts. Applications without any difference are listed
// only where the head is not allowed.
func Summarise(header Header, applications []Application) Report {
	report := Report{
		Schema: Schema, Base: header.Base, Head: header.Head, At: header.At.UTC(), Applications: []Application{},
		Gates: slices.Compact(slices.Sorted(slices.Values(header.Gates))), Unseen: slices.Clone(header.Unseen),
	}
	if report.Gates == nil {
		report.Gates = []string{}
	}
	report.Summary.Unaffected = header.Unaffected
	for _, app := range applications {
		report.Summary.count(app)
		if app.Status != Same || app.After == nil || app.After.Outcome != plugin.Allowed {
			report.Applications = append(report.Applications, app)
		}
	}
	slices.SortStableFunc(report.Applications, compareApplications)
	slices.SortStableFunc(report.Unseen, func(a, b Unseen) int {
		return cmp.Or(cmp.Compare(a.Application, b.Application), cmp.Compare(a.What, b.What), cmp.Compare(a.Origin.String(), b.Origin.String()), cmp.Compare(a.Reason, b.Reason))
	})
	return report
}

func (s *Summary) count(app Application) {
	switch app.Status {
	case Added:
		s.Added++
	case Removed:
		s.Removed++
	case Changed:
		s.Changed++
	case Renamed:
		s.Renamed++
	case Same:
		s.Same++
	}
	if app.After != nil {
		switch app.After.Outcome {
		case plugin.Denied:
			s.Denied++
		case plugin.Unanswered:
			s.Undetermined++
		case plugin.Allowed:
		}
	}
	s.Rollouts += len(app.Rollouts)
	s.Objects.Added += app.Beyond.Added
	s.Objects.Changed += app.Beyond.Changed
	s.Objects.Removed += app.Beyond.Removed
	for _, object := range app.Objects {
		s.Objects.add(object.Status)
	}
	for _, image := range app.Images {
		s.Images.add(image.Status)
	}
	for _, finding := range app.Findings {
		s.finding(finding)
	}
}

func (s *Summary) finding(finding Finding) {
	switch {
	case finding.State == New && denies(finding.Finding):
		s.NewDenials++
	case finding.State == New && finding.Level == plugin.Undetermined:
		s.NewUndetermined++
	case finding.Level == plugin.Info:
	case finding.State == Fixed:
		s.Fixed++
	case finding.State == Still:
		s.Still++
	}
}

func (c *Counts) add(status Status) {
	switch status {
	case Added:
		c.Added++
	case Removed:
		c.Removed++
	case Changed, Renamed:
		c.Changed++
	case Same:
	}
}

// compareApplications puts the most important first: new denials, then what has
// no answer, then by how much changes, then by name.
func compareApplications(a, b Application) int {
	x, y := weigh(a), weigh(b)
	return cmp.Or(
		cmp.Compare(y.denials, x.denials), cmp.Compare(y.unanswered, x.unanswered), cmp.Compare(y.changes, x.changes),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Origin.File, b.Origin.File),
		cmp.Compare(strings.Join(a.Parents, "\n"), strings.Join(b.Parents, "\n")), cmp.Compare(a.Origin.Line, b.Origin.Line),
	)
}

// weight is how much of a reader's time an application is worth.
type weight struct{ denials, unanswered, changes int }

func weigh(app Application) weight {
	const perWeaker, perImage, perRollout = 100, 10, 5
	w := weight{changes: len(app.Objects) + app.Omitted + perRollout*len(app.Rollouts)}
	for _, finding := range app.Findings {
		switch {
		case finding.State == New && denies(finding.Finding):
			w.denials++
		case finding.State == New && finding.Level == plugin.Undetermined:
			w.unanswered++
		}
	}
	if app.After != nil && app.After.Outcome == plugin.Unanswered {
		w.unanswered++
	}
	for _, image := range app.Images {
		if image.Weaker {
			w.changes += perWeaker
		}
		if image.Status != Same {
			w.changes += perImage
		}
	}
	return w
}
