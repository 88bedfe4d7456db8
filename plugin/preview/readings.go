package preview

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

const (
	// mostReadings bounds the repositories that something is kept of between runs;
	// the oldest go first.
	mostReadings = 64
	// longestReadings bounds what is kept of one, in bytes.
	longestReadings = 64 << 20
)

// Readings keep, between runs, what renderings read of their trees: paths and
// hashes, no content. An application whose files are as they were on both sides
// is then not rendered at all. Who can write this folder can hide an
// application from a preview; no verdict comes from it. The nil value keeps
// nothing.
type Readings struct {
	// Dir is the folder; it is made when it is missing.
	Dir string
	// Repository tells repositories apart; each has one file.
	Repository string
	// Version tells programs apart: another one may read other files.
	Version string

	mu sync.Mutex
	// known are the readings of earlier runs, nil until they are read; used are
	// those that this run found again or made, by the part's key.
	known, used map[string]json.RawMessage
	changed     bool
}

func (r *Readings) file() string {
	return filepath.Join(r.Dir, hashOf(r.Version, r.Repository)+".json")
}

// find gives the facts of an earlier run that are still true.
func (r *Readings) find(part *located, holds func(plugin.TreeFacts, *located) bool) plugin.TreeFacts {
	if r == nil {
		return nil
	}
	data := r.load(part.key)
	facts, err := render.ParseFacts(data)
	if err != nil || !holds(facts, part) {
		return nil // it is rendered
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used[part.key] = data
	return facts
}

// load reads the file once. One that is missing or broken holds nothing.
func (r *Readings) load(key string) json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known, r.used = map[string]json.RawMessage{}, map[string]json.RawMessage{}
		if file, err := os.Open(r.file()); err == nil {
			if json.NewDecoder(io.LimitReader(file, longestReadings)).Decode(&r.known) != nil || r.known == nil {
				r.known = map[string]json.RawMessage{}
			}
			_ = file.Close() // it was only read
		}
	}
	return r.known[key]
}

// keep keeps what a part read for the next run. Only what renders, and renders
// no other application, is kept.
func (r *Readings) keep(part *located) {
	if r == nil {
		return
	}
	data, err := json.Marshal(part.facts)
	if err != nil {
		return // it is rendered again
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.used == nil {
		r.used = map[string]json.RawMessage{}
	}
	r.used[part.key], r.changed = data, true
}

// save writes what this run used, whole or not at all, and drops the oldest
// repositories.
func (r *Readings) save() error {
	if r == nil || !r.changed && maps.EqualFunc(r.known, r.used, func(a, b json.RawMessage) bool { return string(a) == string(b) }) {
		return nil
	}
	err := os.MkdirAll(r.Dir, 0o700)
	if err == nil {
		err = r.write()
	}
	if err == nil {
		err = r.prune()
	}
	if err != nil {
		return fmt.Errorf("keeping what renderings read: %w; the next run renders them again", err)
	}
	return nil
}

func (r *Readings) write() error {
	data, err := json.Marshal(r.used)
	if err != nil {
		return err
	}
	made, err := os.CreateTemp(r.Dir, ".new-")
	if err != nil {
		return err
	}
	_, err = made.Write(data)
	err = errors.Join(err, made.Close())
	if err == nil {
		err = os.Rename(made.Name(), r.file())
	}
	if err != nil {
		return errors.Join(err, os.Remove(made.Name()))
	}
	return nil
}

func (r *Readings) prune() error {
	entries, err := os.ReadDir(r.Dir)
	if err != nil || len(entries) <= mostReadings {
		return err
	}
	var files []fs.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, file := range files[:max(0, len(files)-mostReadings)] {
		if err := os.Remove(filepath.Join(r.Dir, file.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("dropping what old renderings read: %w", err)
		}
	}
	return nil
}
