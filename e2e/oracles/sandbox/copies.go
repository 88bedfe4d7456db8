package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// copySignatures adds two images that carry the signature of another one: the
// .sig tag copied, and the bundle's manifest copied with its subject changed.
func (w *World) copySignatures() error {
	for _, image := range []string{"copied-legacy", "copied-bundle"} {
		digest, err := push(w.Repository(image), false)
		if err != nil {
			return err
		}
		w.Digests[image] = digest
	}
	if err := w.copyTag("key-a-legacy", "copied-legacy"); err != nil {
		return fmt.Errorf("copying a signature: %w", err)
	}
	if err := w.copyReferrer("key-a-bundle", "copied-bundle"); err != nil {
		return fmt.Errorf("copying a bundle: %w", err)
	}
	return nil
}

func (w *World) copyTag(from, to string) error {
	source, err := w.signatureTag(from)
	if err != nil {
		return err
	}
	target, err := w.signatureTag(to)
	if err != nil {
		return err
	}
	signatures, err := remote.Image(source)
	if err != nil {
		return err
	}
	return remote.Write(target, signatures)
}

func (w *World) signatureTag(image string) (name.Tag, error) {
	return name.NewTag(w.Repository(image) + ":" + strings.ReplaceAll(w.Digests[image], ":", "-") + ".sig")
}

func (w *World) copyReferrer(from, to string) error {
	source, err := name.NewDigest(w.Reference(from))
	if err != nil {
		return err
	}
	target, err := name.NewDigest(w.Reference(to))
	if err != nil {
		return err
	}
	list, err := remote.Referrers(source)
	if err != nil {
		return err
	}
	referrers, err := list.IndexManifest()
	if err != nil {
		return err
	}
	if len(referrers.Manifests) != 1 {
		return fmt.Errorf("%s has %d referrers, want 1", from, len(referrers.Manifests))
	}
	bundle, err := remote.Image(source.Context().Digest(referrers.Manifests[0].Digest.String()))
	if err != nil {
		return err
	}
	if err := remote.Write(target.Context().Tag("bundle"), bundle); err != nil { // its blobs
		return err
	}
	raw, err := bundle.RawManifest()
	if err != nil {
		return err
	}
	var manifest map[string]any
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return err
	}
	subject, ok := manifest["subject"].(map[string]any)
	if !ok {
		return fmt.Errorf("the bundle of %s has no subject", from)
	}
	described, err := remote.Head(target)
	if err != nil {
		return err
	}
	subject["digest"], subject["size"] = described.Digest.String(), described.Size
	if raw, err = json.Marshal(manifest); err != nil {
		return err
	}
	return remote.Put(target.Context().Tag("moved"), rawManifest(raw))
}

// rawManifest is pushed as it stands.
type rawManifest []byte

func (m rawManifest) RawManifest() ([]byte, error)        { return m, nil }
func (m rawManifest) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
