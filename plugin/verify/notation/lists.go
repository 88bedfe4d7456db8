package notation

import (
	"context"
	"sync"
	"time"

	"github.com/notaryproject/notation-core-go/revocation/crl"
)

// lists are revocation lists by URL. They implement notation-core-go's
// crl.Cache, which checks their signature and validity at each use.
type lists struct {
	mu    sync.Mutex
	known map[string]list
	// held and most are bytes.
	held, most int64
	now        func() time.Time
}

type list struct {
	bundle *crl.Bundle
	at     time.Time
}

// Get implements crl.Cache.
func (l *lists) Get(_ context.Context, url string) (*crl.Bundle, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if found, isKnown := l.known[url]; isKnown && l.now().Sub(found.at) < believedFor {
		return found.bundle, nil
	}
	return nil, crl.ErrCacheMiss
}

// Set implements crl.Cache. When it is full it begins anew: a gate trusts few
// authorities, and each has one list.
func (l *lists) Set(_ context.Context, url string, bundle *crl.Bundle) error {
	size := sizeOf(bundle)
	l.mu.Lock()
	defer l.mu.Unlock()
	if old, isKnown := l.known[url]; isKnown {
		l.held -= sizeOf(old.bundle)
	}
	if l.held+size > l.most {
		clear(l.known)
		l.held = 0
	}
	if size <= l.most {
		l.known[url] = list{bundle, l.now()} // a larger one is read each time
		l.held += size
	}
	return nil
}

// perByte is about how much memory a byte of a list takes once it is read.
const perByte = 5

func sizeOf(bundle *crl.Bundle) int64 {
	size := int64(len(bundle.BaseCRL.Raw))
	if bundle.DeltaCRL != nil {
		size += int64(len(bundle.DeltaCRL.Raw))
	}
	return size * perByte
}
