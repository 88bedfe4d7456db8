package reports

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// held is what is known of one application's folder.
type held struct {
	bytes int64
	at    time.Time
}

// look learns once what the folder holds, and clears away what a process left
// that ended in the middle of a write.
func (s *Store) look() error {
	if s.held != nil {
		return nil
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	s.held = map[string]held{}
	for _, entry := range entries {
		s.weigh(filepath.Join(s.dir, entry.Name()))
	}
	return nil
}

// weigh learns how much an application's folder holds.
func (s *Store) weigh(folder string) {
	name := filepath.Base(folder)
	s.bytes -= s.held[name].bytes
	delete(s.held, name)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	var now held
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			continue
		}
		if !isKept(entry.Name()) {
			_ = os.RemoveAll(filepath.Join(folder, entry.Name())) // it is counted as long as it is there
		}
		now.bytes += max(info.Size(), leastFile)
		if entry.Name() == lastFile {
			now.at = info.ModTime()
		}
	}
	s.held[name], s.bytes = now, s.bytes+now.bytes
}

// leastFile is about what a small file takes on a disk, in bytes.
const leastFile = 4096

// evict makes room: the application whose last verdict is the oldest goes, but
// never the one that was just written.
func (s *Store) evict(but string) {
	for len(s.held) > s.options.Applications || s.bytes > s.options.Bytes {
		oldest := ""
		for name, each := range s.held {
			if name != but && (oldest == "" || each.at.Before(s.held[oldest].at)) {
				oldest = name
			}
		}
		if oldest == "" || os.RemoveAll(filepath.Join(s.dir, oldest)) != nil {
			return
		}
		s.bytes -= s.held[oldest].bytes
		delete(s.held, oldest)
	}
}

// Held is how many applications and bytes are kept, as far as was looked.
func (s *Store) Held() (applications int, bytes int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.held), s.bytes
}

// isKept reports whether a file of an application's folder is one of the store's.
func isKept(name string) bool {
	return name == lastFile || name == historyFile || strings.HasPrefix(name, sealedPrefix)
}
