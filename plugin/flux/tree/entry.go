package tree

import (
	"context"
	"fmt"
	"sync"
)

// entry is one artifact: on its way, unpacked, or refused for good.
type entry struct {
	key    string
	from   wanted
	cancel context.CancelFunc
	users  int
	// ready is closed when folder or err is set.
	ready  chan struct{}
	done   bool
	folder string
	err    error
	// bytes is the room that it takes; the fetch alone writes it until ready.
	bytes int64
}

// enter joins the artifact that is here or on its way, or sets out to fetch it.
// It returns nil when the store is closed.
func (s *Store) enter(from wanted) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	key := from.key()
	if found := s.known[key]; found != nil {
		found.users++
		s.idle = without(s.idle, found)
		return found
	}
	// The work belongs to everybody who waits for it, not to the first caller.
	ctx, cancel := context.WithTimeout(context.Background(), s.options.Timeout)
	made := &entry{key: key, from: from, cancel: cancel, users: 1, ready: make(chan struct{})}
	s.known[key] = made
	s.fetched++
	s.work.Go(func() { s.deliver(ctx, made) })
	return made
}

// deliver fetches one artifact and tells those who wait for it.
func (s *Store) deliver(ctx context.Context, one *entry) {
	defer one.cancel()
	made, err := s.recovered(ctx, one)
	s.mu.Lock()
	one.folder, one.err, one.done = made, err, true
	if err != nil {
		s.room.give(one.bytes)
		one.bytes = 0
		if !isRefusal(err) { // whoever comes next tries again
			s.forget(one)
		}
	}
	gone := s.rest(one)
	s.mu.Unlock()
	close(one.ready)
	s.remove(gone)
}

// recovered turns a panic over an artifact into a refusal of it.
func (s *Store) recovered(ctx context.Context, one *entry) (made string, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			made, err = "", badArchive(fmt.Sprintf("an internal error of assay: %v", broken), nil)
		}
	}()
	return s.write(ctx, one)
}

// leave gives an artifact back.
func (s *Store) leave(one *entry) {
	s.mu.Lock()
	one.users--
	if one.users == 0 && !one.done { // nobody waits any more
		s.forget(one)
		one.cancel()
	}
	gone := s.rest(one)
	s.mu.Unlock()
	s.remove(gone)
}

// forget makes the next caller start anew. The caller holds the lock.
func (s *Store) forget(one *entry) {
	if s.known[one.key] == one {
		delete(s.known, one.key)
	}
}

// rest puts an artifact that nobody uses among the idle ones and returns what
// goes for it. The caller holds the lock.
func (s *Store) rest(one *entry) []*entry {
	if one.users > 0 || !one.done {
		return nil
	}
	if s.known[one.key] != one {
		return []*entry{one}
	}
	s.idle = append(without(s.idle, one), one)
	if int64(len(s.idle)) > s.options.Limits.Idle {
		return []*entry{s.oldest()}
	}
	return nil
}

// oldest takes the longest unused artifact out. The caller holds the lock.
func (s *Store) oldest() *entry {
	one := s.idle[0]
	s.idle = s.idle[1:]
	s.forget(one)
	return one
}

// evict makes room; it reports whether there was something to remove.
func (s *Store) evict() bool {
	s.mu.Lock()
	var gone []*entry
	if len(s.idle) > 0 {
		gone = append(gone, s.oldest())
	}
	s.mu.Unlock()
	s.remove(gone)
	return len(gone) > 0
}

// remove is called without the lock: many files take long.
func (s *Store) remove(gone []*entry) {
	for _, one := range gone {
		if one.folder != "" {
			_ = removeAll(one.folder) // what stays is removed by the next process
		}
		s.room.give(one.bytes)
		one.bytes = 0
	}
}

func without(list []*entry, one *entry) []*entry {
	for i, other := range list {
		if other == one {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}

// room is the store's space in bytes.
type room struct {
	most  int64
	evict func() bool

	mu   sync.Mutex
	used int64
}

// take takes room if there is some or can be made.
func (r *room) take(bytes int64) error {
	for !r.takes(bytes) {
		if !r.evict() {
			return errNoRoom
		}
	}
	return nil
}

func (r *room) takes(bytes int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.used+bytes > r.most {
		return false
	}
	r.used += bytes
	return true
}

func (r *room) give(bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used -= bytes
}

func (r *room) taken() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.used
}
