package verify

import (
	"context"
	"sync"

	"github.com/assay-gitops/assay/plugin/registry"
)

// session is one call of Verify. What it reads of an image it reads once,
// however many policies, authorities and references ask.
type session struct {
	*Verifier
	lock    sync.Mutex
	lookups map[lookupKey]*lookup
	indexes map[lookupKey]*indexLookup
}

type lookupKey struct{ repository, digest string }

func newSession(v *Verifier) *session {
	return &session{Verifier: v, lookups: map[lookupKey]*lookup{}, indexes: map[lookupKey]*indexLookup{}}
}

// lookup is what one repository holds beside one digest.
type lookup struct {
	lookupKey
	bundlesOnce, legacyOnce, notationOnce sync.Once
	bundles, legacy, notation             gathered
}

type indexLookup struct {
	once   sync.Once
	leaves []registry.Descriptor
	err    error
}

func (s *session) lookup(repository, digest string) *lookup {
	s.lock.Lock()
	defer s.lock.Unlock()
	key := lookupKey{repository, digest}
	if s.lookups[key] == nil {
		s.lookups[key] = &lookup{lookupKey: key}
	}
	return s.lookups[key]
}

func (s *session) index(repository, digest string) *indexLookup {
	s.lock.Lock()
	defer s.lock.Unlock()
	key := lookupKey{repository, digest}
	if s.indexes[key] == nil {
		s.indexes[key] = &indexLookup{}
	}
	return s.indexes[key]
}

// bundlesOf reads the bundles beside a digest, the first time it is asked.
func (s *session) bundlesOf(ctx context.Context, at *lookup) gathered {
	at.bundlesOnce.Do(func() { at.bundles = s.gatherBundles(ctx, at.lookupKey) })
	return at.bundles
}

// notationOf reads Notation's signatures of a digest, the first time it is
// asked.
func (s *session) notationOf(ctx context.Context, at *lookup) gathered {
	at.notationOnce.Do(func() { at.notation = s.gatherNotation(ctx, at.lookupKey) })
	return at.notation
}

// legacyOf reads the signatures under the digest's tag, the first time it is
// asked.
func (s *session) legacyOf(ctx context.Context, at *lookup) gathered {
	at.legacyOnce.Do(func() { at.legacy = s.gatherLegacy(ctx, at.lookupKey) })
	return at.legacy
}
