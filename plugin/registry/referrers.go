package registry

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Referrers lists what refers to a digest (OCI distribution specification 1.1,
// listing referrers), all pages of it, in the registry's order. A registry
// without that API is asked for the tag sha256-<hex>. More referrers than the
// limit are an error; nothing is left out in silence. Artifact types and
// annotations are the registry's word: hints, not facts.
//
// Errors are those of [Client.Manifest], but an image without referrers is an
// empty list.
func (c *Client) Referrers(ctx context.Context, repository, digest string) ([]Descriptor, error) {
	subject := subjectOf(repository, digest)
	origin, err := c.place(ctx, repository)
	if err == nil {
		err = checkDigest(digest)
	}
	if err != nil {
		return nil, explain(stageRegistry, subject, err)
	}
	key := factKey("referrers", origin, digest)
	if list, fresh := c.freshReferrers(key); fresh {
		return list, nil
	}
	value, err := c.share(ctx, key, func(ctx context.Context) (any, error) {
		if list, fresh := c.freshReferrers(key); fresh {
			return list, nil
		}
		list, err := c.listReferrers(ctx, origin, digest)
		if err == nil {
			c.mutable.put(key, list, sizeOf(list), c.options.Clock())
		}
		return list, err
	})
	if err != nil {
		return nil, explain(stageRegistry, "the referrers of "+subject, origin.session.inTrouble(err))
	}
	return value.([]Descriptor), nil
}

func (c *Client) freshReferrers(key string) ([]Descriptor, bool) {
	known, found := c.mutable.get(key)
	if !found {
		return nil, false
	}
	list := known.value.([]Descriptor)
	return list, c.fresh(known.at, len(list) == 0 || known.doubted)
}

// Doubt says that the answer about a digest's referrers, or about a tag, lacked
// what was looked for. It is then believed as long as an empty one.
func (c *Client) Doubt(ctx context.Context, repository, reference string) {
	origin, err := c.place(ctx, repository)
	if err != nil {
		return
	}
	kind := "named"
	if isDigest(reference) {
		kind = "referrers"
	}
	c.mutable.doubt(factKey(kind, origin, reference))
}

// StaleReferrers is the last list that the registry gave, when it is not older
// than StaleFor. It sends nothing. It is for when [Client.Referrers] has no
// answer (a *plugin.StageError that is not [ErrUnauthorized]) and the caller
// has verified this digest before; the report says so.
func (c *Client) StaleReferrers(ctx context.Context, repository, digest string) (list []Descriptor, age time.Duration, found bool) {
	origin, err := c.place(ctx, repository)
	if err != nil {
		return nil, 0, false
	}
	known, found := c.mutable.get(factKey("referrers", origin, digest))
	if !found {
		return nil, 0, false
	}
	age = c.options.Clock().Sub(known.at)
	return known.value.([]Descriptor), age, age <= c.options.StaleFor
}

// listReferrers asks the mirrors and the origin. A mirror's empty list decides
// nothing, as mirrors often carry images alone.
func (c *Client) listReferrers(ctx context.Context, origin place, digest string) ([]Descriptor, error) {
	places, err := c.places(origin)
	if err != nil {
		return nil, err
	}
	var list []Descriptor
	var silent error
	for _, at := range places {
		list, err = c.referrersAt(ctx, at, digest)
		var unanswered *noAnswer
		if errors.As(err, &unanswered) {
			silent = err
		}
		switch {
		case err != nil && !errors.As(err, &unanswered) && !errors.Is(err, ErrNotFound):
			return nil, err
		case err == nil && len(list) > 0:
			return list, nil
		}
	}
	return list, c.lastWord(origin, err, silent)
}

func (c *Client) referrersAt(ctx context.Context, at place, digest string) ([]Descriptor, error) {
	if at.session.hasReferrers() {
		list, err := c.referrersPages(ctx, at, digest)
		if !errors.Is(err, errNoAPI) {
			return list, err
		}
	}
	answer, err := at.session.send(ctx, request{
		method: http.MethodGet, path: at.path, rest: "manifests/" + strings.Replace(digest, ":", "-", 1), accept: typeOCIIndex,
		limit: c.limits.ManifestBytes, limited: "manifestBytes",
	})
	if errors.Is(err, ErrNotFound) {
		return []Descriptor{}, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := parseReferrers(answer.body, c.limits.Referrers)
	if err != nil {
		return nil, describe(redact(answer.url), err, c.limits.Referrers)
	}
	return list, nil
}

// errNoAPI means that a registry has no referrers API.
var errNoAPI = errors.New("the registry has no referrers API")

func (s *session) hasReferrers() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.client.options.Clock().Before(s.absent)
}

// lacksReferrers remembers that the API is missing for as long as other
// mutable answers, unless the answer may be about this repository alone or the
// API was seen to work: else one bad name could hide everybody's referrers.
func (s *session) lacksReferrers(err error) {
	var unknown *notFound
	if errors.As(err, &unknown) && unknown.aboutContent() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.present {
		s.absent = s.client.options.Clock().Add(s.client.options.FreshFor)
	}
}

// givesReferrers remembers that the API works.
func (s *session) givesReferrers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.present, s.absent = true, time.Time{}
}

func (c *Client) referrersPages(ctx context.Context, at place, digest string) ([]Descriptor, error) {
	list := []Descriptor{}
	q := request{
		method: http.MethodGet, path: at.path, rest: "referrers/" + digest, accept: typeOCIIndex,
		limit: c.limits.ManifestBytes, limited: "manifestBytes",
	}
	for {
		answer, err := at.session.send(ctx, q)
		if err == nil && mediaTypeOf(answer) != typeOCIIndex && !looksLikeIndex(answer.body) {
			err = errNoAPI // some registries answer 200 with a page of their own
		}
		if len(list) == 0 && q.next == nil && isNoAPI(err) {
			at.session.lacksReferrers(err)
			return nil, errNoAPI
		}
		if err != nil {
			return nil, err
		}
		at.session.givesReferrers()
		page, err := parseReferrers(answer.body, c.limits.Referrers-int64(len(list)))
		if err != nil {
			return nil, describe(redact(answer.url), err, c.limits.Referrers)
		}
		list = append(list, page...)
		q.next, err = nextPage(answer)
		switch {
		case err != nil:
			return nil, err
		case q.next == nil:
			return list, nil
		case len(page) == 0:
			return nil, invalidAnswer(redact(answer.url), errors.New("an empty page names a next one"))
		}
	}
}

// isNoAPI tells how registries older than OCI 1.1 answer.
func isNoAPI(err error) bool {
	var unanswered *noAnswer
	if errors.As(err, &unanswered) {
		switch unanswered.status {
		case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusNotImplemented:
			return true
		}
	}
	return errors.Is(err, ErrNotFound) || errors.Is(err, errNoAPI)
}

// nextPage reads the Link header (RFC 8288). A page at another host is
// refused: it would be the word of somebody else.
func nextPage(answer *response) (*url.URL, error) {
	for _, header := range answer.header.Values("Link") {
		for _, link := range strings.Split(header, ",") {
			target, parameters, _ := strings.Cut(strings.TrimSpace(link), ";")
			relation := strings.ReplaceAll(strings.ReplaceAll(parameters, " ", ""), `"`, "")
			if !strings.Contains(relation, "rel=next") {
				continue
			}
			next, err := answer.url.Parse(strings.Trim(target, "<>"))
			if err != nil || next.Host != answer.url.Host {
				return nil, invalidAnswer(redact(answer.url), errors.New("its next page is at another host"))
			}
			next.User, next.Scheme = nil, answer.url.Scheme // registries behind a proxy may not know their scheme
			return next, nil
		}
	}
	return nil, nil
}
