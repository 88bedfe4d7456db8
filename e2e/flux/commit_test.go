//go:build e2e

package flux_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/origin"
)

// web is a commit's files: a Deployment with an image, and a ConfigMap.
func (w *world) web(image string) map[string]string {
	return map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image(image)), "app/config.yaml": origin.ConfigMap("web", "hello")}
}

// runs fails unless the Deployment has the image of that digest, now.
func (w *world) runs(deployment, digest string) {
	w.t.Helper()
	if image := fmt.Sprint(w.container(deployment)["image"]); !strings.HasSuffix(image, "@"+digest) {
		w.t.Errorf("the Deployment %s has the image %s; it should have the digest %s", deployment, image, digest)
	}
}

func TestCommit_BecomesObjectsWithDigestsAndHardening(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.serve()
	commit := w.deploys("team-a/app:1")

	w.runs("web", digest.DigestStr())
	for _, want := range []struct {
		value  any
		fields []string
	}{
		{true, []string{"securityContext", "runAsNonRoot"}},
		{"RuntimeDefault", []string{"securityContext", "seccompProfile", "type"}},
		{false, []string{"securityContext", "allowPrivilegeEscalation"}},
	} {
		if got, _, _ := unstructured.NestedFieldNoCopy(w.container("web"), want.fields...); got != want.value {
			t.Errorf("%s is %v; hardening makes it %v", strings.Join(want.fields, "."), got, want.value)
		}
	}
	if said := field(w.read(configMaps, "web"), "data", "greeting"); said != "hello" {
		t.Errorf("the ConfigMap says %q", said)
	}
	w.until(kustomizations, "app", func(object *unstructured.Unstructured) error {
		if made := field(object, "status", "lastAppliedOriginRevision"); made != "main@sha1:"+commit {
			return fmt.Errorf("the Kustomization says that what it applied was made of %q", made)
		}
		return nil
	})
	w.event("info", commit)
}

// TestArtifact_SaysWhatItIsOf is what Flux and its users see of it.
func TestArtifact_SaysWhatItIsOf(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	w.serve()
	commit := w.commit(w.web("team-a/app:1"))
	w.gatedSource(hourly, inFolder)
	revision := w.published(commit)
	w.condition(gatedSources, "app", "Ready=True", "")
	artifact := w.condition(externalArtifacts, "assay-app", "Ready=True", "Succeeded")
	w.condition(externalArtifacts, "assay-app", "SourceVerified=True", "Succeeded")

	digest, size, address := field(artifact, "status", "artifact", "digest"), artifactSize(artifact), field(artifact, "status", "artifact", "url")
	if revision != "main@"+digest || path.Base(address) != strings.TrimPrefix(digest, "sha256:")+".tar.gz" {
		t.Errorf("of the digest %s the revision is %s and the file is %s", digest, revision, address)
	}
	data := w.get(address)
	if got := fmt.Sprintf("sha256:%x", sha256.Sum256(data)); got != digest || int64(len(data)) != size {
		t.Errorf("the file has %d bytes of %s, the artifact says %d of %s", len(data), got, size, digest)
	}
	owners := artifact.GetOwnerReferences()
	if len(owners) != 1 || owners[0].Kind != "GatedSource" || owners[0].Name != "app" || owners[0].Controller == nil || !*owners[0].Controller {
		t.Errorf("its owners are %v", owners)
	}
	source := field(artifact, "spec", "sourceRef", "kind") + "/" + field(artifact, "spec", "sourceRef", "name")
	if source != "GatedSource/app" {
		t.Errorf("its source is %s", source)
	}
}

func artifactSize(artifact *unstructured.Unstructured) int64 {
	size, _, _ := unstructured.NestedInt64(artifact.Object, "status", "artifact", "size")
	return size
}

// get reads a file of an artifact server, which may not be there yet.
func (w *world) get(address string) []byte {
	w.t.Helper()
	var data []byte
	err := controlplane.Until(w.slowly(), func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return controlplane.Final(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.New(response.Status)
		}
		data, err = io.ReadAll(response.Body)
		return err
	})
	if err != nil {
		w.t.Fatalf("reading %s: %v", address, err)
	}
	return data
}

// TestSameContentInANewCommit_HasTheSameBytes has a commit that changes nothing
// which is deployed: the bytes and their address stay.
func TestSameContentInANewCommit_HasTheSameBytes(t *testing.T) {
	w := newWorld(t)
	w.registry.PushSigned("team-a/app:1", "first")
	w.serve()
	w.publishes("team-a/app:1")
	before := w.read(externalArtifacts, "assay-app")
	second := w.commit(map[string]string{"README.md": "nothing that is deployed\n"})
	w.published(second)
	after := w.read(externalArtifacts, "assay-app")
	for _, name := range []string{"digest", "url"} {
		if a, b := field(before, "status", "artifact", name), field(after, "status", "artifact", name); a != b || a == "" {
			t.Errorf("the artifact's %s was %q and is %q", name, a, b)
		}
	}
}

func TestTwoPaths_AreFoldersOfOneArtifact(t *testing.T) {
	w := newWorld(t)
	digest := w.registry.PushSigned("team-a/app:1", "first")
	w.serve()
	image := w.registry.Image("team-a/app:1")
	commit := w.commit(map[string]string{"one/web.yaml": origin.Deployment("one", image), "two/web.yaml": origin.Deployment("two", image)})
	w.gatedSource(hourly, "  paths: [one, two]\n  kustomize: {targetNamespace: $namespace}\n")
	w.deployed(commit)
	w.runs("one", digest.DigestStr())
	w.runs("two", digest.DigestStr())

	w.commit(map[string]string{"two/web.yaml": origin.Deployment("two", w.registry.Push("team-a/app:2", "second").String())})
	w.denied("not signed")
	w.runs("two", digest.DigestStr())
}
