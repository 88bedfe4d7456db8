package argocd

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// mostIdle is how many unpacked archives stay for the next application of the
// same commit.
const mostIdle = 4

// trees are unpacked archives by their SHA-256: all applications of one commit
// share one. They lie in the work folder, under names that say nothing.
type trees struct {
	folder string
	limits ArchiveLimits

	mu    sync.Mutex
	known map[string]*tree
	// idle are trees without users, the longest unused first.
	idle []*tree
	// hits and misses count how often an archive was there already.
	hits, misses int64
}

// tree is one unpacked archive.
type tree struct {
	checksum, folder string
	users            int
	// ready is closed when root or err is set.
	ready chan struct{}
	root  *os.Root
	bytes int64
	err   error
}

func newTrees(folder string, limits ArchiveLimits) *trees {
	return &trees{folder: folder, limits: limits, known: map[string]*tree{}}
}

// has reports whether the archive with this SHA-256 is unpacked, or about to
// be, and keeps it for the caller, who must release it.
func (t *trees) has(checksum string) (*tree, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.known[checksum]
	if found == nil {
		t.misses++
		return nil, false
	}
	t.hits++
	t.use(found)
	return found, true
}

func (t *trees) use(one *tree) {
	one.users++
	for i, idle := range t.idle {
		if idle == one {
			t.idle = append(t.idle[:i], t.idle[i+1:]...)
			return
		}
	}
}

// add unpacks an archive whose SHA-256 was checked, unless another caller does
// so already. The caller must release it.
func (t *trees) add(checksum, archive string) *tree {
	t.mu.Lock()
	defer t.mu.Unlock()
	if found := t.known[checksum]; found != nil {
		t.use(found)
		_ = os.Remove(archive)
		return found
	}
	made := &tree{checksum: checksum, users: 2, ready: make(chan struct{})} // one user is the unpacking itself
	t.known[checksum] = made
	go t.unpack(made, archive)
	return made
}

// unpackDeadline is the server's own: a caller that leaves stops nobody else's
// unpacking.
const unpackDeadline = 5 * time.Minute

func (t *trees) unpack(one *tree, archive string) {
	defer t.release(one)
	defer close(one.ready)
	defer func() { _ = os.Remove(archive) }()
	ctx, cancel := context.WithTimeout(context.Background(), unpackDeadline)
	defer cancel()
	one.root, one.err = t.write(ctx, one, archive)
}

func (t *trees) write(ctx context.Context, one *tree, archive string) (root *os.Root, err error) {
	defer recovered(&err)
	packed, err := os.Open(archive)
	if err != nil {
		return nil, noDisk(err)
	}
	defer func() { _ = packed.Close() }()
	if one.folder, err = os.MkdirTemp(t.folder, "tree-"); err != nil {
		return nil, noDisk(err)
	}
	if root, err = os.OpenRoot(one.folder); err != nil {
		return nil, noDisk(err)
	}
	if one.bytes, err = unpack(ctx, packed, root, t.limits); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return root, nil
}

// wait returns the tree's root when it is unpacked.
func (one *tree) wait(ctx context.Context) (*os.Root, error) {
	select {
	case <-one.ready:
		return one.root, one.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// release gives a tree back. One that could not be unpacked is forgotten with
// its last user, so that the next request tries again.
func (t *trees) release(one *tree) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if one.users--; one.users > 0 {
		return
	}
	if one.err != nil {
		t.remove(one)
		return
	}
	t.idle = append(t.idle, one)
	for len(t.idle) > mostIdle || t.idleBytes() > t.limits.Bytes {
		t.remove(t.idle[0])
		t.idle = t.idle[1:]
	}
}

func (t *trees) idleBytes() int64 {
	var total int64
	for _, one := range t.idle {
		total += one.bytes
	}
	return total
}

func (t *trees) remove(one *tree) {
	delete(t.known, one.checksum)
	if one.root != nil {
		_ = one.root.Close()
	}
	if one.folder != "" {
		_ = os.RemoveAll(one.folder)
	}
}

func (t *trees) counts() (hits, misses int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.hits, t.misses
}

// clear removes what lies in the work folder from a process that ended before
// it could: nobody else writes there.
func (t *trees) clear() error {
	var problems []error
	for _, pattern := range []string{"tree-*", "archive-*"} {
		left, err := filepath.Glob(filepath.Join(t.folder, pattern))
		problems = append(problems, err)
		for _, name := range left {
			problems = append(problems, os.RemoveAll(name))
		}
	}
	return errors.Join(problems...)
}

// close removes all trees that nobody uses.
func (t *trees) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range t.idle {
		t.remove(one)
	}
	t.idle = nil
}
