package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// The identities that sign in a [World].
const (
	Email       = "team-a@example.com"
	OtherEmail  = "team-b@example.com"
	Issuer      = "https://issuer.example.com"
	OtherIssuer = "https://other-issuer.example.com"
)

// World is a registry full of images, each signed in one way that its name
// says, and everything that a policy may name.
type World struct {
	// Dir holds keys and trust roots.
	Dir string
	// Host is the registry.
	Host string
	// Main is the Sigstore that policies trust, Other one that they do not.
	Main, Other *Sigstore
	// Keys by name: a, b, p384, rsa, ed25519.
	Keys map[string]*Key
	// Digests of the images by name; their repository is Host/name.
	Digests map[string]string
	// Attested are the images about which something is attested.
	Attested map[string]bool

	noSCT, expired *Sigstore
}

// NewWorld fills the registry at the host, which must be empty and open.
func NewWorld(ctx context.Context, dir, host string) (*World, error) {
	w := &World{Dir: dir, Host: host, Keys: map[string]*Key{}, Digests: map[string]string{}, Attested: map[string]bool{}}
	var err error
	if w.Main, err = New("main", Options{}); err != nil {
		return nil, err
	}
	if w.Other, err = New("other", Options{}); err != nil {
		return nil, err
	}
	if w.noSCT, err = w.Main.With(Options{NoSCT: true}); err != nil {
		return nil, err
	}
	if w.expired, err = w.Main.With(Options{CertificateAge: 30 * time.Minute}); err != nil {
		return nil, err
	}
	for key, kind := range map[string]string{"a": ECDSA256, "b": ECDSA256, "p384": ECDSA384, "rsa": RSA2048, "ed25519": Ed25519} {
		if w.Keys[key], err = NewKey(dir, key, kind); err != nil {
			return nil, err
		}
	}
	for _, sigstore := range []*Sigstore{w.Main, w.Other} {
		encoded, err := sigstore.TrustedRootJSON()
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(w.TrustedRoot(sigstore), encoded, 0o600); err != nil {
			return nil, fmt.Errorf("writing a trust root: %w", err)
		}
	}
	for _, subject := range w.subjects() {
		if err := w.add(ctx, subject); err != nil {
			return nil, err
		}
	}
	return w, w.copySignatures()
}

// Close stops the Sigstores.
func (w *World) Close() {
	for _, sigstore := range []*Sigstore{w.Main, w.Other, w.noSCT, w.expired} {
		sigstore.Close()
	}
}

// TrustedRoot is the path of a Sigstore's trusted_root.json.
func (w *World) TrustedRoot(sigstore *Sigstore) string {
	return filepath.Join(w.Dir, sigstore.Name()+".trusted_root.json")
}

// Repository is where the image of that name lies.
func (w *World) Repository(image string) string { return w.Host + "/" + image }

// Reference names the image by digest.
func (w *World) Reference(image string) string { return w.Repository(image) + "@" + w.Digests[image] }

// Images are all images' names, sorted.
func (w *World) Images() []string {
	names := make([]string, 0, len(w.Digests))
	for image := range w.Digests {
		names = append(names, image)
	}
	sort.Strings(names)
	return names
}

func (w *World) add(ctx context.Context, subject subject) error {
	digest, err := push(w.Repository(subject.name), subject.index)
	if err != nil {
		return err
	}
	w.Digests[subject.name] = digest
	for _, signing := range subject.signings {
		with := w.Main
		if signing.with != nil {
			with = signing.with
		}
		do := with.Sign
		if signing.attest {
			do = with.Attest
			w.Attested[subject.name] = true
		}
		if signing.elsewhere {
			do = w.signElsewhere
		}
		if err := do(ctx, w.Reference(subject.name), signing.Signing); err != nil {
			return fmt.Errorf("making image %s: %w", subject.name, err)
		}
	}
	return nil
}

// signElsewhere puts the signature into the repository Host/signatures, as
// cosign does when it is told so by its environment.
func (w *World) signElsewhere(ctx context.Context, reference string, how Signing) error {
	const variable = "COSIGN_REPOSITORY"
	if err := os.Setenv(variable, w.Repository("signatures")); err != nil {
		return fmt.Errorf("naming the signatures' repository: %w", err)
	}
	err := w.Main.Sign(ctx, reference, how)
	return errors.Join(err, os.Unsetenv(variable))
}

func push(repository string, index bool) (string, error) {
	tag, err := name.NewTag(repository + ":v1")
	if err != nil {
		return "", fmt.Errorf("naming %s: %w", repository, err)
	}
	image, err := random.Image(64, 1)
	if err != nil {
		return "", fmt.Errorf("making %s: %w", repository, err)
	}
	if !index {
		digest, err := image.Digest()
		return digest.String(), errors.Join(err, remote.Write(tag, image))
	}
	list, err := random.Index(64, 1, 2)
	if err != nil {
		return "", fmt.Errorf("making %s: %w", repository, err)
	}
	list = mutate.AppendManifests(list, mutate.IndexAddendum{Add: image})
	digest, err := list.Digest()
	return digest.String(), errors.Join(err, remote.WriteIndex(tag, list))
}
