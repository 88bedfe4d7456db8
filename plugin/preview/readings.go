package preview

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// mostReadings bounds what is kept between runs; the oldest go first.
const mostReadings = 4096

// Readings keep, between runs, what renderings read of their trees: paths and
// hashes, no content. An application whose files are as they were on both sides
// is then not rendered at all. Who can write this folder can hide an
// application from a preview; no verdict comes from it. The nil value keeps
// nothing.
type Readings struct {
	// Dir is the folder; it is made when it is missing.
	Dir string
	// Version tells programs apart: another one may read other files.
	Version string

	mu   sync.Mutex
	kept []*located
}

func (r *Readings) file(part *located) string {
	return filepath.Join(r.Dir, hashOf(r.Version, part.key)+".json")
}

// find gives the facts of an earlier run that are still true.
func (r *Readings) find(part *located, holds func(plugin.TreeFacts, *located) bool) plugin.TreeFacts {
	if r == nil {
		return nil
	}
	data, err := os.ReadFile(r.file(part))
	if err != nil {
		return nil // it is rendered
	}
	facts, err := render.ParseFacts(data)
	if err != nil || !holds(facts, part) {
		return nil
	}
	return facts
}

// keep marks a part for the next run. Only what renders, and renders no other
// application, is kept.
func (r *Readings) keep(part *located) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept = append(r.kept, part)
}

// save writes what was marked, each file whole, and drops the oldest.
func (r *Readings) save() error {
	if r == nil || len(r.kept) == 0 {
		return nil
	}
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		return fmt.Errorf("keeping what renderings read: %w; the next run renders them again", err)
	}
	for _, part := range r.kept {
		if err := r.write(part); err != nil {
			return fmt.Errorf("keeping what renderings read: %w; the next run renders them again", err)
		}
	}
	r.kept = nil
	return r.prune()
}

func (r *Readings) write(part *located) error {
	data, err := json.Marshal(part.facts)
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
		err = os.Rename(made.Name(), r.file(part))
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
