package reports_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/reports"
)

var judged = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// record is an allowed verdict, a number of minutes after the first.
func record(application string, minute int, change ...func(*audit.Record)) audit.Record {
	out := audit.Record{
		Schema: audit.Schema, Time: judged.Add(time.Duration(minute) * time.Minute), Application: application, Project: "team-a", Namespace: "shop",
		Repository: "https://git.example.com/shop", Revision: fmt.Sprintf("revision-%d", minute), Path: "prod", Outcome: plugin.Allowed,
		FirstLine: "assay allowed " + application, Report: "r", Gates: []string{"starter"}, GateDigest: "sha256:aa", Images: []audit.Image{}, Findings: []audit.Finding{},
		Waivers: []audit.Waiver{},
	}
	for _, each := range change {
		each(&out)
	}
	return out
}

func deniedRecord(r *audit.Record) {
	r.Outcome, r.FirstLine, r.Report = plugin.Denied, "assay denied "+r.Application, "denied"
}

// sealing is an entry with manifests.
func sealing(r audit.Record, manifests string, hidden ...string) audit.Entry {
	sum := sha256.Sum256([]byte(manifests))
	r.Sealed = "sha256:" + hex.EncodeToString(sum[:])
	return audit.Entry{Record: r, Manifests: []byte(manifests), Hidden: hidden}
}

func configMap(name string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q,"namespace":"shop"}}`+"\n", name)
}

func open(t testing.TB, change ...func(*reports.Options)) *reports.Store {
	t.Helper()
	options := reports.Options{Dir: t.TempDir()}
	for _, each := range change {
		each(&options)
	}
	store, err := reports.Open(options)
	check(t, err)
	return store
}

func add(t testing.TB, store *reports.Store, list ...audit.Record) {
	t.Helper()
	for _, each := range list {
		check(t, store.Add(t.Context(), audit.Entry{Record: each}))
	}
}

const (
	token          = "0123456789abcdef-token"
	extensionToken = "0123456789abcdef-extension"
)

func fixed(text string) func() (string, error) { return func() (string, error) { return text, nil } }

// serve answers from a store.
func serve(t testing.TB, store *reports.Store, change ...func(*reports.Server)) *httptest.Server {
	t.Helper()
	server := &reports.Server{Store: store, Token: fixed(token), ExtensionToken: fixed(extensionToken), Gate: "sha256:whole", PeerTime: 20 * time.Second}
	for _, each := range change {
		each(server)
	}
	started := httptest.NewServer(server.Handler())
	t.Cleanup(started.Close)
	return started
}

// peers are those servers.
func peers(list ...*httptest.Server) func(*reports.Server) {
	var addresses []string
	for _, each := range list {
		addresses = append(addresses, each.Listener.Addr().String())
	}
	return func(s *reports.Server) {
		s.Peers = func(context.Context) ([]string, error) { return addresses, nil }
	}
}

func clientOf(t testing.TB, server *httptest.Server) *reports.Client {
	t.Helper()
	client, err := reports.NewClient(server.URL, fixed(token))
	check(t, err)
	return client
}

// asked is a plain request and its answer.
func asked(t testing.TB, server *httptest.Server, path string, header http.Header) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	check(t, err)
	request.Header = header.Clone()
	response, err := server.Client().Do(request)
	check(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	check(t, err)
	if !json.Valid(body) || response.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s answers no JSON: %s", path, body)
	}
	return response.StatusCode, string(body)
}

func bearer(text string, more ...string) http.Header {
	header := http.Header{"Authorization": {"Bearer " + text}}
	for i := 0; i+1 < len(more); i += 2 {
		header.Add(more[i], more[i+1])
	}
	return header
}

// files are those of an application's folder.
func files(t testing.TB, dir, application string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "assay-reports", reports.ID(application), "*"))
	check(t, err)
	return found
}

func overwrite(t testing.TB, dir, application, file, text string) {
	t.Helper()
	check(t, os.WriteFile(filepath.Join(dir, "assay-reports", reports.ID(application), file), []byte(text), 0o600))
}

func revisions(records []audit.Record) string {
	var list []string
	for _, each := range records {
		list = append(list, strings.TrimPrefix(each.Revision, "revision-"))
	}
	return strings.Join(list, " ")
}

func query(pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return "/api/v1/applications?" + values.Encode()
}
