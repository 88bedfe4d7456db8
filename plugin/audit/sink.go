package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// Entry is what a [Sink] takes of one verdict.
type Entry struct {
	Record Record
	// Manifests are the sealed bytes of an allowed verdict, with its Secrets, and
	// Hidden the values that no text shows; for sinks that keep manifests alone.
	Manifests []byte
	Hidden    []string
}

// Sink takes verdicts without making anybody wait: what it does with them, it
// does beside the answers, and what fails there changes no verdict.
type Sink struct {
	options SinkOptions
	waiting chan Entry
	ended   chan struct{}

	mu     sync.Mutex
	closed bool

	taken, failed, held atomic.Int64
	// lost is how many were lost since the log was told.
	lost int64
}

// SinkOptions configure a [Sink].
type SinkOptions struct {
	// What names it in messages: "the audit log".
	What string
	// Take does what the sink is for. It is called for one entry after another.
	Take func(ctx context.Context, entry Entry) error
	// Manifests is set when Take wants them.
	Manifests bool
	// Log hears when entries begin to be lost, and when they no longer are.
	Log *slog.Logger
	// Waiting is how many entries may wait; below one it is 256.
	Waiting int
}

const (
	defaultWaiting = 256
	// mostHeld bounds the manifests that wait, in bytes; a record beyond it goes
	// without.
	mostHeld = 64 << 20
)

// errFull is the reason why an entry was lost that nobody tried to write.
var errFull = errors.New("too many wait to be written")

// NewSink makes a sink: Run it, and Close it to have everything written that
// waits.
func NewSink(options SinkOptions) *Sink {
	if options.Waiting < 1 {
		options.Waiting = defaultWaiting
	}
	return &Sink{options: options, waiting: make(chan Entry, options.Waiting), ended: make(chan struct{})}
}

// Run takes what comes until the sink is closed and nothing waits. The context
// bounds the writing, not the waiting: it ends when nothing can be written any
// more.
func (s *Sink) Run(ctx context.Context) {
	defer close(s.ended)
	for entry := range s.waiting {
		s.held.Add(-int64(len(entry.Manifests)))
		s.tell(s.try(ctx, entry))
	}
}

// Close ends [Sink.Run] once everything is written that waits, or when the time
// is over.
func (s *Sink) Close(within time.Duration) {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.waiting)
	}
	s.mu.Unlock()
	select {
	case <-s.ended:
	case <-time.After(within):
	}
}

// put gives the sink an entry, and never waits.
func (s *Sink) put(entry Entry) {
	size := int64(len(entry.Manifests))
	if !s.options.Manifests || s.held.Load()+size > mostHeld {
		entry.Manifests, entry.Hidden, size = nil, nil, 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		s.failed.Add(1)
		return
	}
	select {
	case s.waiting <- entry:
		s.held.Add(size)
	default:
		s.failed.Add(1)
		s.lose(errFull)
	}
}

func (s *Sink) try(ctx context.Context, entry Entry) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("it stopped: %v", cause)
		}
	}()
	return s.options.Take(ctx, entry)
}

func (s *Sink) tell(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failed.Add(1)
		s.lose(err)
		return
	}
	s.taken.Add(1)
	if s.lost > 0 {
		s.options.Log.Info(s.options.What+" is written again", "lost", s.lost)
		s.lost = 0
	}
}

// Lost counts what a sink could not do later of what it took, and tells the log
// as of any entry.
func (s *Sink) Lost(err error) { s.tell(err) }

// lose tells the log once, and counts until something is written again.
func (s *Sink) lose(err error) {
	if s.lost++; s.lost == 1 {
		s.options.Log.Error(s.options.What+" could not be written; verdicts do not depend on it, and this is said once", "problem", err.Error())
	}
}

// Taken counts entries that were written.
func (s *Sink) Taken() int64 { return s.taken.Load() }

// Failed counts entries that were lost.
func (s *Sink) Failed() int64 { return s.failed.Load() }

// Recorder gives the record of every verdict to its sinks.
type Recorder struct {
	// About says what verdicts do not say of themselves.
	About func(v *plugin.Verdict) About
	Sinks []*Sink
	// Log hears of a record that could not be made.
	Log *slog.Logger
}

// Tell takes a verdict after it is decided. It waits for nothing and never
// panics: the answer does not depend on it.
func (r *Recorder) Tell(v *plugin.Verdict) {
	defer func() {
		if cause := recover(); cause != nil {
			for _, sink := range r.Sinks {
				sink.failed.Add(1)
			}
			r.Log.Error("the record of a verdict could not be made", "problem", fmt.Sprint(cause))
		}
	}()
	entry := Entry{Record: From(v, r.About(v))}
	if manifests, err := v.Manifests(); err == nil {
		entry.Manifests, entry.Hidden = manifests, v.Hidden()
	}
	for _, sink := range r.Sinks {
		sink.put(entry)
	}
}
