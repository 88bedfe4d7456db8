package refresh

import (
	"context"
	"math/rand/v2"
	"time"
)

// Clock is the time; tests have their own.
type Clock interface {
	// Now is the time.
	Now() time.Time
	// Sleep waits, and returns the cause when the context ends first.
	Sleep(ctx context.Context, wait time.Duration) error
}

// Machine is the machine's clock.
type Machine struct{}

// Now implements Clock.
func (Machine) Now() time.Time { return time.Now() }

// Sleep implements Clock.
func (Machine) Sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(max(wait, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pace is when the next Application may be asked. It begins empty, so that two
// processes that follow on each other do not ask faster than one.
type pace struct {
	every time.Duration
	next  time.Time
}

// newPace allows so many a second.
func newPace(perSecond float64, now time.Time) *pace {
	every := time.Duration(float64(time.Second) / perSecond)
	return &pace{every: every, next: now.Add(every)}
}

// wait waits for the turn; it reports false, without taking it, when that comes
// after the deadline or the context ends. A zero deadline is none.
func (p *pace) wait(ctx context.Context, clock Clock, deadline time.Time) bool {
	if !deadline.IsZero() && p.next.After(deadline) {
		return false
	}
	return clock.Sleep(ctx, p.next.Sub(clock.Now())) == nil
}

// taken notes that a turn was taken. The pause is a little longer than the rate
// asks for, so that a request that comes late does not meet the next one, and a
// part of it is left to chance, so that several who ask do not so at the same
// moments.
func (p *pace) taken(now time.Time) {
	p.next = now.Add(p.every + p.every/20 + rand.N(p.every/20+1)) //nolint:gosec // it only spreads requests
}
