//go:build e2e

package flux_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/e2e/origin"
)

// TestPathThatIsNotThere_IsToldAndHealsWithACommit waits for no clock.
func TestPathThatIsNotThere_IsToldAndHealsWithACommit(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.serve()
	w.commit(map[string]string{"README.md": "nothing yet\n"})
	w.gatedSource(hourly, inFolder)
	w.condition(gatedSources, "app", "Ready=False", "app")
	commit := w.commit(w.web("team-a/app:1"))
	w.deployed(commit)
	w.runs("web", digest.DigestStr())
}

// TestFolderOfNothing_IsDenied: Flux would remove all that it applied.
func TestFolderOfNothing_IsDenied(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.serve()
	w.deploys("team-a/app:1")
	w.commit(map[string]string{"app/web.yaml": "", "app/config.yaml": "", "app/kustomization.yaml": "resources: []\n"})
	w.denied("")
	w.runs("web", digest.DigestStr())
	w.repaired()
}

// TestArtifactThatIsNotItsDigest_IsNotJudged has a source of which somebody
// changed the file.
func TestArtifactThatIsNotItsDigest_IsNotJudged(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	files := map[string]string{"web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))}
	w.externalArtifact("generated", files, "1")
	must(t, w.Merge(t.Context(), w.object(externalArtifacts, "generated"), fmt.Sprintf(`{"status":{"artifact":{"digest":"sha256:%s"}}}`, strings.Repeat("0", 64)), "status"))
	w.serve()
	w.gated("app", "  interval: 1h\n  sourceRef: {kind: ExternalArtifact, name: generated}\n  kustomize: {targetNamespace: $namespace}\n")
	w.condition(gatedSources, "app", "Ready=False", "digest")
	w.unpublished("assay-app")

	w.externalArtifact("generated", files, "2")
	w.condition(gatedSources, "app", "Ready=True", "")
}

// unpublished fails when an ExternalArtifact has an artifact.
func (w *world) unpublished(name string) {
	w.t.Helper()
	artifact, err := w.Get(w.t.Context(), w.object(externalArtifacts, name))
	if err == nil && field(artifact, "status", "artifact", "url") != "" {
		w.t.Errorf("it is published: %v", artifact.Object["status"])
	} else if err != nil && !apierrors.IsNotFound(err) {
		w.t.Error(err)
	}
}

// TestObjectsOfAnotherShard_AreLeftAlone has one GatedSource without the label
// that the controller was started for.
func TestObjectsOfAnotherShard_AreLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	w.serve()
	commit := w.commit(w.web("team-a/app:1"))
	w.gatedSource(hourly, inFolder)
	w.apply("apiVersion: assay.dev/v1alpha1\nkind: GatedSource\nmetadata: {name: other, namespace: $namespace}\nspec: {interval: 1s, paths: [app], sourceRef: {kind: GitRepository, name: app}}\n")
	w.published(commit)
	next := w.commit(map[string]string{"app/config.yaml": origin.ConfigMap("web", "again")})
	w.published(next)
	if conditions := entries(w.read(gatedSources, "other"), "status", "conditions"); len(conditions) > 0 {
		t.Errorf("the other shard's has conditions: %v", conditions)
	}
	w.unpublished("assay-other")
}

// TestChartThatIsNeverTheSame_IsRenderedOnce has a chart with random values: what
// is judged again are the published bytes.
func TestChartThatIsNeverTheSame_IsRenderedOnce(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	w.serve()
	files := w.chart("1.0.0")
	files["chart/templates/config.yaml"] = origin.ConfigMap("web", "{{ randAlphaNum 20 }}")
	commit := w.commit(files)
	w.gatedSource("1s", charted("1"))
	w.published(commit)
	before := w.read(externalArtifacts, "assay-app")
	for range 3 {
		last := field(w.read(gatedSources, "app"), "status", "lastJudged")
		w.until(gatedSources, "app", func(object *unstructured.Unstructured) error {
			if field(object, "status", "lastJudged") == last {
				return errors.New("it was not judged again")
			}
			return nil
		})
	}
	w.condition(gatedSources, "app", "Ready=True", "")
	if a, b := field(before, "status", "artifact", "digest"), field(w.read(externalArtifacts, "assay-app"), "status", "artifact", "digest"); a != b {
		t.Errorf("the digest was %s and is %s", a, b)
	}
}

// TestMetrics_HaveFluxsNames has a dashboard of Flux find the controller, and
// our own alerts what they look for in its libraries.
func TestMetrics_HaveFluxsNames(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	c := w.serve()
	w.publishes("team-a/app:1")
	text := string(w.get("http://" + c.metrics + "/metrics"))
	for _, want := range []string{
		"gotk_reconcile_duration_seconds_count{kind=\"GatedSource\",name=\"app\",namespace=\"" + w.name + "\"}",
		"controller_runtime_reconcile_total{controller=\"gatedsource\"",
		"controller_runtime_max_concurrent_reconciles{controller=\"gatedsource\"}",
		"workqueue_depth{controller=\"gatedsource\",name=\"gatedsource\"",
		"gotk_reconcile_condition{kind=\"GatedSource\",name=\"app\",namespace=\"" + w.name + "\",status=\"True\",type=\"Ready\"} 1",
		"gotk_reconcile_condition{kind=\"GatedSource\",name=\"app\",namespace=\"" + w.name + "\",status=\"True\",type=\"Stalled\"} 0",
		"assay_gate_info{digest=\"sha256:", "assay_gate_loads 1", "assay_gate_current 1",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
}

// TestReconcileRequest_IsHandled is `flux reconcile` for what Flux does not know.
func TestReconcileRequest_IsHandled(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.Push("team-a/app:1", "first")
	w.gate(forgetful)
	w.serve()
	commit := w.commit(w.web("team-a/app:1"))
	w.gatedSource(hourly, inFolder)
	w.condition(gatedSources, "app", "Ready=False", "not signed")
	w.registry.Sign(digest)
	w.reconcile(gatedSources, "app")
	w.deployed(commit)
	w.handled(gatedSources, "app")
}
