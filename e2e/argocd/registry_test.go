//go:build e2e

package argocd_test

import (
	"fmt"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// registry is a registry on loopback, and the sigstore whose signatures the
// gates trust.
type registry struct {
	*ociserver.Server
	// name is that of the trust rule and the trust root.
	name     string
	t        *testing.T
	sigstore *throwaway.Sigstore
}

func newRegistry(t *testing.T, name string, options ociserver.Options) *registry {
	t.Helper()
	server, err := ociserver.Start(options)
	must(t, err)
	t.Cleanup(func() { _ = server.Close() })
	made, err := throwaway.New()
	must(t, err)
	r := &registry{Server: server, name: name, t: t, sigstore: made}
	made.Remote = r.remote()
	return r
}

func (r *registry) remote() []remote.Option {
	return []remote.Option{remote.WithAuth(r.Authenticator()), remote.WithTransport(r.Transport())}
}

// image is the name of an image in this registry.
func (r *registry) image(reference string) string { return r.Host() + "/" + reference }

// push puts an image of that content under a tag; the same content has the
// same digest.
func (r *registry) push(reference, content string) name.Digest {
	r.t.Helper()
	tag, err := name.NewTag(r.image(reference))
	must(r.t, err)
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	made, err := mutate.AppendLayers(base, static.NewLayer([]byte(content), types.OCIUncompressedLayer))
	must(r.t, err)
	made, err = mutate.Config(made, v1.Config{User: "65532:65532", Entrypoint: []string{"/app"}})
	must(r.t, err)
	must(r.t, remote.Write(tag, made, append(r.remote(), remote.WithContext(r.t.Context()))...))
	digest, err := made.Digest()
	must(r.t, err)
	return tag.Digest(digest.String())
}

func (r *registry) sign(digest name.Digest) {
	r.t.Helper()
	must(r.t, r.sigstore.SignBundle(r.t.Context(), digest, trusted()))
}

// pushSigned is both.
func (r *registry) pushSigned(reference, content string) name.Digest {
	r.t.Helper()
	digest := r.push(reference, content)
	r.sign(digest)
	return digest
}

// policy says who may vouch for every image of this registry.
func (r *registry) policy() string {
	return fmt.Sprintf(`apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: %[2]s}
spec:
  images: [{glob: "%[1]s/**"}]
  authorities:
  - name: workflow
    keyless:
      trustRootRef: %[2]s
      identities: [{issuer: %[3]q, subject: %[4]q}]
    ctlog: {trustRootRef: %[2]s}
`, r.Host(), r.name, issuer, subject)
}
