package flux

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	runtimectrl "github.com/fluxcd/pkg/runtime/controller"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/publish"
	"github.com/assay-gitops/assay/plugin/flux/tree"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/render"
	"github.com/assay-gitops/assay/plugin/report"
)

// newClient is controller-runtime's fake of an API server, which `make e2e-flux`
// replaces by a real one and then runs the same tests.
var newClient = func(_ *testing.T, scheme *runtime.Scheme) client.Client {
	return fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&v1alpha1.GatedSource{}, &sourcev1.ExternalArtifact{}, &sourcev1.GitRepository{}).Build()
}

// scene is a reconciler with stores of its own and a judge that says what the
// test wants.
type scene struct {
	*Reconciler

	t      *testing.T
	judge  *scripted
	events *record.FakeRecorder
	key    types.NamespacedName
	server *httptest.Server
	files  map[string][]byte // by path on the source's file server
}

// scripted answers with the pipeline of a test.
type scripted struct {
	say   func(ctx context.Context, source plugin.Source) *plugin.Verdict
	asked int
	// chart and noChart are what is said of the chart.
	chart   render.ChartFacts
	noChart error
}

func (s *scripted) JudgeWith(ctx context.Context, source plugin.Source, _ *registry.Tenant) *plugin.Verdict {
	s.asked++
	return s.say(ctx, source)
}

func (s *scripted) DescribeChart(context.Context, plugin.Source, *registry.Tenant) (render.ChartFacts, error) {
	return s.chart, s.noChart
}

// rendered gives fixed objects to a pipeline without gates of its own rules.
type rendered struct{ objects []plugin.Object }

func (r rendered) Render(context.Context, plugin.Source) (plugin.Rendering, error) {
	return plugin.Rendering{Objects: r.objects}, nil
}

// passing lets everything through, for real: a whole run of a pipeline.
func passing(text string) func(context.Context, plugin.Source) *plugin.Verdict {
	return judging(text, nil)
}

// denying denies with one finding.
func denying(message string) func(context.Context, plugin.Source) *plugin.Verdict {
	return judging("x", func() []plugin.Finding {
		return []plugin.Finding{{Rule: "image/not-signed", Level: plugin.Deny, Message: message, Hint: "sign it"}}
	})
}

// silent has no answer.
func silent(message string) func(context.Context, plugin.Source) *plugin.Verdict {
	return judging("x", func() []plugin.Finding {
		return []plugin.Finding{{Rule: "resolve/no-answer", Level: plugin.Undetermined, Message: message}}
	})
}

type rules func() []plugin.Finding

func (r rules) Judge(context.Context, plugin.Sealed) []plugin.Finding {
	if r == nil {
		return nil
	}
	return r()
}

func judging(text string, said rules) func(context.Context, plugin.Source) *plugin.Verdict {
	return renamed("web", text, said)
}

func renamed(name, text string, said rules) func(context.Context, plugin.Source) *plugin.Verdict {
	return func(ctx context.Context, source plugin.Source) *plugin.Verdict {
		object := plugin.Object{Fields: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": "team-a"}, "data": map[string]any{"text": text},
		}}
		pipeline := &plugin.Pipeline{
			Renderer: rendered{[]plugin.Object{object}}, Resolver: noImages{}, Encoding: plugin.JSONEncoding{},
			Gates: []plugin.GateStages{{Name: "test", Deny: true, Verifiers: []plugin.Verifier{noImages{}}, Judges: []plugin.Judge{said}}},
		}
		return pipeline.Run(ctx, source)
	}
}

// eachItsOwn passes; no two paths have the same object.
func eachItsOwn(ctx context.Context, source plugin.Source) *plugin.Verdict {
	return renamed("web-"+strings.ReplaceAll(source.Path, ".", "x"), "one", nil)(ctx, source)
}

type noImages struct{}

func (noImages) Resolve(context.Context, []plugin.Reference) []plugin.Resolution { return nil }

func (noImages) Verify(context.Context, []plugin.Image) []plugin.Review { return nil }

const artifactPath = "/gitrepository/team-a/app/1.tar.gz"

func newScene(t *testing.T) *scene {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, sourcev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	s := &scene{t: t, judge: &scripted{say: passing("one"), chart: render.ChartFacts{Name: "app", Version: "1.0.0"}}, events: record.NewFakeRecorder(100), key: types.NamespacedName{Namespace: "team-a", Name: "app"}, files: map[string][]byte{}}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, there := s.files[r.URL.Path]
		if !there {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(data)
	}))
	t.Cleanup(s.server.Close)
	hosts, err := tree.ParseHosts([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	trees, err := tree.New(tree.Options{Dir: t.TempDir(), Limits: tree.DefaultLimits(), Timeout: time.Minute, Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = trees.Close() })
	store, err := publish.New(publish.Options{Dir: t.TempDir(), Address: "assay-source.assay-system", Retention: time.Minute, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	c := newClient(t, scheme)
	s.Reconciler = &Reconciler{
		Client: c, Live: c, Accounts: sameAccount{c}, Judge: s.judge, GateDigest: "sha256:gate", Trees: trees, Store: store, Cluster: oneCluster{},
		Events: s.events, Metrics: runtimectrl.Metrics{Scheme: scheme}, Counted: NewCounters(prometheus.NewRegistry(), nil, time.Now), Log: log,
		Journal: report.Journal{Log: log, Door: Door(), Clock: time.Now}, Clock: time.Now, DefaultServiceAccount: "default", RequeueDependency: 30 * time.Second, Concurrency: 4, LeastInterval: 10 * time.Second,
	}
	return s
}

// sameAccount reads without impersonation, which the fake does not know.
type sameAccount struct{ client client.Client }

func (a sameAccount) As(string, string) (client.Client, error) { return a.client, nil }

type oneCluster struct{}

func (oneCluster) Capabilities() (string, []string, error) { return "v1.37.2", []string{"v1"}, nil }

// source makes the GitRepository app with an artifact of these files.
func (s *scene) source(revision string, files map[string]string) {
	s.t.Helper()
	packed := pack(s.t, files)
	s.files[artifactPath] = packed
	sum := sha256.Sum256(packed)
	s.give(&meta.Artifact{
		URL: s.server.URL + artifactPath, Path: strings.TrimPrefix(artifactPath, "/"), Digest: "sha256:" + hex.EncodeToString(sum[:]), Revision: revision, LastUpdateTime: metav1.Now(),
	})
}

// give sets the artifact of the GitRepository app, which is made when it is not
// there; nil is one that has none yet.
func (s *scene) give(artifact *meta.Artifact) {
	s.t.Helper()
	repository := &sourcev1.GitRepository{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "app"}, Spec: sourcev1.GitRepositorySpec{URL: "https://user:secret@git.example.com/team-a/app"}}
	if err := s.Client.Get(s.t.Context(), s.key, repository); err != nil {
		if err := s.Client.Create(s.t.Context(), repository); err != nil {
			s.t.Fatal(err)
		}
	}
	repository.Status.Artifact = artifact
	if err := s.Client.Status().Update(s.t.Context(), repository); err != nil {
		s.t.Fatal(err)
	}
}

func pack(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for name, text := range files {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// gated makes the GatedSource app.
func (s *scene) gated(change func(*v1alpha1.GatedSourceSpec)) {
	s.t.Helper()
	object := &v1alpha1.GatedSource{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "app", Generation: 1, UID: "7"},
		Spec: v1alpha1.GatedSourceSpec{
			SourceRef: v1alpha1.SourceReference{Kind: sourcev1.GitRepositoryKind, Name: "app"}, Interval: metav1.Duration{Duration: 10 * time.Minute},
		},
	}
	if change != nil {
		change(&object.Spec)
	}
	if err := s.Client.Create(s.t.Context(), object); err != nil {
		s.t.Fatal(err)
	}
}

// settle reconciles until the finalizer is on and one try has ended.
func (s *scene) settle() ctrl.Result {
	s.t.Helper()
	var result ctrl.Result
	for range 2 {
		var err error
		if result, err = s.Reconcile(s.t.Context(), ctrl.Request{NamespacedName: s.key}); err != nil {
			s.t.Fatal(err)
		}
	}
	return result
}

func (s *scene) object() *v1alpha1.GatedSource {
	s.t.Helper()
	object := &v1alpha1.GatedSource{}
	if err := s.Client.Get(s.t.Context(), s.key, object); err != nil {
		s.t.Fatal(err)
	}
	return object
}

func (s *scene) external() *sourcev1.ExternalArtifact {
	s.t.Helper()
	object := &sourcev1.ExternalArtifact{}
	if err := s.Client.Get(s.t.Context(), types.NamespacedName{Namespace: "team-a", Name: "assay-app"}, object); err != nil {
		s.t.Fatal(err)
	}
	return object
}

// says fails unless Ready of the GatedSource is as wanted and its message has
// the words.
func (s *scene) says(status metav1.ConditionStatus, reason string, words ...string) {
	s.t.Helper()
	ready := conditions.Get(s.object(), meta.ReadyCondition)
	if ready == nil || ready.Status != status || ready.Reason != reason {
		s.t.Fatalf("Ready is %+v, want %s %s", ready, status, reason)
	}
	for _, word := range words {
		if !strings.Contains(ready.Message, word) {
			s.t.Errorf("the message lacks %q: %s", word, ready.Message)
		}
	}
}

// published is the revision that Flux's consumers see; empty when there is none.
func (s *scene) published() string {
	s.t.Helper()
	external := s.external()
	if external.Status.Artifact == nil {
		return ""
	}
	if !s.Store.Present(*external.Status.Artifact) {
		s.t.Errorf("what is published is not there: %s", external.Status.Artifact.Path)
	}
	return fmt.Sprint(external.Status.Artifact.Metadata[originRevision])
}
