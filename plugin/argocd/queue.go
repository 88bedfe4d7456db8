package argocd

import (
	"context"
	"fmt"

	"github.com/assay-gitops/assay/plugin"
)

// queue lets a number of applications be judged at once: the repo-server
// bounds what it packs, not what a plugin works on.
type queue struct{ places chan struct{} }

func newQueue(places int) *queue { return &queue{places: make(chan struct{}, places)} }

// enter waits for a place, at most until the caller's deadline, and returns
// what gives it back.
func (q *queue) enter(ctx context.Context) (func(), error) {
	select {
	case q.places <- struct{}{}:
		return func() { <-q.places }, nil
	case <-ctx.Done():
		return nil, &plugin.StageError{
			Stage: stage, Subject: "the application in the queue", Cause: ctx.Err(),
			Hint: fmt.Sprintf("%d others were being judged; give the sidecar more processors and --concurrency, or raise Argo CD's repo-server timeout", cap(q.places)),
		}
	}
}
