package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/assay-gitops/assay/plugin"
)

// overhead is what a file takes on a disk beyond its bytes: its last block, and
// its name.
const overhead = 4 << 10

// room is what the files of the store take, in bytes: in all, and by namespace.
// The disk is read once, at the first use: a replica that waits to be elected
// may share it with the one that writes.
type room struct {
	dir         string
	most, share int64

	mu      sync.Mutex
	counted bool
	files   map[string]map[string]int64 // by folder and name, with overhead
	spaces  map[string]int64            // by namespace
	used    int64
}

// take takes room for a file of that many bytes, in the place of what is there
// under its path. The error says whose room is used up.
func (r *room) take(name string, bytes int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.count(); err != nil {
		return err
	}
	space, bytes := namespaceOf(name), bytes+overhead
	more := bytes - r.files[path.Dir(name)][path.Base(name)]
	switch {
	case more <= 0: // it is there already
	case r.spaces[space]+more > r.share:
		return &full{namespace: space, used: r.spaces[space], most: r.share, more: more}
	case r.used+more > r.most:
		return &full{used: r.used, most: r.most, more: more}
	}
	r.set(name, bytes)
	return nil
}

// settle takes note of what the disk has under a path: a file that was written
// or removed, or nothing.
func (r *room) settle(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.counted {
		return
	}
	info, err := os.Lstat(path.Join(r.dir, name))
	switch {
	case err == nil:
		r.set(name, info.Size()+overhead)
	case errors.Is(err, fs.ErrNotExist):
		r.set(name, 0)
	}
}

// settleAll is settle for every file that was in a folder.
func (r *room) settleAll(folder string) {
	r.mu.Lock()
	names := slices.Collect(maps.Keys(r.files[folder]))
	r.mu.Unlock()
	for _, name := range names {
		r.settle(path.Join(folder, name))
	}
}

// set is called with the lock.
func (r *room) set(name string, bytes int64) {
	space, folder, file := namespaceOf(name), path.Dir(name), path.Base(name)
	if r.files[folder] == nil {
		r.files[folder] = map[string]int64{}
	}
	change := bytes - r.files[folder][file]
	r.used += change
	if r.spaces[space] += change; r.spaces[space] == 0 {
		delete(r.spaces, space)
	}
	if r.files[folder][file] = bytes; bytes == 0 {
		delete(r.files[folder], file)
	}
	if len(r.files[folder]) == 0 {
		delete(r.files, folder)
	}
}

// count reads what the disk holds of earlier processes. It is called with the
// lock.
func (r *room) count() error {
	if r.counted {
		return nil
	}
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return fmt.Errorf("counting what is stored: %w", err)
	}
	defer func() { _ = root.Close() }()
	r.files, r.spaces, r.used = map[string]map[string]int64{}, map[string]int64{}, 0
	err = fs.WalkDir(root.FS(), strings.ToLower(sourcev1.ExternalArtifactKind), func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && fileName.MatchString(entry.Name()) && namespaceOf(name) != "" {
			var info fs.FileInfo
			if info, err = entry.Info(); err == nil {
				r.set(name, info.Size()+overhead)
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // nothing was stored, or it was just removed
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("counting what is stored: %w", err)
	}
	r.counted = true
	return nil
}

// namespaceOf is whose a file is, by its path; empty for one that is not the
// store's.
func namespaceOf(name string) string {
	if parts := strings.Split(name, "/"); len(parts) == 4 {
		return parts[1]
	}
	return ""
}

// full is a store, or a namespace's share of it, that has no room.
type full struct {
	// namespace is empty when all of them together fill the store.
	namespace        string
	used, most, more int64
}

// Error implements error. No other namespace is named.
func (f *full) Error() string {
	whose := "all namespaces together have used up the store"
	if f.namespace != "" {
		whose = "namespace " + f.namespace + " has used up its share of the store"
	}
	return fmt.Sprintf("%s: %s of %s are taken, and this artifact takes %s", whose, size(f.used), size(f.most), size(f.more))
}

// size is a number of bytes for people.
func size(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
}

// noRoom is no answer: there may be room at the next try.
func noRoom(err error) error {
	var none *full
	if !errors.As(err, &none) {
		return noStorage("storing an artifact", err)
	}
	hint := "have assay-source run with a larger --storage-limit, and a volume that holds it"
	if none.namespace != "" {
		hint = "delete GatedSources of this namespace that nothing consumes, publish less with each, or have assay-source run with a larger --namespace-storage-limit"
	}
	return &plugin.StageError{
		Stage: stage, Subject: "storing an artifact", Cause: none,
		Hint: hint + "; older artifacts go some minutes after they were replaced; what was published stays, and it is tried again",
	}
}

// reserve takes room for a file, and removes what nobody fetches any more when
// there is none.
func (s *Store) reserve(key Key, name string, bytes int64) error {
	err := s.room.take(name, bytes)
	var none *full
	if !errors.As(err, &none) {
		return err
	}
	s.collectThose(func(of Key) bool { return none.namespace == "" || of.Namespace == key.Namespace })
	return s.room.take(name, bytes)
}

// Bytes is the room that the files of a namespace take, as far as it was
// counted; that of all of them for no namespace.
func (s *Store) Bytes(namespace string) int64 {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	if namespace == "" {
		return s.room.used
	}
	return s.room.spaces[namespace]
}
