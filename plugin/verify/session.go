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
	lock     sync.Mutex
	lookups  map[lookupKey]*lookup
	indexes  map[lookupKey]*indexLookup
	verdicts map[verdictKey]verdict
}

type lookupKey struct{ repository, digest string }

func newSession(v *Verifier) *session {
	return &session{
		Verifier: v, lookups: map[lookupKey]*lookup{}, indexes: map[lookupKey]*indexLookup{}, verdicts: map[verdictKey]verdict{},
	}
}

// lookup is what one repository holds beside one digest.
type lookup struct {
	lookupKey
	listOnce, legacyOnce, attestedOnce, notationOnce sync.Once
	listing                                          listing
	legacy, attested, notation                       gathered
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

// bundlesOf are the bundles beside a digest that may be of a wanted type. The
// list is asked for once, and each bundle read once.
func (s *session) bundlesOf(ctx context.Context, at *lookup, wants func(predicateType string) bool) gathered {
	at.listOnce.Do(func() { at.listing = s.list(ctx, at.lookupKey) })
	return s.gatherBundles(ctx, at, wants)
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
	at.legacyOnce.Do(func() { at.legacy = s.gatherLegacy(ctx, at.lookupKey, signatureReader(at.digest)) })
	return at.legacy
}

// attestedOf reads the attestations under the digest's other tag that any rule
// of the gate reads, the first time it is asked.
func (s *session) attestedOf(ctx context.Context, at *lookup) gathered {
	at.attestedOnce.Do(func() { at.attested = s.gatherLegacy(ctx, at.lookupKey, attestationReader(at.digest, s.reads)) })
	return at.attested
}

// verdictKey is one check of a statement, which several rules may ask for.
type verdictKey struct {
	by     *authority
	of     *candidate
	digest string
}

type verdict struct {
	got accepted
	err error
}

// statement checks a candidate as an attestation, the first time it is asked.
func (s *session) statement(by *authority, of *candidate, digest string) (accepted, error) {
	key := verdictKey{by, of, digest}
	s.lock.Lock()
	known, found := s.verdicts[key]
	s.lock.Unlock()
	if !found {
		known.got, known.err = guarded(func() (accepted, error) { return by.checkStatement(of, digest) })
		s.lock.Lock()
		s.verdicts[key] = known
		s.lock.Unlock()
	}
	return known.got, known.err
}
