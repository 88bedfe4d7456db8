package render

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// errClosed is what those in line are told when the workers end.
var errClosed = errors.New("the workers are closed")

// line is where renderings wait for a process. It is fair between projects: of
// those who wait the one whose project holds the fewest processes is next, so
// that sources that never end hold up their own project. A place that has to
// be started anew is a nil process.
type line struct {
	mu      sync.Mutex
	idle    []*process
	waiting []*inLine
	held    map[string]int // by project
	closed  bool
}

// inLine is one who waits.
type inLine struct {
	project string
	// turn gives the process; it is closed without one when the line is.
	turn chan handed
}

// handed is a process that was handed over.
type handed struct{ worker *process }

func newLine() *line { return &line{held: map[string]int{}} }

// take waits for a process. What was taken is given back with leave, and then
// put, or another one in its place.
func (l *line) take(ctx context.Context, project string) (*process, error) {
	own := &inLine{project: project, turn: make(chan handed, 1)}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, errClosed
	}
	l.waiting = append(l.waiting, own)
	l.next()
	l.mu.Unlock()
	select {
	case given, open := <-own.turn:
		if !open {
			return nil, errClosed
		}
		return given.worker, nil
	case <-ctx.Done():
		l.forget(own)
		return nil, context.Cause(ctx)
	}
}

// next hands out idle processes. The line is locked.
func (l *line) next() {
	for len(l.idle) > 0 && len(l.waiting) > 0 {
		best := 0
		for i, each := range l.waiting {
			if l.held[each.project] < l.held[l.waiting[best].project] {
				best = i
			}
		}
		chosen := l.waiting[best]
		l.waiting = slices.Delete(l.waiting, best, best+1)
		l.held[chosen.project]++
		chosen.turn <- handed{l.idle[0]}
		l.idle = slices.Delete(l.idle, 0, 1)
	}
}

// forget ends a wait that was given up. The process may have come meanwhile.
func (l *line) forget(own *inLine) {
	l.mu.Lock()
	at := slices.Index(l.waiting, own)
	if at >= 0 {
		l.waiting = slices.Delete(l.waiting, at, at+1)
	}
	l.mu.Unlock()
	if at >= 0 {
		return
	}
	if given, open := <-own.turn; open {
		l.leave(own.project)
		l.put(given.worker)
	}
}

// leave takes note that the project holds a process less.
func (l *line) leave(project string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[project]--; l.held[project] <= 0 {
		delete(l.held, project)
	}
}

// put brings a process in; behind the end it is killed.
func (l *line) put(worker *process) {
	l.mu.Lock()
	if !l.closed {
		l.idle = append(l.idle, worker)
		l.next()
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	worker.kill()
}

// close sends everybody away, and returns the processes that nobody holds.
func (l *line) close() []*process {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, each := range l.waiting {
		close(each.turn)
	}
	idle := l.idle
	l.waiting, l.idle = nil, nil
	return idle
}
