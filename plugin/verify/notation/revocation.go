package notation

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	core "github.com/notaryproject/notation-core-go/revocation"
	"github.com/notaryproject/notation-core-go/revocation/crl"
	"github.com/notaryproject/notation-core-go/revocation/purpose"
	"github.com/notaryproject/notation-core-go/revocation/result"

	"github.com/assay-gitops/assay/plugin"
)

// revocation asks the services that certificates name (OCSP, CRL) whether they
// were revoked. Which hosts these are is the certificates' word, so that only
// those that the gate lists are asked, at addresses that the registry client's
// rules allow, within a budget.
type revocation struct {
	hosts     []string
	transport http.RoundTripper
	limits    plugin.Limits
	now       func() time.Time
	lists     *lists
	mu        sync.Mutex
	known     map[[sha256.Size]byte]*answer
}

// answer is that of a whole chain: no certificate of it is revoked.
type answer struct {
	// asking has room for one who asks; the others wait for what it learns.
	asking chan struct{}
	good   []*result.CertRevocationResult
	at     time.Time
}

const (
	// believedFor is how long a good answer is not asked again, however long its
	// own validity: a revocation is seen within that time.
	believedFor = 5 * time.Minute
	// mostAnswers bounds the chains that are remembered.
	mostAnswers = 512
)

func newRevocation(config Config) *revocation {
	r := &revocation{
		hosts: config.Hosts, transport: config.Transport, limits: config.Limits, now: time.Now,
		known: map[[sha256.Size]byte]*answer{},
	}
	r.lists = &lists{known: map[string]list{}, most: config.Limits.CacheBytes / 4, now: r.now}
	return r
}

// asking is what one check of one signature asks: about the chain of the signer,
// and about that of the timestamp authority.
type asking struct {
	// ctx is that of the check, with the budget's deadline.
	ctx             context.Context
	stop            context.CancelFunc
	signers, stamps *question
}

func (r *revocation) start(ctx context.Context) *asking {
	within, cancel := context.WithTimeout(ctx, time.Duration(r.limits.RevocationSeconds)*time.Second)
	sent := &atomic.Int64{}
	return &asking{
		ctx: within, stop: cancel,
		signers: &question{revocation: r, purpose: purpose.CodeSigning, sent: sent},
		stamps:  &question{revocation: r, purpose: purpose.Timestamping, sent: sent},
	}
}

// question is about one chain. It is notation-core-go's Validator, and the
// transport by which that asks.
type question struct {
	*revocation
	purpose purpose.Purpose
	// sent counts the requests of the whole check.
	sent *atomic.Int64

	mu      sync.Mutex
	revoked bool
	silent  []silence
}

// silence is why there is no answer from a host. A lasting one is the same when
// it is asked again.
type silence struct {
	host, text string
	lasting    bool
}

func (q *question) note(silent silence) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.silent = append(q.silent, silent)
	return errors.New(silent.text)
}

// isSilent reports whether a host is known to have given no answer.
func (q *question) isSilent(host string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.ContainsFunc(q.silent, func(s silence) bool { return s.host == host })
}

// orSilent turns a failed check into "no answer" where that is why it failed.
// That a certificate is revoked is an answer.
func (q *question) orSilent(err error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err == nil || q.revoked || len(q.silent) == 0 {
		return err
	}
	lasting := !slices.ContainsFunc(q.silent, func(s silence) bool { return !s.lasting })
	return &plugin.StageError{
		Stage: "verify", Subject: "whether a certificate was revoked", Lasting: lasting, Cause: errors.New(q.silent[0].text),
		Hint: "let the gate ask the service (trust.notation.revocation), or override revocation in the trust policy",
	}
}

// ValidateContext implements notation-core-go's revocation.Validator. Equal
// questions at the same time are asked once, and a good answer is believed for a
// while.
func (q *question) ValidateContext(ctx context.Context, options core.ValidateContextOptions) ([]*result.CertRevocationResult, error) {
	known := q.answer(q.key(options))
	select {
	case known.asking <- struct{}{}:
		defer func() { <-known.asking }()
	case <-ctx.Done():
		return nil, q.note(silence{text: "waiting for the answer to the same question: " + context.Cause(ctx).Error()})
	}
	if known.good != nil && q.now().Sub(known.at) < believedFor {
		return known.good, nil
	}
	results, err := q.ask(ctx, options)
	if err != nil {
		return nil, err
	}
	good := true
	for i, one := range results {
		q.weigh(options.CertChain[i], one)
		good = good && (one.Result == result.ResultOK || one.Result == result.ResultNonRevokable)
	}
	if good {
		known.good, known.at = results, q.now()
	}
	return results, nil
}

func (q *question) ask(ctx context.Context, options core.ValidateContextOptions) ([]*result.CertRevocationResult, error) {
	client := &http.Client{
		Transport:     q,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a host that is listed leads to no other
	}
	fetcher, err := crl.NewHTTPFetcher(client)
	if err != nil {
		return nil, err
	}
	fetcher.Cache = q.lists
	validator, err := core.NewWithOptions(core.Options{OCSPHTTPClient: client, CRLFetcher: fetcher, CertChainPurpose: q.purpose})
	if err != nil {
		return nil, err
	}
	return validator.ValidateContext(ctx, options)
}

// weigh notes what notation-core-go says of one certificate.
func (q *question) weigh(about certificate, one *result.CertRevocationResult) {
	switch one.Result {
	case result.ResultOK, result.ResultNonRevokable:
	case result.ResultRevoked:
		q.mu.Lock()
		q.revoked = true
		q.mu.Unlock()
	case result.ResultUnknown:
		for _, server := range one.ServerResults {
			host := hostOf(server.Server)
			if server.Error == nil || q.isSilent(host) { // what was not sent or read has been noted
				continue
			}
			_ = q.note(silence{host: host, text: fmt.Sprintf("%s does not say of %q whether it was revoked: %v", host, about.Subject, innermost(server.Error))})
		}
	}
}

// innermost is an error without what stands around it, such as whole addresses.
func innermost(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}

// key is what makes two questions equal.
func (q *question) key(options core.ValidateContextOptions) [sha256.Size]byte {
	hash := sha256.New()
	fmt.Fprintf(hash, "%d %d", q.purpose, options.AuthenticSigningTime.UnixNano())
	for _, one := range options.CertChain {
		sum := sha256.Sum256(one.Raw)
		hash.Write(sum[:])
	}
	return [sha256.Size]byte(hash.Sum(nil))
}

func (r *revocation) answer(key [sha256.Size]byte) *answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known[key] == nil {
		if len(r.known) >= mostAnswers {
			clear(r.known)
		}
		r.known[key] = &answer{asking: make(chan struct{}, 1)}
	}
	return r.known[key]
}

// RoundTrip sends one question, if the gate lists the host and the budget
// allows it. The answer is cut off with an error at its limit.
func (q *question) RoundTrip(request *http.Request) (*http.Response, error) {
	host := hostOf(request.URL.String())
	switch {
	case !slices.Contains(q.hosts, host) && !slices.Contains(q.hosts, strings.TrimSuffix(host, ":80")):
		return nil, q.note(silence{host, fmt.Sprintf("the certificate names %s for revocation, which trust.notation.revocation.hosts does not list", host), true})
	case q.transport == nil:
		return nil, q.note(silence{host, "there is no way to ask " + host, true})
	case q.sent.Add(1) > q.limits.RevocationRequests:
		return nil, q.note(silence{host, fmt.Sprintf("asking %s would exceed the limit revocationRequests (%d)", host, q.limits.RevocationRequests), true})
	}
	response, err := q.transport.RoundTrip(request)
	if err != nil {
		var refusal *plugin.Refusal
		return nil, q.note(silence{host, fmt.Sprintf("asking %s: %v", host, cmp.Or(context.Cause(request.Context()), err)), errors.As(err, &refusal)})
	}
	response.Body = &bounded{body: response.Body, left: q.limits.RevocationBytes, question: q, host: host}
	return response, nil
}

// hostOf is the host of a certificate's URL, which may hold anything else.
func hostOf(text string) string {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" {
		return "a service that has no host"
	}
	return strings.ToLower(parsed.Host)
}

// bounded fails a body that is longer than its limit.
type bounded struct {
	body     io.ReadCloser
	left     int64
	question *question
	host     string
}

func (b *bounded) Read(into []byte) (int, error) {
	if b.left < 0 {
		return 0, b.question.note(silence{b.host, fmt.Sprintf("the answer of %s is larger than the limit revocationBytes (%d bytes)", b.host, b.question.limits.RevocationBytes), true})
	}
	if int64(len(into)) > b.left+1 {
		into = into[:b.left+1]
	}
	count, err := b.body.Read(into)
	if b.left -= int64(count); b.left < 0 {
		count--
	}
	return max(count, 0), err
}

// Close implements io.Closer.
func (b *bounded) Close() error { return b.body.Close() }
