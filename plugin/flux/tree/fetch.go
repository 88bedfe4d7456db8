package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	// The algorithms that Flux's --artifact-digest-algo knows, but for SHA-1.
	_ "crypto/sha256"
	_ "crypto/sha512"

	"github.com/opencontainers/go-digest"
	_ "github.com/opencontainers/go-digest/blake3"
)

// wanted is an artifact whose description was checked.
type wanted struct {
	Artifact
	digest digest.Digest
	// address is where it is fetched from, with the host overridden.
	address *url.URL
}

// shown is the address for messages, without credentials.
func (w wanted) shown() string { return w.address.Redacted() }

// describe checks what a source's status says about an artifact.
func (s *Store) describe(artifact Artifact) (wanted, error) {
	address, err := url.Parse(artifact.URL)
	switch {
	case artifact.URL == "":
		return wanted{}, badArtifact("it has no URL", "see why the source's status.artifact is not whole")
	case err != nil:
		return wanted{}, badArtifact("its URL cannot be read", "correct url in the source's status.artifact")
	case address.Scheme != "http" && address.Scheme != "https", address.Host == "":
		return wanted{}, badArtifact(fmt.Sprintf("%.200q is not an address of http or https", address.Redacted()), "correct url in the source's status.artifact")
	case address.User != nil:
		return wanted{}, badArtifact("its URL "+address.Redacted()+" has credentials", "file servers of Flux ask for none: take them out of url in the source's status.artifact")
	}
	if host := address.Hostname(); !s.options.Hosts.admits(host) {
		return wanted{}, &HostError{Host: host, hosts: s.options.Hosts}
	}
	if s.options.Host != "" {
		address.Host = s.options.Host
	}
	parsed, err := parseDigest(artifact.Digest)
	if err != nil {
		return wanted{}, err
	}
	switch {
	case artifact.Size < 0:
		return wanted{}, badArtifact(fmt.Sprintf("its size is %d", artifact.Size), "correct size in the source's status.artifact")
	case artifact.Size > s.options.Limits.PackedBytes:
		return wanted{}, overLimit(fmt.Sprintf("%d bytes: %d", s.options.Limits.PackedBytes, artifact.Size))
	}
	return wanted{Artifact: artifact, digest: parsed, address: address}, nil
}

// parseDigest takes algorithms that nobody finds collisions of.
func parseDigest(text string) (digest.Digest, error) {
	if text == "" {
		return "", badArtifact("it has no digest", "see why the source's status.artifact has none; sources of Flux 2.8 and later have one")
	}
	parsed := digest.Digest(text)
	algorithm, _, _ := strings.Cut(text, ":")
	switch digest.Algorithm(algorithm) {
	case digest.SHA256, digest.SHA384, digest.SHA512, digest.BLAKE3:
	default:
		return "", badArtifact(fmt.Sprintf("its digest %.100q is none of sha256, sha384, sha512 and blake3", text), "set --artifact-digest-algo=sha256 of the source controller")
	}
	if err := parsed.Validate(); err != nil {
		return "", badArtifact(fmt.Sprintf("%.200q is not a digest", text), "correct digest in the source's status.artifact")
	}
	return parsed, nil
}

var errRedirected = errors.New("the file server sends to another host")

// newClient talks to file servers: as they are, uncompressed, and to the host
// that was asked alone.
func newClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: min(timeout, 10*time.Second)}).DialContext,
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  timeout,
			IdleConnTimeout:        time.Minute,
			MaxIdleConnsPerHost:    16,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true, // the digest is of the bytes as they are stored
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(next *http.Request, before []*http.Request) error {
			first := before[0].URL
			if next.URL.Host != first.Host || next.URL.Scheme != first.Scheme || len(before) > 3 {
				return errRedirected
			}
			return nil
		},
	}
}

// fetch writes the artifact into a file and checks its digest. It returns the
// number of bytes.
func (s *Store) fetch(ctx context.Context, from wanted, into io.Writer) (int64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from.address.String(), nil)
	if err != nil {
		return 0, badArtifact("its URL cannot be asked", "correct url in the source's status.artifact")
	}
	request.Header.Set("User-Agent", "assay-source")
	answer, err := s.client.Do(request)
	if err != nil {
		return 0, unreachable(from, err)
	}
	defer func() { _ = answer.Body.Close() }()
	if err := s.answered(from, answer); err != nil {
		return 0, err
	}
	verifier := from.digest.Verifier()
	count, err := io.Copy(io.MultiWriter(verifier, into), io.LimitReader(answer.Body, s.longest(from)+1))
	switch {
	case err != nil && isDisk(err) && !isNetwork(err):
		return 0, noDisk(err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return 0, noAnswer(from.shown(), fmt.Errorf("it is truncated after %d bytes", count), "the file server hung up; it is fetched again")
	case err != nil:
		return 0, unreachable(from, err)
	case count > s.longest(from) && from.Size > 0:
		return 0, noAnswer(from.shown(), fmt.Errorf("it is longer than the %d bytes that the source's status says", from.Size), changed)
	case count > s.longest(from):
		return 0, overLimit(fmt.Sprintf("%d bytes", s.options.Limits.PackedBytes))
	case count < from.Size:
		return 0, noAnswer(from.shown(), fmt.Errorf("it is truncated: %d of %d bytes", count, from.Size), changed)
	case !verifier.Verified():
		return 0, noAnswer(from.shown(), fmt.Errorf("its digest is not the source's %s", from.digest), changed)
	}
	return count, nil
}

// changed is what to do about bytes that are not those of the source's status.
const changed = "nothing of it was used; it is fetched again when the source's status changes and at the next reconciliation; " +
	"if it stays, the file server or something before it changes what it serves"

// key tells artifacts apart: by address and digest. What another address
// answers for this digest is nobody else's answer, and a tree is given to those
// alone who name the place where it lies.
func (w wanted) key() string { return w.digest.String() + " " + w.address.String() }

// longest is how many bytes are read.
func (s *Store) longest(from wanted) int64 {
	if from.Size > 0 {
		return from.Size // describe has compared it with the limit
	}
	return s.options.Limits.PackedBytes
}

// answered looks at the head of the file server's answer.
func (s *Store) answered(from wanted, answer *http.Response) error {
	switch {
	case answer.StatusCode == http.StatusNotFound:
		return noAnswer(from.shown(), errors.New("the file server does not have it (404)"), "the source controller rebuilds what it lost, or has a newer artifact already; it is asked for again")
	case answer.StatusCode != http.StatusOK:
		return noAnswer(from.shown(), fmt.Errorf("the file server says %.100q", answer.Status), "see the log of the source controller; it is asked for again")
	case answer.ContentLength > s.options.Limits.PackedBytes:
		return overLimit(fmt.Sprintf("%d bytes: %d", s.options.Limits.PackedBytes, answer.ContentLength))
	}
	return nil
}

// unreachable is a request without an answer.
func unreachable(from wanted, err error) error {
	if errors.Is(err, errRedirected) {
		return badArtifact(from.shown()+" sends to another host", "have the source's status.artifact name the address where the file is; redirects to other hosts are not followed")
	}
	var told *url.Error
	if errors.As(err, &told) {
		err = told.Err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err) {
		return stopped(from.shown(), err)
	}
	return noAnswer(from.shown(), err, "see whether the source controller runs, and whether a NetworkPolicy or the address in SOURCE_CONTROLLER_LOCALHOST is in the way; it is asked for again")
}

// isNetwork reports what the network said, whose errors hold numbers of the
// system as a disk's do.
func isNetwork(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation)
}
