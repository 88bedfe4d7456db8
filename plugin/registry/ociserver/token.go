package ociserver

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const tokenPath = "/token"

// tokens are the bearer tokens that were given, with the repositories that
// each is good for.
type tokens struct {
	mu    sync.Mutex
	given map[string][]string
}

// serve is the token service (distribution token authentication
// specification): basic credentials in, a token for the asked scopes out.
func (t *tokens) serve(w *answer, r *http.Request, account *TokenAuth) {
	user, password, _ := r.BasicAuth()
	if user != account.User || password != account.Password {
		w.fail(http.StatusUnauthorized, "UNAUTHORIZED", "wrong user or password")
		return
	}
	var repositories []string
	for _, scope := range r.URL.Query()["scope"] {
		parts := strings.Split(scope, ":")
		if len(parts) != 3 || parts[0] != "repository" {
			continue
		}
		if slices.Contains(account.Denied, parts[1]) {
			w.fail(http.StatusForbidden, "DENIED", "no access to "+parts[1])
			return
		}
		repositories = append(repositories, parts[1])
	}
	token := rand.Text()
	t.mu.Lock()
	if t.given == nil {
		t.given = map[string][]string{}
	}
	t.given[token] = repositories
	t.mu.Unlock()
	w.header.Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"token":%q,"expires_in":3600}`, token)
}

// allows reports whether the request's token is good for the repository.
func (t *tokens) allows(r *http.Request, repository string) bool {
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	repositories, known := t.given[token]
	return known && (repository == "" || slices.Contains(repositories, repository))
}

// RevokeTokens makes every token that was given worthless, as time does.
func (s *Server) RevokeTokens() {
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	s.tokens.given = nil
}

func (s *Server) challenge(w *answer, r *http.Request, repository string) {
	realm := s.options.Token.Realm
	if realm == "" {
		scheme := "http"
		if s.options.TLS {
			scheme = "https"
		}
		realm = scheme + "://" + s.host + tokenPath
	}
	challenge := fmt.Sprintf(`Bearer realm=%q,service=%q`, realm, s.host)
	if repository != "" {
		actions := "pull"
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			actions = "pull,push"
		}
		challenge += fmt.Sprintf(`,scope="repository:%s:%s"`, repository, actions)
	}
	w.header.Set("WWW-Authenticate", challenge)
	w.fail(http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
}
