package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"

	"github.com/assay-gitops/assay/plugin"
)

// sameOrigin reports whether two addresses have the same scheme and the same
// host with port: only then may they see the same credential.
func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

// redirect is where an answer points to; nil when it is an answer of its own.
func (s *session) redirect(answer *response, from *url.URL) (*url.URL, error) {
	switch answer.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	next, err := from.Parse(answer.header.Get("Location"))
	if err != nil || next.Host == "" {
		return nil, refusedRedirect(from, "its target is not an address")
	}
	next.User = nil
	if !hasHostName(next) {
		return nil, refusedRedirect(from, "its target is not a host's name in ASCII of at most 253 bytes")
	}
	if err := s.mayGo(from, next); err != nil {
		return nil, err
	}
	return next, nil
}

// hostForm is a name of letters, digits, "-", "_" and dots (RFC 1123 section
// 2.1, and what is in use beside it).
var hostForm = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?\.?$`)

// maxHostName is the longest name that the DNS has (RFC 1035 section 2.3.4), as
// it is written.
const maxHostName = 253

// hasHostName reports whether an address has a host that may be asked at the
// word of a registry: it is looked up, and stands in messages.
func hasHostName(at *url.URL) bool {
	host := at.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Zone() == "" && len(at.Port()) <= len("65535")
	}
	return len(host) <= maxHostName && hostForm.MatchString(host) && len(at.Port()) <= len("65535")
}

// mayGo allows HTTPS everywhere, and HTTP only from HTTP to a host that may be
// talked to so.
func (s *session) mayGo(from, next *url.URL) error {
	switch {
	case next.Scheme == "https":
		return nil
	case next.Scheme == "http" && from.Scheme == "http" && s.client.plainHTTP(next.Host):
		return nil
	}
	return refusedRedirect(from, "it leads to "+redact(next)+", which is not HTTPS")
}

func refusedRedirect(from *url.URL, why string) error {
	return &plugin.Refusal{
		Rule: "registry/redirect", Message: fmt.Sprintf("the redirect from %s is not followed: %s", redact(from), why),
		Hint: "the registry, or a proxy in front of it, is set up wrongly",
	}
}

// transportError says why there was no HTTP answer. Text of the HTTP library
// that quotes addresses with queries does not pass.
func (s *session) transportError(ctx context.Context, at *url.URL, err error) error {
	var refusal *plugin.Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("asking %s: %w", redact(at), cause)
	}
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return &noAnswer{
			cause: fmt.Errorf("asking %s: the server's certificate is not trusted: %w", redact(at), certificate.Err), final: true,
			hint: "add the certificate authority to the host's entry in the gate (ca)",
		}
	case errors.Is(err, context.DeadlineExceeded):
		return &noAnswer{cause: fmt.Errorf("asking %s: no answer within %s (limit requestSeconds)", redact(at), s.client.limits.RequestTimeout()), hint: hintSlow}
	}
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err
	}
	var lookup *net.DNSError
	unknown := errors.As(err, &lookup) && lookup.IsNotFound
	return &noAnswer{
		cause: fmt.Errorf("asking %s: %w", redact(at), err), final: unknown,
		hint: "check the registry's name, and that it can be reached from here",
	}
}

func invalidName(repository string, err error) error {
	return &plugin.Refusal{
		Rule: "image/invalid", Message: fmt.Sprintf("%.200q cannot be asked for", repository), Cause: err,
		Hint: "write it as host/path:tag or host/path@sha256:...",
	}
}
