package tree

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// Artifact is what the status of a Flux source says about its artifact.
type Artifact struct {
	// URL is where it is fetched from, by http or https.
	URL string
	// Digest is "algorithm:hex" of its bytes.
	Digest string
	// Revision is the source's, for those who use the tree; nothing is decided
	// by it here.
	Revision string
	// Size is its length in bytes; 0 when the status does not say it.
	Size int64
}

// Limits bound artifacts. A value below 1 is an error.
type Limits struct {
	// Files is the greatest number of entries of one artifact, folders included.
	Files int64
	// PackedBytes and UnpackedBytes bound one artifact.
	PackedBytes, UnpackedBytes int64
	// Ratio is how many times longer than packed an artifact may be unpacked; what
	// is below 16 MiB unpacked may have any.
	Ratio int64
	// StoreBytes bounds everything in the store, packed and unpacked.
	StoreBytes int64
	// Idle is how many trees that nobody uses stay, the last used ones.
	Idle int64
}

// DefaultLimits admit large repositories.
func DefaultLimits() Limits {
	return Limits{Files: 200_000, PackedBytes: 256 << 20, UnpackedBytes: 1 << 30, Ratio: 200, StoreBytes: 4 << 30, Idle: 1024}
}

// Options are how a store is set up.
type Options struct {
	// Dir is a folder that exists and can be written. Each store makes a folder of
	// its own in it and removes those of processes that ended.
	Dir    string
	Limits Limits
	// Timeout bounds fetching and unpacking one artifact.
	Timeout time.Duration
	// Hosts are those that artifacts may be fetched from.
	Hosts Hosts
	// Host replaces the host of every artifact's URL when it is not empty: what
	// Flux's controllers take from SOURCE_CONTROLLER_LOCALHOST.
	Host string
}

// HostVariable is the environment variable of Options.Host.
const HostVariable = "SOURCE_CONTROLLER_LOCALHOST"

// Store keeps unpacked artifacts.
type Store struct {
	options Options
	client  *http.Client
	create  create
	home    *home
	room    *room
	work    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	// known are the artifacts that are here, on their way, or refused, by digest.
	known map[string]*entry
	// idle are those that nobody uses, the longest unused first.
	idle []*entry
	// fetched counts requests to file servers.
	fetched int64
}

// New makes a store and removes what stores of earlier processes left.
func New(options Options) (*Store, error) {
	if err := options.check(); err != nil {
		return nil, fmt.Errorf("setting up the store of sources: %w", err)
	}
	made, err := newHome(options.Dir)
	if err != nil {
		return nil, fmt.Errorf("setting up the store of sources in %s: %w; name a folder that exists and can be written", options.Dir, err)
	}
	s := &Store{options: options, client: newClient(options.Timeout), create: createReadOnly, home: made, known: map[string]*entry{}}
	s.room = &room{most: options.Limits.StoreBytes, evict: s.evict}
	return s, nil
}

func (o Options) check() error {
	if o.Dir == "" {
		return errors.New("no folder is named")
	}
	if o.Timeout <= 0 {
		return fmt.Errorf("the timeout of one artifact is %s; it must be above 0", o.Timeout)
	}
	for name, value := range map[string]int64{
		"files": o.Limits.Files, "packed bytes": o.Limits.PackedBytes, "unpacked bytes": o.Limits.UnpackedBytes,
		"ratio": o.Limits.Ratio, "bytes of the whole store": o.Limits.StoreBytes, "idle trees": o.Limits.Idle,
	} {
		if value < 1 {
			return fmt.Errorf("the limit of %s is %d; it must be 1 at least", name, value)
		}
	}
	return nil
}

// Tree is one artifact, unpacked and read only. It stays on disk until it is
// closed.
type Tree struct {
	root  *os.Root
	once  sync.Once
	leave func()
}

// Root confines reading to the artifact. It is closed with the tree.
func (t *Tree) Root() *os.Root { return t.root }

// Close gives the tree back; a second time does nothing.
func (t *Tree) Close() {
	t.once.Do(func() {
		_ = t.root.Close()
		t.leave()
	})
}

// Open returns the artifact's tree, fetching it if it is not here. Callers who
// ask one address for one digest at the same time share one fetch, which goes on as long as
// one of them waits. The error is a *plugin.Refusal, a *plugin.StageError or a
// *HostError.
func (s *Store) Open(ctx context.Context, artifact Artifact) (*Tree, error) {
	from, err := s.describe(artifact)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, stopped(from.shown(), err)
	}
	found := s.enter(from)
	if found == nil {
		return nil, stopped(from.shown(), errClosed)
	}
	select {
	case <-found.ready:
	case <-ctx.Done():
		s.leave(found)
		return nil, stopped(from.shown(), ctx.Err())
	}
	if found.err == nil {
		return s.opened(found)
	}
	s.leave(found)
	return nil, found.err
}

func isRefusal(err error) bool {
	var refusal *plugin.Refusal
	return errors.As(err, &refusal)
}

func (s *Store) opened(found *entry) (*Tree, error) {
	root, err := os.OpenRoot(found.folder)
	if err != nil {
		s.leave(found)
		return nil, noDisk(err)
	}
	return &Tree{root: root, leave: func() { s.leave(found) }}, nil
}

// Fetched is how many requests were made to file servers.
func (s *Store) Fetched() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetched
}

// Bytes is the room that the store takes.
func (s *Store) Bytes() int64 { return s.room.taken() }

// Close ends what is being fetched and removes everything that the store
// wrote. Trees that are still open have nothing in them afterwards.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	for _, one := range s.known {
		one.cancel()
	}
	s.mu.Unlock()
	s.work.Wait()
	s.client.CloseIdleConnections()
	return s.home.close()
}

// write fetches and unpacks one artifact into a folder of its own, which it
// returns. Nothing is left behind when it fails.
func (s *Store) write(ctx context.Context, one *entry) (made string, err error) {
	part, err := os.MkdirTemp(s.home.folder, "part-")
	if err != nil {
		return "", noDisk(err)
	}
	defer func() {
		if err != nil {
			_ = removeAll(part)
		}
	}()
	packed := filepath.Join(part, "packed")
	length, err := s.fetchFile(ctx, one, packed)
	if err != nil {
		return "", err
	}
	tree := filepath.Join(part, "tree")
	if err := s.unpackFile(ctx, one, paths{packed: packed, tree: tree, length: length}); err != nil {
		return "", err
	}
	made = filepath.Join(s.home.folder, "tree-"+filepath.Base(part))
	if err := os.Rename(tree, made); err != nil {
		return "", noDisk(err)
	}
	if err := errors.Join(os.Chmod(made, 0o555), removeAll(part)); err != nil { //nolint:gosec // G302: a folder cannot be read without the bit to enter it
		return "", errors.Join(noDisk(err), removeAll(made))
	}
	s.room.give(length)
	one.bytes -= length
	return made, nil
}

// paths are an artifact on disk: the archive, its length, and the folder to be.
type paths struct {
	packed, tree string
	length       int64
}

func (s *Store) fetchFile(ctx context.Context, one *entry, name string) (int64, error) {
	packed, err := s.create(s.home.root, s.home.relative(name))
	if err != nil {
		return 0, noDisk(err)
	}
	length, err := s.fetch(ctx, one.from, &roomy{Writer: packed, take: s.taking(one)})
	if closed := packed.Close(); err == nil && closed != nil {
		return 0, noDisk(closed)
	}
	return length, err
}

func (s *Store) unpackFile(ctx context.Context, one *entry, at paths) error {
	packed, err := os.Open(at.packed)
	if err != nil {
		return noDisk(err)
	}
	defer packed.Close()
	if err := os.Mkdir(at.tree, 0o755); err != nil {
		return noDisk(err)
	}
	into, err := os.OpenRoot(at.tree)
	if err != nil {
		return noDisk(err)
	}
	defer func() { _ = into.Close() }()
	u := &unpacking{into: into, limits: s.options.Limits, packed: at.length, take: s.taking(one), create: s.create}
	err = u.run(ctx, packed)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return stopped(one.from.shown(), err)
	}
	return err
}

// taking takes room in the name of an artifact, which gives it back when it is
// removed.
func (s *Store) taking(one *entry) func(int64) error {
	return func(bytes int64) error {
		err := s.room.take(bytes)
		if err == nil {
			one.bytes += bytes
		}
		return err
	}
}
