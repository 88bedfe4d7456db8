package flux

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/assay-gitops/assay/e2e/origin"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/setup"
)

// rejudging is a scene with the judge that counts, a registry with a signed
// image, and a clock that the test moves.
type rejudging struct {
	*scene
	registry *origin.Registry
	setup    *setup.Setup
	now      time.Time
	// written are the requests that change something at the API server.
	written []string
}

// interval is the GatedSource's; what registries say is believed for six times
// as long.
const interval = 10 * time.Minute

func newRejudging(t *testing.T) *rejudging {
	t.Helper()
	r := &rejudging{scene: newScene(t), registry: origin.NewRegistry(t, "example", ociserver.Options{}), now: time.Now()}
	digest := r.registry.PushSigned("team-a/web:1", "web")
	files := r.registry.Trust()
	files["gate.yaml"] = fmt.Sprintf(`apiVersion: assay.dev/v1alpha1
kind: Gate
metadata: {name: team-a}
spec:
  base: true
  lock: {mode: Resolve}
  freshness: {freshFor: 1h}
  registries: [{host: %q, private: true, plainHTTP: true}]
`, r.registry.Host())
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config, err := gate.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	r.Clock = func() time.Time { return r.now }
	if r.setup, err = setup.New(setup.Options{Config: config, LockRequired: true, Clock: r.Clock}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.setup.Close)
	r.Judge = r.setup
	r.source("main@sha1:aaa", map[string]string{"web.yaml": origin.Deployment("web", r.registry.Image("team-a/web:1")+"@"+digest.DigestStr())})
	r.gated(nil)
	r.settle()
	r.says(metav1.ConditionTrue, meta.SucceededReason)
	r.count()
	return r
}

// count has the writes of the reconciler noted from now on.
func (r *rejudging) count() {
	r.t.Helper()
	inner, is := r.Client.(client.WithWatch)
	if !is {
		r.t.Fatal("the fake client cannot be listened to")
	}
	note := func(what string, object any) { r.written = append(r.written, fmt.Sprintf("%s %T", what, object)) }
	r.Client = interceptor.NewClient(inner, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			note("create", object)
			return c.Create(ctx, object, options...)
		},
		Update: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.UpdateOption) error {
			note("update", object)
			return c.Update(ctx, object, options...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			note("patch", object)
			return c.Patch(ctx, object, patch, options...)
		},
		Apply: func(ctx context.Context, c client.WithWatch, object runtime.ApplyConfiguration, options ...client.ApplyOption) error {
			note("apply", object)
			return c.Apply(ctx, object, options...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, name string, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption) error {
			note("patch "+name, object)
			return c.SubResource(name).Patch(ctx, object, patch, options...)
		},
		SubResourceApply: func(ctx context.Context, c client.Client, name string, object runtime.ApplyConfiguration, options ...client.SubResourceApplyOption) error {
			note("apply "+name, object)
			return c.SubResource(name).Apply(ctx, object, options...)
		},
	})
}

// again lets an interval pass and the object be judged, which is allowed.
func (r *rejudging) again(after time.Duration) {
	r.t.Helper()
	r.now = r.now.Add(after)
	if _, err := r.Reconcile(r.t.Context(), ctrl.Request{NamespacedName: r.key}); err != nil {
		r.t.Fatal(err)
	}
	r.says(metav1.ConditionTrue, meta.SucceededReason)
	if judged := r.object().Status.LastJudged; judged == nil || judged.Unix() != r.now.Unix() {
		r.t.Fatalf("it was judged last at %s, not at %s", judged, r.now)
	}
}

// TestRejudge_AsksNoRegistryWhileFactsAreFresh, and asks again when they are
// not: a signature may have come, a tag may have moved.
func TestRejudge_AsksNoRegistryWhileFactsAreFresh(t *testing.T) {
	r := newRejudging(t)
	r.registry.ResetRequests()
	for range 3 {
		r.again(interval)
	}
	if asked := r.registry.Count(); asked != 0 {
		t.Errorf("%d requests to the registry: %v", asked, r.registry.Requests())
	}
	r.again(2 * time.Hour)
	if r.registry.Count() == 0 {
		t.Error("what the registry said hours ago is still believed")
	}
}

// TestRejudge_RendersNothingAgain while source and gate are what they were, and
// fetches nothing; a new artifact is both.
func TestRejudge_RendersNothingAgain(t *testing.T) {
	r := newRejudging(t)
	_, before := r.setup.RenderStats()
	for range 3 {
		r.again(interval)
	}
	if hits, misses := r.setup.RenderStats(); misses != before || hits < 3 {
		t.Errorf("%d renderings more, %d from memory", misses-before, hits)
	}
	if fetched := r.Trees.Fetched(); fetched != 1 {
		t.Errorf("%d artifacts were fetched", fetched)
	}
	r.source("main@sha1:bbb", map[string]string{"web.yaml": origin.ConfigMap("web", "hello")})
	r.again(interval)
	if _, misses := r.setup.RenderStats(); misses != before+1 || r.Trees.Fetched() != 2 {
		t.Errorf("a new artifact: %d renderings more, %d artifacts fetched", misses-before, r.Trees.Fetched())
	}
}

// TestRejudge_WritesOneStatus: when it was judged. A new artifact is written to
// the ExternalArtifact as well.
func TestRejudge_WritesOneStatus(t *testing.T) {
	r := newRejudging(t)
	for range 3 {
		r.written = nil
		r.again(interval)
		if want := []string{"patch status *v1alpha1.GatedSource"}; !slices.Equal(r.written, want) {
			t.Errorf("%q were written, want %q", r.written, want)
		}
	}
	r.written = nil
	r.source("main@sha1:bbb", map[string]string{"web.yaml": origin.ConfigMap("web", "hello")})
	r.written = slices.DeleteFunc(r.written, func(what string) bool { return what == "update *v1.GitRepository" })
	r.again(interval)
	if external := slices.ContainsFunc(r.written, func(what string) bool { return what != "patch status *v1alpha1.GatedSource" }); !external || len(r.written) > 4 {
		t.Errorf("%q were written for a new artifact", r.written)
	}
}

// TestRejudge_AHundredShareOneArtifact: it is fetched once, however often they
// are judged.
func TestRejudge_AHundredShareOneArtifact(t *testing.T) {
	s := newScene(t)
	s.source("main@sha1:aaa", oneFile())
	const many = 100
	for i := range many {
		object := &v1alpha1.GatedSource{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: fmt.Sprintf("app-%d", i), Generation: 1, UID: types.UID(fmt.Sprint(i + 1))},
			Spec: v1alpha1.GatedSourceSpec{
				SourceRef: v1alpha1.SourceReference{Kind: sourcev1.GitRepositoryKind, Name: "app"}, Interval: metav1.Duration{Duration: interval},
			},
		}
		if err := s.Client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // the finalizer, the first judgement, another one
		for i := range many {
			request := ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "team-a", Name: fmt.Sprintf("app-%d", i)}}
			if _, err := s.Reconcile(t.Context(), request); err != nil {
				t.Fatal(err)
			}
		}
	}
	if s.judge.asked != 2*many || s.Trees.Fetched() != 1 {
		t.Errorf("%d judgements of %d fetched artifacts, want %d of one", s.judge.asked, s.Trees.Fetched(), 2*many)
	}
}
