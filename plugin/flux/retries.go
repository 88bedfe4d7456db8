package flux

import (
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// firstRetry is the pause before a try without an answer is repeated; each
// further one doubles it, up to the object's own retry interval.
const firstRetry = 2 * time.Second

// retries counts tries in a row that had no answer. The zero value is ready.
type retries struct {
	mu    sync.Mutex
	count map[types.NamespacedName]int
}

// next is how long to wait for the next try; a part of it is left to chance, so
// that those who failed together do not come back together.
func (r *retries) next(key types.NamespacedName, most time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == nil {
		r.count = map[types.NamespacedName]int{}
	}
	pause := firstRetry << min(r.count[key], 20)
	r.count[key]++
	pause = max(min(pause, most), firstRetry/2)
	return pause/2 + rand.N(pause/2+1) //nolint:gosec // it only spreads requests
}

func (r *retries) forget(key types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.count, key)
}
