package render

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// errEscape is a path that leads out of the source tree.
var errEscape = errors.New("leads out of the source tree")

// errIrregular is a path that is neither a regular file nor a folder.
var errIrregular = errors.New("is not a regular file")

// maxLinks bounds the symlinks on the way to one file.
const maxLinks = 40

// tree is the confined reader of one rendering. It remembers what was read, so
// that a cached rendering can be compared with the tree of today.
type tree struct {
	root   *os.Root
	limits plugin.Limits
	total  int64
	reads  map[string]read
	// infos are what was found at paths without links. Every path is asked about
	// several times, and each time each folder on the way.
	infos map[string]fs.FileInfo
	// overlay stands in front of the tree.
	overlay overlay
}

func newTree(root *os.Root, limits plugin.Limits) *tree {
	return &tree{root: root, limits: limits, reads: map[string]read{}, infos: map[string]fs.FileInfo{}}
}

func (t *tree) lstat(name string) (fs.FileInfo, error) {
	if info, known := t.infos[name]; known {
		return info, nil
	}
	if info, laid := t.overlay.lstat(name); laid {
		return info, nil
	}
	info, err := t.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		if folder, laid := t.overlay.folder(name); laid {
			return folder, nil
		}
	}
	if err == nil {
		t.infos[name] = info
	}
	return info, err
}

// look describes what stands at a path, links not followed, and remembers
// whether it is a file or a folder.
func (t *tree) look(name string) (fs.FileInfo, error) {
	info, err := t.lstat(name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", name, reason(err))
	case info.IsDir():
		t.note(name, read{kind: factFolder})
	case info.Mode().IsRegular():
		t.note(name, read{kind: factFile})
	}
	return info, nil
}

// within joins an entry to the folder that names it. Absolute paths and paths
// that climb out are errEscape.
func within(folder, entry string) (string, error) {
	if path.IsAbs(entry) {
		return "", fmt.Errorf("%q is an absolute path: %w", entry, errEscape)
	}
	joined := path.Join(folder, entry)
	if joined == ".." || strings.HasPrefix(joined, "../") {
		return "", fmt.Errorf("%q %w", entry, errEscape)
	}
	return joined, nil
}

// resolve follows every symlink of a path inside the tree and returns the path
// without links. It fails with errEscape or fs.ErrNotExist.
func (t *tree) resolve(name string) (string, error) {
	resolved, err := t.follow(name)
	if err != nil && errors.Is(err, fs.ErrNotExist) {
		t.note(path.Clean(name), read{kind: factAbsent})
	}
	return resolved, err
}

func (t *tree) follow(name string) (string, error) {
	pending := strings.Split(path.Clean(name), "/")
	done := "."
	for links := 0; len(pending) > 0; {
		step := pending[0]
		pending = pending[1:]
		next, err := within(done, step)
		if err != nil || path.IsAbs(name) {
			return "", fmt.Errorf("%q %w", name, errEscape)
		}
		info, err := t.lstat(next)
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", path.Clean(name), reason(err))
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("following %s: more than %d symlinks", name, maxLinks)
		}
		target, err := t.root.Readlink(next)
		if err != nil {
			return "", fmt.Errorf("following %s: %w", next, reason(err))
		}
		if path.IsAbs(target) {
			return "", fmt.Errorf("the symlink %s to %s %w", next, target, errEscape)
		}
		t.note(next, read{kind: factLink, text: target})
		pending = append(strings.Split(path.Clean(target), "/"), pending...)
	}
	return done, nil
}

// reason drops the path from a path error: the caller names it.
func reason(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// stat describes a file or folder, links followed. Anything else is
// errIrregular.
func (t *tree) stat(name string) (fs.FileInfo, error) {
	resolved, err := t.resolve(name)
	if err != nil {
		return nil, err
	}
	info, err := t.lstat(resolved)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, reason(err))
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s %w", name, errIrregular)
	}
	kind := factFile
	if info.IsDir() {
		kind = factFolder
	}
	t.note(resolved, read{kind: kind})
	return info, nil
}

// isFile and isDir answer for what exists inside the tree; an error reads as
// no, and the read that follows names it.
func (t *tree) isFile(name string) bool {
	info, err := t.stat(name)
	return err == nil && !info.IsDir()
}

func (t *tree) isDir(name string) bool {
	info, err := t.stat(name)
	return err == nil && info.IsDir()
}

// readFile reads one regular file within the limits on a file and on the tree.
func (t *tree) readFile(name string) ([]byte, error) {
	resolved, err := t.resolve(name)
	if err != nil {
		return nil, err
	}
	data, err := t.readResolved(resolved, plugin.Origin{File: name})
	if err != nil {
		return nil, err
	}
	t.total += int64(len(data))
	if t.total > t.limits.TreeBytes {
		return nil, overLimit("treeBytes", t.limits, plugin.Origin{File: name})
	}
	t.note(resolved, fileRead(data))
	return data, nil
}

func (t *tree) readResolved(resolved string, origin plugin.Origin) ([]byte, error) {
	if data, laid := t.overlay[resolved]; laid {
		if int64(len(data)) > t.limits.FileBytes {
			return nil, overLimit("fileBytes", t.limits, origin)
		}
		return data, nil
	}
	file, err := t.root.OpenFile(resolved, readQuietly, 0)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", resolved, reason(err))
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", resolved, reason(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s %w", resolved, errIrregular)
	}
	if info.Size() > t.limits.FileBytes {
		return nil, overLimit("fileBytes", t.limits, origin)
	}
	data, err := io.ReadAll(io.LimitReader(file, t.limits.FileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", resolved, reason(err))
	}
	if int64(len(data)) > t.limits.FileBytes {
		return nil, overLimit("fileBytes", t.limits, origin)
	}
	return data, nil
}

// readDir lists the names in a folder, sorted.
func (t *tree) readDir(name string) ([]string, error) {
	resolved, err := t.resolve(name)
	if err != nil {
		return nil, err
	}
	names, err := t.list(resolved)
	if err != nil {
		return nil, err
	}
	t.note(resolved, dirRead(names))
	return names, nil
}

func (t *tree) list(resolved string) ([]string, error) {
	folder, err := t.root.Open(resolved)
	if _, laid := t.overlay.folder(resolved); laid && errors.Is(err, fs.ErrNotExist) {
		return t.overlay.list(resolved, nil), nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", resolved, reason(err))
	}
	defer func() { _ = folder.Close() }()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", resolved, reason(err))
	}
	return t.overlay.list(resolved, names), nil
}
