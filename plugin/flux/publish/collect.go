package publish

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/artifact/storage"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
)

// collect removes old files until the context ends.
func (s *Store) collect(ctx context.Context) {
	ticks := time.NewTicker(s.options.Retention)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			s.collectAll()
		}
	}
}

// collectAll removes the old files of all objects whose current file is known:
// an object that was not looked at yet keeps all of its files.
func (s *Store) collectAll() {
	s.collectThose(func(Key) bool { return true })
}

func (s *Store) collectThose(wanted func(Key) bool) {
	s.mu.Lock()
	known := maps.Clone(s.current)
	s.mu.Unlock()
	for key, current := range known {
		if !wanted(key) {
			continue
		}
		if err := s.Collect(key, &meta.Artifact{Path: current}); err != nil {
			s.options.Log.Error("old artifacts stay", "namespace", key.Namespace, "name", key.Name, "error", err)
		}
	}
}

// Collect removes files of an object that ceased to be current longer ago than
// the retention. The current one stays; nil when there is none.
func (s *Store) Collect(key Key, current *meta.Artifact) error {
	if err := key.check(); err != nil {
		return err
	}
	keeps := meta.Artifact{Path: path.Join(key.folder(), "none")}
	if current != nil {
		keeps.Path = current.Path
	}
	if path.Dir(keeps.Path) != key.folder() {
		return badContent("the current artifact is another object's")
	}
	if _, err := os.Lstat(filepath.Dir(s.storage.LocalPath(keeps))); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	unlock, err := s.lock(key)
	if err != nil {
		return noStorage("removing old artifacts", err)
	}
	defer unlock()
	defer s.room.settleAll(key.folder())
	garbage, err := s.storage.GetGarbageFiles(keeps, storage.GarbageCountLimit, mostFiles, s.options.Retention)
	if err != nil {
		return noStorage("removing old artifacts", err)
	}
	var problems []error
	for _, name := range garbage {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, noStorage("removing old artifacts", err))
			continue
		}
		s.options.Log.Debug("an old artifact was removed", "namespace", key.Namespace, "name", key.Name, "file", filepath.Base(name))
	}
	return errors.Join(problems...)
}

// Remove removes everything of an object, when it is deleted.
func (s *Store) Remove(key Key) error {
	if err := key.check(); err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.current, key)
	s.mu.Unlock()
	defer s.room.settleAll(key.folder())
	if _, err := s.storage.RemoveAll(meta.Artifact{Path: path.Join(key.folder(), "none")}); err != nil {
		return noStorage("removing the artifacts of a deleted GatedSource", err)
	}
	return nil
}

// Clean removes the halves of files that a process left which ended while it
// wrote them. What is newer than this store may be on its way.
func (s *Store) Clean() error {
	root, err := os.OpenRoot(s.options.Dir)
	if err != nil {
		return noStorage("looking for unfinished artifacts", err)
	}
	defer func() { _ = root.Close() }()
	var problems []error
	err = fs.WalkDir(root.FS(), strings.ToLower(sourcev1.ExternalArtifactKind), func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !fileName.MatchString(entry.Name()) && path.Ext(name) != ".lock" {
			err = s.cleanFile(root, name, entry)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, noStorage("removing unfinished artifacts", err))
		}
		return nil
	})
	return errors.Join(append(problems, err)...)
}

func (s *Store) cleanFile(root *os.Root, name string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err == nil && info.ModTime().Before(s.started) {
		err = root.Remove(name)
	}
	return err //nolint:wrapcheck // the caller tells what it is
}
