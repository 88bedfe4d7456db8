package showcase

import (
	"context"
	"fmt"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// image is one image of the examples.
type image struct {
	repository, tag string
	// user is the config's; empty is root.
	user string
	// signed says by whom.
	signed signedBy
	// platforms is the number of platforms; one makes no index.
	platforms int
}

type signedBy int

const (
	byNobody signedBy = iota
	byKey
	byWorkflow
)

func images() []image {
	const user = "65532:65532"
	return []image{
		{"shop/web", "1.4.2", user, byWorkflow, 2},
		{"shop/api", "2.1.0", user, byWorkflow, 2},
		{"shop/worker", "2.1.0", user, byWorkflow, 1},
		{"shop/migrate", "2.1.0", user, byKey, 1},
		{"shop/cache", "7.2.0", "", byKey, 1},
		{"tools/debug", "0.3.0", user, byNobody, 1},
	}
}

// The identity that the starter gate trusts.
const (
	issuer  = "https://issuer.example.com"
	gitHost = "https://git.example.com/"
)

func (s *Showcase) pushImages(ctx context.Context) error {
	for _, each := range images() {
		reference := fmt.Sprintf("%s:%s", each.repository, each.tag)
		tag, err := name.NewTag(s.Registry.Host()+"/"+reference, name.Insecure)
		if err != nil {
			return err
		}
		digest, err := each.push(ctx, tag)
		if err != nil {
			return fmt.Errorf("pushing %s: %w", reference, err)
		}
		s.Digests[reference] = digest.String()
		if err := s.sign(ctx, each, tag.Context().Digest(digest.String())); err != nil {
			return fmt.Errorf("signing %s: %w", reference, err)
		}
	}
	s.Registry.ResetRequests()
	return nil
}

func (s *Showcase) sign(ctx context.Context, each image, digest name.Digest) error {
	switch each.signed {
	case byKey:
		return s.Sigstore.SignBundle(ctx, digest, throwaway.Signer{Key: s.Key})
	case byWorkflow:
		return s.Sigstore.SignBundle(ctx, digest, throwaway.Signer{
			Issuer:           issuer,
			Subject:          gitHost + each.repository + "/.ci/release.yaml@refs/tags/v" + each.tag,
			SourceRepository: gitHost + each.repository,
			SourceRef:        "refs/tags/v" + each.tag,
		})
	case byNobody:
	}
	return nil
}

// push writes the image, or an index of one image a platform, and returns its
// digest.
func (i image) push(ctx context.Context, tag name.Tag) (v1.Hash, error) {
	platforms := []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}[:i.platforms]
	var index v1.ImageIndex = empty.Index
	for _, platform := range platforms {
		made, err := i.build(platform)
		if err != nil {
			return v1.Hash{}, err
		}
		if len(platforms) == 1 {
			if err := remote.Write(tag, made, remote.WithContext(ctx)); err != nil {
				return v1.Hash{}, err
			}
			return made.Digest()
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: made, Descriptor: v1.Descriptor{Platform: &platform}})
	}
	index = mutate.IndexMediaType(index, types.OCIImageIndex)
	if err := remote.WriteIndex(tag, index, remote.WithContext(ctx)); err != nil {
		return v1.Hash{}, err
	}
	return index.Digest()
}

// build makes the image in memory: one layer that says what it is, and a real
// config. Nothing in it depends on the clock.
func (i image) build(platform v1.Platform) (v1.Image, error) {
	layer := static.NewLayer([]byte(i.repository+":"+i.tag+" "+platform.String()), types.OCIUncompressedLayer)
	made, err := mutate.AppendLayers(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), layer)
	if err != nil {
		return nil, err
	}
	config, err := made.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = platform.OS, platform.Architecture
	config.Created = v1.Time{Time: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)}
	config.Config = v1.Config{User: i.user, Entrypoint: []string{"/app"}, ExposedPorts: map[string]struct{}{"8080/tcp": {}}}
	return mutate.ConfigFile(made, config)
}
