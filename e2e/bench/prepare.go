package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// bench is what is set up once: the applications, the registry with signed
// images, the gate.
type bench struct {
	options
	workload
	registry *ociserver.Server
	gate     string
	key      string // the public key's file
	peers    map[string]string
}

const signedImages = 20

func prepare(ctx context.Context, o options, dir string) (*bench, error) {
	registry, err := ociserver.Start(ociserver.Options{})
	if err != nil {
		return nil, err
	}
	b := &bench{
		options: o, registry: registry, workload: workload{dir: dir, host: registry.Host(), prefix: "bench", images: signedImages},
		gate: filepath.Join(dir, "gate"), key: filepath.Join(dir, "gate", "key.pub"), peers: findPeers(),
	}
	if err := b.applications(); err != nil {
		return nil, err
	}
	if err := b.signAll(ctx); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *bench) close() { _ = b.registry.Close() }

func (b *bench) applications() error {
	small, large := size{50, 50, 10}, size{900, 900, 200}
	if err := b.kustomization("w1", small); err != nil {
		return err
	}
	if err := b.chart("w2", small); err != nil {
		return err
	}
	if err := b.overlays("w3", 200, 10); err != nil {
		return err
	}
	return b.kustomization("w4", large)
}

// signAll pushes the images, half of them indexes of two platforms, and signs
// each with a key: a signature and a provenance.
func (b *bench) signAll(ctx context.Context) error {
	sigstore, err := throwaway.New()
	if err != nil {
		return err
	}
	key, err := throwaway.NewKey()
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(4)
	for i := range signedImages {
		group.Go(func() error {
			digest, err := b.push(ctx, i)
			if err != nil {
				return fmt.Errorf("pushing %s: %w", b.image(i), err)
			}
			if err := sigstore.SignBundle(ctx, digest, throwaway.Signer{Key: key}); err != nil {
				return err
			}
			return sigstore.Attest(ctx, digest, throwaway.Signer{Key: key}, "https://slsa.dev/provenance/v1", map[string]any{"buildDefinition": map[string]any{}})
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	public, err := key.PublicPEM()
	if err != nil {
		return err
	}
	if err := b.write("gate/key.pub", public); err != nil {
		return err
	}
	return b.writeGate()
}

func (b *bench) push(ctx context.Context, i int) (name.Digest, error) {
	tag, err := name.NewTag(b.image(i), name.Insecure)
	if err != nil {
		return name.Digest{}, err
	}
	build := func(architecture string) (v1.Image, error) {
		layer := static.NewLayer([]byte(b.image(i)+architecture), types.OCIUncompressedLayer)
		image, err := mutate.AppendLayers(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), layer)
		if err != nil {
			return nil, err
		}
		config, err := image.ConfigFile()
		if err != nil {
			return nil, err
		}
		config = config.DeepCopy()
		config.OS, config.Architecture, config.Config.User = "linux", architecture, "65532:65532"
		return mutate.ConfigFile(image, config)
	}
	amd64, err := build("amd64")
	if err != nil {
		return name.Digest{}, err
	}
	if i%2 == 0 {
		if err := remote.Write(tag, amd64, remote.WithContext(ctx)); err != nil {
			return name.Digest{}, err
		}
		digest, err := amd64.Digest()
		return tag.Context().Digest(digest.String()), err
	}
	arm64, err := build("arm64")
	if err != nil {
		return name.Digest{}, err
	}
	index := mutate.IndexMediaType(mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: amd64, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: arm64, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}},
	), types.OCIImageIndex)
	if err := remote.WriteIndex(tag, index, remote.WithContext(ctx)); err != nil {
		return name.Digest{}, err
	}
	digest, err := index.Digest()
	return tag.Context().Digest(digest.String()), err
}

func (b *bench) writeGate() error {
	return b.writeAll(map[string]string{
		"conftest/policy.rego": conftestPolicy,
		"kyverno/inject.yaml":  kyvernoInject,
		"kyverno/judge.yaml":   kyvernoJudge,
		"gate/gate.yaml": fmt.Sprintf(`apiVersion: assay.dev/v1alpha1
kind: Gate
metadata:
  name: bench
spec:
  base: true
  lock: {mode: Resolve}
  profile: profile/restricted@1
  judge:
    podSecurity: {level: restricted, version: latest}
    packs: ["pack/supply-chain@1"]
  registries:
  - host: %q
    private: true
    plainHTTP: true
`, b.host),
		"gate/images.yaml": fmt.Sprintf(`apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: bench
spec:
  images:
  - glob: "%s/bench/**"
  authorities:
  - name: key
    key:
      file: key.pub
`, b.host),
	})
}
