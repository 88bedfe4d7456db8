package registry

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry/facts"
)

// The defaults of [Options].
const (
	DefaultFreshFor = 5 * time.Minute
	DefaultStaleFor = 24 * time.Hour
)

// Options configure a [Client]. The zero value talks anonymously to public
// hosts over HTTPS.
type Options struct {
	// Hosts are the hosts that a gate lists.
	Hosts []Host
	// Tenants are the only repositories for which a tenant's own credential is
	// used, in the place of that of an entry in Hosts; see [Tenant.Visit].
	Tenants []Repositories
	// Limits bound every read; the zero value stands for the defaults.
	Limits plugin.Limits
	// Keychain gives credentials for hosts without an entry: the docker
	// configuration, for the command line only. It is asked once for each host.
	// Nil is anonymous.
	Keychain authn.Keychain
	// Keychains adds clouds' keychains by name to those that are built in.
	Keychains map[string]Keychain
	// FreshFor is how long tags and referrer lists are believed without a
	// request, and StaleFor how long they may be used when the registry gives
	// no answer. Zero is the default, below zero is never.
	FreshFor, StaleFor time.Duration
	// AllowLoopback lets hosts without an entry be on this machine's loopback,
	// in plain HTTP. For the command line without a gate only.
	AllowLoopback bool
	// Proxy chooses a proxy for a request; nil uses none. A proxy's own address
	// may be private; the addresses behind it are the proxy's to check.
	Proxy func(*http.Request) (*url.URL, error)
	// Facts keeps tags, lists of referrers and content by digest where the next
	// process finds them; nil keeps them in memory alone.
	Facts *facts.Store
	// Clock is time.Now unless it is set.
	Clock func() time.Time
	// Sleep waits between two tries unless the context ends first; nil waits
	// by the wall clock.
	Sleep func(context.Context, time.Duration) error
}

// Host says how one host is reached.
type Host struct {
	// Host is "registry.example.com", with a port when it is not the default.
	Host string
	// Prefix limits the credential to repositories below it; empty is all.
	Prefix string
	// Private allows addresses that are not public. Link-local addresses are
	// refused all the same.
	Private bool
	// PlainHTTP talks HTTP; only with Private, or for a loopback host.
	PlainHTTP bool
	// CA are PEM certificates that are trusted for this host besides the
	// system's.
	CA []byte
	// Mirrors are asked first: "mirror.example.com/prefix". Names stay Host's.
	Mirrors []string
	// MirrorsOnly never asks the host itself.
	MirrorsOnly bool
	// Credential is used for Host and Prefix, and sent to no other host.
	Credential Credential
	// Keychain names a cloud's keychain: "gar", "ecr", "acr".
	Keychain string
}

// rules is what all entries of one host say together.
type rules struct {
	private, plainHTTP bool
	roots              *x509.CertPool
	mirrors            []string
	mirrorsOnly        bool
	entries            []Host
}

func (o Options) withDefaults() Options {
	if o.Limits == (plugin.Limits{}) {
		o.Limits = plugin.DefaultLimits()
	}
	if o.FreshFor == 0 {
		o.FreshFor = DefaultFreshFor
	}
	if o.StaleFor == 0 {
		o.StaleFor = DefaultStaleFor
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	return o
}

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// hostRules checks the entries and joins those of one host.
func hostRules(hosts []Host) (map[string]*rules, error) {
	byHost := map[string]*rules{}
	for _, entry := range hosts {
		registry, err := name.NewRegistry(entry.Host, name.StrictValidation)
		if err != nil || entry.Host == "" {
			return nil, fmt.Errorf("reading registries: %q is not a host", entry.Host)
		}
		host := registry.RegistryStr()
		entry.Prefix = strings.Trim(entry.Prefix, "/")
		if entry.PlainHTTP && !entry.Private && !isLoopback(host) {
			return nil, fmt.Errorf("reading registries: %s: plain HTTP is for private and loopback hosts only", host)
		}
		if !entry.Credential.IsZero() && entry.Keychain != "" {
			return nil, fmt.Errorf("reading registries: %s: both a credential and a keychain", host)
		}
		joined := byHost[host]
		if joined == nil {
			joined = &rules{private: entry.Private, plainHTTP: entry.PlainHTTP}
			byHost[host] = joined
		}
		if err := joined.add(host, entry); err != nil {
			return nil, err
		}
	}
	return byHost, nil
}

func (r *rules) add(host string, entry Host) error {
	if r.private != entry.Private || r.plainHTTP != entry.PlainHTTP {
		return fmt.Errorf("reading registries: %s: two entries disagree on private or plainHTTP, which hold for the whole host", host)
	}
	for _, other := range r.entries {
		if other.Prefix == entry.Prefix {
			return fmt.Errorf("reading registries: %s: two entries for prefix %q", host, entry.Prefix)
		}
	}
	if len(entry.CA) > 0 {
		if r.roots == nil {
			r.roots = systemRoots()
		}
		if !r.roots.AppendCertsFromPEM(entry.CA) {
			return fmt.Errorf("reading registries: %s: ca holds no PEM certificate", host)
		}
	}
	for _, mirror := range entry.Mirrors {
		if _, err := name.NewRepository(mirror+"/x", name.StrictValidation); err != nil || strings.Contains(mirror, "://") {
			return fmt.Errorf("reading registries: %s: mirror %q is not host/prefix", host, mirror)
		}
		if !slices.Contains(r.mirrors, mirror) {
			r.mirrors = append(r.mirrors, strings.Trim(mirror, "/"))
		}
	}
	if entry.MirrorsOnly && len(entry.Mirrors) == 0 {
		return fmt.Errorf("reading registries: %s: mirrorsOnly without a mirror leaves nobody to ask", host)
	}
	r.mirrorsOnly = r.mirrorsOnly || entry.MirrorsOnly
	r.entries = append(r.entries, entry)
	return nil
}

// entryFor is the entry with the longest prefix that covers the repository's
// path; nil when there is none.
func (r *rules) entryFor(path string) *Host {
	var best *Host
	for i := range r.entries {
		prefix := r.entries[i].Prefix
		covers := prefix == "" || path == prefix || strings.HasPrefix(path, prefix+"/")
		if covers && (best == nil || len(prefix) > len(best.Prefix)) {
			best = &r.entries[i]
		}
	}
	return best
}

func systemRoots() *x509.CertPool {
	if pool, err := x509.SystemCertPool(); err == nil {
		return pool
	}
	return x509.NewCertPool()
}

// isLoopback reports whether a host, with or without a port, is this machine
// by its name. RFC 6761 section 6.3 reserves localhost.
func isLoopback(host string) bool {
	if bare, _, err := net.SplitHostPort(host); err == nil {
		host = bare
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
