package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

type token struct {
	value string
	// from and until bound the time in which it is used.
	from, until time.Time
}

const (
	maxTokenBytes = 64 << 10
	// defaultTokenLife is what a token without expires_in lives (distribution
	// token specification).
	defaultTokenLife = 60 * time.Second
	// youth is the age up to which a token that is refused cannot have ended.
	youth = 10 * time.Second
	// maxScopes bounds the repositories in one request for a token, whose
	// address must not grow without end.
	maxScopes = 40
)

// bearer finds or fetches a token for a repository. Everybody who waits for
// one is served by one exchange.
func (s *session) bearer(ctx context.Context, path, refused string) (string, error) {
	for {
		s.mu.Lock()
		known := s.tokens[path]
		if s.alive(known) && "Bearer "+known.value != refused {
			delete(s.wanted, path)
			s.mu.Unlock()
			return "Bearer " + known.value, nil
		}
		delete(s.tokens, path)
		s.wanted[path] = true
		s.mu.Unlock()
		value, err := s.client.share(ctx, "token\x00"+s.flight, s.exchangeWanted)
		if err != nil {
			return "", err
		}
		outcome, served := value.(map[string]exchanged)[path]
		if served && (outcome.err != nil || outcome.token.value == "") {
			return "", outcome.err
		}
		if served {
			return "Bearer " + outcome.token.value, nil
		}
	}
}

// exchanged is what came of asking for one repository's token.
type exchanged struct {
	token token
	err   error
}

// exchangeWanted fetches one token for all repositories that wait. When the
// token service refuses them together, each is asked for alone, so that one
// forbidden repository takes nothing from the others.
func (s *session) exchangeWanted(ctx context.Context) (any, error) {
	s.mu.Lock()
	var paths []string
	for path := range s.wanted {
		if !s.alive(s.tokens[path]) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	if len(paths) > maxScopes {
		paths = paths[:maxScopes]
	}
	for _, path := range paths {
		delete(s.wanted, path)
	}
	alone := s.alone
	s.mu.Unlock()
	outcomes := map[string]exchanged{}
	if len(paths) == 0 {
		return outcomes, nil
	}
	if !alone {
		got, err := s.exchange(ctx, paths)
		for _, path := range paths {
			outcomes[path] = exchanged{got, err}
		}
		alone = len(paths) > 1 && errors.Is(err, ErrUnauthorized)
	}
	if alone {
		outcomes = s.exchangeEach(ctx, paths)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropTokens(len(outcomes))
	for path, outcome := range outcomes {
		if outcome.err == nil {
			s.tokens[path] = outcome.token
		}
	}
	return outcomes, nil
}

// maxTokens bounds the tokens of one session: authors of applications can name
// as many repositories as they like.
const maxTokens = 1000

// dropTokens makes room for that many more: first those that have come to
// their end go, then whichever. The session is locked.
func (s *session) dropTokens(more int) {
	if len(s.tokens)+more <= maxTokens {
		return
	}
	maps.DeleteFunc(s.tokens, func(_ string, known token) bool { return !s.alive(known) })
	for path := range s.tokens {
		if len(s.tokens)+more <= maxTokens {
			return
		}
		delete(s.tokens, path)
	}
}

func (s *session) exchangeEach(ctx context.Context, paths []string) map[string]exchanged {
	each := make([]exchanged, len(paths))
	var group sync.WaitGroup
	for i, path := range paths {
		group.Go(func() {
			got, err := s.exchange(ctx, []string{path})
			each[i] = exchanged{got, err}
		})
	}
	group.Wait()
	outcomes := map[string]exchanged{}
	for i, path := range paths {
		outcomes[path] = each[i]
	}
	return outcomes
}

// alive reports whether a token exists and has not come to its end.
func (s *session) alive(t token) bool {
	return t.value != "" && t.until.After(s.client.options.Clock())
}

// tooWide reports whether a token that was refused is young and was given for
// several repositories: some services let such a token hold for one alone.
// The session is locked.
func (s *session) tooWide(refused string) bool {
	shared, young := 0, false
	for _, known := range s.tokens {
		if "Bearer "+known.value == refused {
			shared++
			young = s.client.options.Clock().Sub(known.from) < youth
		}
	}
	return shared > 1 && young
}

// exchange asks the token service (distribution token specification; OAuth2
// where there is an identity token).
func (s *session) exchange(ctx context.Context, paths []string) (token, error) {
	s.mu.Lock()
	asked := *s.challenge
	s.mu.Unlock()
	secret, err := s.credential(ctx)
	if err != nil {
		return token{}, err
	}
	realm, err := s.realm(asked, !secret.IsZero())
	if err != nil {
		return token{}, err
	}
	out := tokenRequest(realm, asked.service, paths, secret)
	answer, err := s.retry(ctx, func(ctx context.Context, _ *patience) (*response, error) { return s.follow(ctx, out) })
	if errors.Is(err, ErrNotFound) {
		err = &noAnswer{cause: fmt.Errorf("the token service %s answered 404", redact(realm)), hint: hintRetry, final: true}
	}
	if err != nil {
		return token{}, err
	}
	return s.readToken(realm, answer.body)
}

func tokenRequest(realm *url.URL, service string, paths []string, secret Credential) outgoing {
	out := outgoing{method: http.MethodGet, limit: maxTokenBytes, limited: "of a token"}
	query := realm.Query()
	for _, path := range paths {
		query.Add("scope", "repository:"+path+":pull")
	}
	if service != "" {
		query.Set("service", service)
	}
	target := *realm
	if secret.IdentityToken != "" {
		query.Set("scope", strings.Join(query["scope"], " "))
		query.Set("grant_type", "refresh_token")
		query.Set("refresh_token", secret.IdentityToken)
		query.Set("client_id", "assay")
		out.method, out.body = http.MethodPost, query.Encode()
		target.RawQuery = ""
	} else {
		target.RawQuery = query.Encode()
		if !secret.IsZero() {
			out.authorization = basic(secret)
		}
	}
	out.url = &target
	return out
}

func (s *session) readToken(realm *url.URL, body []byte) (token, error) {
	var answer struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	err := json.Unmarshal(body, &answer)
	if answer.Token == "" {
		answer.Token = answer.AccessToken
	}
	if err != nil || answer.Token == "" {
		return token{}, &noAnswer{cause: fmt.Errorf("the token service %s sent no token", redact(realm)), hint: hintRetry, final: true}
	}
	life := defaultTokenLife
	if answer.ExpiresIn > 0 {
		life = time.Duration(min(answer.ExpiresIn, 24*3600)) * time.Second
	}
	now := s.client.options.Clock()
	return token{value: answer.Token, from: now, until: now.Add(life * 9 / 10)}, nil
}
