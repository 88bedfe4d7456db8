package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// challenge is what a registry asks for: nothing, "basic" or "bearer".
type challenge struct {
	scheme         string
	realm, service string
}

// authorize is the Authorization header for a repository; empty when the
// registry asks for none. A token whose header is refused is not given again.
func (s *session) authorize(ctx context.Context, path, refused string) (string, error) {
	s.mu.Lock()
	s.wanted[path] = true // before the ping, so that one token serves all who wait for it
	s.mu.Unlock()
	asked, err := s.ping(ctx)
	if err != nil || asked.scheme == "" {
		s.unwanted(path)
		return "", err
	}
	secret, err := s.credential(ctx)
	if err != nil || secret.RegistryToken != "" || asked.scheme == "basic" {
		s.unwanted(path)
	}
	switch {
	case err != nil:
		return "", err
	case secret.RegistryToken != "":
		return "Bearer " + secret.RegistryToken, nil
	case asked.scheme == "basic" && secret.IsZero():
		return "", nil
	case asked.scheme == "basic":
		return basic(secret), nil
	}
	return s.bearer(ctx, path, refused)
}

// unwanted forgets a repository for which no token is waited for.
func (s *session) unwanted(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.wanted, path)
}

func basic(secret Credential) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(secret.Username+":"+secret.Password))
}

// credential reads the session's credential, and again after its end.
func (s *session) credential(ctx context.Context) (Credential, error) {
	value, err := s.client.share(ctx, "credential\x00"+s.flight, func(ctx context.Context) (any, error) {
		s.mu.Lock()
		secret, end := s.secret, s.secretEnd
		s.mu.Unlock()
		now := s.client.options.Clock()
		if now.Before(end) {
			return secret, nil
		}
		// Half of the time of the work that waits for it: then it is the helper
		// that is named, and not the end of the work.
		half, cancel := context.WithTimeout(ctx, s.client.limits.flight()/2)
		defer cancel()
		secret, validity, err := s.source.read(half)
		if err != nil {
			return nil, &noAnswer{cause: err, hint: s.source.hint, final: true}
		}
		s.mu.Lock()
		s.secret, s.secretEnd = secret, now.Add(validity*9/10)
		s.mu.Unlock()
		return secret, nil
	})
	if err != nil {
		return Credential{}, err
	}
	return value.(Credential), nil
}

// ping asks once which kind of credential the registry wants.
func (s *session) ping(ctx context.Context) (challenge, error) {
	value, err := s.client.share(ctx, "ping\x00"+s.flight, func(ctx context.Context) (any, error) {
		s.mu.Lock()
		known := s.challenge
		s.mu.Unlock()
		if known != nil {
			return *known, nil
		}
		base := &url.URL{Scheme: s.scheme, Host: s.host, Path: "/v2/"}
		asked := challenge{}
		_, err := s.retry(ctx, func(ctx context.Context, _ *patience) (*response, error) {
			answer, err := s.follow(ctx, outgoing{method: http.MethodGet, url: base, limit: maxErrorBytes, limited: "of a ping"})
			if err == nil && answer.status == http.StatusUnauthorized {
				// Another host's challenge is not this registry's: what it
				// asks for is never answered with this host's credential.
				if answer.own {
					asked = parseChallenges(answer.header.Values("WWW-Authenticate"))
				}
				answer.status = http.StatusOK
			}
			return answer, err
		})
		switch {
		case errors.Is(err, ErrNotFound):
			return nil, &noAnswer{cause: fmt.Errorf("%s does not speak the registry protocol (404 on /v2/)", s.host), hint: "check the host's name", final: true}
		case err != nil:
			return nil, err
		}
		s.mu.Lock()
		s.challenge = &asked
		s.mu.Unlock()
		return asked, nil
	})
	if err != nil {
		return challenge{}, err
	}
	return value.(challenge), nil
}

// authorizeAgain reacts to a 401 after the ping: a token at its end, or a
// registry that wants a credential for some repositories only. It is empty
// when another try would be the same again.
func (s *session) authorizeAgain(ctx context.Context, path, refused string, answer *response) (string, error) {
	fresh := parseChallenges(answer.header.Values("WWW-Authenticate"))
	if fresh.scheme == "" {
		return "", nil
	}
	s.mu.Lock()
	s.challenge = &fresh
	s.alone = s.alone || s.tooWide(refused)
	s.mu.Unlock()
	again, err := s.authorize(ctx, path, refused)
	if err != nil || again == refused {
		return "", err
	}
	return again, nil
}
