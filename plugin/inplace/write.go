package inplace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// newFileMode is that of files that were not there; a file that was keeps its
// own.
const newFileMode = 0o644

// ErrChanged is a file that is not what it was when the plan was made.
var ErrChanged = errors.New("it was changed in the meantime")

// ErrLeftOver is a file where a new one is staged: a run was stopped before its
// end, or another is at work.
var ErrLeftOver = errors.New("a run that was stopped left a file behind, or another run is at work")

// Write puts the plan's files into the tree: all of them, or none. Each is
// written beside its place and renamed, and only if the file there is still
// what the plan was made from.
func (p *Plan) Write(root *os.Root) error {
	w := &writing{root: root}
	err := w.all(p.Files)
	for _, temporary := range w.temporaries {
		_ = root.Remove(temporary) // a renamed one is gone
	}
	if err == nil {
		return nil
	}
	if undone := w.undo(); undone != nil {
		return fmt.Errorf("%w; not all of what had been written could be taken back: %w", err, undone)
	}
	return fmt.Errorf("%w; nothing was written", err)
}

// writing is one Write.
type writing struct {
	root *os.Root
	// temporaries are made and not yet known to be renamed, folders were made.
	temporaries, folders []string
	// done are the files that stand in their place.
	done []placed
}

// placed is a file that was written or removed, and the mode that it had.
type placed struct {
	File

	mode fs.FileMode
}

func (w *writing) all(files []File) error {
	for _, file := range files {
		if err := w.unchanged(file); err != nil {
			return err
		}
		if file.New == nil {
			continue
		}
		if err := w.makeFolders(path.Dir(file.Path)); err != nil {
			return fmt.Errorf("writing %s: %w", file.Path, err)
		}
		if err := w.stage(file.Path, file.New, w.modeOf(file.Path)); err != nil {
			return fmt.Errorf("writing %s: %w", file.Path, w.explain(err, files))
		}
	}
	for _, file := range files {
		if err := w.unchanged(file); err != nil {
			return err
		}
		mode := w.modeOf(file.Path)
		if err := w.place(file); err != nil {
			return fmt.Errorf("writing %s: %w", file.Path, err)
		}
		w.done = append(w.done, placed{file, mode})
	}
	return nil
}

func (w *writing) place(file File) error {
	if file.New == nil {
		return w.root.Remove(file.Path)
	}
	return w.root.Rename(temporaryOf(file.Path), file.Path)
}

// unchanged compares a file with what the plan was made from.
func (w *writing) unchanged(file File) error {
	data, err := readFile(w.root, file.Path, int64(max(len(file.Old), 1)))
	switch {
	case file.Old == nil && errors.Is(err, fs.ErrNotExist):
		return nil
	case file.Old != nil && err == nil && bytes.Equal(data, file.Old):
		return nil
	case err != nil && !errors.Is(err, errTooLarge):
		return fmt.Errorf("writing %s: %w", file.Path, err)
	}
	return fmt.Errorf("writing %s: %w; run the command again", file.Path, ErrChanged)
}

func temporaryOf(name string) string {
	return path.Join(path.Dir(name), "."+path.Base(name)+".assay")
}

// explain says of a file that stands where one would be staged what to do. It
// is not taken away: it may be that of a run that is at work.
func (w *writing) explain(err error, files []File) error {
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	var inTheWay []string
	for _, file := range files {
		temporary := temporaryOf(file.Path)
		if _, err := w.root.Lstat(temporary); err == nil && !slices.Contains(w.temporaries, temporary) {
			inTheWay = append(inTheWay, temporary)
		}
	}
	return fmt.Errorf("%w (%w); if no other run is at work, remove %s and run the command again", ErrLeftOver, err, strings.Join(inTheWay, ", "))
}

// modeOf is the mode of what is there.
func (w *writing) modeOf(name string) fs.FileMode {
	info, err := w.root.Lstat(name)
	if err != nil {
		return newFileMode
	}
	return info.Mode().Perm()
}

// stage writes the content beside its place.
func (w *writing) stage(name string, data []byte, mode fs.FileMode) error {
	temporary := temporaryOf(name)
	file, err := w.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	w.temporaries = append(w.temporaries, temporary)
	_, err = file.Write(data)
	return errors.Join(err, file.Chmod(mode), file.Close())
}

func (w *writing) makeFolders(folder string) error {
	at := "."
	for part := range strings.SplitSeq(folder, "/") {
		at = path.Join(at, part)
		err := w.root.Mkdir(at, 0o755)
		if err == nil {
			w.folders = append(w.folders, at)
			continue
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// undo takes back what was written.
func (w *writing) undo() error {
	var problems []error
	for _, file := range slices.Backward(w.done) {
		if file.Old == nil {
			problems = append(problems, w.root.Remove(file.Path))
			continue
		}
		_ = w.root.Remove(temporaryOf(file.Path))
		err := w.stage(file.Path, file.Old, file.mode)
		if err == nil {
			err = w.root.Rename(temporaryOf(file.Path), file.Path)
		}
		problems = append(problems, err)
	}
	for _, folder := range slices.Backward(w.folders) {
		problems = append(problems, w.root.Remove(folder))
	}
	return errors.Join(problems...)
}

var (
	errTooLarge = errors.New("it is larger than was expected")
	errSymlink  = errors.New("the path leads through a symlink")
	errNoFile   = errors.New("it is not a regular file")
)

// readFile reads a regular file of at most limit bytes, by a path without
// symlinks.
func readFile(root *os.Root, name string, limit int64) ([]byte, error) {
	at := "."
	var info fs.FileInfo
	for part := range strings.SplitSeq(path.Clean(name), "/") {
		var err error
		at = path.Join(at, part)
		if info, err = root.Lstat(at); err != nil {
			return nil, err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return nil, fmt.Errorf("%s: %w", at, errSymlink)
		}
	}
	if !info.Mode().IsRegular() {
		return nil, errNoFile
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errTooLarge
	}
	return data, err
}
