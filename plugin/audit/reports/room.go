package reports

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// held is what is known of one application's folder.
type held struct {
	bytes int64
	at    time.Time
	// project is whose it is, once read is set.
	project string
	read    bool
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

// evict makes room, but never goes the one that was just written.
func (s *Store) evict(but string) {
	for len(s.held) > s.options.Applications || s.bytes > s.options.Bytes {
		gone := s.victim(but)
		if gone == "" || os.RemoveAll(filepath.Join(s.dir, gone)) != nil {
			return
		}
		s.bytes -= s.held[gone].bytes
		delete(s.held, gone)
	}
}

// victim is the application that goes: of the project that takes the most room, so
// that nobody's verdicts push out another project's, the one whose last verdict
// is the oldest.
func (s *Store) victim(but string) string {
	taken, oldest := map[string]int64{}, map[string]string{}
	for name := range s.held {
		each := s.of(name)
		if len(s.held) > s.options.Applications {
			taken[each.project]++
		} else {
			taken[each.project] += each.bytes
		}
		if name == but {
			continue
		}
		if before := oldest[each.project]; before == "" || each.at.Before(s.held[before].at) {
			oldest[each.project] = name
		}
	}
	most := ""
	for project, name := range oldest {
		if most == "" || cmp.Or(cmp.Compare(taken[project], taken[s.held[most].project]), cmp.Compare(s.held[most].project, project)) > 0 {
			most = name
		}
	}
	return most
}

// of is what is known of an application's folder, with whose it is.
func (s *Store) of(name string) held {
	each := s.held[name]
	if !each.read {
		each.read = true
		if records, _, err := readRecords(filepath.Join(s.dir, name, lastFile)); err == nil && len(records) > 0 {
			each.project = records[0].Project
		}
		s.held[name] = each
	}
	return each
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
