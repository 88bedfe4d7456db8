package throwaway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	imageMediaType = "application/vnd.oci.image.manifest.v1+json"
	emptyMediaType = "application/vnd.oci.empty.v1+json"
	emptyConfig    = "{}"
)

// Descriptor points to a blob or a manifest (OCI image spec, descriptor).
type Descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Manifest is an image manifest (OCI image spec).
type Manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        Descriptor        `json:"config"`
	Layers        []Descriptor      `json:"layers"`
	Subject       *Descriptor       `json:"subject,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// Describe points to data.
func Describe(mediaType string, data []byte) Descriptor {
	return Descriptor{MediaType: mediaType, Digest: Digest(data), Size: int64(len(data))}
}

// BundleManifest is the referrer that holds a bundle, as cosign writes it.
func BundleManifest(subject Descriptor, bundle []byte, predicateType string) Manifest {
	return Manifest{
		SchemaVersion: 2, MediaType: imageMediaType, ArtifactType: BundleMediaType,
		Config: Describe(emptyMediaType, []byte(emptyConfig)), Layers: []Descriptor{Describe(BundleMediaType, bundle)},
		Subject: &subject,
		Annotations: map[string]string{
			"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": predicateType,
		},
	}
}

// SignBundle signs an image and writes the bundle as a referrer of it. The
// reference needs a digest.
func (s *Sigstore) SignBundle(ctx context.Context, ref name.Digest, who Signer) error {
	return s.Attest(ctx, ref, who, SignPredicate, nil)
}

// Attest writes a signed statement about an image as a referrer of it.
func (s *Sigstore) Attest(ctx context.Context, ref name.Digest, who Signer, predicateType string, predicate any) error {
	statement, err := Statement(ref.DigestStr(), predicateType, predicate)
	if err != nil {
		return err
	}
	bundle, err := s.Bundle(who, statement)
	if err != nil {
		return err
	}
	return s.PushBundle(ctx, ref, bundle, predicateType)
}

// PushBundle writes any bundle as a referrer of an image.
func (s *Sigstore) PushBundle(ctx context.Context, ref name.Digest, bundle []byte, predicateType string) error {
	head, err := remote.Head(ref, s.options(ctx)...)
	if err != nil {
		return fmt.Errorf("reading %s: %w", ref, err)
	}
	subject := Descriptor{MediaType: string(head.MediaType), Digest: ref.DigestStr(), Size: head.Size}
	manifest := BundleManifest(subject, bundle, predicateType)
	if err := s.pushBlobs(ctx, ref.Context(), map[string][]byte{BundleMediaType: bundle, emptyMediaType: []byte(emptyConfig)}); err != nil {
		return err
	}
	return s.pushManifest(ctx, ref.Context(), manifest, "")
}

// SignLegacy signs an image in cosign's older format, beside what is already
// under its tag.
func (s *Sigstore) SignLegacy(ctx context.Context, ref name.Digest, who Signer) error {
	payload, err := Payload(ref.Context().Name(), ref.DigestStr())
	if err != nil {
		return err
	}
	annotations, err := s.LegacyAnnotations(who, payload)
	if err != nil {
		return err
	}
	return s.PushLegacy(ctx, ref, payload, annotations)
}

// PushLegacy writes a payload and its annotations under the image's tag.
func (s *Sigstore) PushLegacy(ctx context.Context, ref name.Digest, payload []byte, annotations map[string]string) error {
	tag := strings.Replace(ref.DigestStr(), ":", "-", 1) + ".sig"
	manifest, err := s.existing(ctx, ref.Context().Tag(tag))
	if err != nil {
		return err
	}
	layer := Describe(SimpleSigningMediaType, payload)
	layer.Annotations = annotations
	manifest.Layers = append(manifest.Layers, layer)
	const configType = "application/vnd.oci.image.config.v1+json"
	manifest.Config = Describe(configType, []byte(emptyConfig))
	if err := s.pushBlobs(ctx, ref.Context(), map[string][]byte{SimpleSigningMediaType: payload, configType: []byte(emptyConfig)}); err != nil {
		return err
	}
	return s.pushManifest(ctx, ref.Context(), manifest, tag)
}

// existing is the manifest under a tag, or an empty one.
func (s *Sigstore) existing(ctx context.Context, tag name.Tag) (Manifest, error) {
	manifest := Manifest{SchemaVersion: 2, MediaType: imageMediaType}
	answer, err := remote.Get(tag, s.options(ctx)...)
	var refused *transport.Error
	switch {
	case errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound:
		return manifest, nil
	case err != nil:
		return manifest, fmt.Errorf("reading %s: %w", tag, err)
	}
	if err := json.Unmarshal(answer.Manifest, &manifest); err != nil {
		return manifest, fmt.Errorf("reading %s: %w", tag, err)
	}
	return manifest, nil
}

func (s *Sigstore) options(ctx context.Context) []remote.Option {
	return append([]remote.Option{remote.WithContext(ctx)}, s.Remote...)
}

func (s *Sigstore) pushBlobs(ctx context.Context, repository name.Repository, blobs map[string][]byte) error {
	for mediaType, data := range blobs {
		if err := remote.WriteLayer(repository, static.NewLayer(data, types.MediaType(mediaType)), s.options(ctx)...); err != nil {
			return fmt.Errorf("writing a blob to %s: %w", repository, err)
		}
	}
	return nil
}

// raw is a manifest as remote.Put wants it.
type raw struct{ data []byte }

func (r raw) RawManifest() ([]byte, error)        { return r.data, nil }
func (r raw) MediaType() (types.MediaType, error) { return imageMediaType, nil }

// pushManifest writes under a tag, or by digest when there is none.
func (s *Sigstore) pushManifest(ctx context.Context, repository name.Repository, manifest Manifest, tag string) error {
	data, err := json.Marshal(manifest)
	if err != nil {
		return fmt.Errorf("writing a manifest: %w", err)
	}
	var ref name.Reference = repository.Digest(Digest(data))
	if tag != "" {
		ref = repository.Tag(tag)
	}
	if err := remote.Put(ref, raw{data}, s.options(ctx)...); err != nil {
		return fmt.Errorf("writing %s: %w", ref, err)
	}
	return nil
}
