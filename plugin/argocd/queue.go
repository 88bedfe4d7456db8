package argocd

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/assay-gitops/assay/plugin"
)

// queue lets a number of applications be judged at once: the repo-server
// bounds what it packs, not what a plugin works on. No project gets more than
// half of the places, and of those who wait the one whose project has the
// fewest is next: a registry that never answers holds up its own project.
type queue struct {
	places, most int

	mu      sync.Mutex
	held    map[string]int // by project
	taken   int
	waiting []*waiter
}

type waiter struct {
	project string
	// turn is closed when the place is the waiter's.
	turn chan struct{}
}

func newQueue(places int) *queue {
	return &queue{places: places, most: max(1, places/2), held: map[string]int{}}
}

// enter waits for a place, at most until the caller's deadline, and returns
// what gives it back.
func (q *queue) enter(ctx context.Context, project string) (func(), error) {
	own := &waiter{project: project, turn: make(chan struct{})}
	q.mu.Lock()
	q.waiting = append(q.waiting, own)
	q.next()
	q.mu.Unlock()
	select {
	case <-own.turn:
		return func() { q.leave(own) }, nil
	case <-ctx.Done():
		q.forget(own)
		return nil, &plugin.StageError{
			Stage: stage, Subject: "the application in the queue", Cause: ctx.Err(),
			Hint: fmt.Sprintf("%d applications are judged at once, half of them of one project at most; give the sidecar more processors and --concurrency, "+
				"or raise Argo CD's repo-server timeout", q.places),
		}
	}
}

// next gives free places to those who wait. The caller holds the lock.
func (q *queue) next() {
	for q.taken < q.places {
		best := -1
		for i, each := range q.waiting {
			if q.held[each.project] < q.most && (best < 0 || q.held[each.project] < q.held[q.waiting[best].project]) {
				best = i
			}
		}
		if best < 0 {
			return
		}
		chosen := q.waiting[best]
		q.waiting = slices.Delete(q.waiting, best, best+1)
		q.taken++
		q.held[chosen.project]++
		close(chosen.turn)
	}
}

func (q *queue) leave(own *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken--
	if q.held[own.project]--; q.held[own.project] == 0 {
		delete(q.held, own.project)
	}
	q.next()
}

// forget ends a wait that was given up. The place may have come meanwhile.
func (q *queue) forget(own *waiter) {
	q.mu.Lock()
	at := slices.Index(q.waiting, own)
	if at >= 0 {
		q.waiting = slices.Delete(q.waiting, at, at+1)
	}
	q.mu.Unlock()
	if at < 0 {
		q.leave(own)
	}
}

// counts are the places that are taken, and those who wait for one.
func (q *queue) counts() (judging, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.taken, len(q.waiting)
}
