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

// admit refuses a request without the token of what it asks. What comes through
// Argo CD's proxy is a user's, who chooses the path, and who can have the proxy
// leave out any header that it has checked or set (Connection: NAME, RFC 9110
// 7.6.1). So the proxy has a token of its own, which opens nothing but the
// Application that Argo CD has allowed the user to see.
func (s *Server) admit(r *http.Request) (status int, err error) {
	expected, which := s.Token, "token"
	if r.URL.Path == extensionPath {
		expected, which = s.extensionToken, "token for Argo CD's proxy"
	} else if proxied(r.Header) {
		return http.StatusForbidden, errors.New("this cannot be asked through Argo CD")
	}
	known, err := expected()
	if err != nil || known == "" {
		return http.StatusUnauthorized, fmt.Errorf("this sidecar has no %s to compare with, so that nobody is answered", which)
	}
	given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	want, got := sha256.Sum256([]byte(known)), sha256.Sum256([]byte(given)) // of one length, so that the time says nothing of the token
	if !bearer || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return http.StatusUnauthorized, fmt.Errorf("the bearer token is not this store's %s", which)
	}
	return 0, nil
}

// proxied reports whether a request came through Argo CD's proxy, as far as its
// headers still say so.
func proxied(header http.Header) bool {
	for name := range header {
		if strings.HasPrefix(name, "Argocd-") {
			return true
		}
	}
	return false
}

// extensionToken is the proxy's token. One that opens everything is none.
func (s *Server) extensionToken() (string, error) {
	if s.ExtensionToken == nil {
		return "", nil
	}
	token, err := s.ExtensionToken()
	if err != nil {
		return "", err
	}
	if whole, err := s.Token(); err == nil && whole == token {
		return "", errors.New("the token for Argo CD's proxy is the one that opens everything; write another")
	}
	return token, nil
}
