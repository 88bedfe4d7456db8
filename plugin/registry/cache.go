package registry

import (
	"container/list"
	"sync"
	"time"
)

// cache keeps facts, the least recently used of which go when there are too
// many bytes. It never holds an error or a verdict.
type cache struct {
	mu      sync.Mutex
	limit   int64
	held    int64
	order   *list.List // of *fact, the most recently used first
	byKey   map[string]*list.Element
	evicted int64
	// disk is nil when nothing outlives the process.
	disk *onDisk
}

// fact is one thing that a registry said.
type fact struct {
	key   string
	value any
	size  int64
	at    time.Time
	// doubted facts are believed for a shorter time.
	doubted bool
}

// factOverhead is about what a fact costs besides its value and key.
const factOverhead = 200

func newCache(limit int64, disk *onDisk) *cache {
	return &cache{limit: limit, disk: disk, order: list.New(), byKey: map[string]*list.Element{}}
}

func (c *cache) get(key string) (fact, bool) {
	if known, found := c.inMemory(key); found {
		return known, true
	}
	known, found := c.disk.get(key)
	if found {
		c.remember(key, known.value, known.size, known.at)
	}
	return known, found
}

func (c *cache) inMemory(key string) (fact, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, found := c.byKey[key]
	if !found {
		return fact{}, false
	}
	c.order.MoveToFront(element)
	return *element.Value.(*fact), true
}

// put remembers a value of that many bytes, on disk too where there is one.
func (c *cache) put(key string, value any, size int64, at time.Time) {
	c.remember(key, value, size, at)
	c.disk.put(key, value, at)
}

// remember keeps a value in memory. One that is larger than a quarter of the
// cache is not kept, as it would drive out too much.
func (c *cache) remember(key string, value any, size int64, at time.Time) {
	size += int64(len(key)) + factOverhead
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, found := c.byKey[key]; found {
		c.drop(element)
	}
	if size > c.limit/4 {
		return
	}
	c.byKey[key] = c.order.PushFront(&fact{key: key, value: value, size: size, at: at})
	c.held += size
	for c.held > c.limit {
		c.evicted++
		c.drop(c.order.Back())
	}
}

// doubt marks a fact, if it is there; other processes ask anew.
func (c *cache) doubt(key string) {
	c.disk.drop(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, found := c.byKey[key]; found {
		element.Value.(*fact).doubted = true
	}
}

func (c *cache) drop(element *list.Element) {
	gone := c.order.Remove(element).(*fact)
	delete(c.byKey, gone.key)
	c.held -= gone.size
}
