package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// limits are the gate's, with what follows from them.
type limits struct{ plugin.Limits }

// session is everything that requests to one host under one credential share:
// the challenge, the tokens, the slots, the pause that the registry asked for.
type session struct {
	client *Client
	// id names the host and the credential, and flight this session alone:
	// what is found out in a flight is kept in the session that it is of.
	id, flight string
	host       string
	scheme     string
	source     source
	slots      chan struct{}
	// listed sessions, of hosts that the gate lists, stay; used is when one was
	// asked for last, in ticks of the client, which guards it.
	listed bool
	used   int64

	mu        sync.Mutex
	challenge *challenge // nil before the first ping
	tokens    map[string]token
	wanted    map[string]bool
	alone     bool // tokens are asked for one repository each
	secret    Credential
	secretEnd time.Time
	pause     time.Time
	absent    time.Time // until then, the referrers API is known to be missing
	present   bool      // the referrers API was seen to work
	trouble   error     // why the last try failed; nil after one that did not
}

// request is one question to a registry.
type request struct {
	method string
	// path is the repository's, and rest what follows: "manifests/v1".
	path, rest string
	// next replaces path and rest by a page's own address.
	next   *url.URL
	accept string
	limit  int64
	// limited names the limit in messages.
	limited string
	// read, when set, is given the body of the answer that was asked for, once
	// for each try; limit then bounds nothing. Its error is the request's.
	read func(io.Reader) error
}

// response is an answer, read whole.
type response struct {
	status     int
	header     http.Header
	body       []byte
	url        *url.URL
	retryAfter time.Duration
	// own is set when the session's host itself answered, without redirects.
	own bool
}

// send asks until there is an answer, or no more tries. The answer's status is
// 200; any other is an error.
func (s *session) send(ctx context.Context, q request) (*response, error) {
	return s.retry(ctx, func(ctx context.Context, left *patience) (*response, error) {
		if err := s.waitForPause(ctx, left); err != nil {
			return nil, err
		}
		authorization, err := s.authorize(ctx, q.path, "")
		if err != nil {
			return nil, triedEnough(err)
		}
		answer, err := s.ask(ctx, q, authorization)
		if err != nil || answer.status != http.StatusUnauthorized || !answer.own {
			return answer, err
		}
		again, err := s.authorizeAgain(ctx, q.path, authorization, answer)
		if err != nil || again == "" {
			return answer, triedEnough(err)
		}
		return s.ask(ctx, q, again)
	})
}

// triedEnough marks an error of the ping or of the token service, which were
// tried again for themselves: trying the request again would multiply the
// tries.
func triedEnough(err error) error {
	var failed *noAnswer
	if !errors.As(err, &failed) || failed.final {
		return err
	}
	return &noAnswer{cause: err, hint: failed.hint, status: failed.status, wait: failed.wait, final: true}
}

// ask sends one request while holding one of the host's slots. The body is
// read before the slot is given back.
func (s *session) ask(ctx context.Context, q request, authorization string) (*response, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	target := q.next
	if target == nil {
		target = &url.URL{Scheme: s.scheme, Host: s.host, Path: "/v2/" + q.path + "/" + q.rest}
	}
	if target.Scheme != s.scheme || target.Host != s.host {
		authorization = "" // a page after a redirect
	}
	return s.follow(ctx, outgoing{method: q.method, url: target, accept: q.accept, authorization: authorization, limit: q.limit, limited: q.limited, read: q.read})
}

// patience is how long one request may still wait, over all its tries and for
// whatever reason.
type patience struct{ left time.Duration }

// retry tries again what may be better the next time: no connection, a body
// cut short, 429 and 5xx. All its waits together are bounded by the limit
// retryAfterSeconds: a registry that asks for a little less than that each time
// would else be waited for as many times as there are tries.
func (s *session) retry(ctx context.Context, try func(context.Context, *patience) (*response, error)) (*response, error) {
	left := &patience{s.client.limits.longestWait()}
	var last error // of the tries before
	for tries := int64(0); ; tries++ {
		answer, err := try(ctx, left)
		if err == nil {
			err = s.ownHint(statusError(answer))
		}
		if last != nil && isStopped(err) {
			return nil, last // says more than that the next try was stopped
		}
		var failed *noAnswer
		s.note(err)
		if err == nil {
			return answer, nil
		}
		last = err
		if !errors.As(err, &failed) || failed.final || tries >= s.client.limits.Retries {
			return nil, err
		}
		wait, enough := s.backOff(ctx, tries, failed, left)
		if enough != nil {
			return nil, enough
		}
		left.left -= wait
		if s.client.options.Sleep(ctx, wait) != nil {
			return nil, err // why it waited says more than that it was stopped
		}
	}
}

// ownHint says whose credential it is that may not read something, where that is
// a tenant's.
func (s *session) ownHint(err error) error {
	var refused *noAnswer
	if s.source.tenant != "" && errors.As(err, &refused) && errors.Is(err, ErrUnauthorized) {
		refused.hint = "check that it exists and that the credential of the pull secret " + s.source.tenant + " may pull it: where the gate lists a repository under tenantCredentials, that one alone is used"
	}
	return err
}

// isStopped reports whether work ended as somebody left or its time was over.
func isStopped(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// note remembers why the registry gives no answer, for those who cannot wait
// until the tries are over. That a try was stopped says nothing of the registry.
func (s *session) note(err error) {
	if isStopped(err) {
		return
	}
	var failed *noAnswer
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = nil
	if errors.As(err, &failed) {
		s.trouble = failed
	}
}

// inTrouble adds to a stopped wait what was being waited for.
func (s *session) inTrouble(err error) error {
	if !isStopped(err) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble == nil {
		return err
	}
	return fmt.Errorf("%w while trying again; the last answer: %w", err, s.trouble)
}

// backOff is how long to wait before the next try, or the error when there can
// be none: a registry that asks for more than what is left of the limit, or of
// the time, is not waited for.
func (s *session) backOff(ctx context.Context, tries int64, failed *noAnswer, left *patience) (time.Duration, error) {
	wait := 200 * time.Millisecond << tries
	if errors.Is(failed, ErrThrottled) {
		wait = time.Second << tries
	}
	wait += rand.N(wait / 4) //nolint:gosec // spreads clients in time, hides nothing
	if failed.wait > left.left || left.left <= 0 {
		return 0, s.waitedEnough(failed, left)
	}
	wait = min(max(wait, failed.wait), left.left)
	if deadline, has := ctx.Deadline(); has && time.Until(deadline) < wait {
		return 0, failed
	}
	if failed.wait > 0 {
		s.mu.Lock()
		if until := s.client.options.Clock().Add(failed.wait); until.After(s.pause) {
			s.pause = until
		}
		s.mu.Unlock()
	}
	return wait, nil
}

// waitedEnough says why there is no further try.
func (s *session) waitedEnough(failed *noAnswer, left *patience) error {
	longest := s.client.limits.longestWait()
	waited := longest - left.left
	said := fmt.Sprintf("waited %s already", waited.Round(100*time.Millisecond))
	if waited <= 0 {
		said = "not waited for"
	}
	return &noAnswer{
		cause: fmt.Errorf("%w; %s, as one request waits at most %s (limit retryAfterSeconds)", failed.cause, said, longest),
		hint:  failed.hint, status: failed.status, wait: failed.wait, final: true,
	}
}

// waitForPause holds a request back while the registry has asked for quiet.
func (s *session) waitForPause(ctx context.Context, left *patience) error {
	s.mu.Lock()
	wait := s.pause.Sub(s.client.options.Clock())
	s.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	if wait > left.left {
		return s.waitedEnough(&noAnswer{cause: fmt.Errorf("%w (to be asked again after %s)", ErrThrottled, wait), hint: hintThrottled}, left)
	}
	left.left -= wait
	if err := s.client.options.Sleep(ctx, wait); err != nil {
		return &noAnswer{cause: fmt.Errorf("%w; %w while waiting", ErrThrottled, err), hint: hintThrottled, final: true}
	}
	return nil
}
