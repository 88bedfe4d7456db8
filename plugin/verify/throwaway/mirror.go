package throwaway

import (
	"crypto"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Mirror is a TUF repository with one target, trusted_root.json. It serves its
// files, and may be used by many goroutines.
type Mirror struct {
	// Ends are when the metadata that is published next ends, by role; those of
	// New are in a year.
	Ends map[string]time.Time
	// Version is that of the timestamp, the snapshot and the targets that were
	// published last; the next ones have one more.
	Version int64

	mu    sync.Mutex
	files map[string][]byte
	keys  map[string]ed25519.PrivateKey
	roots []*metadata.Metadata[metadata.RootType]
}

// NewMirror publishes a trusted_root.json.
func NewMirror(trustedRoot []byte) (*Mirror, error) {
	m := &Mirror{Ends: map[string]time.Time{}, files: map[string][]byte{}, keys: map[string]ed25519.PrivateKey{}}
	for _, role := range []string{metadata.ROOT, metadata.TIMESTAMP, metadata.SNAPSHOT, metadata.TARGETS} {
		m.Ends[role] = time.Now().AddDate(1, 0, 0)
		if err := m.newKey(role); err != nil {
			return nil, err
		}
	}
	if err := m.newRoot(nil); err != nil {
		return nil, err
	}
	return m, m.Publish(trustedRoot)
}

func (m *Mirror) newKey(role string) error {
	_, private, err := ed25519.GenerateKey(nil)
	m.keys[role] = private
	return err
}

// newRoot writes the next root.json, signed by the keys before it too.
func (m *Mirror) newRoot(before ed25519.PrivateKey) error {
	root := metadata.Root(m.Ends[metadata.ROOT])
	root.Signed.Version = int64(len(m.roots) + 1)
	for role, private := range m.keys {
		key, err := metadata.KeyFromPublicKey(private.Public())
		if err != nil {
			return fmt.Errorf("making a TUF root: %w", err)
		}
		if err := root.Signed.AddKey(key, role); err != nil {
			return fmt.Errorf("making a TUF root: %w", err)
		}
	}
	if before != nil {
		if err := signTUF(root, before); err != nil {
			return err
		}
	}
	data, err := signedTUF(root, m.keys[metadata.ROOT])
	if err != nil {
		return err
	}
	m.roots = append(m.roots, root)
	m.files[fmt.Sprintf("%d.root.json", root.Signed.Version)] = data
	return nil
}

// Rotate publishes a root with another key for a role; what the old key signed
// counts no longer.
func (m *Mirror) Rotate(role string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.keys[metadata.ROOT]
	if err := m.newKey(role); err != nil {
		return err
	}
	if role != metadata.ROOT {
		before = nil // a root has one signature of each key
	}
	return m.newRoot(before)
}

// Publish offers another trusted_root.json under the next version of
// everything.
func (m *Mirror) Publish(trustedRoot []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Version++
	targets := metadata.Targets(m.Ends[metadata.TARGETS])
	file, err := metadata.TargetFile().FromBytes("trusted_root.json", trustedRoot, "sha256")
	if err != nil {
		return fmt.Errorf("publishing a trusted root: %w", err)
	}
	file.Path = "trusted_root.json"
	targets.Signed.Version, targets.Signed.Targets = m.Version, map[string]*metadata.TargetFiles{"trusted_root.json": file}
	m.files["targets/"+hex.EncodeToString(file.Hashes["sha256"])+".trusted_root.json"] = trustedRoot
	snapshot := metadata.Snapshot(m.Ends[metadata.SNAPSHOT])
	snapshot.Signed.Version = m.Version
	snapshot.Signed.Meta["targets.json"] = metadata.MetaFile(m.Version)
	timestamp := metadata.Timestamp(m.Ends[metadata.TIMESTAMP])
	timestamp.Signed.Version = m.Version
	timestamp.Signed.Meta["snapshot.json"] = metadata.MetaFile(m.Version)
	for name, make := range map[string]func() ([]byte, error){
		fmt.Sprintf("%d.targets.json", m.Version):  func() ([]byte, error) { return signedTUF(targets, m.keys[metadata.TARGETS]) },
		fmt.Sprintf("%d.snapshot.json", m.Version): func() ([]byte, error) { return signedTUF(snapshot, m.keys[metadata.SNAPSHOT]) },
		"timestamp.json": func() ([]byte, error) { return signedTUF(timestamp, m.keys[metadata.TIMESTAMP]) },
	} {
		if m.files[name], err = make(); err != nil {
			return err
		}
	}
	return nil
}

func signTUF[T metadata.Roles](what *metadata.Metadata[T], key ed25519.PrivateKey) error {
	signer, err := signature.LoadSigner(key, crypto.Hash(0))
	if err != nil {
		return fmt.Errorf("signing TUF metadata: %w", err)
	}
	if _, err := what.Sign(signer); err != nil {
		return fmt.Errorf("signing TUF metadata: %w", err)
	}
	return nil
}

func signedTUF[T metadata.Roles](what *metadata.Metadata[T], key ed25519.PrivateKey) ([]byte, error) {
	if err := signTUF(what, key); err != nil {
		return nil, err
	}
	return what.ToBytes(false)
}

// Root is the first root.json.
func (m *Mirror) Root() []byte { return m.Files()["1.root.json"] }

// Files are all files of the repository, by path.
func (m *Mirror) Files() map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.files)
}

// Offer puts other files in the place of the repository's, such as earlier ones.
func (m *Mirror) Offer(files map[string][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files = maps.Clone(files)
}

// ServeHTTP implements http.Handler.
func (m *Mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, found := m.Files()[strings.TrimPrefix(r.URL.Path, "/")]
	if !found {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(data)
}
