// Package registries lets assay's registry client talk to the real
// distribution registry, over TLS and with token authentication.
package registries

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/auth/token"
	"github.com/distribution/distribution/v3/registry/handlers"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/sirupsen/logrus"

	// Content lies in a folder that two servers share.
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

// The account of a [Distribution].
const (
	User     = "reader"
	Password = "correct horse"
	service  = "registry.example.com"
	issuer   = "tokens.example.com"
)

// Distribution is distribution/v3 twice over one folder: open, over plain HTTP,
// for who pushes; and over TLS with token authentication for who is tested.
type Distribution struct {
	open, guarded *httptest.Server
	key           *ecdsa.PrivateKey

	mu       sync.Mutex
	requests []string
	scopes   []string
}

// Start serves the folder.
func Start(dir string) (*Distribution, error) {
	logrus.SetOutput(io.Discard)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the token service's key: %w", err)
	}
	d := &Distribution{key: key}
	content := filepath.Join(dir, "content")
	d.open = httptest.NewServer(handlers.NewApp(context.Background(), configure(content, nil)))

	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Algorithm: "ES256"}}})
	if err != nil {
		return nil, fmt.Errorf("encoding the token service's key: %w", err)
	}
	keyFile := filepath.Join(dir, "jwks.json")
	if err := os.WriteFile(keyFile, keys, 0o600); err != nil {
		return nil, fmt.Errorf("writing the token service's key: %w", err)
	}
	routes := http.NewServeMux()
	d.guarded = httptest.NewUnstartedServer(d.record(routes))
	d.guarded.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail on purpose
	guard := configuration.Auth{"token": configuration.Parameters{
		"realm": "https://" + d.guarded.Listener.Addr().String() + "/token", "service": service, "issuer": issuer, "jwks": keyFile,
	}}
	routes.HandleFunc("GET /token", d.serveToken)
	routes.Handle("/", handlers.NewApp(context.Background(), configure(content, guard)))
	d.guarded.StartTLS()
	return d, nil
}

func configure(content string, auth configuration.Auth) *configuration.Configuration {
	config := &configuration.Configuration{Auth: auth, Storage: configuration.Storage{
		"filesystem":  configuration.Parameters{"rootdirectory": content},
		"maintenance": configuration.Parameters{"uploadpurging": map[any]any{"enabled": false}},
	}}
	config.HTTP.Secret = "shared"
	return config
}

// Close stops both servers.
func (d *Distribution) Close() {
	d.open.Close()
	d.guarded.Close()
}

// OpenHost is for who pushes, GuardedHost for who is tested.
func (d *Distribution) OpenHost() string { return d.open.Listener.Addr().String() }

// GuardedHost serves TLS and asks for a token.
func (d *Distribution) GuardedHost() string { return d.guarded.Listener.Addr().String() }

// CA is the certificate of the guarded host.
func (d *Distribution) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.guarded.Certificate().Raw})
}

// serveToken is a token service (distribution's token authentication
// specification): it gives what is asked for, but for one who may only pull.
func (d *Distribution) serveToken(w http.ResponseWriter, r *http.Request) {
	user, password, given := r.BasicAuth()
	if !given || user != User || password != Password {
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"wrong user or password"}]}`, http.StatusUnauthorized)
		return
	}
	signed, err := d.token(r.URL.Query()["scope"])
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"token": signed, "expires_in": 300}) // the client sees a broken answer itself
}

func (d *Distribution) token(scopes []string) (string, error) {
	claims := token.ClaimSet{
		Issuer: issuer, Subject: User, Audience: []string{service}, JWTID: rand.Text(),
		IssuedAt: time.Now().Unix(), NotBefore: time.Now().Add(-time.Minute).Unix(), Expiration: time.Now().Add(5 * time.Minute).Unix(),
	}
	for _, scope := range scopes {
		kind, rest, found := strings.Cut(scope, ":")
		at := strings.LastIndex(rest, ":")
		if !found || at < 0 {
			return "", errors.New("the scope is not type:name:actions")
		}
		d.mu.Lock()
		d.scopes = append(d.scopes, scope)
		d.mu.Unlock()
		if slices.Contains(strings.Split(rest[at+1:], ","), "pull") {
			claims.Access = append(claims.Access, &token.ResourceActions{Type: kind, Name: rest[:at], Actions: []string{"pull"}})
		}
	}
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", "1")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: d.key}, options)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

func (d *Distribution) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		d.requests = append(d.requests, r.Method+" "+r.URL.Path)
		d.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// Take returns the requests and scopes since the last call.
func (d *Distribution) Take() (requests, scopes []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	requests, scopes = d.requests, d.scopes
	d.requests, d.scopes = nil, nil
	return requests, scopes
}
