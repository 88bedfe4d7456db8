// Package events tells what became of an Application where people look: as
// Kubernetes Events on the object, when the answer changes.
package events

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/cluster"
)

// Writer writes Events. Its methods may be called by several goroutines.
type Writer struct {
	// API is where they are written.
	API *cluster.API
	// Namespace is Argo CD's own, whose Applications have no namespace in their
	// names.
	Namespace string
	// Clock is the time that stands in Events.
	Clock func() time.Time

	mu sync.Mutex
	// told has what was last told of each source of an application.
	told map[string]string
	// waiting are the newest records that are not told yet: of an answer that
	// changes to and fro the last one is told.
	waiting map[string]audit.Record
	// spoken is when an application had its last Event.
	spoken map[string]time.Time
	// left is how many Events may be written at once, as of the time at.
	left float64
	at   time.Time

	written atomic.Int64
}

const (
	// pause is the least time between two Events of one application.
	pause = time.Minute
	// perSecond and burst bound the Events of all applications.
	perSecond, burst = 5, 50
	// mostKnown bounds what is remembered, in sources of applications.
	mostKnown = 20_000
	// longestMessage is what Events may hold (events.k8s.io/v1, note), in bytes.
	longestMessage = 1000
)

// Take remembers what is to be told, and tells what may be told now. The first
// verdict that is heard of an application is told when it is not allowed: what
// was told before the process began is not known.
func (w *Writer) Take(ctx context.Context, entry audit.Entry) error {
	record := entry.Record
	key := record.Application + "\x00" + record.Repository + "\x00" + cmp.Or(record.RepositoryPath, record.Path)
	w.mu.Lock()
	w.begin()
	before, known := w.told[key]
	switch now := state(record); {
	case before == now:
		delete(w.waiting, key)
	case !known && record.Outcome == plugin.Allowed:
		w.told[key] = now
	default:
		w.waiting[key] = record
	}
	w.mu.Unlock()
	return w.Flush(ctx)
}

func (w *Writer) begin() {
	if w.told == nil || len(w.told) > mostKnown {
		w.told = map[string]string{}
	}
	if w.waiting == nil || len(w.waiting) > mostKnown {
		w.waiting = map[string]audit.Record{}
	}
	if w.spoken == nil || len(w.spoken) > mostKnown {
		w.spoken = map[string]time.Time{}
	}
}

// spend takes one of the Events that may be written, if there is one left.
func (w *Writer) spend(now time.Time) bool {
	w.left = min(burst, w.left+now.Sub(w.at).Seconds()*perSecond)
	w.at = now
	if w.left < 1 {
		return false
	}
	w.left--
	return true
}

// state is what an Event tells.
func state(r audit.Record) string { return r.Outcome.String() + "\x00" + r.FirstLine }

// Run tells what waited until it may be told, until the context ends.
func (w *Writer) Run(ctx context.Context, failed func(error)) {
	ticks := time.NewTicker(pause / 6)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			if err := w.Flush(ctx); err != nil {
				failed(err)
			}
		}
	}
}

// Flush tells what waits and may be told now. What the API server refuses is not
// tried again before the next verdict; when it does not answer at all, the rest
// waits.
func (w *Writer) Flush(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin()
	now := w.Clock()
	var problems []error
	for _, key := range w.due(now) {
		record := w.waiting[key]
		if !w.spend(now) {
			break
		}
		err := w.write(ctx, record, now)
		var refused *cluster.Refused
		if err != nil && !errors.As(err, &refused) {
			problems = append(problems, err)
			delete(w.waiting, key)
			break
		}
		delete(w.waiting, key)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		w.told[key], w.spoken[record.Application] = state(record), now
	}
	return errors.Join(problems...)
}

// due are the sources of which something may be told, the oldest first.
func (w *Writer) due(now time.Time) []string {
	var keys []string
	for key, record := range w.waiting {
		if at, spoken := w.spoken[record.Application]; !spoken || now.Sub(at) >= pause {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(w.waiting[a].Time.Compare(w.waiting[b].Time), cmp.Compare(a, b))
	})
	return keys
}

// Written is how many Events were written, or counted up.
func (w *Writer) Written() int64 { return w.written.Load() }
