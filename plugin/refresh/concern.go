package refresh

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// Reason is why an Application is asked. The order is that of asking: an incident
// before policy, policy before what nobody may have changed.
type Reason int

// The reasons, the most urgent first.
const (
	// Withdrawn trust: somebody who vouched for one of its images may not any more.
	Withdrawn Reason = iota
	// Ended is a waiver or break glass that let something pass.
	Ended
	// Changed gate: what the gate says about the application is not what it was
	// judged by.
	Changed
	// Moved tag: the registry says another digest than it did.
	Moved
	// Unknown: nobody has a record of a verdict.
	Unknown
)

// Reasons are all of them, the most urgent first.
func Reasons() []Reason { return []Reason{Withdrawn, Ended, Changed, Moved, Unknown} }

// String is the reason's name in metrics and in the log.
func (r Reason) String() string {
	switch r {
	case Withdrawn:
		return "withdrawn-trust"
	case Ended:
		return "ended-waiver"
	case Changed:
		return "changed-gate"
	case Moved:
		return "moved-tag"
	case Unknown:
		return "no-record"
	}
	return "unknown"
}

// Concern is that an Application is to be asked.
type Concern struct {
	Application Application
	Reason      Reason
	// Words say why, for the log.
	Words string
	// Record is the verdict that could be another one now; its time is zero when
	// there is none.
	Record Record
}

// Gate is what the gate's files say.
type Gate struct {
	Config *gate.Config
	// Digest is over all of it, as sidecars tell theirs.
	Digest string
	// For is the digest of what it says about one application.
	For func(app plugin.Application, paths ...string) string
}

// Moment is what verdicts are compared with.
type Moment struct {
	Gate Gate
	// Moved is the digest that an image's tag means now, where it is followed and
	// means another one than it did; else empty.
	Moved func(Record, Image) string
	Now   time.Time
}

// Concerned says whether the last verdicts about an Application could be others
// now, and the most urgent reason; ok is false when there is none. It talks to
// nobody.
//
// A verdict is taken to be the same while the gate says the same about the
// application (gate.Digests), while no exception that it rests on has ended, and
// while no tag that is followed has moved. Whether a change of the gate would
// really give another answer is not found out: the rendering would be needed, and
// finding it out is what asking is for.
func (m Moment) Concerned(app Application, records []Record) (Concern, bool) {
	if app.Leaving {
		return Concern{}, false
	}
	var found []Concern
	for _, source := range app.Sources {
		if concern, concerned := m.source(app, source, records); concerned {
			concern.Application = app
			found = append(found, concern)
		}
	}
	if len(found) == 0 {
		return Concern{}, false
	}
	return slices.MinFunc(found, func(a, b Concern) int { return cmp.Compare(a.Reason, b.Reason) }), true
}

// source looks at one source.
func (m Moment) source(app Application, source Source, records []Record) (Concern, bool) {
	record, known := lastOf(app, source, records)
	if !known {
		return Concern{Reason: Unknown, Words: "there is no record of a verdict about " + source.words()}, true
	}
	concern := Concern{Record: record}
	differs := record.Gate != m.Gate.For(app.judgedAs(record), record.Path, record.RepositoryPath)
	if differs {
		for _, image := range record.Images {
			if concern.Words = withdrawn(m.Gate.Config, image); concern.Words != "" {
				concern.Reason = Withdrawn
				return concern, true
			}
		}
	}
	for _, exception := range record.Exceptions {
		if exception.endedSince(record.At, m.Now) {
			concern.Reason, concern.Words = Ended, fmt.Sprintf("%s ended at %s", exception.Name, exception.Until.UTC().Format(time.RFC3339))
			return concern, true
		}
	}
	if differs {
		concern.Reason, concern.Words = Changed, "the gate says something else about it than when it was judged"
		return concern, true
	}
	for _, image := range record.Images {
		if digest := m.Moved(record, image); digest != "" {
			concern.Reason, concern.Words = Moved, fmt.Sprintf("%s:%s is %s now, and was %s", image.Repository, image.Tag, digest, image.Followed)
			return concern, true
		}
	}
	return Concern{}, false
}

// endedSince reports whether it held when something was judged, and does not any
// more.
func (e Exception) endedSince(judged, now time.Time) bool {
	return !e.Until.IsZero() && now.After(e.Until) && !judged.After(e.Until)
}

// lastOf is the last record of a source: of the revision that Argo CD compares
// with the cluster, where there is one. Whoever may look at an Application may
// have any other revision of it rendered (argocd app manifests --revision), which
// says nothing about the manifests that Argo CD keeps. An Application with one
// source has its records, whatever they say of the repository: a source that was
// just changed is rendered without being asked.
func lastOf(app Application, source Source, records []Record) (Record, bool) {
	var found Record
	known := false
	for _, record := range records {
		if len(app.Sources) > 1 && !source.is(record) {
			continue
		}
		compared, before := record.Revision == source.Revision, found.Revision == source.Revision
		if !known || compared && !before || compared == before && record.At.After(found.At) {
			found, known = record, true
		}
	}
	return found, known
}

func (s Source) is(record Record) bool {
	folder := cmp.Or(record.RepositoryPath, record.Path)
	return s.Repository == record.Application.Repository && path.Clean(s.Path) == path.Clean(folder)
}

func (s Source) words() string {
	if s.Path == "" {
		return s.Repository
	}
	return s.Repository + " " + s.Path
}
