package registry

import (
	"cmp"
	"slices"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
)

// Stat counts the requests to one host that had one outcome.
type Stat struct {
	// Host is one that the gate lists, or a mirror of it; all others together
	// are [OtherHosts], as an application's author can name as many as they like.
	Host string
	// Status is the HTTP status; 0 when there was no answer, or none with a
	// status of HTTP (100 to 599).
	Status int
	Count  int64
}

// OtherHosts stands in a [Stat] for every host that no gate lists.
const OtherHosts = "other"

type stats struct {
	mu     sync.Mutex
	counts map[Stat]int64
}

// count notes one request. There are never more entries than listed hosts by
// statuses of HTTP.
func (c *Client) count(host string, status int) {
	if status < 100 || status > 599 {
		status = 0
	}
	key := Stat{Host: c.listed(host), Status: status}
	c.stats.mu.Lock()
	defer c.stats.mu.Unlock()
	if c.stats.counts == nil {
		c.stats.counts = map[Stat]int64{}
	}
	c.stats.counts[key]++
}

// listed is the host as the gate lists it, or as one of its mirrors.
func (c *Client) listed(host string) string {
	for _, name := range spellings(host) {
		if _, found := c.hosts[name]; found || c.mirrors[name] {
			return name
		}
	}
	return OtherHosts
}

// mirrorHosts are the hosts of all mirrors.
func mirrorHosts(hosts map[string]*rules) map[string]bool {
	mirrors := map[string]bool{}
	for _, rules := range hosts {
		for _, mirror := range rules.mirrors {
			if repository, err := name.NewRepository(mirror + "/x"); err == nil {
				mirrors[repository.RegistryStr()] = true
			}
		}
	}
	return mirrors
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
