package main

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// failing answers every request of these kinds (parts of the path) wrongly;
// with no kind, every request.
func failing(fault ociserver.Fault, kinds ...string) func(*http.Request) *ociserver.Fault {
	return func(r *http.Request) *ociserver.Fault {
		hit := slices.ContainsFunc(kinds, func(kind string) bool { return strings.Contains(r.URL.Path, kind) })
		if !hit && len(kinds) > 0 {
			return nil
		}
		return &fault
	}
}

// once answers the first request for a tag wrongly, and all others well.
func once(fault ociserver.Fault) func(*http.Request) *ociserver.Fault {
	var first sync.Once
	return func(r *http.Request) *ociserver.Fault {
		var answer *ociserver.Fault
		if strings.HasSuffix(r.URL.Path, "/manifests/1") {
			first.Do(func() { answer = &fault })
		}
		return answer
	}
}

// registryTwins holds one wrong answer of a registry, at each step of the way
// to a signature, against a registry that answers.
func registryTwins(t *testing.T, fault ociserver.Fault, want answer) {
	t.Helper()
	stepTwins(t, fault, want, map[string]string{
		"resolving": "/manifests/1", "listing referrers": "/referrers/", "reading a signature": "/blobs/", "everything": "",
	})
}

// stepTwins is registryTwins for some steps: parts of the path by name.
func stepTwins(t *testing.T, fault ociserver.Fault, want answer, steps map[string]string) {
	t.Helper()
	t.Parallel()
	for name, kind := range steps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.sign(trusted())
			hurry(w, fault)
			w.server.SetFault(failing(fault, kind))
			w.mustEnd(want)
		})
	}
	t.Run("twin", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.sign(trusted())
		hurry(w, fault)
		w.mustAllow()
	})
}

// hurry keeps a registry that never answers from being waited for as long as a
// gate would.
func hurry(w *world, fault ociserver.Fault) {
	if fault.Hang {
		w.limits["requestSeconds"] = 2
	}
}

func TestBadInput_TagThatDoesNotExistIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		if bad {
			w.image = w.digest.Context().Tag("none").Name()
		}
	}, denied("image/not-found", "the registry has no", "/team-a/app:none", "check the name and the tag"))
}

func TestBadInput_RegistryThatIsDownIsUndetermined(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		if bad {
			must(w.t, w.server.Close())
		}
	}, undetermined("resolve/no-answer", "connection refused"))
}

func TestBadInput_SlowRegistryIsUndetermined(t *testing.T) {
	stepTwins(t, ociserver.Fault{Hang: true}, undetermined("/no-answer", "no answer within 2s", "requestSeconds"), map[string]string{
		"resolving": "/manifests/1", "listing referrers": "/referrers/", "reading a signature": "/blobs/",
	})
}

func TestBadInput_401IsUndetermined(t *testing.T) {
	registryTwins(t, ociserver.Fault{Status: http.StatusUnauthorized}, undetermined("/no-answer", "401", "credential"))
}

func TestBadInput_403IsUndetermined(t *testing.T) {
	registryTwins(t, ociserver.Fault{Status: http.StatusForbidden}, undetermined("/no-answer", "403", "credential"))
}

func TestBadInput_404OnTheTagIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		if bad {
			w.server.SetFault(failing(ociserver.Fault{Status: http.StatusNotFound}, "/manifests/1"))
		}
	}, denied("image/not-found", "the registry has no"))
}

func TestBadInput_404OnASignatureThatWasListedIsNotAllowed(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		if bad {
			w.server.SetFault(failing(ociserver.Fault{Status: http.StatusNotFound}, "/blobs/"))
		}
	}, denied("image/not-trusted", "the registry has no"))
}

func TestBadInput_429WithRetryAfterBeyondTheLimitIsUndetermined(t *testing.T) {
	registryTwins(t, ociserver.Fault{Status: http.StatusTooManyRequests, RetryAfter: "3600"}, undetermined("/no-answer", "429", "1h0m0s"))
}

func TestBadInput_429WithoutRetryAfterIsUndetermined(t *testing.T) {
	registryTwins(t, ociserver.Fault{Status: http.StatusTooManyRequests}, undetermined("/no-answer", "429"))
}

func TestBadInput_429OnceIsWaitedFor(t *testing.T) {
	for name, after := range map[string]string{"with Retry-After": "1", "without": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.sign(trusted())
			w.server.SetFault(once(ociserver.Fault{Status: http.StatusTooManyRequests, RetryAfter: after}))
			w.mustAllow()
		})
	}
}

func TestBadInput_500IsUndetermined(t *testing.T) {
	registryTwins(t, ociserver.Fault{Status: http.StatusInternalServerError}, undetermined("/no-answer", "500"))
}

func TestBadInput_500OnceIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sign(trusted())
	w.server.SetFault(once(ociserver.Fault{Status: http.StatusInternalServerError}))
	w.mustAllow()
}

func TestBadInput_TruncatedBodyIsUndetermined(t *testing.T) {
	cut := ociserver.Fault{Truncate: true, Body: []byte(`{"schemaVersion":2,"manifests":[]}`)}
	stepTwins(t, cut, undetermined("/no-answer", "unexpected EOF"), map[string]string{
		"list of referrers": "/referrers/", "signature": "/blobs/", "signature's manifest": "/manifests/sha256:",
	})
}

func TestBadInput_WrongDigestIsDenied(t *testing.T) {
	header := http.Header{"Content-Type": {"application/vnd.oci.image.manifest.v1+json"}}
	forged := ociserver.Fault{Header: header, Body: []byte(`{"schemaVersion":2,"layers":[]}`)}
	stepTwins(t, forged, denied("the registry sent bytes with digest"), map[string]string{
		"signature": "/blobs/", "signature's manifest": "/manifests/sha256:",
	})
}
