// Package showcase sets the examples up for real: a registry on loopback that
// stands in as the mirror of registry.example.com, the images that the
// examples name, signed with a key and with keyless identities of a throw-away
// Sigstore, and the starter gate with that key and that trust root. The demo
// and the tests of the command line use it.
package showcase

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/assay-gitops/assay/examples"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// Showcase is what was set up. Close it to stop the registry.
type Showcase struct {
	// Dir holds shop/ (an application that passes), cart/ (one that is denied
	// for five reasons) and gate/.
	Dir      string
	Registry *ociserver.Server
	Sigstore *throwaway.Sigstore
	Key      *throwaway.Key
	// Digests are the images' digests by name: "shop/web:1.4.2".
	Digests map[string]string
}

// Start fills dir, which must exist, and starts the registry.
func Start(ctx context.Context, dir string) (*Showcase, error) {
	s := &Showcase{Dir: dir, Digests: map[string]string{}}
	var err error
	if s.Registry, err = ociserver.Start(ociserver.Options{}); err != nil {
		return nil, fmt.Errorf("starting the showcase's registry: %w", err)
	}
	for _, step := range []func(context.Context) error{s.makeSigners, s.pushImages, s.copyApplications, s.writeGate} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("setting up the showcase: %w", err), s.Registry.Close())
		}
	}
	return s, nil
}

// Close stops the registry. The files stay.
func (s *Showcase) Close() error { return s.Registry.Close() }

func (s *Showcase) makeSigners(context.Context) error {
	var err error
	if s.Sigstore, err = throwaway.New(); err != nil {
		return err
	}
	s.Key, err = throwaway.NewKey()
	return err
}

func (s *Showcase) copyApplications(context.Context) error {
	for from, to := range map[string]string{"shop-kustomize": "shop", "hostile/five-reasons": "cart"} {
		tree, err := fs.Sub(examples.FS, from)
		if err != nil {
			return err
		}
		if err := os.CopyFS(filepath.Join(s.Dir, to), tree); err != nil {
			return err
		}
	}
	return nil
}

// writeGate writes the starter gate with the key and the trust root that are
// in use here, and the mirror.
func (s *Showcase) writeGate(context.Context) error {
	starter, err := fs.ReadFile(examples.FS, "gates/starter/gate.yaml")
	if err != nil {
		return err
	}
	policies, err := fs.ReadFile(examples.FS, "gates/starter/images.yaml")
	if err != nil {
		return err
	}
	key, err := s.Key.PublicPEM()
	if err != nil {
		return err
	}
	root, err := s.Sigstore.TrustRootYAML("example")
	if err != nil {
		return err
	}
	host := s.Registry.Host()
	files := map[string]string{
		"gate.yaml": strings.TrimRight(string(starter), "\n") + fmt.Sprintf(`
  registries:
  - host: registry.example.com
    mirrors: [%q]
    mirrorsOnly: true
  - host: %q
    private: true
    plainHTTP: true
`, host, host),
		"images.yaml":     replaceKey(string(policies), key),
		"trust-root.yaml": root,
	}
	dir := filepath.Join(s.Dir, "gate")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// replaceKey puts another key in the place of the one in the text, at the same
// depth.
func replaceKey(text, key string) string {
	const begin, end = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
	before, rest, _ := strings.Cut(text, begin)
	_, after, _ := strings.Cut(rest, end)
	indent := before[strings.LastIndexByte(before, '\n')+1:]
	return before + strings.ReplaceAll(strings.TrimSpace(key), "\n", "\n"+indent) + after
}
