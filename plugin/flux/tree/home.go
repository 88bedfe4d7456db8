package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	// prefix is how the folders of stores are named.
	prefix = "sources-"
	// lockName is the file in such a folder that its process holds locked.
	lockName = ".lock"
)

// home is the folder of one store. A process that ends loses its lock, so that
// what it left can be told from what another one uses.
type home struct {
	folder string
	root   *os.Root
	lock   *os.File
}

// newHome makes a folder and removes those of processes that ended.
func newHome(dir string) (*home, error) {
	starting, err := lockFile(filepath.Join(dir, prefix+"lock"), true)
	if err != nil {
		return nil, err
	}
	defer func() { _ = starting.Close() }() // which unlocks it
	if err := removeDead(dir); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(dir, prefix+"run-")
	if err != nil {
		return nil, fmt.Errorf("making a folder: %w", plainly(err))
	}
	made := &home{folder: folder}
	if made.lock, err = lockFile(filepath.Join(folder, lockName), false); err == nil {
		made.root, err = os.OpenRoot(folder)
	}
	if err != nil {
		return nil, errors.Join(err, made.close())
	}
	return made, nil
}

// removeDead removes the folders whose lock nobody holds.
func removeDead(dir string) error {
	found, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking for what earlier processes left: %w", plainly(err))
	}
	for _, one := range found {
		if !strings.HasPrefix(one.Name(), prefix+"run-") {
			continue
		}
		folder := filepath.Join(dir, one.Name())
		lock, err := lockFile(filepath.Join(folder, lockName), false)
		if errors.Is(err, errLocked) {
			continue
		}
		if lock != nil {
			_ = lock.Close()
		}
		if err := removeAll(folder); err != nil {
			return fmt.Errorf("removing what an earlier process left: %w", err)
		}
	}
	return nil
}

// relative is a path in the folder.
func (h *home) relative(name string) string {
	return strings.TrimPrefix(name, h.folder+string(filepath.Separator))
}

func (h *home) close() error {
	var problems []error
	if h.root != nil {
		problems = append(problems, h.root.Close())
	}
	problems = append(problems, removeAll(h.folder))
	if h.lock != nil {
		problems = append(problems, h.lock.Close())
	}
	return errors.Join(problems...)
}

// removeAll removes a folder with folders in it that are read only.
func removeAll(folder string) error {
	err := os.RemoveAll(folder)
	if err == nil {
		return nil
	}
	_ = filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() {
			_ = os.Chmod(name, 0o700) //nolint:gosec // G302: a folder cannot be emptied without the bit to enter it
		}
		return nil
	})
	return os.RemoveAll(folder) //nolint:wrapcheck // the caller tells what the folder is
}
