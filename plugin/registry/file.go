package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// File reads one file over HTTPS that is no part of a registry, such as one of
// a mirror of trust roots, under the rules of its host: see [Client.read].
//
// Errors: [ErrNotFound] inside where there is no such file, *plugin.Refusal for
// a file over the limit or an address that may not be asked, and
// *plugin.StageError when there is no answer.
func (c *Client) File(ctx context.Context, address string, limit int64) ([]byte, error) {
	at, err := url.Parse(address)
	if err != nil || at.Host == "" || at.User != nil || at.RawQuery != "" || at.Fragment != "" || !isPlainPath(at) {
		return nil, fmt.Errorf("asking for a file: %.200q is no plain address", address)
	}
	if !c.mayAsk(at) {
		return nil, fmt.Errorf("asking for %s: it is not HTTPS; a host that has nothing else is listed under the gate's registries with private and plainHTTP", redact(at))
	}
	data, err := c.read(ctx, at, limit, "of this kind of file")
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("%s: %w", redact(at), ErrNotFound)
	}
	return data, explain(stageRegistry, redact(at), err)
}

// mayAsk allows HTTPS, and HTTP where the host may be talked to so.
func (c *Client) mayAsk(at *url.URL) bool {
	return at.Scheme == "https" || at.Scheme == "http" && c.plainHTTP(at.Host)
}

// read reads one file under the rules of its host: where it may connect, which
// credential it may show, how many ask at a time and how often.
func (c *Client) read(ctx context.Context, at *url.URL, limit int64, limited string) ([]byte, error) {
	session, err := c.session(at.Host, strings.TrimPrefix(at.Path, "/"))
	if err != nil {
		return nil, err
	}
	answer, err := session.retry(ctx, func(ctx context.Context, left *patience) (*response, error) {
		if err := session.waitForPause(ctx, left); err != nil {
			return nil, err
		}
		secret, err := session.credential(ctx)
		if err != nil {
			return nil, err
		}
		authorization := ""
		if secret.Username != "" {
			authorization = basic(secret)
		}
		return session.ask(ctx, request{method: http.MethodGet, next: at, limit: limit, limited: limited}, authorization)
	})
	if errors.Is(err, ErrNotFound) {
		return nil, err
	}
	if err != nil {
		return nil, session.inTrouble(err)
	}
	return answer.body, nil
}
