package refresh

import (
	"cmp"
	"slices"
	"time"
)

// The pauses between two times that one Application is asked without a new record
// in between: they double up to the longest.
const longestPause = 6 * time.Hour

// plan is what a round has found out.
type plan struct {
	// asks are in the order of asking.
	asks []Concern
	// concerned counts Applications by reason, those that wait included.
	concerned map[Reason]int
	// pending have the annotation and wait for Argo CD.
	pending int
	// held are concerned, and are not asked before the sidecars judge by the same
	// gate.
	held int
	// silent are those that were asked and taken up by Argo CD, and of which no new
	// record came within the first pause.
	silent int
}

// situation is what a plan is made from.
type situation struct {
	Moment

	applications []Application
	// same is set when every sidecar that answered judges by this gate, and complete
	// when every one answered.
	same, complete bool
}

// plan says who is to be asked.
func (r *Refresher) plan(s situation) plan {
	made := plan{concerned: map[Reason]int{}}
	records := r.memory.byInstance()
	for _, app := range s.applications {
		concern, concerned := s.Concerned(app, records[app.Instance])
		if !concerned || concern.Reason == Unknown && (!s.complete || s.Now.Sub(app.Created) < r.options.Pause) {
			continue
		}
		made.concerned[concern.Reason]++
		was := r.memory.asked[app.key()]
		if !app.Pending && r.silent(was, concern, s.Now) {
			made.silent++
		}
		switch {
		case app.Pending:
			made.pending++
		case !s.same && (concern.Reason == Withdrawn || concern.Reason == Changed):
			made.held++
		case s.Now.Before(r.refused[app.key()].until):
		case r.pausing(was, concern, s.Now):
		default:
			made.asks = append(made.asks, concern)
		}
	}
	slices.SortFunc(made.asks, func(a, b Concern) int {
		return cmp.Or(
			cmp.Compare(a.Reason, b.Reason), cmp.Compare(r.memory.asked[a.Application.key()].Tries, r.memory.asked[b.Application.key()].Tries),
			cmp.Compare(a.Application.String(), b.Application.String()),
		)
	})
	return made
}

// silent reports whether an Application was asked, and no new record came of it
// within the first pause. It stays so while it waits to be asked again.
func (r *Refresher) silent(was asked, concern Concern, now time.Time) bool {
	if was.Tries == 0 || concern.Record.At.After(was.At) {
		return false
	}
	return was.Tries > 1 || !now.Before(was.At.Add(r.options.Pause))
}

// pausing reports whether an Application was asked too short a time ago. Withdrawn
// trust does not wait for what was asked for another reason.
func (r *Refresher) pausing(was asked, concern Concern, now time.Time) bool {
	if was.At.IsZero() || concern.Reason == Withdrawn && was.Reason != Withdrawn {
		return false
	}
	tries := was.Tries
	if concern.Record.At.After(was.At) {
		tries = 1 // it was answered, and is concerned again
	}
	return now.Before(was.At.Add(min(r.options.Pause<<min(max(tries-1, 0), 20), longestPause)))
}
