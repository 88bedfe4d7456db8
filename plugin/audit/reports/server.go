package reports

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/report"
)

// Server answers about the records of this sidecar's store and of its peers'.
type Server struct {
	Store *Store
	// Token is what a request has to bring as a bearer token. It is asked for at
	// each request, so that a token can be changed; without one nobody is answered.
	Token func() (string, error)
	// ExtensionToken is the same for what Argo CD's proxy extension asks; nil
	// answers it nothing. It has to be another one.
	ExtensionToken func() (string, error)
	// Gate is the digest of the whole gate that this sidecar judges by.
	Gate string
	// Namespace is Argo CD's own, whose Applications have no namespace in their
	// names, where Argo CD itself does not tell it.
	Namespace string
	// Peers are the other sidecars that have a store; nil is nobody.
	Peers Peers
	// PeerTime is what they get to answer in; zero is three seconds.
	PeerTime time.Duration
}

// Bounds for requests.
const (
	defaultPage, mostPage = 100, 500
	// atOnce is how many requests are answered at a time.
	atOnce = 32
)

// Handler serves the questions under /api/v1.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/applications", s.list)
	mux.HandleFunc("GET /api/v1/applications/{project}/{name}", s.last)
	mux.HandleFunc("GET /api/v1/applications/{project}/{name}/history", s.history)
	mux.HandleFunc("GET /api/v1/applications/{project}/{name}/sealed/{digest}", s.sealed)
	mux.HandleFunc("GET "+extensionPath, s.extension)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusNotFound, errors.New("there is no such question"))
	})
	places := make(chan struct{}, atOnce)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, err := s.admit(r); err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			fail(w, status, err)
			return
		}
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
			mux.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			fail(w, http.StatusServiceUnavailable, errors.New("too many requests at once"))
		}
	})
}

// failure is the answer when there is none.
type failure struct {
	Error string `json:"error"`
	// Silent are sidecars that did not answer, and may know.
	Silent []Silent `json:"silent,omitempty"`
}

func fail(w http.ResponseWriter, status int, err error) {
	respond(w, status, failure{Error: err.Error()})
}

// respond writes a document, whole or not at all.
func respond(w http.ResponseWriter, status int, document any) {
	text, err := report.JSONLine(document)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"the answer could not be written"}`+"\n")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(text) //nolint:gosec // JSON, told as such; who left does not hear it
}

// unknownProject stands for a project that was not told (Argo CD 2.14).
const unknownProject = "-"

// named are the project and the application that a request is about.
func named(r *http.Request) (project, name string) {
	project = r.PathValue("project")
	if project == unknownProject {
		project = ""
	}
	return project, r.PathValue("name")
}

func (s *Server) last(w http.ResponseWriter, r *http.Request) {
	project, name := named(r)
	s.answerLast(w, r, project, name)
}

// answerLast answers about one application of one project, and about nothing else.
func (s *Server) answerLast(w http.ResponseWriter, r *http.Request, project, name string) {
	found, err := s.lastOf(r.Context(), project, name, isPeer(r))
	switch {
	case err != nil:
		fail(w, http.StatusInternalServerError, err)
	case len(found.Records) == 0 && len(found.Silent) > 0:
		respond(w, http.StatusServiceUnavailable, failure{"nothing is known of this application where somebody answered, and not everybody did", found.Silent})
	case len(found.Records) == 0 && found.Damaged > 0:
		fail(w, http.StatusInternalServerError, errors.New("what is kept of this application cannot be read; it is written anew at its next verdict"))
	case len(found.Records) == 0:
		fail(w, http.StatusNotFound, errors.New("nothing is known of this application: it was not judged since the sidecars keep records, or it is of another project"))
	default:
		respond(w, http.StatusOK, found)
	}
}

func (s *Server) lastOf(ctx context.Context, project, name string, alone bool) (Last, error) {
	records, damaged, err := s.Store.Last(name)
	if err != nil {
		return Last{}, err
	}
	found := Last{Records: records, Damaged: damaged, Silent: []Silent{}}
	if !alone {
		answers, silent := ask[Last](ctx, s, lastPath(project, name), nil)
		found.Silent = silent
		for _, answer := range answers {
			found.Records, found.Damaged = append(found.Records, answer.Records...), found.Damaged+answer.Damaged
		}
	}
	found.Records = current(ofProject(found.Records, project, name))
	if len(found.Records) > 0 {
		found.Record = found.Records[0]
	}
	return found, nil
}

// ofProject leaves out what is not about the application as it is asked for. A
// name is one Application's in all of Argo CD, so that a record whose project was
// not told is about it too.
func ofProject(records []audit.Record, project, name string) []audit.Record {
	return slices.DeleteFunc(records, func(r audit.Record) bool { return r.Application != name || r.Project != project && r.Project != "" })
}

func (s *Server) history(w http.ResponseWriter, r *http.Request) {
	project, name := named(r)
	records, damaged, err := s.Store.History(name)
	if err != nil {
		fail(w, http.StatusInternalServerError, err)
		return
	}
	found := History{Records: records, Damaged: damaged, Silent: []Silent{}}
	if !isPeer(r) {
		answers, silent := ask[History](r.Context(), s, lastPath(project, name)+"/history", nil)
		found.Silent = silent
		for _, answer := range answers {
			found.Records, found.Damaged = append(found.Records, answer.Records...), found.Damaged+answer.Damaged
		}
	}
	found.Records = newest(ofProject(found.Records, project, name))
	if found.Records == nil {
		found.Records = []audit.Record{}
	}
	respond(w, http.StatusOK, found)
}

// manifests is the answer about what was sealed.
type manifests struct {
	// Manifests are JSON documents, one a line.
	Manifests string `json:"manifests"`
}

func (s *Server) sealed(w http.ResponseWriter, r *http.Request) {
	project, name := named(r)
	digest := r.PathValue("digest")
	records, _, err := s.Store.History(name)
	allowed := func(record audit.Record) bool {
		return record.Sealed == digest && len(ofProject([]audit.Record{record}, project, name)) > 0
	}
	if err == nil && slices.ContainsFunc(records, allowed) {
		kept, err := s.Store.Sealed(name, digest)
		if err == nil {
			respond(w, http.StatusOK, manifests{string(kept)})
			return
		}
		if !errors.Is(err, ErrNotKept) {
			fail(w, http.StatusInternalServerError, err)
			return
		}
	}
	if isPeer(r) {
		fail(w, http.StatusNotFound, ErrNotKept)
		return
	}
	answers, silent := ask[manifests](r.Context(), s, lastPath(project, name)+"/sealed/"+url.PathEscape(digest), nil)
	switch {
	case len(answers) > 0:
		respond(w, http.StatusOK, answers[0])
	case len(silent) > 0:
		respond(w, http.StatusServiceUnavailable, failure{ErrNotKept.Error() + " where somebody answered, and not everybody did", silent})
	default:
		fail(w, http.StatusNotFound, ErrNotKept)
	}
}

func lastPath(project, name string) string {
	if project == "" {
		project = unknownProject
	}
	return "/api/v1/applications/" + url.PathEscape(project) + "/" + url.PathEscape(name)
}

// Listener is the HTTP server of the handler; whoever is slow is left.
func (s *Server) Listener() *http.Server {
	return &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
}
