package argocd

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// mostIdle is how many unpacked archives stay for the next application of the
// same commit.
const mostIdle = 4

// trees are unpacked archives by their SHA-256: all applications of one commit
// share one. They lie in the work folder, under names that say nothing.
type trees struct {
	folder string
	limits ArchiveLimits
	space  *space
	// turns bounds the archives that are unpacked at once: many small files keep a
	// processor busy, and nobody waits for those whose caller left.
	turns *queue
	// work is what goes on without a caller; stop ends it.
	work    sync.WaitGroup
	stopped context.Context
	stop    context.CancelFunc

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
	// project is whose archive it was, and bytes the room that it takes.
	project string
	bytes   int64
	// ready is closed when root or err is set.
	ready chan struct{}
	root  *os.Root
	err   error
}

func newTrees(folder string, limits ArchiveLimits) *trees {
	t := &trees{folder: folder, limits: limits, known: map[string]*tree{}, turns: newQueue(max(2, runtime.GOMAXPROCS(0)))}
	t.stopped, t.stop = context.WithCancel(context.Background())
	t.space = newSpace(2*limits.Bytes+block*limits.Files, t.evict) // the largest archive, packed and unpacked
	return t
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

// packed is an archive whose SHA-256 was checked, and the room that it takes.
type packed struct {
	checksum, project, file string
	bytes                   int64
}

func (t *trees) drop(archive packed) {
	_ = os.Remove(archive.file)
	t.space.give(archive.project, archive.bytes)
}

// add unpacks an archive, unless another caller does so already. The caller
// must release the tree.
func (t *trees) add(archive packed) *tree {
	t.mu.Lock()
	defer t.mu.Unlock()
	if found := t.known[archive.checksum]; found != nil {
		t.use(found)
		t.work.Go(func() { t.drop(archive) })
		return found
	}
	made := &tree{checksum: archive.checksum, project: archive.project, users: 2, ready: make(chan struct{})} // one user is the unpacking itself
	t.known[archive.checksum] = made
	t.work.Go(func() { t.unpack(made, archive) })
	return made
}

// unpackDeadline is the server's own: a caller that leaves stops nobody else's
// unpacking.
const unpackDeadline = 5 * time.Minute

func (t *trees) unpack(one *tree, archive packed) {
	defer close(one.ready) // last: whoever is answered finds nothing of the unpacking left
	defer t.release(one)
	defer t.drop(archive)
	ctx, cancel := context.WithTimeout(t.stopped, unpackDeadline)
	defer cancel()
	one.root, one.err = t.inTurn(ctx, one, archive)
	if one.err != nil { // whoever comes next tries again
		t.mu.Lock()
		delete(t.known, one.checksum)
		t.mu.Unlock()
	}
}

// inTurn unpacks when it is the project's turn, and again when there was no
// room, as long as somebody waits for it.
func (t *trees) inTurn(ctx context.Context, one *tree, archive packed) (*os.Root, error) {
	for {
		leave, err := t.turns.enter(ctx, one.project)
		if err != nil {
			return nil, err
		}
		freed := t.space.next()
		root, err := t.write(ctx, one, archive.file)
		leave()
		if !errors.Is(err, errNoRoom) {
			return root, err
		}
		t.clean(one)
		for waiting := true; waiting; {
			select {
			case <-freed:
				waiting = false
			case <-time.After(time.Second):
				if !t.awaited(one) {
					return nil, err
				}
			case <-ctx.Done():
				return nil, err
			}
		}
	}
}

// awaited reports whether anybody but the unpacking uses the tree.
func (t *trees) awaited(one *tree) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return one.users > 1
}

func (t *trees) write(ctx context.Context, one *tree, archive string) (root *os.Root, err error) {
	defer recovered(&err)
	file, err := os.Open(archive)
	if err != nil {
		return nil, noDisk(err)
	}
	defer func() { _ = file.Close() }()
	if one.folder, err = os.MkdirTemp(t.folder, "tree-"); err != nil {
		return nil, noDisk(err)
	}
	if root, err = os.OpenRoot(one.folder); err != nil {
		return nil, noDisk(err)
	}
	take := func(bytes int64) error {
		err := t.space.take(one.project, bytes)
		if err == nil {
			one.bytes += bytes
		}
		return err
	}
	if err := unpack(ctx, file, root, t.limits, take); err != nil {
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
		return nil, &plugin.StageError{
			Stage: stage, Subject: "unpacking the repository's archive", Cause: ctx.Err(),
			Hint: "it goes on, in the turn of the AppProject, and is not begun anew by the next refresh; " + smaller,
		}
	}
}

// release gives a tree back. One that could not be unpacked goes with its last
// user.
func (t *trees) release(one *tree) {
	t.mu.Lock()
	one.users--
	var gone []*tree
	switch {
	case one.users > 0:
	case one.err != nil:
		gone = append(gone, one)
	default:
		t.idle = append(t.idle, one)
		if len(t.idle) > mostIdle {
			gone = append(gone, t.oldest())
		}
	}
	t.mu.Unlock()
	t.remove(gone)
}

// oldest takes the tree that was unused for longest out of the list. The
// caller holds the lock.
func (t *trees) oldest() *tree {
	one := t.idle[0]
	t.idle = t.idle[1:]
	delete(t.known, one.checksum)
	return one
}

// evict makes room.
func (t *trees) evict() bool {
	t.mu.Lock()
	var gone []*tree
	if len(t.idle) > 0 {
		gone = append(gone, t.oldest())
	}
	t.mu.Unlock()
	t.remove(gone)
	return len(gone) > 0
}

// remove is called without the lock: many files take long.
func (t *trees) remove(gone []*tree) {
	for _, one := range gone {
		if one.root != nil {
			_ = one.root.Close()
		}
		t.clean(one)
	}
}

// clean removes what was written and gives its room back.
func (t *trees) clean(one *tree) {
	if one.folder != "" {
		_ = os.RemoveAll(one.folder)
	}
	t.space.give(one.project, one.bytes)
	one.folder, one.bytes = "", 0
}

func (t *trees) counts() (hits, misses int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.hits, t.misses
}

// clear removes what lies in the work folder from a process that ended before
// it could: nobody else writes there.
func (t *trees) clear() error {
	entries, err := os.ReadDir(t.folder)
	problems := []error{err}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "tree-") || strings.HasPrefix(entry.Name(), "archive-") {
			problems = append(problems, os.RemoveAll(filepath.Join(t.folder, entry.Name())))
		}
	}
	return errors.Join(problems...)
}

// close ends what is being unpacked and removes all trees that nobody uses.
func (t *trees) close() {
	t.stop()
	t.work.Wait()
	for t.evict() {
	}
}
