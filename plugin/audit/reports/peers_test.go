package reports_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit/reports"
)

func TestPeers_TheNewestRecordWins(t *testing.T) {
	mine, theirs := open(t), open(t)
	add(t, mine, record("shop", 1, deniedRecord), record("mine", 1))
	add(t, theirs, record("shop", 2), record("theirs", 1))
	other := serve(t, theirs)
	client := clientOf(t, serve(t, mine, peers(other)))
	last, err := client.Last(t.Context(), "team-a", "shop")
	if err != nil || last.Record.Outcome != plugin.Allowed || len(last.Records) != 1 || len(last.Silent) != 0 {
		t.Errorf("last is %+v, %v", last, err)
	}
	history, err := client.History(t.Context(), "team-a", "shop")
	if err != nil || revisions(history.Records) != "2 1" {
		t.Errorf("history is %s, %v", revisions(history.Records), err)
	}
	add(t, mine, record("shop", 3, deniedRecord))
	if last, err = client.Last(t.Context(), "team-a", "shop"); err != nil || last.Record.Outcome != plugin.Denied {
		t.Errorf("then last is %+v, %v", last, err)
	}
	if last, err = client.Last(t.Context(), "team-a", "theirs"); err != nil || last.Record.Application != "theirs" {
		t.Errorf("of what the other knows last is %+v, %v", last, err)
	}
	entry := sealing(record("theirs", 4), configMap("theirs"))
	check(t, theirs.Add(t.Context(), entry))
	if got, err := client.Sealed(t.Context(), "team-a", "theirs", entry.Record.Sealed); err != nil || string(got) != configMap("theirs") {
		t.Errorf("manifests are %s, %v", got, err)
	}
}

func TestPeers_ListIsThatOfAllOfThem(t *testing.T) {
	stores := []*reports.Store{open(t), open(t), open(t)}
	want := 0
	for i := range 60 {
		name := string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		add(t, stores[i%3], record(name, i))
		if want++; i%5 == 0 { // two of them know it
			add(t, stores[(i+1)%3], record(name, i+1, deniedRecord))
		}
	}
	second, third := serve(t, stores[1], func(s *reports.Server) { s.Gate = "sha256:second" }), serve(t, stores[2])
	client := clientOf(t, serve(t, stores[0], peers(second, third)))
	seen, after := map[string]string{}, ""
	for {
		page, err := client.Page(t.Context(), 7, after, false)
		check(t, err)
		for _, each := range page.Applications {
			if _, twice := seen[each.Application]; twice {
				t.Errorf("%s is listed twice", each.Application)
			}
			seen[each.Application] = each.Outcome
		}
		if strings.Join(page.Gates, " ") != "sha256:second sha256:whole" {
			t.Errorf("gates are %v", page.Gates)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	denied := 0
	for _, outcome := range seen {
		if outcome == "denied" {
			denied++
		}
	}
	if len(seen) != want || denied != 12 {
		t.Errorf("%d of %d applications, %d of 12 denied", len(seen), want, denied)
	}
}

// wrong are peers that do not answer as they should.
func wrong(t *testing.T) map[string]*httptest.Server {
	t.Helper()
	says := func(status int, kind, text string) *httptest.Server {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}))
		t.Cleanup(server.Close)
		return server
	}
	const kind = "application/json"
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hangs.Close)
	dead := says(200, kind, "")
	dead.Close()
	elsewhere := open(t)
	add(t, elsewhere, record("shop", 9, deniedRecord))
	answers := serve(t, elsewhere)
	redirects := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, answers.URL+r.URL.Path, http.StatusFound)
	}))
	t.Cleanup(redirects.Close)
	return map[string]*httptest.Server{
		"says nothing": says(200, kind, ""), "says null": says(200, kind, "null"), "says {}": says(200, kind, "{}"), "is cut off": says(200, kind, `{"record":{`),
		"says another type": says(200, kind, `{"record":1,"records":1,"silent":1,"applications":1,"gates":1}`), "is a web page": says(200, "text/html", "<html>"), "has no answer": says(500, kind, `{"error":"\u001b[31m"}`),
		"wants another token": serve(t, elsewhere, func(s *reports.Server) { s.Token = fixed("0123456789abcdef-other") }),
		"redirects":           redirects, "hangs": hangs, "is dead": dead,
	}
}

func TestPeers_WhoDoesNotAnswerIsSaid(t *testing.T) {
	for name, peer := range wrong(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t)
			add(t, store, record("shop", 1))
			server := serve(t, store, peers(peer), func(s *reports.Server) {
				if name == "hangs" {
					s.PeerTime = 50 * time.Millisecond
				}
			})
			client := clientOf(t, server)
			last, err := client.Last(t.Context(), "team-a", "shop")
			if err != nil || last.Record.Outcome != plugin.Allowed || len(last.Silent) != 1 || last.Silent[0].Address != peer.Listener.Addr().String() || last.Silent[0].Error == "" {
				t.Errorf("last is %+v, %v", last, err)
			}
			if strings.Contains(last.Silent[0].Error, "\x1b") || strings.Contains(last.Silent[0].Error, token) {
				t.Errorf("it says %q", last.Silent[0].Error)
			}
			page, err := client.Page(t.Context(), 10, "", false)
			if err != nil || len(page.Applications) != 1 || len(page.Silent) != 1 {
				t.Errorf("the page is %+v, %v", page, err)
			}
			// What nobody knows here the other might know.
			if status, body := asked(t, server, "/api/v1/applications/team-a/other", bearer(token)); status != http.StatusServiceUnavailable || !strings.Contains(body, peer.Listener.Addr().String()) {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}

func TestPeers_ThatCannotBeLookedUpAreSaid(t *testing.T) {
	store := open(t)
	add(t, store, record("shop", 1))
	client := clientOf(t, serve(t, store, func(s *reports.Server) {
		s.Peers = func(context.Context) ([]string, error) { return nil, errors.New("no such host") }
	}))
	if last, err := client.Last(t.Context(), "team-a", "shop"); err != nil || len(last.Silent) != 1 || !strings.Contains(last.Silent[0].Error, "no such host") {
		t.Errorf("last is %+v, %v", last, err)
	}
}

func TestPeers_AreBounded(t *testing.T) {
	store := open(t)
	add(t, store, record("shop", 1))
	dead := httptest.NewServer(nil)
	dead.Close()
	many := make([]*httptest.Server, 70)
	for i := range many {
		many[i] = dead
	}
	client := clientOf(t, serve(t, store, peers(many...)))
	if last, err := client.Last(t.Context(), "team-a", "shop"); err != nil || len(last.Silent) != 65 || last.Silent[0].Address != "6 more sidecars" {
		t.Errorf("%d are silent: %+v, %v", len(last.Silent), last.Silent[0], err)
	}
}

func TestPeers_DoNotAskEachOtherInCircles(t *testing.T) {
	first, second := open(t), open(t)
	add(t, first, record("shop", 1))
	var one, two *httptest.Server
	one = serve(t, first, func(s *reports.Server) {
		s.Peers = func(context.Context) ([]string, error) { return []string{two.Listener.Addr().String()}, nil }
	})
	two = serve(t, second, func(s *reports.Server) {
		s.Peers = func(context.Context) ([]string, error) { return []string{one.Listener.Addr().String()}, nil }
	})
	for _, server := range []*httptest.Server{one, two} {
		if last, err := clientOf(t, server).Last(t.Context(), "team-a", "shop"); err != nil || len(last.Silent) != 0 || len(last.Records) != 1 {
			t.Errorf("%+v, %v", last, err)
		}
	}
}

func TestPeers_WhoLeavesWaitsForNobody(t *testing.T) {
	asked := make(chan struct{})
	gone := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
		close(gone)
	}))
	t.Cleanup(hangs.Close)
	client := clientOf(t, serve(t, open(t), peers(hangs)))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := client.Last(ctx, "team-a", "shop"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-gone // the peer is not asked any more either
}

func TestClient_TakesNoAnswerButTheStores(t *testing.T) {
	for name, peer := range wrong(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := clientOf(t, peer)
			if name == "hangs" {
				client.HTTP = &http.Client{Timeout: 50 * time.Millisecond}
			}
			if got, err := client.Last(t.Context(), "team-a", "shop"); err == nil || errors.Is(err, reports.ErrUnknown) {
				t.Errorf("last is %+v, %v", got, err)
			}
			if got, err := client.Page(t.Context(), 10, "", false); err == nil {
				t.Errorf("the page is %+v", got)
			}
			if got, err := client.History(t.Context(), "team-a", "shop"); err == nil {
				t.Errorf("history is %+v", got)
			}
			if got, err := client.Sealed(t.Context(), "team-a", "shop", "sha256:"+strings.Repeat("0", 64)); err == nil {
				t.Errorf("manifests are %s", got)
			}
		})
	}
	for _, base := range []string{"", "assay-reports:8087", "ftp://a", "http://", "http://user:pass@a"} {
		if _, err := reports.NewClient(base, fixed(token)); err == nil || strings.Contains(err.Error(), "pass@") {
			t.Errorf("%q: %v", base, err)
		}
	}
	client, err := reports.NewClient("http://127.0.0.1:1", func() (string, error) { return "", errors.New("no token") })
	check(t, err)
	if _, err := client.Last(t.Context(), "a", "b"); err == nil || !strings.Contains(err.Error(), "no token") {
		t.Errorf("got %v", err)
	}
}

func TestHeadless_FindsAddressesWithoutThisMachinesOwn(t *testing.T) {
	for _, name := range []string{"", "host", ":80", "host:"} {
		if _, err := reports.Headless(name); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
	find, err := reports.Headless(net.JoinHostPort("127.0.0.1", "8087"))
	check(t, err)
	if found, err := find(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("found %v, %v", found, err)
	}
	find, err = reports.Headless(net.JoinHostPort("192.0.2.1", "8087"))
	check(t, err)
	if found, err := find(t.Context()); err != nil || len(found) != 1 || found[0] != "192.0.2.1:8087" {
		t.Errorf("found %v, %v", found, err)
	}
}
