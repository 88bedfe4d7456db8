package flux

import (
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// A GatedSource that is put off looks again after waitEach for each of its
// namespace that waits, within these bounds: so all of them together look about
// fifty times a second, however many they are.
const (
	waitEach  = 20 * time.Millisecond
	leastWait = 250 * time.Millisecond
	mostWait  = 30 * time.Second
)

// shares bounds how many GatedSources of one namespace are judged at once:
// sources that drip and registries that never answer hold up their own
// namespace. The zero value is ready.
type shares struct {
	mu     sync.Mutex
	spaces map[string]*space
}

// space is a namespace of which something is judged or waits.
type space struct {
	judged  int
	waiting map[string]bool
	// told is set when the log has it.
	told bool
}

// turn is what [shares.enter] answers.
type turn struct {
	// leave gives the place back; nil when there is none.
	leave func()
	// pause is when to ask again.
	pause time.Duration
	// first is the first in a row that has to wait.
	first bool
}

// enter takes one of the places that the namespace has, which are most, and
// never waits for one.
func (s *shares) enter(key types.NamespacedName, most int) turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spaces == nil {
		s.spaces = map[string]*space{}
	}
	own := s.spaces[key.Namespace]
	if own == nil {
		own = &space{waiting: map[string]bool{}}
		s.spaces[key.Namespace] = own
	}
	if own.judged < most {
		own.judged++
		delete(own.waiting, key.Name)
		return turn{leave: sync.OnceFunc(func() { s.leave(key.Namespace) })}
	}
	own.waiting[key.Name] = true
	pause := min(max(time.Duration(len(own.waiting))*waitEach, leastWait), mostWait)
	asked := turn{pause: pause/2 + rand.N(pause/2+1), first: !own.told} //nolint:gosec // it only spreads requests
	own.told = true
	return asked
}

func (s *shares) leave(namespace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spaces[namespace].judged--
	s.sweep(namespace)
}

// forget drops one that waits no longer: it was deleted or suspended.
func (s *shares) forget(key types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if own := s.spaces[key.Namespace]; own != nil {
		delete(own.waiting, key.Name)
		s.sweep(key.Namespace)
	}
}

// sweep keeps nothing of a namespace that wants nothing. The caller holds the
// lock.
func (s *shares) sweep(namespace string) {
	if own := s.spaces[namespace]; own.judged == 0 && len(own.waiting) == 0 {
		delete(s.spaces, namespace)
	}
}
