package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/cluster"
	"github.com/assay-gitops/assay/plugin/audit/events"
)

// apiServer keeps Events, and has the Applications that it is told.
type apiServer struct {
	*httptest.Server

	mu           sync.Mutex
	applications map[string]string // namespace/name to uid
	events       map[string]map[string]any
	asked        []string
	// answers stand in the place of the server's own.
	answers func(w http.ResponseWriter, r *http.Request) bool
}

func startAPIServer(t *testing.T) *apiServer {
	t.Helper()
	s := &apiServer{applications: map[string]string{"argocd/shop": "uid-1", "team-a/shop": "uid-2"}, events: map[string]map[string]any{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	if s.answers != nil && s.answers(w, r) {
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	data, _ := io.ReadAll(r.Body)
	var body map[string]any
	_ = json.Unmarshal(data, &body)
	switch {
	case r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/apis/argoproj.io/v1alpha1/namespaces/"):
		uid, found := s.applications[parts[4]+"/"+parts[6]]
		if !found {
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		_, _ = fmt.Fprintf(w, `{"metadata":{"uid":%q}}`, uid)
	case r.Method == http.MethodPost:
		metadata, _ := body["metadata"].(map[string]any)
		name, _ := metadata["name"].(string)
		if s.events[name] != nil {
			http.Error(w, "exists", http.StatusConflict)
			return
		}
		s.events[name] = body
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodGet:
		_ = json.NewEncoder(w).Encode(s.events[parts[len(parts)-1]])
	case r.Method == http.MethodPatch:
		for key, value := range body {
			s.events[parts[len(parts)-1]][key] = value
		}
		_, _ = io.WriteString(w, "{}")
	}
}

// told are the Events: "namespace/name type reason count message".
func (s *apiServer) told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, each := range s.events {
		object, _ := each["involvedObject"].(map[string]any)
		list = append(list, fmt.Sprintf("%s/%s %s %s %v %s", object["namespace"], object["name"], each["type"], each["reason"], each["count"], each["message"]))
	}
	return list
}

// clock is moved by the test.
type clock struct{ now time.Time }

func (c *clock) at() time.Time { return c.now }

func writing(t *testing.T) (*events.Writer, *apiServer, *clock) {
	t.Helper()
	server, time := startAPIServer(t), &clock{time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)}
	return &events.Writer{API: &cluster.API{Server: server.URL, Client: server.Client()}, Namespace: "argocd", Clock: time.at}, server, time
}

func verdict(application string, outcome plugin.Outcome, line string) audit.Entry {
	return audit.Entry{Record: audit.Record{Application: application, Outcome: outcome, FirstLine: line, Report: "abc"}}
}

func take(t *testing.T, w *events.Writer, entry audit.Entry) {
	t.Helper()
	if err := w.Take(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
}

func TestEvents_AreWrittenWhenTheAnswerChanges(t *testing.T) {
	w, server, clock := writing(t)
	take(t, w, verdict("shop", plugin.Denied, "assay denied shop: 1 problem"))
	for range 3 { // judged again, nothing new
		clock.now = clock.now.Add(time.Hour)
		take(t, w, verdict("shop", plugin.Denied, "assay denied shop: 1 problem"))
	}
	if got := server.told(); len(got) != 1 || got[0] != "argocd/shop Warning AssayDenied 1 assay denied shop: 1 problem (report=abc)" {
		t.Fatalf("told %q", got)
	}
	for _, next := range []audit.Entry{
		verdict("shop", plugin.Denied, "assay denied shop: 2 problems"), verdict("shop", plugin.Unanswered, "no answer"), verdict("shop", plugin.Allowed, "assay allowed shop"),
	} {
		clock.now = clock.now.Add(time.Hour)
		take(t, w, next)
	}
	all := strings.Join(server.told(), "\n")
	for _, want := range []string{"Warning AssayDenied 1 assay denied shop: 2 problems", "Warning AssayUndetermined 1 no answer", "Normal AssayAllowed 1 assay allowed shop"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if w.Written() != 4 {
		t.Errorf("%d were written", w.Written())
	}
}

func TestEvents_FirstVerdictIsToldWhenItIsNotAllowed(t *testing.T) {
	w, server, _ := writing(t)
	take(t, w, verdict("shop", plugin.Allowed, "assay allowed shop"))
	if got := server.told(); len(got) != 0 || len(server.asked) != 0 {
		t.Errorf("told %q", got)
	}
	take(t, w, verdict("team-a_shop", plugin.Unanswered, "no answer"))
	if got := server.told(); len(got) != 1 || !strings.HasPrefix(got[0], "team-a/shop Warning ") {
		t.Errorf("told %q", got)
	}
}

func TestEvents_OfOneApplicationAreAPauseApartAndTheLastAnswerIsTold(t *testing.T) {
	w, server, clock := writing(t)
	denied, allowed := verdict("shop", plugin.Denied, "denied"), verdict("shop", plugin.Allowed, "allowed")
	for range 20 { // to and fro
		take(t, w, denied)
		take(t, w, allowed)
		clock.now = clock.now.Add(time.Second)
	}
	if got := server.told(); len(got) != 1 {
		t.Errorf("told %q", got)
	}
	clock.now = clock.now.Add(time.Minute)
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := server.told(); len(got) != 2 || w.Written() != 2 {
		t.Errorf("told %q", got)
	}
	take(t, w, denied)
	take(t, w, allowed) // which was told last
	clock.now = clock.now.Add(time.Minute)
	if err := w.Flush(t.Context()); err != nil || w.Written() != 2 {
		t.Errorf("%d were written, %v", w.Written(), err)
	}
}

func TestEvents_TheSameWordsAreCountedUp(t *testing.T) {
	w, server, clock := writing(t)
	for range 3 {
		for _, next := range []audit.Entry{verdict("shop", plugin.Denied, "denied"), verdict("shop", plugin.Allowed, "allowed")} {
			take(t, w, next)
			clock.now = clock.now.Add(time.Hour)
		}
	}
	// Another replica says it too.
	other := &events.Writer{API: w.API, Namespace: "argocd", Clock: clock.at}
	take(t, other, verdict("shop", plugin.Denied, "denied"))
	all := strings.Join(server.told(), "\n")
	if !strings.Contains(all, "AssayDenied 4 denied") || !strings.Contains(all, "AssayAllowed 3 allowed") || len(server.told()) != 2 {
		t.Errorf("told\n%s", all)
	}
}

func TestEvents_OfAllApplicationsAreBounded(t *testing.T) {
	w, server, clock := writing(t)
	for i := range 200 {
		name := fmt.Sprintf("app-%d", i)
		server.applications["argocd/"+name] = name
		take(t, w, verdict(name, plugin.Denied, "denied"))
	}
	if got := len(server.told()); got != 50 {
		t.Errorf("%d at once", got)
	}
	for range 30 {
		clock.now = clock.now.Add(time.Second)
		if err := w.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(server.told()); got != 200 {
		t.Errorf("%d in the end", got)
	}
}

func TestEvents_ApplicationThatIsGoneHasNone(t *testing.T) {
	w, server, _ := writing(t)
	for _, name := range []string{"gone", "Not_A_Name", "a/../b", "_shop", "shop_", ""} {
		take(t, w, verdict(name, plugin.Denied, "denied"))
	}
	if got := server.told(); len(got) != 0 {
		t.Errorf("told %q", got)
	}
	for _, each := range server.asked {
		if each != "GET /apis/argoproj.io/v1alpha1/namespaces/argocd/applications/gone" {
			t.Errorf("it asked %s", each)
		}
	}
}

func TestEvents_WhatCannotBeWrittenIsAnErrorAndTriedAtTheNextVerdict(t *testing.T) {
	says := func(status int, text string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
			return true
		}
	}
	onWrites := func(answer func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool { return r.Method != http.MethodGet && answer(w, r) }
	}
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"refuses the Application": says(403, "no\x1b[31m"), "refuses the Event": onWrites(says(403, "no")), "has an error": says(500, ""), "is empty": says(200, ""),
		"says something else": says(200, "<html>"), "has no uid": says(200, `{"metadata":{}}`),
		"is cut off": func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Length", "100")
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, server, _ := writing(t)
			server.answers = answer
			err := w.Take(t.Context(), verdict("shop", plugin.Denied, "denied"))
			if err == nil || strings.Contains(err.Error(), "\x1b") || w.Written() != 0 {
				t.Errorf("got %v, %d written", err, w.Written())
			}
			server.mu.Lock()
			server.answers = nil
			server.mu.Unlock()
			take(t, w, verdict("shop", plugin.Denied, "denied"))
			if got := server.told(); len(got) != 1 {
				t.Errorf("then told %q", got)
			}
		})
	}
}

func TestEvents_ServerThatIsGoneOrHangsIsAnError(t *testing.T) {
	w, server, _ := writing(t)
	release := make(chan struct{})
	server.answers = func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-r.Context().Done():
		case <-release:
		}
		return true
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Take(ctx, verdict("shop", plugin.Denied, "denied")) }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	w.API.Client = &http.Client{Timeout: 20 * time.Millisecond}
	if err := w.Take(t.Context(), verdict("shop", plugin.Denied, "denied")); err == nil {
		t.Error("a server that hangs took an Event")
	}
	close(release)
	server.Close()
	if err := w.Take(t.Context(), verdict("shop", plugin.Denied, "denied")); err == nil {
		t.Error("a server that is gone took an Event")
	}
}

func TestEvents_MessageIsBounded(t *testing.T) {
	w, server, _ := writing(t)
	take(t, w, verdict("shop", plugin.Denied, strings.Repeat("é", 3000)))
	got := server.told()
	if len(got) != 1 || len(got[0]) > 1060 || !strings.HasSuffix(got[0], "... (report=abc)") || strings.ContainsRune(got[0], '\ufffd') {
		t.Errorf("told %q", got)
	}
}

func TestEvents_WhatWaitsIsToldByTheClock(t *testing.T) {
	w, _, _ := writing(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx, func(error) { t.Error("nothing waits, and it failed") })
	}()
	cancel()
	<-ended
}
