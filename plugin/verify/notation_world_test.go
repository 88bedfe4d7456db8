package verify

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
	"github.com/assay-gitops/assay/plugin/verify/throwaway/notary"
)

// trustPolicy trusts acme's signers for the repository of every test.
const trustPolicy = `{
  "version": "1.0",
  "trustPolicies": [{
    "name": "acme",
    "registryScopes": ["registry.example.com/team-a/app"],
    "signatureVerification": {"level": "strict"},
    "trustStores": ["ca:acme"],
    "trustedIdentities": ["x509.subject: C=US, ST=WA, O=example, CN=builds"]
  }]
}`

// notarized is a world whose gate trusts Notation alone; see both for sigstore
// beside it.
type notarized struct {
	*world
	root *notary.Authority
}

func newNotarized(t *testing.T) *notarized {
	t.Helper()
	root, err := notary.NewAuthority("root", notary.Validity{})
	if err != nil {
		t.Fatal(err)
	}
	n := &notarized{world: newWorld(t), root: root}
	n.config.Policies = nil
	n.config.Notation = Notation{
		Declared: &gate.Notation{TrustPolicy: "trustpolicy.json", TrustStore: "truststore", BesideSigstore: "Both"},
		At:       plugin.Origin{File: "gate.yaml", Line: 2},
	}
	n.write("trustpolicy.json", []byte(trustPolicy))
	n.write("truststore/x509/ca/acme/root.pem", root.PEM())
	return n
}

// write writes a file of the gate's folder.
func (n *notarized) write(name string, data []byte) {
	n.t.Helper()
	full := filepath.Join(n.config.Dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		n.t.Fatal(err)
	}
	if err := os.WriteFile(full, data, 0o600); err != nil {
		n.t.Fatal(err)
	}
}

func (n *notarized) targetOf(image plugin.Image) notary.Target {
	data := n.registry.manifests[image.Reference.Repository+"@"+image.Digest]
	mediaType := n.registry.mediaTypes[image.Digest]
	if mediaType == "" {
		mediaType = "application/vnd.oci.image.manifest.v1+json"
	}
	return notary.Target{MediaType: mediaType, Digest: image.Digest, Size: int64(len(data))}
}

// envelope signs an image as somebody.
func (n *notarized) envelope(image plugin.Image, who string, options notary.Options) []byte {
	n.t.Helper()
	return n.envelopeBy(image, notary.Leaf{Name: who}, options)
}

// envelopeBy signs an image with a certificate.
func (n *notarized) envelopeBy(image plugin.Image, leaf notary.Leaf, options notary.Options) []byte {
	n.t.Helper()
	signer, err := n.root.Issue(leaf)
	if err != nil {
		n.t.Fatal(err)
	}
	raw, err := signer.Sign(n.targetOf(image), options)
	if err != nil {
		n.t.Fatal(err)
	}
	return raw
}

// notarize signs an image and puts the signature beside it.
func (n *notarized) notarize(image plugin.Image, who string, options notary.Options) {
	n.t.Helper()
	mediaType := options.Format
	if mediaType == "" {
		mediaType = notary.JWS
	}
	n.put(image, mediaType, n.envelope(image, who, options))
}

// put puts bytes beside an image as if they were a signature.
func (n *notarized) put(image plugin.Image, mediaType string, envelope []byte) registry.Descriptor {
	n.t.Helper()
	manifest, err := notary.Manifest(n.targetOf(image), mediaType, envelope)
	if err != nil {
		n.t.Fatal(err)
	}
	n.registry.blobs[throwaway.Digest(envelope)] = envelope
	return n.putManifest(image, notary.ArtifactType, manifest)
}

// putManifest lists a manifest as a referrer of that type.
func (n *notarized) putManifest(image plugin.Image, artifactType string, manifest []byte) registry.Descriptor {
	referrer := registry.Descriptor{Digest: throwaway.Digest(manifest), ArtifactType: artifactType, Size: int64(len(manifest))}
	n.registry.manifests[image.Reference.Repository+"@"+referrer.Digest] = manifest
	key := image.Reference.Repository + "@" + image.Digest
	n.registry.referrers[key] = append(n.registry.referrers[key], referrer)
	return referrer
}

// notarizedImage is an image that acme signed.
func notarizedImage(n *notarized) plugin.Image {
	image := n.image("a")
	n.notarize(image, "builds", notary.Options{})
	return image
}

// answers are the rules of the findings, with their levels.
func answers(review plugin.Review) map[string]plugin.Level {
	found := map[string]plugin.Level{}
	for _, finding := range review.Findings {
		found[finding.Rule] = finding.Level
	}
	return found
}

func checkAnswers(t *testing.T, review plugin.Review, want map[string]plugin.Level) {
	t.Helper()
	if got := answers(review); !maps.Equal(got, want) || len(review.Findings) != len(want) {
		t.Errorf("%+v, want %v", review.Findings, want)
	}
}
