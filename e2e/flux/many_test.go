//go:build e2e

package flux_test

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/e2e/origin"
)

// TestHundredGatedSources_AreAllPublished has as many folders
// of one repository, each a GatedSource. Some of them are consumed.
func TestHundredGatedSources_AreAllPublished(t *testing.T) {
	const count = 100
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.serve("--concurrent", "10")
	files := map[string]string{}
	for i := range count {
		files[fmt.Sprintf("web-%02d/web.yaml", i)] = origin.Deployment(fmt.Sprintf("web-%02d", i), w.registry.Image("team-a/app:1"))
	}
	commit := w.commit(files)
	w.registry.ResetRequests()
	for i := range count {
		w.gated(fmt.Sprintf("web-%02d", i), fmt.Sprintf("  interval: 1h\n  sourceRef: {kind: GitRepository, name: app}\n  paths: [web-%02d]\n  kustomize: {targetNamespace: $namespace}\n", i))
	}
	digests := map[string]bool{}
	for i := range count {
		artifact := w.until(externalArtifacts, fmt.Sprintf("assay-web-%02d", i), func(object *unstructured.Unstructured) error {
			if made := madeOf(object); made != "main@sha1:"+commit {
				return fmt.Errorf("it is made of %q", made)
			}
			return nil
		})
		digests[field(artifact, "status", "artifact", "digest")] = true
	}
	if len(digests) != count {
		t.Errorf("%d GatedSources have %d different artifacts", count, len(digests))
	}
	// One image is asked for by its tag, its referrers, its signature's two parts
	// and its configuration, and by each connection's first request.
	if asked := len(w.registry.Requests()); asked > 20 {
		t.Errorf("the registry was asked %d times for one image", asked)
	}
	for _, i := range []int{0, 57, 99} {
		name := fmt.Sprintf("web-%02d", i)
		w.consume(name, "assay-"+name)
		w.condition(kustomizations, name, "Ready=True", "")
		w.runs(name, digest.DigestStr())
	}
}
