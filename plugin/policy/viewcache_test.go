package policy

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

func privilegedDeployment(name string) []plugin.Object {
	return []plugin.Object{{
		Fields: map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": name},
			"spec": map[string]any{
				"selector": map[string]any{"matchLabels": map[string]any{"app": "a"}},
				"template": map[string]any{
					"metadata": map[string]any{"labels": map[string]any{"app": "a"}},
					"spec": map[string]any{"containers": []any{map[string]any{
						"name": "a", "image": "registry.example.com/a:v1", "securityContext": map[string]any{"privileged": true},
					}}},
				},
			},
		},
		Origin: plugin.Origin{File: "a.yaml", Line: 1},
	}}
}

func restrictedJudge(t *testing.T) plugin.Judge {
	t.Helper()
	spec := gate.Gate{Metadata: gate.Metadata{Name: "g"}}
	spec.Spec.Judge.PodSecurity = &gate.PodSecurity{Level: "restricted", Version: "latest"}
	compiled, err := NewCompiler().Compile(Config{Gate: spec})
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Judges[0]
}

// TestViewCache_AnswersAsWithout: a run over bytes that were judged before says
// what the first said; other bytes, and another destination, are not mixed up.
func TestViewCache_AnswersAsWithout(t *testing.T) {
	judge, ctx := restrictedJudge(t), context.Background()
	sealed := func(name, digest, namespace string) plugin.Sealed {
		return plugin.Sealed{
			Objects: privilegedDeployment(name), Digest: digest,
			Source: plugin.Source{Application: plugin.Application{Namespace: namespace}},
		}
	}
	want := judge.Judge(ctx, sealed("a", "", "shop"))
	if len(want) == 0 {
		t.Fatal("a privileged container was not denied")
	}
	for i := range 3 {
		if got := judge.Judge(ctx, sealed("a", "one", "shop")); !reflect.DeepEqual(got, want) {
			t.Errorf("run %d: %v, want %v", i, got, want)
		}
	}
	if got := judge.Judge(ctx, sealed("b", "two", "shop")); got[0].Object.Name != "b" {
		t.Errorf("other bytes were answered with what was said of the first: %v", got)
	}
	cache := &judge.(*gateJudge).views
	cache.of(sealed("a", "one", "billing"), nil)
	for _, namespace := range []string{"shop", "billing"} {
		if got := cache.of(sealed("a", "one", namespace), nil).subjects[0].namespace; got != namespace {
			t.Errorf("the object goes to %q, want %q", got, namespace)
		}
	}
}

// TestViewCache_IsBounded: the oldest views go.
func TestViewCache_IsBounded(t *testing.T) {
	var cache viewCache
	for i := range 3 * viewsKept {
		cache.of(plugin.Sealed{Objects: privilegedDeployment("a"), Digest: fmt.Sprint(i)}, nil)
	}
	if len(cache.kept) != viewsKept {
		t.Errorf("%d views are kept, want %d", len(cache.kept), viewsKept)
	}
	if cache.find("0", "") != nil || cache.find(fmt.Sprint(3*viewsKept-1), "") == nil {
		t.Error("not the oldest went")
	}
	huge := make([]plugin.Object, viewSubjects)
	for i := range huge {
		huge[i] = privilegedDeployment(fmt.Sprint("a", i))[0]
	}
	cache.of(plugin.Sealed{Objects: huge, Digest: "huge"}, nil)
	if len(cache.kept) != 0 {
		t.Errorf("%d views are kept beside one that is over the bound", len(cache.kept))
	}
}

// TestViewCache_ManyRunsAtOnce: runs over the same bytes do not disturb each
// other (under the race detector).
func TestViewCache_ManyRunsAtOnce(t *testing.T) {
	spec := gate.Gate{Metadata: gate.Metadata{Name: "g"}}
	spec.Spec.Judge.Packs = []string{"pack/workload@1"}
	compiled, err := NewCompiler().Compile(Config{Gate: spec})
	if err != nil {
		t.Fatal(err)
	}
	sealed := plugin.Sealed{Objects: privilegedDeployment("a"), Digest: "one"}
	want := compiled.Judges[0].Judge(context.Background(), sealed)
	answers := make([][]plugin.Finding, 8)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() { answers[i] = compiled.Judges[0].Judge(context.Background(), sealed) })
	}
	group.Wait()
	for _, got := range answers {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
}
