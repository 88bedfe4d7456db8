package flux

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	neturl "net/url"
	"sync"
	"time"
)

// How the address of the file server is looked at: by the first artifact, and
// after that once in this time at most.
const (
	reachEvery = time.Minute
	reachTime  = 3 * time.Second
)

// Reach asks the advertised address for what was published, as a consumer
// would: a wrong --storage-adv-addr, Service or NetworkPolicy shows here before
// it shows as a Kustomization that cannot fetch. The zero value asks nobody.
type Reach struct {
	// Client asks; nil asks nobody.
	Client *http.Client
	Clock  func() time.Time

	mu      sync.Mutex
	asked   time.Time
	problem string
}

// told is what there is to say of the address behind the URL; empty when it
// answers. It says nothing about whether the artifact is good.
func (r *Reach) told(ctx context.Context, url string) string {
	if r == nil || r.Client == nil {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.Clock(); r.asked.IsZero() || now.Sub(r.asked) >= reachEvery {
		r.asked, r.problem = now, ""
		if err := r.ask(ctx, url); err != nil {
			r.problem = fmt.Sprintf("; the file server does not answer at its own address: %v: Flux may not reach it either, so look at --storage-adv-addr, the Service and the NetworkPolicy of assay-source", err)
		}
	}
	return r.problem
}

func (r *Reach) ask(ctx context.Context, url string) error {
	bounded, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), reachTime, fmt.Errorf("no answer within %s", reachTime))
	defer cancel()
	request, err := http.NewRequestWithContext(bounded, http.MethodHead, url, nil)
	if err != nil {
		return err
	}
	answer, err := r.Client.Do(request)
	if err != nil {
		if cause := context.Cause(bounded); cause != nil {
			return cause
		}
		var told *neturl.Error
		if errors.As(err, &told) { // the path is of one tenant, and the message of all
			err = told.Err
		}
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", answer.Status)
	}
	return nil
}
