package argocd

import (
	"context"
	"errors"
	"sync"
)

// block is what the smallest file takes on a disk, in bytes.
const block = 4096

// space is the room of the work folder in bytes: for archives on their way, for
// what is unpacked, and for trees that wait for the next application. No project
// gets all of it: large repositories of one hold up that project alone.
type space struct {
	total, most int64

	mu   sync.Mutex
	used int64
	held map[string]int64 // by project
	// freed is closed and made anew whenever room is given back.
	freed chan struct{}
	// evict removes what nobody uses; it reports whether there was something.
	evict func() bool
}

var errNoRoom = errors.New("other repositories, or those of the same AppProject, fill it")

// newSpace makes room for one project's most, and half of that for the others.
func newSpace(most int64, evict func() bool) *space {
	return &space{total: most + most/2, most: most, held: map[string]int64{}, freed: make(chan struct{}), evict: evict}
}

// take takes room if there is some, or can be made.
func (s *space) take(project string, bytes int64) error {
	for !s.taken(project, bytes) {
		if !s.evict() {
			return noDisk(errNoRoom)
		}
	}
	return nil
}

func (s *space) taken(project string, bytes int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used+bytes > s.total || s.held[project]+bytes > s.most {
		return false
	}
	s.used += bytes
	s.held[project] += bytes
	return true
}

// next is closed when room is given back.
func (s *space) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.freed
}

// await takes room, and waits for it at most until the caller's deadline.
func (s *space) await(ctx context.Context, project string, bytes int64) error {
	for {
		freed := s.next()
		err := s.take(project, bytes)
		if err == nil {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}

func (s *space) give(project string, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= bytes
	if s.held[project] -= bytes; s.held[project] == 0 {
		delete(s.held, project)
	}
	close(s.freed)
	s.freed = make(chan struct{})
}
