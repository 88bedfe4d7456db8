package refresh

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// watchmaker is a clock that goes on when somebody sleeps.
type watchmaker struct{ now time.Time }

func (w *watchmaker) Now() time.Time { return w.now }

func (w *watchmaker) Sleep(ctx context.Context, wait time.Duration) error {
	w.now = w.now.Add(max(wait, 0))
	return context.Cause(ctx)
}

// ask is one patch, and when it came.
type ask struct {
	name string
	at   time.Time
}

// world is Argo CD, its sidecars and the API server, as far as a refresher sees
// them.
type world struct {
	t      *testing.T
	clock  *watchmaker
	folder string
	log    bytes.Buffer

	apps    []Application
	answer  Answer
	silence error // of the sidecars
	unseen  error // of the Applications
	trouble error // of watching them
	// refuse is the API server's answer to a patch; nil takes it.
	refuse func(app Application) error
	asks   []ask
	rate   float64
	tags   Tags
	state  string
	files  *Files
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: &watchmaker{time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}, folder: t.TempDir(), rate: 1}
	w.files = &Files{Load: func() (*gate.Config, error) { return gate.Load(w.folder) }, Settle: 30 * time.Second}
	w.gateOf("team-a", "")
	w.gateOf("team-b", "")
	w.trust("subject: release")
	return w
}

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.folder, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// gateOf writes the base gate of a project.
func (w *world) gateOf(project, more string) {
	w.write(project+".yaml", fmt.Sprintf("apiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata: {name: %[1]s}\nspec:\n  base: true\n  selector: {projects: [%[1]s]}\n  trust: {policies: [%[1]s]}\n%[2]s", project, more))
}

// trust writes both projects' trust rules; team-a's has one identity.
func (w *world) trust(subject string) {
	rule := "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: team-%[1]s}\nspec:\n  images: [{glob: \"r.example.com/%[1]s/**\"}]\n" +
		"  authorities: [{keyless: {identities: [{issuer: https://issuer.example.com, %[2]s}]}}]\n"
	w.write("trust.yaml", fmt.Sprintf(rule, "a", subject)+"---\n"+fmt.Sprintf(rule, "b", "subject: release"))
}

// now is the gate as its files are.
func (w *world) now() *Gate {
	w.t.Helper()
	read, err := w.files.read()
	if err != nil {
		w.t.Fatal(err)
	}
	return read
}

// app adds an Application with its record, judged by the gate as it is now.
func (w *world) app(project, name string) *Record {
	w.t.Helper()
	app := Application{
		Namespace: "argocd", Name: name, UID: "uid-" + name, Instance: name, Project: project, Destination: name, Created: w.clock.now.Add(-24 * time.Hour),
		Sources: []Source{{Repository: "https://git.example.com/" + name, Path: "prod"}},
	}
	w.apps = append(w.apps, app)
	record := Record{
		Application: plugin.Application{Name: name, Project: project, Namespace: name, Repository: "https://git.example.com/" + name},
		Path:        "prod", RepositoryPath: "prod", At: w.clock.now.Add(-time.Hour),
		Images: []Image{{
			Repository: "r.example.com/" + strings.TrimPrefix(project, "team-") + "/web", Tag: "1", Digest: "sha256:" + strings.Repeat("a", 64),
			Evidence: []plugin.Claims{{Kind: plugin.EvidenceSignature, Policy: project, Signer: "release", Issuer: "https://issuer.example.com", Format: "bundle"}},
		}},
	}
	record.Gate = w.now().For(record.Application, "prod", "prod")
	w.answer.Records = append(w.answer.Records, record)
	w.answer.Gates = []string{w.now().Digest}
	return &w.answer.Records[len(w.answer.Records)-1]
}

// served has the sidecars judge by the gate as it is now.
func (w *world) served() { w.answer.Gates = []string{w.now().Digest} }

// judged is what Argo CD does about a wish: the sidecar judges anew.
func (w *world) judged(name string) {
	for i, record := range w.answer.Records {
		if record.Application.Name == name {
			w.answer.Records[i].At = w.clock.now
			w.answer.Records[i].Gate = w.now().For(record.Application, "prod", "prod")
		}
	}
}

// Read implements Records.
func (w *world) Read(context.Context) (Answer, error) {
	if w.silence != nil {
		return Answer{}, w.silence
	}
	return Answer{Records: slices.Clone(w.answer.Records), Gates: w.answer.Gates, Silent: w.answer.Silent}, nil
}

// Applications implements Cluster.
func (w *world) Applications(context.Context) ([]Application, error) {
	return slices.Clone(w.apps), w.unseen
}

// Trouble implements Cluster.
func (w *world) Trouble() error { return w.trouble }

// Ask implements Cluster.
func (w *world) Ask(_ context.Context, app Application) error {
	w.asks = append(w.asks, ask{app.Name, w.clock.now})
	if w.refuse != nil {
		return w.refuse(app)
	}
	return nil
}

// refresher is a new process.
func (w *world) refresher() *Refresher {
	w.t.Helper()
	made, err := New(Options{
		Files: &Files{Load: w.files.Load, Settle: w.files.Settle}, Records: w, Cluster: w, Tags: w.tags, Rate: w.rate, Every: 30 * time.Second, Pause: 10 * time.Minute, State: w.state, Clock: w.clock,
		Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// rounds runs so many rounds.
func (w *world) rounds(r *Refresher, count int) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	for range count {
		until := w.clock.now.Add(r.options.Every)
		if made, err := r.round(ctx); err == nil {
			_ = r.ask(ctx, made.asks, until) // what the log says is looked at
		}
		w.clock.now = maxTime(w.clock.now, until)
	}
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// asked are the names, in the order of asking.
func (w *world) asked() string {
	var names []string
	for _, one := range w.asks {
		names = append(names, one.name)
	}
	return cmp.Or(strings.Join(names, " "), "nobody")
}
