package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify"
)

// HasMirrors reports whether some trust root is given out by a mirror.
func (s *Setup) HasMirrors() bool {
	for _, one := range s.mirrors.each {
		if one.source != nil {
			return true
		}
	}
	return false
}

// RefreshTrust asks the mirrors of trust roots whose copy is older than that,
// and judges by what they give out from then on: runs that have begun end with
// the trust that they began with. The error joins what went wrong, such as a
// mirror that is down or that offers an older state: for those the last good
// copy goes on to count as long as it may. A new trusted root that some trust
// rule cannot work with changes nothing either.
func (s *Setup) RefreshTrust(ctx context.Context, olderThan time.Duration) error {
	m := s.mirrors
	m.turn.Lock()
	defer m.turn.Unlock()
	answers := m.ask(ctx, olderThan)
	if len(answers) == 0 {
		return nil
	}
	before := m.material()
	after := maps.Clone(before)
	var problems []error
	for _, answer := range answers {
		problems = append(problems, answer.err)
		proposed := mirror{declared: answer.mirror.declared, known: answer.mirror.known, trouble: answer.err}
		if answer.err == nil {
			proposed.known = answer.made
		}
		after[answer.mirror.at.Name] = proposed.material()
	}
	s.trust.Lock()
	defer s.trust.Unlock()
	if !maps.EqualFunc(before, after, sameTrust) {
		if err := s.renew(after); err != nil {
			return errors.Join(append(problems, fmt.Errorf("the new trust roots are not used: %w", err))...)
		}
	}
	m.take(answers)
	return errors.Join(append(problems, m.save(answers))...)
}

// sameTrust leaves out when the copy was fetched, which decides nothing.
func sameTrust(a, b verify.Mirrored) bool {
	return bytes.Equal(a.TrustedRoot, b.TrustedRoot) && a.Ends.Equal(b.Ends) && a.Role == b.Role && a.Grace == b.Grace && a.Trouble == b.Trouble
}

// renewed is a verifier whose trust roots can be renewed while it works. One
// call is one generation from beginning to end.
type renewed struct {
	make    func(map[string]verify.Mirrored) (*verify.Verifier, error)
	current atomic.Pointer[verify.Verifier]
}

// Verify implements plugin.Verifier.
func (r *renewed) Verify(ctx context.Context, images []plugin.Image) []plugin.Review {
	return r.current.Load().Verify(ctx, images)
}

// EndingRoots are the present verifier's.
func (r *renewed) EndingRoots() []plugin.Finding { return r.current.Load().EndingRoots() }

// verifier makes the verifier of one gate; where trust roots come from mirrors,
// one that is renewed with them.
func (s *Setup) verifier(make func(map[string]verify.Mirrored) (*verify.Verifier, error)) (plugin.Verifier, error) {
	s.trust.Lock()
	defer s.trust.Unlock()
	first, err := make(s.mirrors.material())
	if err != nil {
		return nil, err
	}
	s.warn(first.Warnings())
	if !s.HasMirrors() {
		return first, nil
	}
	made := &renewed{make: make}
	made.current.Store(first)
	s.renewed = append(s.renewed, made)
	return made, nil
}

// renew gives every verifier the new trust roots, or none of them. The caller
// holds s.trust.
func (s *Setup) renew(material map[string]verify.Mirrored) error {
	next := make([]*verify.Verifier, len(s.renewed))
	for i, each := range s.renewed {
		var err error
		if next[i], err = each.make(material); err != nil {
			return err
		}
	}
	for i, each := range s.renewed {
		each.current.Store(next[i])
	}
	return nil
}

// The times of keepTrust.
const (
	trustEvery   = time.Hour
	trustBudget  = time.Minute
	trustSoonest = time.Minute
)

// keepTrust refreshes the trust roots of mirrors until the context ends: at
// once, then every hour, and sooner after a failure, at times that differ from
// process to process. It tells every failure and every warning.
func (s *Setup) keepTrust(ctx context.Context, tell func(error)) {
	if !s.HasMirrors() {
		return
	}
	again := trustSoonest
	for {
		wait := trustEvery
		budget, cancel := context.WithTimeout(ctx, trustBudget)
		err := s.RefreshTrust(budget, trustEvery)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			wait = again
			again = min(2*again, trustEvery)
			tell(err)
		} else {
			again = trustSoonest
		}
		for _, warning := range s.TrustWarnings() {
			tell(errors.New(warning.Message))
		}
		wait += rand.N(wait / 5) //nolint:gosec // spreads processes in time, hides nothing
		if pause(ctx, wait) != nil {
			return
		}
	}
}

func pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// TrustWarnings are about copies that have ended, that end soon, and that there
// are none of.
func (s *Setup) TrustWarnings() []plugin.Finding {
	now := s.options.Clock()
	var warnings []plugin.Finding
	s.mirrors.mu.Lock()
	defer s.mirrors.mu.Unlock()
	for _, one := range s.mirrors.each {
		material := one.material()
		message := material.Unusable(now)
		if message == "" {
			message = material.Ending(now)
		}
		if message == "" {
			continue
		}
		warnings = append(warnings, plugin.Finding{
			Rule: "gate/trust-root", Level: plugin.Warn, Origin: one.declared.At, Message: fmt.Sprintf("TrustRoot %s: %s", one.at.Name, message),
			Hint: "check that the mirror can be reached and is kept up to date; what an expired trust root is needed for is undetermined",
		})
	}
	return warnings
}
