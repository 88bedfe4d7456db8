package notary

import (
	"crypto/sha256"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// rawManifest is a manifest as it is pushed.
type rawManifest []byte

// RawManifest implements remote.Taggable.
func (m rawManifest) RawManifest() ([]byte, error) { return m, nil }

// MediaType tells the registry what it is.
func (m rawManifest) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// Push signs an image and puts the signature beside it, as notation does.
func (s *Signer) Push(image name.Digest, how Options, options ...remote.Option) error {
	descriptor, err := remote.Get(image, options...)
	if err != nil {
		return fmt.Errorf("signing %s: %w", image, err)
	}
	target := Target{MediaType: string(descriptor.MediaType), Digest: descriptor.Digest.String(), Size: descriptor.Size}
	envelope, err := s.Sign(target, how)
	if err != nil {
		return err
	}
	manifest, err := Manifest(target, how.format(), envelope)
	if err != nil {
		return fmt.Errorf("signing %s: %w", image, err)
	}
	for mediaType, data := range map[string][]byte{how.format(): envelope, "application/vnd.oci.empty.v1+json": []byte("{}")} {
		if err := remote.WriteLayer(image.Context(), static.NewLayer(data, types.MediaType(mediaType)), options...); err != nil {
			return fmt.Errorf("pushing a signature of %s: %w", image, err)
		}
	}
	if err := remote.Put(image.Digest(fmt.Sprintf("sha256:%x", sha256.Sum256(manifest))), rawManifest(manifest), options...); err != nil {
		return fmt.Errorf("pushing a signature of %s: %w", image, err)
	}
	return nil
}
