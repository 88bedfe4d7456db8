package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

const (
	repository = "registry.example.com/team-a/app"
	issuer     = "https://issuer.example.com"
	subject    = "https://builds.example.com/team-a/app"
	rootName   = "throwaway"
)

// memory is a registry in memory that counts what it is asked.
type memory struct {
	lock      sync.Mutex
	manifests map[string][]byte
	blobs     map[string][]byte
	referrers map[string][]registry.Descriptor
	// faults by what is asked: "referrers", "manifest", "tag", "blob"; and of one
	// blob by its digest.
	faults map[string]error
	counts map[string]int
	// mediaTypes by reference, where it is not that of an image.
	mediaTypes map[string]string
}

func newMemory() *memory {
	return &memory{
		manifests: map[string][]byte{}, blobs: map[string][]byte{}, referrers: map[string][]registry.Descriptor{},
		faults: map[string]error{}, counts: map[string]int{}, mediaTypes: map[string]string{},
	}
}

func (m *memory) ask(ctx context.Context, kind string) error {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.counts[kind]++
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return m.faults[kind]
}

func (m *memory) Referrers(ctx context.Context, repository, digest string) ([]registry.Descriptor, error) {
	if err := m.ask(ctx, "referrers"); err != nil {
		return nil, err
	}
	return m.referrers[repository+"@"+digest], nil
}

func notFound(what string) error {
	return &plugin.Refusal{Rule: "registry/not-found", Message: what, Cause: registry.ErrNotFound}
}

func (m *memory) Manifest(ctx context.Context, repository, reference string) (registry.Manifest, error) {
	kind := "manifest"
	if len(reference) > 4 && reference[len(reference)-4:] == ".sig" {
		kind = "tag"
	}
	if err := m.ask(ctx, kind); err != nil {
		return registry.Manifest{}, err
	}
	data, found := m.manifests[repository+"@"+reference]
	if !found {
		return registry.Manifest{}, notFound(reference)
	}
	mediaType := m.mediaTypes[reference]
	if mediaType == "" {
		mediaType = "application/vnd.oci.image.manifest.v1+json"
	}
	return registry.Manifest{Digest: throwaway.Digest(data), MediaType: mediaType, Bytes: data}, nil
}

func (m *memory) Blob(ctx context.Context, repository, digest string, limit int64) ([]byte, error) {
	if err := m.ask(ctx, "blob"); err != nil {
		return nil, err
	}
	data, found := m.blobs[digest]
	switch {
	case m.faults[digest] != nil:
		return nil, m.faults[digest]
	case !found:
		return nil, notFound(digest)
	case int64(len(data)) > limit:
		return nil, &plugin.Refusal{Rule: "registry/limit", Message: "reading a blob: it is larger than the limit"}
	}
	return data, nil
}

func (m *memory) total() int {
	total := 0
	for _, count := range m.counts {
		total += count
	}
	return total
}

// world is a registry, a sigstore, and a gate that trusts it.
type world struct {
	t        testing.TB
	registry *memory
	sigstore *throwaway.Sigstore
	config   Config
	ctx      context.Context
	now      time.Time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	made, err := throwaway.New()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, registry: newMemory(), sigstore: made, ctx: t.Context(), now: time.Now()}
	w.config = Config{Gate: "base", Limits: plugin.DefaultLimits(), Clock: func() time.Time { return w.now }, Dir: t.TempDir()}
	w.trust(rootName, made)
	w.require(keyless())
	return w
}

func (w *world) trust(name string, who *throwaway.Sigstore) {
	w.t.Helper()
	declared, err := who.TrustRoot(name)
	if err != nil {
		w.t.Fatal(err)
	}
	w.config.TrustRoots = append(w.config.TrustRoots, declared)
}

// require sets the gate's only policy to these authorities.
func (w *world) require(authorities ...gate.Authority) { w.config.Policies = policies(authorities...) }

func policies(authorities ...gate.Authority) []gate.ClusterImagePolicy {
	return []gate.ClusterImagePolicy{{
		Metadata: gate.Metadata{Name: "signed"}, At: plugin.Origin{File: "gate.yaml", Line: 3},
		Spec: gate.ImagePolicySpec{Images: []gate.ImagePattern{{Glob: "registry.example.com/**"}}, Authorities: authorities},
	}}
}

// keyless is an authority that trusts the throw-away sigstore's identity.
func keyless() gate.Authority {
	return gate.Authority{
		Name:    "builds",
		Keyless: &gate.KeylessRef{TrustRootRef: rootName, Identities: []gate.Identity{{Issuer: issuer, Subject: subject}}},
		CTLog:   &gate.CTLog{TrustRootRef: rootName},
		At:      plugin.Origin{File: "gate.yaml", Line: 9},
	}
}

func byKey(t testing.TB, key *throwaway.Key) gate.Authority {
	t.Helper()
	text, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	return gate.Authority{Name: "key", Key: &gate.KeyRef{Data: text}}
}

func newKey(t testing.TB, algorithm string) *throwaway.Key {
	t.Helper()
	key, err := throwaway.NewKeyOf(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// builds is the signer that the keyless authority trusts.
func builds() throwaway.Signer { return throwaway.Signer{Issuer: issuer, Subject: subject} }

// image puts an image of that content into the registry.
func (w *world) image(content string) plugin.Image {
	data := fmt.Appendf(nil, `{"schemaVersion":2,"annotations":{"content":%q}}`, content)
	digest := throwaway.Digest(data)
	w.registry.manifests[repository+"@"+digest] = data
	return plugin.Image{
		Written: repository + ":1", Digest: digest, MediaType: "application/vnd.oci.image.manifest.v1+json",
		Reference: plugin.Reference{Repository: repository, Tag: "1"},
		Uses: []plugin.Use{{
			ID:     plugin.ObjectID{APIVersion: "apps/v1", Kind: "Deployment", Name: "app"},
			Origin: plugin.Origin{File: "app.yaml", Line: 7}, Field: "spec.template.spec.containers[0].image",
		}},
	}
}

// statement makes a signed statement about any digest.
func (w *world) statement(digest string, who throwaway.Signer, predicateType string) []byte {
	w.t.Helper()
	statement, err := throwaway.Statement(digest, predicateType, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	bundle, err := w.sigstore.Bundle(who, statement)
	if err != nil {
		w.t.Fatal(err)
	}
	return bundle
}

// sign puts a bundle beside the image.
func (w *world) sign(image plugin.Image, who throwaway.Signer) {
	w.t.Helper()
	w.refer(image, w.statement(image.Digest, who, throwaway.SignPredicate), throwaway.SignPredicate)
}

// refer puts bytes as a bundle beside the image; hint is the annotation.
func (w *world) refer(image plugin.Image, bundle []byte, hint string) {
	w.t.Helper()
	w.referFrom(image.Reference.Repository, image.Digest, bundle, hint)
}

func (w *world) referFrom(repository, digest string, bundle []byte, hint string) {
	w.t.Helper()
	manifest := throwaway.BundleManifest(throwaway.Descriptor{Digest: digest}, bundle, hint)
	data := w.json(manifest)
	w.registry.blobs[throwaway.Digest(bundle)] = bundle
	w.registry.manifests[repository+"@"+throwaway.Digest(data)] = data
	referrer := registry.Descriptor{Digest: throwaway.Digest(data), ArtifactType: throwaway.BundleMediaType, Size: int64(len(data))}
	if hint != "" {
		referrer.Annotations = map[string]string{predicateAnnotation: hint}
	}
	key := repository + "@" + digest
	w.registry.referrers[key] = append(w.registry.referrers[key], referrer)
}

func (w *world) json(value any) []byte {
	w.t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

// signLegacy signs the digest of from and puts the signature under the tag of
// image: the same image for a good signature.
func (w *world) signLegacy(image, from plugin.Image, who throwaway.Signer) {
	w.t.Helper()
	payload, err := throwaway.Payload(from.Reference.Repository, from.Digest)
	if err != nil {
		w.t.Fatal(err)
	}
	annotations, err := w.sigstore.LegacyAnnotations(who, payload)
	if err != nil {
		w.t.Fatal(err)
	}
	w.legacy(image, payload, annotations)
}

func (w *world) legacy(image plugin.Image, payload []byte, annotations map[string]string) {
	w.t.Helper()
	key := image.Reference.Repository + "@" + legacyTag(image.Digest)
	var manifest throwaway.Manifest
	if old := w.registry.manifests[key]; old != nil {
		if err := json.Unmarshal(old, &manifest); err != nil {
			w.t.Fatal(err)
		}
	}
	layer := throwaway.Describe(throwaway.SimpleSigningMediaType, payload)
	layer.Annotations = annotations
	manifest.Layers = append(manifest.Layers, layer)
	w.registry.blobs[layer.Digest] = payload
	w.registry.manifests[key] = w.json(manifest)
}

func (w *world) verifier() *Verifier {
	w.t.Helper()
	verifier, err := New(w.config, w.registry)
	if err != nil {
		w.t.Fatalf("making the verifier: %v", err)
	}
	return verifier
}

func (w *world) review(image plugin.Image) plugin.Review {
	w.t.Helper()
	return w.verifier().Verify(w.ctx, []plugin.Image{image})[0]
}

// stamped is keyless with a timestamp authority in place of the log.
func stamped() gate.Authority {
	authority := keyless()
	authority.CTLog = nil
	authority.RFC3161Timestamp = &gate.RFC3161Timestamp{TrustRootRef: rootName}
	return authority
}
