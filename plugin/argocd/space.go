package argocd

import (
	"context"
	"errors"
	"sync"
)

// block is what the smallest file takes on a disk, in bytes.
const block = 4096

// space is the room of the work folder in bytes: for archives on their way, for
// what is unpacked, and for trees that wait for the next application.
type space struct {
	mu    sync.Mutex
	total int64
	used  int64
	// freed is closed and made anew whenever room is given back.
	freed chan struct{}
	// evict removes what nobody uses; it reports whether there was something.
	evict func() bool
}

var errNoRoom = errors.New("other repositories fill it")

func newSpace(total int64, evict func() bool) *space {
	return &space{total: total, freed: make(chan struct{}), evict: evict}
}

// take takes room if there is some, or can be made.
func (s *space) take(bytes int64) error {
	for {
		s.mu.Lock()
		if s.used+bytes <= s.total {
			s.used += bytes
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		if !s.evict() {
			return noDisk(errNoRoom)
		}
	}
}

// await takes room, and waits for it at most until the caller's deadline.
func (s *space) await(ctx context.Context, bytes int64) error {
	for {
		s.mu.Lock()
		freed := s.freed
		s.mu.Unlock()
		err := s.take(bytes)
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

func (s *space) give(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= bytes
	close(s.freed)
	s.freed = make(chan struct{})
}
