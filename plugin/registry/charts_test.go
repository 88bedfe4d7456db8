package registry_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
)

const archiveText = "the bytes of a packaged chart"

// chartServer is a chart repository over TLS. Its answers are functions by
// path; what it was asked is kept.
type chartServer struct {
	*httptest.Server

	answers map[string]http.HandlerFunc

	mu    sync.Mutex
	asked []*http.Request
}

func startCharts(t *testing.T) *chartServer {
	t.Helper()
	s := &chartServer{answers: map[string]http.HandlerFunc{}}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r)
		answer := s.answers[r.URL.Path]
		s.mu.Unlock()
		if answer == nil {
			http.NotFound(w, r)
			return
		}
		answer(w, r)
	}))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	s.index("team-a-0.1.0.tgz", digestOfText(archiveText))
	s.text("/charts/team-a-0.1.0.tgz", archiveText)
	return s
}

func digestOfText(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (s *chartServer) host() string { return strings.TrimPrefix(s.URL, "https://") }

func (s *chartServer) ca() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

func (s *chartServer) answer(path string, answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[path] = answer
}

func (s *chartServer) text(path, text string) {
	s.answer(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
}

// index answers with an index in which team-a 0.1.0 is at an address.
func (s *chartServer) index(address, digest string) {
	s.text("/charts/index.yaml", chartIndex(address, digest))
}

func chartIndex(address, digest string) string {
	return fmt.Sprintf(`apiVersion: v1
entries:
  other:
  - {version: 0.1.0, urls: [other-0.1.0.tgz]}
  team-a:
  - apiVersion: v2
    description: |
      version: 0.1.0
    name: team-a
    urls:
    - team-a-0.2.0.tgz
    version: 0.2.0
  - apiVersion: v2
    digest: %q
    name: team-a
    urls:
    - %q
    version: 0.1.0
generated: "2026-10-01T00:00:00Z"
`, digest, address)
}

// count is the number of requests for a path; of all when it is empty.
func (s *chartServer) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	for _, request := range s.asked {
		if path == "" || request.URL.Path == path {
			count++
		}
	}
	return count
}

func (s *chartServer) authorized() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, request := range s.asked {
		if request.Header.Get("Authorization") != "" {
			return true
		}
	}
	return false
}

func (s *chartServer) entry() registry.Host {
	return registry.Host{Host: s.host(), Private: true, CA: s.ca()}
}

func (s *chartServer) chart() registry.Chart {
	return registry.Chart{Repository: s.URL + "/charts", Name: "team-a", Version: "0.1.0"}
}

func chartClient(t *testing.T, hosts ...registry.Host) *registry.Client {
	t.Helper()
	time := newClock()
	client, err := registry.New(registry.Options{
		Clock: time.Now, Sleep: time.Sleep, Hosts: hosts,
		Limits: limitsWith(t, map[string]int64{"retries": 1, "fileBytes": 4096, "archiveBytes": 4096}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func wantArchive(t *testing.T, client *registry.Client, chart registry.Chart) {
	t.Helper()
	archive, err := client.Chart(t.Context(), chart)
	if err != nil || string(archive.Bytes) != archiveText {
		t.Fatalf("the chart is %q, %v", archive.Bytes, err)
	}
	if fromRegistry := strings.HasPrefix(chart.Repository, "oci://"); fromRegistry != strings.HasPrefix(archive.Manifest, "sha256:") || fromRegistry != (archive.Reference.Tag != "") {
		t.Errorf("%s: the archive is named by %+v %s", chart.Repository, archive.Reference, archive.Manifest)
	}
}

// ruleOf is the rule by which an error says no; empty when it says something
// else.
func ruleOf(err error) string {
	var refusal *plugin.Refusal
	if errors.As(err, &refusal) {
		return refusal.Rule
	}
	return ""
}

func noAnswerAtAll(err error) bool {
	var none *plugin.StageError
	return errors.As(err, &none) && ruleOf(err) == ""
}

func TestChart_RepositoryAnswersNo(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*chartServer)
		rule   string
		says   string
	}{
		{"no index", func(s *chartServer) { s.answer("/charts/index.yaml", http.NotFound) }, "chart/unavailable", "there is no"},
		{"no archive", func(s *chartServer) { s.answer("/charts/team-a-0.1.0.tgz", http.NotFound) }, "chart/unavailable", "there is no"},
		{"no such version", func(s *chartServer) {
			s.text("/charts/index.yaml", strings.ReplaceAll(chartIndex("x.tgz", ""), "version: 0.1.0\ngen", "version: 0.1.1\ngen"))
		}, "chart/unavailable", "no version 0.1.0"},
		{"no such chart", func(s *chartServer) {
			s.text("/charts/index.yaml", strings.ReplaceAll(chartIndex("x.tgz", ""), "  team-a:", "  team-b:"))
		}, "chart/unavailable", "no version 0.1.0"},
		{"empty index", func(s *chartServer) { s.text("/charts/index.yaml", "") }, "registry/invalid-answer", "no entries"},
		{"index without entries", func(s *chartServer) { s.text("/charts/index.yaml", "apiVersion: v1\nentries: {}\n") }, "chart/unavailable", "no version"},
		{"a page in place of the index", func(s *chartServer) { s.text("/charts/index.yaml", "<html><p>sign in: please</html>\n") }, "registry/invalid-answer", "no entries"},
		{"version without an archive", func(s *chartServer) {
			s.text("/charts/index.yaml", "entries:\n  team-a:\n  - version: 0.1.0\n")
		}, "chart/unavailable", "names no archive"},
		{"wrong digest", func(s *chartServer) { s.text("/charts/team-a-0.1.0.tgz", archiveText+".") }, "registry/wrong-digest", "sent bytes"},
		{"digest of another kind", func(s *chartServer) { s.index("team-a-0.1.0.tgz", "sha512:"+digestOfText(archiveText)) }, "registry/wrong-digest", "sent bytes"},
		{"empty archive", func(s *chartServer) {
			s.text("/charts/team-a-0.1.0.tgz", "")
			s.index("team-a-0.1.0.tgz", "")
		}, "chart/unavailable", "is empty"},
		{"index over the limit", func(s *chartServer) {
			s.text("/charts/index.yaml", chartIndex("team-a-0.1.0.tgz", "")+"#"+strings.Repeat(" ", 4096))
		}, "registry/limit", "fileBytes"},
		{"archive over the limit", func(s *chartServer) { s.text("/charts/team-a-0.1.0.tgz", strings.Repeat("x", 4097)) }, "registry/limit", "archiveBytes"},
		{"index redirects to plain HTTP", func(s *chartServer) {
			s.answer("/charts/index.yaml", http.RedirectHandler("http://charts.example.com/index.yaml", http.StatusFound).ServeHTTP)
		}, "registry/redirect", "not HTTPS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := startCharts(t)
			client := chartClient(t, server.entry())
			wantArchive(t, client, server.chart())
			c.change(server)
			_, err := client.Chart(t.Context(), server.chart())
			if ruleOf(err) != c.rule || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %q: %v; want %s with %q", ruleOf(err), err, c.rule, c.says)
			}
		})
	}
}

func TestChart_RepositoryGivesNoAnswer(t *testing.T) {
	fault := func(f ociserverFault) http.HandlerFunc { return f.serve }
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		tries  int // 0: Go's client tries again by itself
	}{
		{"401", fault(ociserverFault{status: http.StatusUnauthorized}), 1},
		{"403", fault(ociserverFault{status: http.StatusForbidden}), 1},
		{"429", fault(ociserverFault{status: http.StatusTooManyRequests}), 2},
		{"500", fault(ociserverFault{status: http.StatusInternalServerError}), 2},
		{"truncated", fault(ociserverFault{truncate: true}), 2},
		{"connection closed", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0},
	} {
		for _, path := range []string{"/charts/index.yaml", "/charts/team-a-0.1.0.tgz"} {
			t.Run(c.name+path, func(t *testing.T) {
				server := startCharts(t)
				client := chartClient(t, server.entry())
				wantArchive(t, client, server.chart())
				before := server.count(path)
				server.answer(path, c.answer)
				if _, err := client.Chart(t.Context(), server.chart()); !noAnswerAtAll(err) {
					t.Errorf("got %v, want no answer", err)
				}
				if tries := server.count(path) - before; c.tries > 0 && tries != c.tries {
					t.Errorf("asked %d times, want %d", tries, c.tries)
				}
			})
		}
	}
}

type ociserverFault struct {
	status   int
	truncate bool
}

func (f ociserverFault) serve(w http.ResponseWriter, _ *http.Request) {
	if f.truncate {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("entries:\n"))
		return
	}
	w.WriteHeader(f.status)
}

func TestChart_CancelledIsNoAnswer(t *testing.T) {
	server := startCharts(t)
	client := chartClient(t, server.entry())
	ctx, cancel := context.WithCancel(t.Context())
	server.answer("/charts/team-a-0.1.0.tgz", func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := client.Chart(ctx, server.chart()); !noAnswerAtAll(err) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want no answer: cancelled", err)
	}
	server.text("/charts/team-a-0.1.0.tgz", archiveText)
	wantArchive(t, client, server.chart())
}
