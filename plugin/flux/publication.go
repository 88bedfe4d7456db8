package flux

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strconv"

	"sigs.k8s.io/yaml"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/patch"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/publish"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// publication is what is published of an allowed outcome: an artifact that is
// stored.
type publication struct {
	origin   string
	artifact meta.Artifact
}

const (
	manifestsFile     = "manifests.yaml"
	kustomizationFile = "kustomization.yaml"
)

// store puts together what passed, and stores it.
func (r *Reconciler) store(ctx context.Context, object *v1alpha1.GatedSource, made outcome) (*publication, error) {
	files, err := publishedFiles(object, made)
	if err != nil {
		return nil, asTrouble(err, reasonNotVerified)
	}
	out := &publication{origin: made.seen.origin()}
	if out.artifact, err = r.Store.Put(ctx, keyOf(object), out.origin, files); err != nil {
		return nil, asTrouble(err, reasonStorageFailed)
	}
	return out, nil
}

// publishedFiles are what is published of what passed. The sealed bytes are
// taken as they are. A *plugin.Refusal says that they cannot be published, now
// or later.
func publishedFiles(object *v1alpha1.GatedSource, made outcome) (map[string][]byte, error) {
	var seals [][]byte
	for _, verdict := range made.verdicts {
		sealed, err := verdict.Manifests()
		if err != nil {
			return nil, fmt.Errorf("reading what was sealed: %w", err)
		}
		seals = append(seals, sealed)
	}
	if err := distinct(seals, made.verdicts); err != nil {
		return nil, err
	}
	if isHelm(object) {
		return frozen(object, made, seals)
	}
	return kustomized(seals)
}

// kustomized are the files that a Kustomization applies as they are: several
// paths lie in folders of their own, whose order is that of the spec.
func kustomized(seals [][]byte) (map[string][]byte, error) {
	files := map[string][]byte{}
	var resources []string
	for i, sealed := range seals {
		name := manifestsFile
		if len(seals) > 1 {
			name = path.Join(strconv.Itoa(i), manifestsFile)
		}
		files[name] = documents(sealed)
		resources = append(resources, name)
	}
	text, err := yaml.Marshal(map[string]any{"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources})
	if err != nil {
		return nil, fmt.Errorf("writing the kustomization: %w", err)
	}
	files[kustomizationFile] = text
	return files, nil
}

// documents begins each sealed object, which is a line, as a YAML document: of
// JSON objects without anything between them kustomize reads the first, and says
// nothing of the others.
func documents(sealed []byte) []byte {
	var out []byte
	for line := range bytes.Lines(sealed) {
		out = append(append(out, "---\n"...), line...)
	}
	return out
}

// sealedID is what tells sealed objects apart.
type sealedID struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
}

// distinct refuses an object that two paths render: which of them would be
// applied is chance.
func distinct(seals [][]byte, verdicts []*plugin.Verdict) error {
	if len(seals) < 2 {
		return nil
	}
	from := map[sealedID]string{}
	for i, sealed := range seals {
		for line := range bytes.Lines(sealed) {
			if line = bytes.TrimSpace(line); len(line) == 0 || bytes.Equal(line, []byte("---")) {
				continue
			}
			var id sealedID
			if err := json.Unmarshal(line, &id); err != nil {
				return fmt.Errorf("reading what was sealed of %s: %w", verdicts[i].Path, err)
			}
			if other, twice := from[id]; twice {
				return &plugin.Refusal{
					Rule:    publish.RuleContent,
					Message: fmt.Sprintf("putting the paths together: %s %s/%s is rendered by %s and by %s", id.Kind, id.Metadata.Namespace, id.Metadata.Name, other, verdicts[i].Path),
					Why:     "which of the two Flux would apply is chance", Hint: "keep it in one of them",
				}
			}
			from[id] = verdicts[i].Path
		}
	}
	return nil
}

// publish notes what is stored, and points the ExternalArtifact at it. The order
// is what a process that dies in between needs: whatever is named is there and
// has passed, and the next denial keeps it.
func (r *Reconciler) publish(ctx context.Context, object *v1alpha1.GatedSource, made *outcome, patcher *patch.SerialPatcher) error {
	stored := made.publish.artifact
	if known := object.Status.Artifact; known == nil || known.Digest != stored.Digest || known.Revision != stored.Revision {
		object.Status.Artifact, object.Status.PublishedRevision = &stored, made.publish.origin
		if err := patcher.Patch(ctx, object, statusOptions()...); err != nil {
			return fmt.Errorf("noting what is published for GatedSource %s/%s: %w", object.Namespace, object.Name, err)
		}
	}
	object.Status.Artifact, object.Status.PublishedRevision = &stored, made.publish.origin
	made.unreached = r.Reach.told(ctx, stored.URL)
	if err := publish.Apply(ctx, r.Client, object, publish.State{Artifact: &stored, Conditions: artifactConditions(object, *made)}); err != nil {
		return fmt.Errorf("publishing ExternalArtifact %s/%s: %w", object.Namespace, object.ArtifactName(), err)
	}
	if err := r.Store.Collect(keyOf(object), &stored); err != nil {
		r.Log.Warn("removing old artifacts", "namespace", object.Namespace, "name", object.ArtifactName(), "problem", err.Error())
	}
	return nil
}
