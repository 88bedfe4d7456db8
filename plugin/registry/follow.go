package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// outgoing is one HTTP request with its redirects.
type outgoing struct {
	method        string
	url           *url.URL
	accept        string
	authorization string
	body          string
	limit         int64
	limited       string
	read          func(io.Reader) error
}

const maxRedirects = 5

// follow sends a request and follows redirects. The authorization goes to the
// first host and scheme alone; every hop is checked when it is dialled.
func (s *session) follow(ctx context.Context, out outgoing) (*response, error) {
	timed, cancel := context.WithTimeout(ctx, s.client.limits.RequestTimeout())
	defer cancel()
	at := out.url
	for range maxRedirects + 1 {
		answer, err := s.tracedHop(timed, out, at)
		if err != nil {
			return nil, s.transportError(ctx, at, err)
		}
		next, err := s.redirect(answer, at)
		if err != nil {
			return nil, err
		}
		if next == nil {
			answer.own = sameOrigin(at, out.url)
			return answer, nil
		}
		if out.body != "" {
			return nil, refusedRedirect(at, "the request carries a credential")
		}
		at = next
	}
	return nil, refusedRedirect(at, "there are too many redirects")
}

// hop sends one request and reads its answer whole, or has it read.
func (s *session) hop(ctx context.Context, out outgoing, at *url.URL) (*response, error) {
	request, err := http.NewRequestWithContext(ctx, out.method, at.String(), strings.NewReader(out.body))
	if err != nil {
		return nil, fmt.Errorf("making a request: %w", err)
	}
	request.Header.Set("User-Agent", "assay")
	if out.accept != "" {
		request.Header.Set("Accept", out.accept)
	}
	if out.body != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if out.authorization != "" && sameOrigin(at, out.url) {
		request.Header.Set("Authorization", out.authorization)
	}
	reply, err := s.client.doors.RoundTrip(request)
	if err != nil {
		s.client.count(at.Host, 0)
		return nil, err
	}
	defer reply.Body.Close()
	s.client.count(at.Host, reply.StatusCode)
	answer := &response{status: reply.StatusCode, header: reply.Header, url: at, retryAfter: s.retryAfter(reply.Header.Get("Retry-After"))}
	if out.method == http.MethodHead {
		return answer, nil
	}
	if answer.status == http.StatusOK && out.read != nil {
		return answer, out.read(reply.Body)
	}
	limit, limited := out.limit, out.limited
	if answer.status != http.StatusOK {
		limit, limited = maxErrorBytes, ""
	}
	answer.body, err = readBody(reply, limit)
	switch {
	case errors.Is(err, errTooLarge) && limited == "":
		return answer, nil // an error page, of which the beginning is enough
	case errors.Is(err, errTooLarge):
		return nil, overLimit(redact(at), limited, limit)
	}
	return answer, err
}

const maxErrorBytes = 64 << 10

var errTooLarge = errors.New("too large")

// readBody reads at most limit bytes, and one more to tell that there are more.
func readBody(reply *http.Response, limit int64) ([]byte, error) {
	if reply.ContentLength > limit {
		return nil, errTooLarge
	}
	data, err := io.ReadAll(io.LimitReader(reply.Body, limit+1))
	if err == nil && int64(len(data)) > limit {
		return data[:limit], errTooLarge
	}
	return data, err
}

// retryAfter reads the header (RFC 9110 section 10.2.3): seconds or a date.
func (s *session) retryAfter(value string) time.Duration {
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(s.client.options.Clock()))
	}
	return 0
}
