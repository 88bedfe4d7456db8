package origin

import (
	"fmt"
	"testing"
	"time"

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

// The identity that the gates trust.
const (
	Issuer  = "https://issuer.example.com"
	Subject = "https://git.example.com/team-a/app/.ci/release.yaml@refs/tags/v1"
)

// Trusted is who signs with that identity.
func Trusted() throwaway.Signer { return throwaway.Signer{Issuer: Issuer, Subject: Subject} }

// Registry is a registry on loopback, and the sigstore whose signatures the
// gates trust.
type Registry struct {
	*ociserver.Server
	// Name is that of the trust rule and the trust root.
	Name     string
	Sigstore *throwaway.Sigstore
	t        *testing.T
}

// NewRegistry starts an empty registry, which ends with the test.
func NewRegistry(t *testing.T, name string, options ociserver.Options) *Registry {
	t.Helper()
	server, err := ociserver.Start(options)
	must(t, err)
	t.Cleanup(func() { _ = server.Close() })
	made, err := throwaway.New()
	must(t, err)
	r := &Registry{Server: server, Name: name, t: t, Sigstore: made}
	made.Remote = r.Remote()
	return r
}

// Remote is how a client reaches the registry.
func (r *Registry) Remote() []remote.Option {
	return []remote.Option{remote.WithAuth(r.Authenticator()), remote.WithTransport(r.Transport())}
}

// Image is the name of an image in this registry.
func (r *Registry) Image(reference string) string { return r.Host() + "/" + reference }

// Push puts an image of that content under a tag; the same content has the
// same digest.
func (r *Registry) Push(reference, content string) name.Digest {
	r.t.Helper()
	return r.PushImage(reference, Layer(content), v1.Config{User: "65532:65532", Entrypoint: []string{"/app"}}, time.Time{})
}

// Layer is one of that content.
func Layer(content string) v1.Layer {
	return static.NewLayer([]byte(content), types.OCIUncompressedLayer)
}

// PushImage puts an image of one layer, built at a time, under a tag.
func (r *Registry) PushImage(reference string, layer v1.Layer, config v1.Config, created time.Time) name.Digest {
	r.t.Helper()
	tag, err := name.NewTag(r.Image(reference))
	must(r.t, err)
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	made, err := mutate.AppendLayers(base, layer)
	must(r.t, err)
	made, err = mutate.Config(made, config)
	must(r.t, err)
	made, err = mutate.CreatedAt(made, v1.Time{Time: created})
	must(r.t, err)
	must(r.t, remote.Write(tag, made, append(r.Remote(), remote.WithContext(r.t.Context()))...))
	digest, err := made.Digest()
	must(r.t, err)
	return tag.Digest(digest.String())
}

// Sign signs an image as the one whom the gates trust.
func (r *Registry) Sign(digest name.Digest) {
	r.t.Helper()
	must(r.t, r.Sigstore.SignBundle(r.t.Context(), digest, Trusted()))
}

// PushSigned is both.
func (r *Registry) PushSigned(reference, content string) name.Digest {
	r.t.Helper()
	digest := r.Push(reference, content)
	r.Sign(digest)
	return digest
}

// Policy says who may vouch for every image of this registry.
func (r *Registry) Policy() string {
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
`, r.Host(), r.Name, Issuer, Subject)
}

// Trust are the files of a gate that trusts this registry's signatures.
func (r *Registry) Trust() map[string]string {
	r.t.Helper()
	root, err := r.Sigstore.TrustRootYAML(r.Name)
	must(r.t, err)
	return map[string]string{"images-" + r.Name + ".yaml": r.Policy(), "root-" + r.Name + ".yaml": root}
}
