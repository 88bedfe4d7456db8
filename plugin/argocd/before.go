package argocd

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

const (
	// patienceToLook bounds the look at what passed before: the answer waits for it.
	patienceToLook = 500 * time.Millisecond
	// looks is how many look at a time. Those whose disk hangs keep their places.
	looks = 8
)

// before knows what passed before a denial. Nothing is decided by it.
type before struct {
	find   func(ctx context.Context, v *plugin.Verdict) (plugin.Passed, error)
	places chan struct{}
	log    *slog.Logger
}

// newBefore is nil when nobody knows.
func newBefore(find func(ctx context.Context, v *plugin.Verdict) (plugin.Passed, error), log *slog.Logger) *before {
	if find == nil {
		return nil
	}
	return &before{find: find, places: make(chan struct{}, looks), log: log}
}

// errNoTime is the reason when nobody said in time what passed.
var errNoTime = errors.New("the store of reports did not answer in time")

// lastAllowed is the newest other revision that passed before a denial; none when
// nobody knows one, or says so in time.
func (b *before) lastAllowed(ctx context.Context, v *plugin.Verdict) plugin.Passed {
	if b == nil || v.Outcome() != plugin.Denied || v.Application.Name == "" || v.Revision == "" {
		return plugin.Passed{}
	}
	ctx, cancel := context.WithTimeout(ctx, patienceToLook)
	defer cancel()
	last, err := b.look(ctx, v)
	if err != nil {
		b.log.Warn("the last revision that passed is not known", "application", v.Application.Name, "project", v.Application.Project, "problem", err.Error())
		return plugin.Passed{}
	}
	if last.Revision == v.Revision {
		return plugin.Passed{}
	}
	return last
}

// look waits no longer than the context, also for who does not heed it.
func (b *before) look(ctx context.Context, v *plugin.Verdict) (plugin.Passed, error) {
	type result struct {
		last plugin.Passed
		err  error
	}
	select {
	case b.places <- struct{}{}:
	case <-ctx.Done():
		return plugin.Passed{}, errNoTime
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-b.places }()
		var got result
		defer func() { done <- got }()
		defer recovered(&got.err)
		got.last, got.err = b.find(ctx, v)
	}()
	select {
	case got := <-done:
		return got.last, got.err
	case <-ctx.Done():
		return plugin.Passed{}, errNoTime
	}
}
