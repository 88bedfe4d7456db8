package ociserver

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// The classes of requests.
const (
	ClassPing         = "ping"
	ClassToken        = "token"
	ClassTag          = "manifest:tag"
	ClassDigest       = "manifest:digest"
	ClassSigTag       = "manifest:sig-tag"
	ClassAttTag       = "manifest:att-tag"
	ClassReferrersTag = "manifest:referrers-tag"
	ClassReferrers    = "referrers"
	ClassBlob         = "blob"
	// ClassPush is everything that changes the registry.
	ClassPush = "push"
	// ClassOther is what no client of assay asks for: catalogs, lists of tags.
	ClassOther = "other"
)

// Request is one request that was answered, or is being answered.
type Request struct {
	Method string
	Path   string
	// Query is the raw query, for paging and filters.
	Query      string
	Class      string
	Repository string
	// Status is 0 while there is no answer.
	Status int
	// Authorized says that the request carried credentials or a token.
	Authorized bool

	start, end int
}

var referrersTag = regexp.MustCompile(`^sha256-[0-9a-f]{64}$`)

// classify tells what a request asks for, and the repository and reference
// that its path names.
func classify(r *http.Request) (class, repository, reference string) {
	path := strings.TrimPrefix(r.URL.Path, "/v2/")
	switch {
	case r.URL.Path == tokenPath:
		return ClassToken, "", ""
	case r.URL.Path == "/v2/" || r.URL.Path == "/v2":
		return ClassPing, "", ""
	}
	class = ClassOther
	for _, kind := range []string{"/manifests/", "/referrers/", "/blobs/", "/tags/"} {
		if at := strings.LastIndex(path, kind); at >= 0 {
			repository, reference = path[:at], path[at+len(kind):]
			class = classOf(kind, reference)
			break
		}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		class = ClassPush
	}
	return class, repository, reference
}

func classOf(kind, reference string) string {
	switch {
	case kind == "/referrers/":
		return ClassReferrers
	case kind == "/blobs/":
		return ClassBlob
	case kind != "/manifests/":
		return ClassOther
	case strings.Contains(reference, ":"):
		return ClassDigest
	case referrersTag.MatchString(reference):
		return ClassReferrersTag
	case referrersTag.MatchString(strings.TrimSuffix(reference, ".sig")):
		return ClassSigTag
	case referrersTag.MatchString(strings.TrimSuffix(reference, ".att")):
		return ClassAttTag
	}
	return ClassTag
}

func isManifest(r *http.Request) bool { return strings.Contains(r.URL.Path, "/manifests/") }

// recorder orders the beginnings and ends of requests by a counter, which
// unlike a clock never ties.
type recorder struct {
	mu       sync.Mutex
	tick     int
	offset   int
	requests []Request
	inFlight int
	peak     int
}

func (c *recorder) begin(r *http.Request) int {
	class, repository, _ := classify(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick++
	c.inFlight++
	c.peak = max(c.peak, c.inFlight)
	c.requests = append(c.requests, Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Class: class, Repository: repository,
		Authorized: r.Header.Get("Authorization") != "", start: c.tick,
	})
	return c.offset + len(c.requests) - 1
}

func (c *recorder) end(index, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick++
	c.inFlight--
	if at := index - c.offset; at >= 0 { // else it was forgotten by ResetRequests
		c.requests[at].Status = status
		c.requests[at].end = c.tick
	}
}

// Requests are all requests since the start or the last reset, in the order in
// which they came.
func (s *Server) Requests() []Request {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	return slices.Clone(s.record.requests)
}

// Count is the number of requests of the named classes; without a class, of
// all requests.
func (s *Server) Count(classes ...string) int {
	count := 0
	for _, request := range s.Requests() {
		if len(classes) == 0 || slices.Contains(classes, request.Class) {
			count++
		}
	}
	return count
}

// ResetRequests forgets the requests so far, and the peak.
func (s *Server) ResetRequests() {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	s.record.offset += len(s.record.requests)
	s.record.requests = nil
	s.record.peak = s.record.inFlight
}

// PeakInFlight is the largest number of requests that were being answered at
// one time.
func (s *Server) PeakInFlight() int {
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	return s.record.peak
}

// MaxDepth is the number of round trips in a row: the length of the longest
// chain of requests of which each began after the one before had its answer.
// Pings and tokens are not counted. With a repository, only its requests are
// looked at; without, all, where independent requests that happen to follow
// each other make the chain longer: set a delay to see true depth.
func (s *Server) MaxDepth(repository string) int {
	var chain []Request
	for _, request := range s.Requests() {
		counted := request.Class != ClassPing && request.Class != ClassToken
		if counted && request.end > 0 && (repository == "" || request.Repository == repository) {
			chain = append(chain, request)
		}
	}
	// The longest chain of intervals without overlap: always take the one
	// that ends first.
	slices.SortFunc(chain, func(a, b Request) int { return a.end - b.end })
	depth, last := 0, 0
	for _, request := range chain {
		if request.start > last {
			depth++
			last = request.end
		}
	}
	return depth
}
