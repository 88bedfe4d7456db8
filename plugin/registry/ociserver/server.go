// Package ociserver is an OCI 1.1 registry in memory on loopback, for the demo
// and for tests. It is go-containerregistry's in-memory registry with what a
// client must be tried against added: a referrers API that reports each
// referrer's own artifact type, filters and pages; bearer tokens with scopes;
// delays, faults, and a record of every request.
//
// It keeps everything in memory, and is no registry for production.
package ociserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
)

// Options choose what kind of registry is started. The zero value is an open
// registry over plain HTTP with the referrers API.
type Options struct {
	// TLS serves HTTPS with a certificate of its own; see [Server.CA].
	TLS bool
	// Token demands a bearer token for everything.
	Token *TokenAuth
	// NoReferrers answers 404 on the referrers API, as registries older than
	// OCI 1.1 do.
	NoReferrers bool
	// PageSize is the number of referrers in one answer; 0 gives all at once.
	PageSize int
	// Delay is slept before every answer.
	Delay time.Duration
	// Addr is where to listen; empty chooses a free port of 127.0.0.1.
	Addr string
}

// TokenAuth is the token service's one account.
type TokenAuth struct {
	User, Password string
	// Realm replaces the token service's own address in the challenge.
	Realm string
	// Denied are repositories for which no token is given.
	Denied []string
}

// Server is a running registry. Close it.
type Server struct {
	options  Options
	host     string
	ca       []byte
	http     *http.Server
	content  http.Handler
	stop     context.CancelFunc
	done     chan struct{}
	record   recorder
	tokens   tokens
	referrer referrers

	mu    sync.Mutex
	delay time.Duration
	fault func(*http.Request) *Fault
}

// Start listens and serves until [Server.Close].
func Start(options Options) (*Server, error) {
	addr := options.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("starting the registry: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		options: options, host: listener.Addr().String(), delay: options.Delay, stop: stop, done: make(chan struct{}),
		content: ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0))),
	}
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	if options.TLS {
		certificate, ca, err := newCertificate(time.Now())
		if err != nil {
			stop()
			return nil, errors.Join(err, listener.Close())
		}
		s.ca = ca
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(listener) // ends with ErrServerClosed, or the listener was closed
	}()
	return s, nil
}

// Close stops the server and drops its content.
func (s *Server) Close() error {
	s.stop()
	err := s.http.Close()
	<-s.done
	if err != nil {
		return fmt.Errorf("stopping the registry: %w", err)
	}
	return nil
}

// Host is 127.0.0.1 and the port.
func (s *Server) Host() string { return s.host }

// CA is the certificate authority as PEM; nil without TLS.
func (s *Server) CA() []byte { return s.ca }

// Transport trusts the server's certificate. Each call makes a new one, with
// its own connections.
func (s *Server) Transport() *http.Transport {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	if s.ca != nil {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(s.ca)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return transport
}

// Authenticator is the account that may push and pull.
func (s *Server) Authenticator() authn.Authenticator {
	if s.options.Token == nil {
		return authn.Anonymous
	}
	return &authn.Basic{Username: s.options.Token.User, Password: s.options.Token.Password}
}

// SetDelay changes the delay before every later answer.
func (s *Server) SetDelay(delay time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = delay
}

// SetFault asks fault about every later request; nil from it answers as usual,
// and a nil function ends the faults.
func (s *Server) SetFault(fault func(*http.Request) *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// serve records the request, waits, and answers. The answer is made whole
// before the first byte is sent, so that a request that follows from it is
// always recorded as later than its end.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	index := s.record.begin(r)
	s.mu.Lock()
	delay, faultOf := s.delay, s.fault
	s.mu.Unlock()
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
	}
	if faultOf != nil {
		if fault := faultOf(r); fault != nil {
			s.record.end(index, fault.Status)
			fault.serve(w, r)
			return
		}
	}
	answer := newAnswer()
	s.answer(answer, r)
	s.record.end(index, answer.status)
	answer.send(w)
}

func (s *Server) answer(w *answer, r *http.Request) {
	class, repository, reference := classify(r)
	switch {
	case r.URL.Path == tokenPath && s.options.Token != nil:
		s.tokens.serve(w, r, s.options.Token)
	case s.options.Token != nil && !s.tokens.allows(r, repository):
		s.challenge(w, r, repository)
	case class == ClassReferrers && !s.options.NoReferrers:
		s.referrer.serve(w, r, referrersQuery{repository: repository, subject: reference, pageSize: s.options.PageSize})
	case r.Method == http.MethodPut && isManifest(r):
		s.push(w, r, repository)
	default:
		s.content.ServeHTTP(w, r)
	}
}
