package reports

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
)

const (
	// mostToken bounds a token's file, in bytes.
	mostToken = 4096
	// leastToken is shorter than any token that is worth its name.
	leastToken = 16
	// extensionPath is what Argo CD's proxy extension asks for.
	extensionPath = "/api/v1/extension/verdict"
)

// TokenFile reads a token from a file, each time that it is asked for.
func TokenFile(name string) func() (string, error) {
	return func() (string, error) {
		data, err := os.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("reading the token: %w", err)
		}
		token := strings.TrimSpace(string(data))
		if len(token) < leastToken || len(token) > mostToken {
			return "", fmt.Errorf("reading the token: %s holds %d characters; write %d at least, such as of `openssl rand -hex 32`", name, len(token), leastToken)
		}
		return token, nil
	}
}

// admit refuses a request without a token. What comes through Argo CD's proxy is
// a user's, who chooses the path: the token that the proxy adds opens nothing but
// the Application that Argo CD has allowed the user to see.
func (s *Server) admit(r *http.Request) (status int, err error) {
	proxied := false
	for name := range r.Header {
		proxied = proxied || strings.HasPrefix(name, "Argocd-")
	}
	if proxied && r.URL.Path != extensionPath {
		return http.StatusForbidden, errors.New("this cannot be asked through Argo CD")
	}
	known, err := s.Token()
	if err != nil || known == "" {
		return http.StatusUnauthorized, errors.New("this sidecar has no token to compare with, so that nobody is answered")
	}
	given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	want, got := sha256.Sum256([]byte(known)), sha256.Sum256([]byte(given)) // of one length, so that the time says nothing of the token
	if !bearer || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return http.StatusUnauthorized, errors.New("the bearer token is not the one of this store")
	}
	return 0, nil
}
