package registry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/singleflight"
)

// Client talks to registries. One client serves all applications that use the
// same gate configuration; it may be used by many goroutines. What it
// remembers is kept apart by host and credential.
type Client struct {
	options Options
	limits  limits
	hosts   map[string]*rules
	tenants []Repositories
	mirrors map[string]bool // hosts of mirrors
	doors   *doors
	stats   stats
	flights singleflight.Group
	// content holds bytes by digest, mutable tags and lists of referrers.
	content, mutable *cache
	// inspections has a place for each image that may be looked at at once.
	inspections chan struct{}
	// walks has a place for each image whose layers may be read at once.
	walks chan struct{}
	// salt keeps credentials from being guessed from partitions.
	salt [16]byte
	// disk is what outlives the process; nil for nothing. identityOf has who the
	// docker configuration says that the user is, by host, for it.
	disk       *onDisk
	scope      []byte
	identities sync.Mutex
	identityOf map[string]string

	mu       sync.Mutex
	sessions map[string]*session
	// made counts sessions, and ticks their uses.
	made, ticks int64
}

// New checks the options. It sends nothing.
func New(options Options) (*Client, error) {
	options = options.withDefaults()
	hosts, err := hostRules(options.Hosts)
	if err != nil {
		return nil, err
	}
	tenants, err := tenantRepositories(options.Tenants)
	if err != nil {
		return nil, err
	}
	c := &Client{options: options, limits: limits{options.Limits}, hosts: hosts, tenants: tenants, mirrors: mirrorHosts(hosts), identityOf: map[string]string{}, sessions: map[string]*session{}}
	_, _ = rand.Read(c.salt[:]) // never fails (crypto/rand since Go 1.24)
	c.inspections = make(chan struct{}, inspectionsInFlight)
	c.walks = make(chan struct{}, walksInFlight)
	if options.Facts != nil {
		c.disk = &onDisk{options.Facts}
	}
	c.scope = c.partition()
	c.content = newCache(c.limits.CacheBytes, c.disk)
	c.mutable = newCache(c.limits.CacheBytes/4, c.disk)
	c.doors = newDoors(c)
	for _, rules := range hosts {
		for _, entry := range rules.entries {
			registry, err := name.NewRegistry(entry.Host)
			if err != nil {
				return nil, fmt.Errorf("reading registries: %w", err)
			}
			if _, err := c.session(registry.RegistryStr(), entry.Prefix); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// Close lets go of idle connections. Requests in flight go on.
func (c *Client) Close() {
	c.doors.common.CloseIdleConnections()
	for _, transport := range c.doors.byHost {
		transport.CloseIdleConnections()
	}
}

// Partition names the host and credential by which a repository is read,
// without showing the credential. Facts that were read through one partition
// are not known in another. It differs from process to process, unless facts
// are kept on disk.
func (c *Client) Partition(ctx context.Context, repository string) (string, error) {
	place, err := c.place(ctx, repository)
	if err != nil {
		return "", explain(stageRegistry, repository, err)
	}
	return place.session.id, nil
}

// session finds or makes the session for a host and a repository's path there,
// under the gate's own credential.
func (c *Client) session(host, path string) (*session, error) {
	from, err := c.source(host, path)
	if err != nil {
		return nil, err
	}
	return c.sessionBy(from, host), nil
}

// sessionBy finds or makes the session for a host under a credential.
func (c *Client) sessionBy(from source, host string) *session {
	sum := sha256.Sum256(slices.Concat(c.scope, []byte(host+"\x00"+from.id)))
	id := hex.EncodeToString(sum[:])
	if !from.lasting {
		id = passing + id
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ticks++
	if known := c.sessions[id]; known != nil {
		known.used = c.ticks
		return known
	}
	scheme := "https"
	if c.plainHTTP(host) {
		scheme = "http"
	}
	c.makeRoom()
	c.made++
	made := &session{
		client: c, id: id, flight: strconv.FormatInt(c.made, 10), listed: from.tenant == "" && c.listed(host) != OtherHosts, used: c.ticks,
		host: host, scheme: scheme, source: from,
		slots: make(chan struct{}, c.limits.RequestsPerHost), tokens: map[string]token{}, wanted: map[string]bool{},
	}
	c.sessions[id] = made
	return made
}

// maxSessions bounds the sessions of hosts that no gate lists, and of tenants:
// authors of applications can name as many as they like.
const maxSessions = 1000

// makeRoom forgets the session that was not used for the longest time. Who
// works with it goes on; the next one asks the host anew what it wants. The
// client is locked.
func (c *Client) makeRoom() {
	var oldest *session
	others := 0
	for _, each := range c.sessions {
		if each.listed {
			continue
		}
		others++
		if oldest == nil || each.used < oldest.used {
			oldest = each
		}
	}
	if others >= maxSessions {
		delete(c.sessions, oldest.id)
	}
}

func (c *Client) source(host, path string) (source, error) {
	if rules := c.rulesOf(host); rules != nil {
		entry := rules.entryFor(path)
		switch {
		case entry != nil && entry.Keychain != "":
			return c.keychainSource(entry.Keychain, host)
		case entry != nil && !entry.Credential.IsZero():
			return staticSource(entry.Credential), nil
		}
	}
	if c.options.Keychain != nil {
		found := dockerSource(c.options.Keychain, host)
		if c.disk != nil {
			var who string
			who, found.lasting = c.dockerIdentity(c.options.Keychain, host)
			found.id += "\x00" + who
		}
		return found, nil
	}
	return staticSource(Credential{}), nil
}

// plainHTTP reports whether a host is talked to without TLS: where its entry
// says so, and for loopback hosts without an entry when private ones are
// allowed.
func (c *Client) plainHTTP(host string) bool {
	if rules := c.rulesOf(host); rules != nil {
		return rules.plainHTTP
	}
	return c.options.AllowLoopback && isLoopback(host)
}

// share runs equal work once, for all who ask for it at the time. The work has
// the client's own deadline: whoever leaves stops nothing for the others.
func (c *Client) share(ctx context.Context, key string, work func(context.Context) (any, error)) (any, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	done := c.flights.DoChan(key, func() (value any, err error) {
		defer func() {
			if cause := recover(); cause != nil {
				err = fmt.Errorf("panic: %v", cause)
			}
		}()
		own, cancel := context.WithTimeoutCause(context.Background(), c.limits.flight(), c.limits.flightOver())
		defer cancel()
		return work(trace.ContextWithSpan(own, trace.SpanFromContext(ctx))) // of whoever asked first
	})
	select {
	case result := <-done:
		return result.Val, result.Err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// flight is the longest time that one shared piece of work can need when every
// request and every wait takes as long as it may.
func (l limits) flight() time.Duration {
	tries := l.Retries + 1
	return time.Duration(tries*l.RequestSeconds)*time.Second + l.longestWait()
}

// flightOver is why shared work ends that takes longer than that: it may wait for
// a place among the host's requests, for a ping and for a token besides.
func (l limits) flightOver() error {
	return fmt.Errorf("all tries together took more than %s (limits requestSeconds, retries and retryAfterSeconds): %w", l.flight(), context.DeadlineExceeded)
}

// longestWait is how long one request waits for a registry that wants to be
// left alone, all its tries together.
func (l limits) longestWait() time.Duration { return time.Duration(l.RetryAfterSeconds) * time.Second }

// The forms of names (OCI distribution specification, pulling manifests).
var (
	digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	tagForm    = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
	pathForm   = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
)

// checkReference refuses what is neither a tag nor a sha256 digest.
func checkReference(repository, reference string) error {
	if isDigest(reference) {
		return checkDigest(reference)
	}
	if !tagForm.MatchString(reference) {
		return invalidName(repository, fmt.Errorf("%.140q is neither a tag nor a digest", reference))
	}
	return nil
}

// isDigest reports whether a reference is a digest and not a tag.
func isDigest(reference string) bool { return strings.Contains(reference, ":") }
