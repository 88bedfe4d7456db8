package facts

import (
	"cmp"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// temporary begins the names of files that are being written.
const temporary = ".new-"

// abandoned is when a file that is being written belongs to nobody any more.
const abandoned = time.Hour

// entry is one file of the folder.
type entry struct {
	path string
	size int64
	used time.Time
}

// makeRoom counts what was written, and lets go of what was not used for the
// longest time when there is too much. The folder is counted anew each time, as
// other processes write to it.
func (s *Store) makeRoom(written int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held >= 0 {
		s.held += written
	}
	if s.held >= 0 && s.held <= s.options.Bytes {
		return
	}
	entries := s.recount()
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.path, b.path)) })
	enough := s.options.Bytes
	if s.held > enough {
		enough -= enough / 10 // so that it is not done again for the next one
	}
	root, err := os.OpenRoot(s.options.Dir) // no link in it leads a removal elsewhere
	if err != nil {
		return
	}
	defer func() { _ = root.Close() }() // nothing was written
	for _, each := range entries {
		if s.held <= enough {
			return
		}
		if root.Remove(each.path) == nil {
			s.held -= each.size
			s.stats.Evicted++
		}
	}
}

// recount looks at the folder, which other processes write to, too. The caller
// holds s.mu.
func (s *Store) recount() []entry {
	root, err := os.OpenRoot(s.options.Dir)
	if err != nil {
		return nil // there is no folder yet, or none that can be read
	}
	defer func() { _ = root.Close() }() // nothing was written
	entries := left(root)
	s.held = 0
	for _, each := range entries {
		s.held += each.size
	}
	return entries
}

// left are the files of the folder; what somebody gave up half-written goes.
func left(root *os.Root) []entry {
	var found, abandonedOnes []entry
	_ = fs.WalkDir(root.FS(), ".", func(path string, item fs.DirEntry, err error) error {
		if err != nil || item.IsDir() {
			return nil //nolint:nilerr // what cannot be read is not counted
		}
		info, err := item.Info()
		if err != nil {
			return nil //nolint:nilerr // another process removed it
		}
		switch {
		case !strings.HasPrefix(item.Name(), temporary):
			found = append(found, entry{path, info.Size(), info.ModTime()})
		case time.Since(info.ModTime()) > abandoned:
			abandonedOnes = append(abandonedOnes, entry{path: path})
		}
		return nil
	})
	for _, each := range abandonedOnes {
		_ = root.Remove(each.path) // another process may have
	}
	return found
}
