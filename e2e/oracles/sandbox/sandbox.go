// Package sandbox is a Sigstore of its own on loopback: a Fulcio, a Rekor, a
// certificate transparency log and a timestamp authority, as far as cosign
// talks to them. It shares no code with assay, so that what cosign signs here
// and what assay reads there meet only in the formats.
package sandbox

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"
)

// Options change what a Sigstore issues. The zero value issues what the public
// instance does.
type Options struct {
	// NoSCT leaves the certificate transparency log out of certificates.
	NoSCT bool
	// CertificateAge lets certificates start so long ago; they last ten minutes.
	CertificateAge time.Duration
}

// Sigstore is running until [Sigstore.Close].
type Sigstore struct {
	options Options
	name    string
	keys    authorities
	server  *httptest.Server
	host    string
}

// New starts a Sigstore; the name goes into its certificates and its TrustRoot.
func New(name string, options Options) (*Sigstore, error) {
	keys, err := newAuthorities(name)
	if err != nil {
		return nil, fmt.Errorf("starting Sigstore %s: %w", name, err)
	}
	s := &Sigstore{options: options, name: name, keys: keys}
	routes := http.NewServeMux()
	routes.HandleFunc("POST /api/v2/signingCert", s.serveFulcio)
	routes.HandleFunc("POST /api/v1/log/entries", s.serveRekor)
	routes.HandleFunc("POST /api/v1/timestamp", s.serveTimestamp)
	s.server = httptest.NewServer(routes)
	address, err := url.Parse(s.server.URL)
	if err != nil {
		s.server.Close()
		return nil, fmt.Errorf("starting Sigstore %s: %w", name, err)
	}
	s.host = address.Host
	return s, nil
}

// Close stops the servers.
func (s *Sigstore) Close() { s.server.Close() }

// Name is the name of its TrustRoot.
func (s *Sigstore) Name() string { return s.name }

// URL is where Fulcio and Rekor answer.
func (s *Sigstore) URL() string { return s.server.URL }

// With is the same Sigstore, same keys, issuing other certificates. Closing it
// leaves the first one running.
func (s *Sigstore) With(options Options) (*Sigstore, error) {
	other, err := New(s.name, options)
	if err != nil {
		return nil, err
	}
	other.keys = s.keys
	return other, nil
}
