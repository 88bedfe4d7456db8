package notary

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"
)

// Revoker is the service of an authority that tells which of its certificates
// were revoked: OCSP under /ocsp/, the list under /crl.
type Revoker struct {
	Authority *Authority
	// Answer, when set, answers in its place.
	Answer http.HandlerFunc

	mu      sync.Mutex
	revoked map[string]bool
	asked   int
}

// Revoke revokes a certificate.
func (r *Revoker) Revoke(certificate *x509.Certificate) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.revoked == nil {
		r.revoked = map[string]bool{}
	}
	r.revoked[certificate.SerialNumber.String()] = true
}

// Asked is how often it was asked.
func (r *Revoker) Asked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func (r *Revoker) isRevoked(serial *big.Int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.revoked[serial.String()]
}

// ServeHTTP implements http.Handler.
func (r *Revoker) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	r.asked++
	r.mu.Unlock()
	switch {
	case r.Answer != nil:
		r.Answer(writer, request)
	case strings.HasPrefix(request.URL.Path, "/ocsp"):
		r.status(writer, request)
	default:
		r.list(writer)
	}
}

// status answers one question (RFC 6960, by GET or POST).
func (r *Revoker) status(writer http.ResponseWriter, request *http.Request) {
	asked, err := io.ReadAll(io.LimitReader(request.Body, 1<<16))
	if request.Method == http.MethodGet {
		escaped, _ := url.PathUnescape(strings.TrimPrefix(request.URL.EscapedPath(), "/ocsp/"))
		if again, unescapeErr := url.QueryUnescape(escaped); unescapeErr == nil && strings.Contains(escaped, "%") {
			escaped = again
		}
		asked, err = base64.StdEncoding.DecodeString(escaped)
	}
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	question, err := ocsp.ParseRequest(asked)
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	answer := ocsp.Response{
		Status: ocsp.Good, SerialNumber: question.SerialNumber,
		ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour),
	}
	if r.isRevoked(question.SerialNumber) {
		answer.Status, answer.RevokedAt = ocsp.Revoked, time.Now().Add(-time.Minute)
	}
	made, err := ocsp.CreateResponse(r.Authority.Certificate, r.Authority.Certificate, answer, r.Authority.Key)
	if err != nil {
		http.Error(writer, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = io.Copy(writer, bytes.NewReader(made)) // who hung up does not listen
}

// list answers with the revocation list (RFC 5280).
func (r *Revoker) list(writer http.ResponseWriter) {
	template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour)}
	r.mu.Lock()
	for serial := range r.revoked {
		if number, ok := new(big.Int).SetString(serial, 10); ok {
			template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: number, RevocationTime: time.Now().Add(-time.Minute)})
		}
	}
	r.mu.Unlock()
	made, err := x509.CreateRevocationList(rand.Reader, template, r.Authority.Certificate, r.Authority.Key)
	if err != nil {
		http.Error(writer, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = io.Copy(writer, bytes.NewReader(made)) // who hung up does not listen
}
