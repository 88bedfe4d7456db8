package render

import (
	"errors"
	"io/fs"
	"path"
)

// treeFiles shows the confined tree to libraries that look for files by
// patterns: they list folders and ask what stands at a path. Nothing can be
// opened through it.
type treeFiles struct{ tree *tree }

// Open implements fs.FS.
func (treeFiles) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("files are not opened here")}
}

// Stat implements fs.StatFS.
func (f treeFiles) Stat(name string) (fs.FileInfo, error) { return f.tree.stat(name) }

// ReadDir implements fs.ReadDirFS.
func (f treeFiles) ReadDir(name string) ([]fs.DirEntry, error) {
	names, err := f.tree.readDir(name)
	if err != nil {
		return nil, err
	}
	entries := make([]fs.DirEntry, 0, len(names))
	for _, base := range names {
		info, err := f.tree.look(path.Join(name, base))
		if err != nil {
			return nil, err
		}
		entries = append(entries, fs.FileInfoToDirEntry(info))
	}
	return entries, nil
}
