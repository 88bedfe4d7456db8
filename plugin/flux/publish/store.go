package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/artifact/config"
	"github.com/fluxcd/pkg/artifact/storage"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Key names an ExternalArtifact.
type Key struct{ Namespace, Name string }

// mostFiles bounds the older files of one object, whatever the retention is.
const mostFiles = 100

// Store keeps the files that are published.
type Store struct {
	options Options
	storage *storage.Storage
	room    *room
	started time.Time
	// write is the storage's AtomicWriteFile.
	write func(artifact *meta.Artifact, content io.Reader, mode os.FileMode) error

	mu sync.Mutex
	// current is the path of the file that is current, as far as this process
	// knows.
	current map[Key]string
	// serving is set while the file server listens.
	serving bool
}

// New makes a store. Its folder must be writable and its address must be one
// that another Pod can reach.
func New(options Options) (*Store, error) {
	options = options.filled()
	if err := options.check(); err != nil {
		return nil, fmt.Errorf("setting up the storage of artifacts: %w", err)
	}
	made, err := storage.New(&config.Options{
		StoragePath: options.Dir, StorageAdvAddress: options.Address,
		ArtifactRetentionTTL: options.Retention, ArtifactRetentionRecords: mostFiles,
	})
	if err != nil {
		return nil, fmt.Errorf("setting up the storage of artifacts: %w", err)
	}
	if err := writable(options.Dir); err != nil {
		return nil, fmt.Errorf("setting up the storage of artifacts: %s cannot be written: %w; mount a volume there that the controller's user may write", options.Dir, plainly(err))
	}
	return &Store{
		options: options, storage: made, started: time.Now(), write: made.AtomicWriteFile, current: map[Key]string{},
		room: &room{dir: options.Dir, most: options.StoreBytes, share: options.NamespaceBytes},
	}, nil
}

// Put stores files as the artifact of an object and returns what its status is
// to say. The same files and revision give the same artifact, and nothing is
// written. An error leaves what was there as it was.
func (s *Store) Put(ctx context.Context, key Key, origin string, files map[string][]byte) (meta.Artifact, error) {
	if err := key.check(); err != nil {
		return meta.Artifact{}, err
	}
	if origin == "" {
		return meta.Artifact{}, badContent("the source has no revision")
	}
	if err := s.measure(files); err != nil {
		return meta.Artifact{}, err
	}
	packed, err := archive(ctx, files)
	if err != nil {
		return meta.Artifact{}, err
	}
	if int64(len(packed)) > s.options.Bytes {
		return meta.Artifact{}, s.tooLarge()
	}
	sum := digest.FromBytes(packed)
	artifact := s.storage.NewArtifactFor(sourcev1.ExternalArtifactKind, key.meta(), named(origin, files, sum), sum.Encoded()+suffix)
	artifact.Metadata = map[string]string{OriginRevision: origin}
	size := int64(len(packed))
	artifact.Digest, artifact.Size = sum.String(), &size
	if err := s.keep(key, &artifact, packed); err != nil {
		return meta.Artifact{}, err
	}
	return artifact, nil
}

// suffix ends the name of every file that is served.
const suffix = ".tar.gz"

func (k Key) meta() *metav1.ObjectMeta {
	return &metav1.ObjectMeta{Namespace: k.Namespace, Name: k.Name}
}

// check refuses names that are not an object's: they become folders.
func (k Key) check() error {
	if len(validation.IsDNS1123Label(k.Namespace)) > 0 || len(validation.IsDNS1123Subdomain(k.Name)) > 0 {
		return badContent(fmt.Sprintf("%.100q and %.300q cannot be the namespace and the name of an ExternalArtifact", k.Namespace, k.Name))
	}
	return nil
}

func (s *Store) measure(files map[string][]byte) error {
	var total int64
	for name, content := range files {
		total += int64(len(name)) + int64(len(content))
	}
	if total > s.options.Bytes {
		return s.tooLarge()
	}
	return nil
}

func (s *Store) tooLarge() error {
	return badContent(fmt.Sprintf("there are more than %d bytes", s.options.Bytes))
}

// keep writes the file unless it is there, and makes it the current one.
func (s *Store) keep(key Key, artifact *meta.Artifact, packed []byte) error {
	defer s.room.settle(artifact.Path) // whatever came of it
	if err := s.reserve(key, artifact.Path, int64(len(packed))); err != nil {
		return noRoom(err)
	}
	if err := s.storage.MkdirAll(*artifact); err != nil {
		return noStorage("storing an artifact", err)
	}
	unlock, err := s.lock(key)
	if err != nil {
		return noStorage("storing an artifact", err)
	}
	defer unlock()
	if s.whole(*artifact) != nil {
		want := artifact.Digest
		if err := s.write(artifact, bytes.NewReader(packed), 0o600); err != nil {
			return noStorage("storing an artifact", err)
		}
		if artifact.Digest != want {
			return noStorage("storing an artifact", errors.Join(errWrongContent, s.storage.Remove(*artifact)))
		}
	}
	info, err := os.Lstat(s.storage.LocalPath(*artifact))
	if err != nil {
		return noStorage("storing an artifact", err)
	}
	artifact.LastUpdateTime = metav1.NewTime(info.ModTime().UTC().Truncate(time.Second))
	s.supersede(key, artifact.Path)
	return nil
}

// lock keeps two processes that share a volume from each other's files.
func (s *Store) lock(key Key) (unlock func(), err error) {
	return s.storage.Lock(meta.Artifact{Path: path.Join(key.folder(), "object")}) //nolint:wrapcheck // the caller tells what is locked
}

func (k Key) folder() string {
	return storage.ArtifactDir(sourcev1.ExternalArtifactKind, k.Namespace, k.Name)
}

// supersede notes the file that is current. The time of the one that was counts
// from now on: its retention begins.
func (s *Store) supersede(key Key, current string) {
	s.mu.Lock()
	before := s.current[key]
	s.current[key] = current
	s.mu.Unlock()
	if before != "" && before != current {
		now := time.Now()
		_ = os.Chtimes(filepath.Join(s.options.Dir, filepath.FromSlash(before)), now, now) // it may be gone
	}
}

// fileName is how files are named: the hash of their content.
var fileName = regexp.MustCompile(`^[0-9a-f]{64}\.tar\.gz$`)

// whole says why the artifact's file is not what its digest says.
func (s *Store) whole(artifact meta.Artifact) error {
	if !s.storage.ArtifactExist(artifact) {
		return fs.ErrNotExist
	}
	return s.storage.VerifyArtifact(artifact) //nolint:wrapcheck // the answer is yes or no
}

// Present reports whether what a status says is what this store serves: a file of
// its own, whole, at the address of today. Whoever gets false renders and puts it
// again.
func (s *Store) Present(artifact meta.Artifact) bool {
	parts := strings.Split(artifact.Path, "/")
	sum, err := digest.Parse(artifact.Digest)
	if err != nil || sum.Algorithm() != digest.SHA256 || len(parts) != 4 {
		return false
	}
	key := Key{Namespace: parts[1], Name: parts[2]}
	want := s.storage.NewArtifactFor(sourcev1.ExternalArtifactKind, key.meta(), artifact.Revision, sum.Encoded()+suffix)
	if key.check() != nil || artifact.Path != want.Path || artifact.URL != want.URL || s.whole(artifact) != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current[key] == "" {
		s.current[key] = artifact.Path
	}
	return true
}
