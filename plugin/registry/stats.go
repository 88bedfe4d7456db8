package registry

import (
	"cmp"
	"slices"
	"sync"
)

// Stat counts the requests to one host that had one outcome.
type Stat struct {
	Host string
	// Status is the HTTP status; 0 when there was no answer.
	Status int
	Count  int64
}

type stats struct {
	mu     sync.Mutex
	counts map[Stat]int64
}

func (s *stats) add(host string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = map[Stat]int64{}
	}
	s.counts[Stat{Host: host, Status: status}]++
}

// Stats counts every request that was sent, redirects, pings and tokens
// included, sorted by host and status.
func (c *Client) Stats() []Stat {
	c.stats.mu.Lock()
	defer c.stats.mu.Unlock()
	list := make([]Stat, 0, len(c.stats.counts))
	for key, count := range c.stats.counts {
		list = append(list, Stat{Host: key.Host, Status: key.Status, Count: count})
	}
	slices.SortFunc(list, func(a, b Stat) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Status, b.Status))
	})
	return list
}

// CacheStat is the size of a client's caches in bytes, and how many facts they
// let go to stay within it.
type CacheStat struct{ Bytes, Evicted int64 }

// CacheStats adds up both caches.
func (c *Client) CacheStats() CacheStat {
	var sum CacheStat
	for _, cache := range []*cache{c.content, c.mutable} {
		cache.mu.Lock()
		sum.Bytes += cache.held
		sum.Evicted += cache.evicted
		cache.mu.Unlock()
	}
	return sum
}
