//go:build e2e

package refresh_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/reports"
	"github.com/assay-gitops/assay/plugin/gate"
)

// scene is Applications on the real API server, a gate, and what stands in for Argo
// CD and its sidecars: a store of reports, and a loop that takes the annotation away
// and judges.
type scene struct {
	t      *testing.T
	folder string
	store  *httptest.Server
	token  string

	mu      sync.Mutex
	records map[string]audit.Record
	gate    string
	project map[string]string
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, folder: t.TempDir(), records: map[string]audit.Record{}, project: map[string]string{}, token: filepath.Join(t.TempDir(), "token")}
	must(t, os.WriteFile(s.token, []byte("a-token-of-enough-characters"), 0o600))
	clearAll(t)
	s.store = httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(s.store.Close)
	s.write("team-a", "")
	s.write("team-b", "")
	s.served()
	return s
}

// write writes the base gate of a project.
func (s *scene) write(project, more string) {
	s.t.Helper()
	must(s.t, os.WriteFile(filepath.Join(s.folder, project+".yaml"), fmt.Appendf(nil, "apiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata: {name: %[1]s}\nspec:\n  base: true\n  selector: {projects: [%[1]s]}\n%[2]s", project, more), 0o600))
}

// served has the sidecars judge by the files as they are now.
func (s *scene) served() {
	s.t.Helper()
	config, err := gate.Load(s.folder)
	must(s.t, err)
	digest, err := config.Digest()
	must(s.t, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = digest
}

// judged is the record of an application by the files as they are now.
func (s *scene) judged(name string) {
	s.t.Helper()
	config, err := gate.Load(s.folder)
	must(s.t, err)
	digests, err := config.Digests()
	must(s.t, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	app := plugin.Application{Name: name, Project: s.project[name], Namespace: name, Repository: "https://git.example.com/" + name}
	s.records[name] = audit.Record{
		Schema: audit.Schema, Time: time.Now().UTC(), Application: name, Project: app.Project, Namespace: name, Repository: app.Repository,
		Path: "prod", RepositoryPath: "prod", Outcome: plugin.Allowed, GateDigest: digests.For(app, "prod", "prod"),
	}
}

// answer is the store's, in pages.
func (s *scene) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	page := reports.Page{Applications: []reports.Application{}, Gates: []string{s.gate}, Silent: []reports.Silent{}}
	for _, name := range slices.SortedFunc(slices.Values(keys(s.records)), func(a, b string) int { return cmp.Compare(reports.ID(a), reports.ID(b)) }) {
		id := reports.ID(name)
		if id <= r.URL.Query().Get("after") {
			continue
		}
		if len(page.Applications) == 100 {
			page.Next = page.Applications[99].ID
			break
		}
		page.Applications = append(page.Applications, reports.Application{ID: id, Application: name, Records: []audit.Record{s.records[name]}})
	}
	_ = json.NewEncoder(w).Encode(page)
}

func keys(all map[string]audit.Record) []string {
	var names []string
	for name := range all {
		names = append(names, name)
	}
	return names
}

// applications makes so many Applications in a project, each with its record.
func (s *scene) applications(project string, count int) []string {
	s.t.Helper()
	var names []string
	for i := range count {
		name := fmt.Sprintf("%s-%04d", project, i)
		names = append(names, name)
		s.project[name] = project
	}
	var group errgroup.Group
	group.SetLimit(16)
	for _, name := range names {
		group.Go(func() error { return shared.Apply(s.t.Context(), manifest(name, project)) })
	}
	must(s.t, group.Wait())
	for _, name := range names {
		s.judged(name)
	}
	s.t.Cleanup(func() { clearAll(s.t) })
	return names
}

// clearAll deletes every Application: those of another test would be asked, too.
func clearAll(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	there, err := shared.List(ctx, applications, controlplane.Namespace)
	must(t, err)
	var group errgroup.Group
	group.SetLimit(16)
	for _, each := range there {
		group.Go(func() error {
			return errors.Join(shared.Merge(ctx, named(each.GetName()), `{"metadata":{"finalizers":null}}`), shared.Delete(ctx, named(each.GetName())))
		})
	}
	must(t, group.Wait())
}

// takesUp does what Argo CD does until the context ends: it takes the annotation
// away, and the sidecar judges.
func (s *scene) takesUp(ctx context.Context) {
	for ctx.Err() == nil {
		list, err := shared.List(ctx, applications, controlplane.Namespace)
		if err != nil {
			continue
		}
		for _, each := range list {
			if each.GetAnnotations()[refreshKey] != "hard" || s.project[each.GetName()] == "" {
				continue
			}
			if shared.Merge(ctx, named(each.GetName()), annotate(refreshKey, "null")) == nil {
				s.judged(each.GetName())
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// command is the program under the service account's own rights.
func (s *scene) command(rate int, flags ...string) (args, env []string, metrics string) {
	s.t.Helper()
	kubeconfig, err := shared.KubeconfigOf(s.t.Context(), controlplane.Namespace, "assay-refresh")
	must(s.t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(s.t, err)
	address := listener.Addr().String()
	must(s.t, listener.Close())
	args = append([]string{
		shared.assay, "refresh", "--gate", s.folder, "--reports", s.store.URL, "--reports-token", s.token, "--rate", fmt.Sprint(rate), "--every", "1s", "--settle", "2s",
		"--pause", "1m", "--http", address,
	}, flags...)
	return args, []string{"KUBECONFIG=" + kubeconfig}, "http://" + address
}

// refresher starts the program, which ends with the test.
func (s *scene) refresher(name string, rate int) (process *controlplane.Process, metrics string) {
	s.t.Helper()
	args, env, metrics := s.command(rate)
	process, err := controlplane.Launch(controlplane.Command{Name: "refresh-" + strings.ToLower(name), Logs: shared.Logs(), Env: env, Args: args})
	must(s.t, err)
	s.t.Cleanup(process.Kill)
	return process, metrics
}
