// Package reports keeps the last verdicts of every application on disk, and
// answers questions about them over HTTP.
//
// Nothing is decided by what stands in the store: it shows what was said. Each
// sidecar has its own; they ask each other, see [Server].
package reports

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
)

// Options say where and how much a [Store] keeps.
type Options struct {
	// Dir is the folder; a folder of the store's own is made in it.
	Dir string
	// Applications and Bytes bound what is kept: of the project that takes the most,
	// whose last verdict is the oldest goes first. Zero is the default.
	Applications int
	Bytes        int64
}

// The defaults and the bounds for one application.
const (
	DefaultApplications = 20_000
	DefaultBytes        = 1 << 30
	// mostHistory is how many records of one application are kept; beyond them,
	// mostSealed allowed ones stay whose manifests are kept.
	mostHistory = 20
	mostSealed  = 5
	// mostSources is how many sources of one application are told apart.
	mostSources = 20
	// pastAfter is how much older than the application's last record that of one of
	// its sources may be. Argo CD keeps manifests for a day: a source that was not
	// asked for in two is no source of the application any more.
	pastAfter = 48 * time.Hour
)

// Store is a folder of records. It is safe for use by many goroutines of one
// process.
type Store struct {
	options Options
	dir     string

	mu sync.RWMutex
	// held has what is known of each application's folder; nil before it was
	// looked at.
	held  map[string]held
	bytes int64
}

// Open makes the folder where it is missing.
func Open(options Options) (*Store, error) {
	options.Applications = cmp.Or(options.Applications, DefaultApplications)
	options.Bytes = cmp.Or(options.Bytes, DefaultBytes)
	dir := filepath.Join(options.Dir, "assay-reports")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of reports: %w", err)
	}
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return nil, fmt.Errorf("making the folder of reports: %w", err)
	case !info.IsDir() || info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("making the folder of reports: %s is a link, or others may read it (%s); remove it or name another place", dir, info.Mode())
	}
	return &Store{options: options, dir: dir}, nil
}

// ID is the application's name in pages.
func ID(application string) string {
	sum := sha256.Sum256([]byte(application))
	return hex.EncodeToString(sum[:16])
}

// Add keeps the record of a verdict, and what was sealed when it was allowed.
// A record that says what the one before of the same source said takes its place.
func (s *Store) Add(_ context.Context, entry audit.Entry) error {
	record := entry.Record
	if record.Application == "" {
		return nil // a request that names no application is in the log
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.look(); err != nil {
		return fmt.Errorf("reading the folder of reports: %w", err)
	}
	folder := filepath.Join(s.dir, ID(record.Application))
	err := write(folder, record, entry)
	s.weigh(folder)
	s.evict(filepath.Base(folder))
	if err != nil {
		return fmt.Errorf("keeping the report of %s: %w", record.Application, err)
	}
	return nil
}

// write is the whole of what a record changes in its application's folder.
// Whatever is cut off in between, or damaged, is made good by the next one; that
// manifests could not be kept costs nothing else.
func write(folder string, record audit.Record, entry audit.Entry) error {
	sealed := keepSealed(folder, record, entry)
	last, _, _ := readRecords(filepath.Join(folder, lastFile))
	history, _, _ := readRecords(filepath.Join(folder, historyFile))
	history = slices.DeleteFunc(history, func(r audit.Record) bool { return r.Application != record.Application })
	if at := slices.IndexFunc(history, func(r audit.Record) bool { return source(r) == source(record) }); at >= 0 && says(history[at], record) {
		history = slices.Delete(history, at, at+1)
	}
	history = kept(append([]audit.Record{record}, history...))
	if err := writeRecords(filepath.Join(folder, historyFile), history); err != nil {
		return err
	}
	last = slices.DeleteFunc(last, func(r audit.Record) bool {
		return source(r) == source(record) || r.Project != record.Project || r.Application != record.Application
	})
	if err := writeRecords(filepath.Join(folder, lastFile), current(append(last, record))); err != nil {
		return err
	}
	return errors.Join(sealed, dropSealed(folder, history))
}

// source tells the sources of one application apart.
func source(r audit.Record) string {
	return r.Repository + "\x00" + cmp.Or(r.RepositoryPath, r.Path)
}

// says reports whether both say the same of the same.
func says(a, b audit.Record) bool {
	return a.Revision == b.Revision && a.Outcome == b.Outcome && a.Report == b.Report && a.GateDigest == b.GateDigest && a.Sealed == b.Sealed && a.Project == b.Project
}

// kept are the newest records, and the newest allowed ones beyond them whose
// manifests are kept.
func kept(history []audit.Record) []audit.Record {
	slices.SortStableFunc(history, func(a, b audit.Record) int { return b.Time.Compare(a.Time) })
	known := map[string]bool{}
	var out []audit.Record
	for i, record := range history {
		wanted := record.Outcome == plugin.Allowed && !known[record.Sealed] && len(known) < mostSealed
		if wanted {
			known[record.Sealed] = true
		}
		if i < mostHistory || wanted {
			out = append(out, record)
		}
	}
	return out
}

// current are the last records of the application's sources as they are now, the
// worst first: a denial of one source stops the application.
func current(records []audit.Record) []audit.Record {
	slices.SortStableFunc(records, func(a, b audit.Record) int { return b.Time.Compare(a.Time) })
	if len(records) == 0 {
		return nil
	}
	newest := records[0]
	seen := map[string]bool{}
	records = slices.DeleteFunc(records, func(r audit.Record) bool {
		past := r.Project != newest.Project || newest.Time.Sub(r.Time) > pastAfter || seen[source(r)]
		seen[source(r)] = true
		return past
	})
	records = records[:min(len(records), mostSources)]
	slices.SortStableFunc(records, func(a, b audit.Record) int { return cmp.Compare(a.Outcome, b.Outcome) })
	return records
}

// Last are the last records of an application's sources, the worst first, and how
// many of the stored ones are damaged. Without any there is none.
func (s *Store) Last(application string) (records []audit.Record, damaged int, err error) {
	return s.read(ID(application), lastFile, application)
}

// History are the records of an application, the newest first.
func (s *Store) History(application string) (records []audit.Record, damaged int, err error) {
	return s.read(ID(application), historyFile, application)
}

func (s *Store) read(id, file, application string) ([]audit.Record, int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	records, damaged, err := readRecords(filepath.Join(s.dir, id, file))
	if err != nil {
		return nil, damaged, fmt.Errorf("reading what is kept of %s: %w", application, err)
	}
	foreign := func(r audit.Record) bool { return r.Application != application }
	before := len(records)
	records = slices.DeleteFunc(records, foreign)
	return records, damaged + before - len(records), nil
}

// page is one application of a page.
type page struct {
	id      string
	records []audit.Record
	damaged int
}

// mostPageBytes is about how large the records of a page are.
const mostPageBytes = 8 << 20

// after lists applications by their id, beginning behind one.
func (s *Store) after(id string, limit int) (list []page, more bool, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	entries, err := os.ReadDir(s.dir) // sorted by name
	if err != nil {
		return nil, false, fmt.Errorf("reading the folder of reports: %w", err)
	}
	size := int64(0)
	for _, entry := range entries {
		if entry.Name() <= id || len(entry.Name()) != len(ID("")) {
			continue
		}
		if len(list) == limit || size > mostPageBytes {
			return list, true, nil
		}
		if info, err := os.Stat(filepath.Join(s.dir, entry.Name(), lastFile)); err == nil {
			size += info.Size()
		}
		records, damaged, err := readRecords(filepath.Join(s.dir, entry.Name(), lastFile))
		if err != nil {
			damaged = max(damaged, 1)
		}
		list = append(list, page{entry.Name(), records, damaged})
	}
	return list, false, nil
}
