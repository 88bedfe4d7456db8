package comment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const marker = "<!-- assay-diff:shop -->"

// held is a comment that the fake holds.
type held struct {
	id           int64
	author, body string
	bot          bool
}

// fake is a local stand-in for one of the two interfaces: the real ones cannot
// be reached by a test.
type fake struct {
	t        *testing.T
	name     string
	self     string // empty for a GitHub app
	comments []held
	requests []string
	// answers are given before anything else, in turn.
	answers []func(http.ResponseWriter)
	waited  []time.Duration
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.requests = append(f.requests, r.Method+" "+r.URL.EscapedPath())
	if got := r.Header.Get("Authorization") + r.Header.Get("PRIVATE-TOKEN"); got != map[string]string{"github": "Bearer secret-token", "gitlab": "secret-token"}[f.name] {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if len(f.answers) > 0 {
		answer := f.answers[0]
		f.answers = f.answers[1:]
		if answer != nil {
			answer(w)
			return
		}
	}
	switch {
	case r.URL.Path == "/user" && f.self == "":
		w.WriteHeader(http.StatusForbidden)
	case r.URL.Path == "/user":
		f.write(w, map[string]any{"login": f.self, "username": f.self})
	case r.Method == http.MethodGet:
		f.list(w, r)
	case r.Method == http.MethodPost:
		f.comments = append(f.comments, held{int64(len(f.comments) + 1), f.self, f.read(r), f.self == ""})
		w.WriteHeader(http.StatusCreated)
	case r.Method == map[string]string{"github": http.MethodPatch, "gitlab": http.MethodPut}[f.name]:
		id, err := strconv.ParseInt(r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:], 10, 64)
		if err != nil {
			f.t.Error(err)
		}
		f.comments[id-1].body = f.read(r)
	default:
		f.t.Errorf("an unexpected request: %s %s", r.Method, r.URL)
	}
}

func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	page, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil {
		f.t.Error(err)
	}
	var shown []map[string]any
	for _, each := range f.comments[min(len(f.comments), (page-1)*perPage):min(len(f.comments), page*perPage)] {
		user := map[string]any{"login": each.author, "username": each.author, "type": "User"}
		if each.bot {
			user["type"] = "Bot"
		}
		shown = append(shown, map[string]any{"id": each.id, "body": each.body, map[string]string{"github": "user", "gitlab": "author"}[f.name]: user})
	}
	f.write(w, shown)
}

func (f *fake) write(w http.ResponseWriter, value any) {
	if err := json.NewEncoder(w).Encode(value); err != nil {
		f.t.Error(err)
	}
}

func (f *fake) read(r *http.Request) string {
	var said struct {
		Body string `json:"body"`
	}
	if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
		f.t.Error(err)
	}
	return said.Body
}

// post posts to the fake.
func (f *fake) post(body string) error {
	f.t.Helper()
	server := httptest.NewServer(f)
	defer server.Close()
	poster := Poster{Wait: func(_ context.Context, d time.Duration) error { f.waited = append(f.waited, d); return nil }}
	return poster.Post(f.t.Context(), f.name, Target{API: server.URL, Project: "team-a/shop", Number: 7, Token: "secret-token"}, marker, body)
}

func each(t *testing.T, run func(t *testing.T, name string)) {
	t.Helper()
	for _, name := range Services() {
		t.Run(name, func(t *testing.T) { run(t, name) })
	}
}

func TestPost_ThereIsOneCommentHoweverOftenItRuns(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		f := &fake{t: t, name: name, self: "gate"}
		for i := range 3 {
			if err := f.post(fmt.Sprintf("%s\nrun %d", marker, i)); err != nil {
				t.Fatal(err)
			}
		}
		if len(f.comments) != 1 || !strings.HasSuffix(f.comments[0].body, "run 2") {
			t.Errorf("the comments are %+v", f.comments)
		}
	})
}

func TestPost_ACommentOfSomebodyElseIsLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		f := &fake{t: t, name: name, self: "gate", comments: []held{{id: 1, author: "stranger", body: marker + "\nall is well"}}}
		if err := f.post(marker + "\ndenied"); err != nil {
			t.Fatal(err)
		}
		if len(f.comments) != 2 || f.comments[0].body != marker+"\nall is well" || f.comments[1].author != "gate" {
			t.Errorf("the comments are %+v", f.comments)
		}
	})
}

func TestPost_AWorkflowsTokenKnowsItsCommentsByTheBot(t *testing.T) {
	f := &fake{t: t, name: "github", comments: []held{{id: 1, author: "stranger", body: marker + "\nall is well"}}}
	for range 2 {
		if err := f.post(marker + "\ndenied"); err != nil {
			t.Fatal(err)
		}
	}
	if len(f.comments) != 2 || f.comments[0].body != marker+"\nall is well" {
		t.Errorf("the comments are %+v", f.comments)
	}
}

func TestPost_AnEarlierCommentIsFoundOnALaterPage(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		f := &fake{t: t, name: name, self: "gate"}
		for i := range 2*perPage + 5 {
			f.comments = append(f.comments, held{id: int64(i + 1), author: "someone", body: "hello"})
		}
		f.comments[2*perPage+1] = held{id: 2*perPage + 2, author: "gate", body: marker + "\nold"}
		if err := f.post(marker + "\nnew"); err != nil {
			t.Fatal(err)
		}
		if len(f.comments) != 2*perPage+5 || f.comments[2*perPage+1].body != marker+"\nnew" {
			t.Error("the earlier comment was not updated")
		}
	})
}

func answering(status int, header, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		if key, value, has := strings.Cut(header, ": "); has {
			w.Header().Set(key, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestPost_WhatHealsIsTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		for what, answer := range map[string]func(http.ResponseWriter){
			"502":                   answering(502, "", "<html>bad gateway</html>"),
			"429":                   answering(429, "Retry-After: 3", `{"message":"slow down"}`),
			"403 with a time":       answering(403, "Retry-After: 3", `{"message":"secondary rate limit"}`),
			"a time beyond reasons": answering(503, "Retry-After: 999999", ""),
		} {
			t.Run(what, func(t *testing.T) {
				f := &fake{t: t, name: name, self: "gate", answers: []func(http.ResponseWriter){nil, nil, answer}}
				if err := f.post(marker + "\nx"); err != nil || len(f.comments) != 1 {
					t.Fatalf("got %v and %d comments", err, len(f.comments))
				}
				if len(f.waited) != 1 || f.waited[0] > longestWait {
					t.Errorf("it waited %v", f.waited)
				}
			})
		}
	})
}

func TestPost_WhatDoesNotHealIsTold(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		for what, c := range map[string]struct {
			answers []func(http.ResponseWriter)
			want    string
			tries   int
		}{
			"403 for the comment":  {[]func(http.ResponseWriter){nil, nil, answering(403, "", `{"message":"Resource not accessible by integration"}`)}, "pull-requests: write", 3},
			"422 for the comment":  {[]func(http.ResponseWriter){nil, nil, answering(422, "", `{"message":"Validation Failed"}`)}, "Validation Failed", 3},
			"404 for the list":     {[]func(http.ResponseWriter){nil, answering(404, "", `{"message":{"error":"404 Project Not Found"}}`)}, "is not there", 2},
			"401":                  {[]func(http.ResponseWriter){answering(401, "", "{}")}, "token is wrong", 1},
			"502 again and again":  {[]func(http.ResponseWriter){nil, answering(502, "", ""), answering(502, "", ""), answering(502, "", ""), answering(502, "", "")}, "502", 5},
			"a page instead":       {[]func(http.ResponseWriter){nil, answering(200, "", "<html>")}, "address of the interface", 5},
			"a redirect elsewhere": {[]func(http.ResponseWriter){nil, answering(302, "Location: https://registry.example.com/", "")}, "302", 2},
		} {
			t.Run(what, func(t *testing.T) {
				f := &fake{t: t, name: name, self: "gate", answers: c.answers}
				if what == "a page instead" {
					f.answers = append(f.answers, slices.Repeat(c.answers[1:], 3)...)
				}
				err := f.post(marker + "\nx")
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("got %v, want %q", err, c.want)
				}
				if strings.Contains(err.Error(), "secret-token") || len(f.comments) != 0 || len(f.requests) != c.tries {
					t.Errorf("%v after %v with %d comments", err, f.requests, len(f.comments))
				}
			})
		}
	})
}

func TestPost_ALostAnswerIsNotPostedTwice(t *testing.T) {
	f := &fake{t: t, name: "github", self: "gate"}
	f.answers = []func(http.ResponseWriter){nil, nil, func(http.ResponseWriter) { panic(http.ErrAbortHandler) }}
	if err := f.post(marker + "\nx"); err == nil {
		t.Fatal("a lost answer is taken for a success")
	}
	if posts := slices.DeleteFunc(f.requests, func(r string) bool { return !strings.HasPrefix(r, "POST") }); len(posts) != 1 {
		t.Errorf("it was posted %d times", len(posts))
	}
}

func TestPost_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer server.Close()
	err := Poster{}.Post(ctx, "gitlab", Target{API: server.URL, Project: "7", Number: 1, Token: "t"}, marker, marker)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestPost_RefusesWhereTheTokenWouldLeak(t *testing.T) {
	good := Target{API: "https://api.example.com", Project: "team-a/shop", Number: 1, Token: "secret-token"}
	for name, change := range map[string]func(*Target){
		"not https":               func(t *Target) { t.API = "http://api.example.com" },
		"a user in the address":   func(t *Target) { t.API = "https://user:secret-token@api.example.com" },
		"a query in the address":  func(t *Target) { t.API = "https://api.example.com?a=b" },
		"no address":              func(t *Target) { t.API = "" },
		"no token":                func(t *Target) { t.Token = "" },
		"a project with a path":   func(t *Target) { t.Project = "../../user" },
		"a project with a query":  func(t *Target) { t.Project = "team-a/shop?x=1" },
		"no number":               func(t *Target) { t.Number = 0 },
		"a project with an empty": func(t *Target) { t.Project = "team-a//shop" },
	} {
		t.Run(name, func(t *testing.T) {
			target := good
			change(&target)
			err := target.check()
			if err == nil || strings.Contains(err.Error(), "secret-token") {
				t.Errorf("got %v", err)
			}
		})
	}
	if err := good.check(); err != nil {
		t.Error(err)
	}
}
