package verify

import (
	"crypto/sha256"
	"sync"

	"github.com/assay-gitops/assay/plugin"
)

// The bounds of [parsed]: what it holds is at most their product, a few times
// over.
const (
	parsedBundles = 256
	parsedBytes   = 32 << 10
)

// parsed keeps bundles as they were read, by their bytes, so that a bundle that
// vouches for an image in many runs is read once. It holds facts: what a bundle
// says is checked in every run.
type parsed struct {
	mu     sync.Mutex
	byHash map[[sha256.Size]byte]*candidate
	order  [][sha256.Size]byte // the oldest first
}

// bundle reads a bundle of the manifest with that digest, or returns what was
// read from the same bytes of the same manifest. Large ones are read anew each time.
func (p *parsed) bundle(holder string, data []byte, limits plugin.Limits) *candidate {
	if len(data) > parsedBytes {
		return heldBundle(holder, data, limits)
	}
	hash := sha256.New()
	hash.Write([]byte(holder))
	hash.Write([]byte{0})
	hash.Write(data)
	key := [sha256.Size]byte(hash.Sum(nil))
	if known := p.known(key); known != nil {
		return known
	}
	found := heldBundle(holder, data, limits)
	if found.refused == nil {
		p.keep(key, found)
	}
	return found
}

func heldBundle(holder string, data []byte, limits plugin.Limits) *candidate {
	found := parseBundle(label("bundle", holder), data, limits)
	found.holder = holder
	return found
}

func (p *parsed) known(key [sha256.Size]byte) *candidate {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byHash[key]
}

func (p *parsed) keep(key [sha256.Size]byte, found *candidate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byHash == nil {
		p.byHash = map[[sha256.Size]byte]*candidate{}
	}
	if p.byHash[key] != nil {
		return
	}
	if len(p.order) == parsedBundles {
		delete(p.byHash, p.order[0])
		p.order = p.order[1:]
	}
	p.byHash[key] = found
	p.order = append(p.order, key)
}
