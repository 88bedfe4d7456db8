package gate

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// maxFolders bounds how deep a configuration's folders go.
const maxFolders = 20

// source is one file of the configuration.
type source struct {
	name string
	// below is the name below the path that was given.
	below string
	data  []byte
	// rego marks a file of Rego, which is not read here.
	rego bool
}

// collector reads the files of a configuration, bounded.
type collector struct {
	limits   plugin.Limits
	problems *problems
	sources  []source
	total    int64
}

// onDisk reads a file or a folder of the file system. The path is the
// operator's own, so it may itself be a symlink; below a folder no link leads
// out of it.
func (c *collector) onDisk(name string) {
	info, err := os.Stat(name)
	if err != nil {
		c.unreadable(name, err)
		return
	}
	if !info.IsDir() {
		folder, file := filepath.Split(name)
		c.one(os.DirFS(cmp.Or(folder, ".")), file, filepath.ToSlash(name))
		return
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		c.unreadable(name, err)
		return
	}
	defer func() { _ = root.Close() }() // nothing was written
	c.wholeFolder(root.FS(), ".", filepath.ToSlash(name))
}

// inFS reads a file or a folder of a file system in memory.
func (c *collector) inFS(fsys fs.FS, name string) {
	info, err := fs.Stat(fsys, name)
	switch {
	case err != nil:
		c.unreadable(name, err)
	case info.IsDir():
		c.wholeFolder(fsys, name, name)
	default:
		c.one(fsys, name, name)
	}
}

func (c *collector) wholeFolder(fsys fs.FS, folder, shown string) {
	before := len(c.sources) + len(c.problems.list)
	c.folder(fsys, folder, shown, 0)
	if len(c.sources)+len(c.problems.list) == before {
		c.problems.add(plugin.Origin{File: shown}, "reading a folder of the gate's configuration: it holds no *.yaml, *.yml or *.json",
			"put the gate's files there, or name another folder")
	}
}

// folder reads what lies in a folder, sorted by name. Names that begin with a
// dot are passed over: they are the innards of a mounted ConfigMap or of a
// checkout, never a policy.
func (c *collector) folder(fsys fs.FS, folder, shown string, depth int) {
	entries, err := fs.ReadDir(fsys, folder)
	if err != nil {
		c.unreadable(shown, err)
		return
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		c.entry(fsys, entry, place{path.Join(folder, entry.Name()), path.Join(shown, entry.Name()), depth})
	}
}

// place is a name inside a file system, how messages show it, and its depth.
type place struct {
	name, shown string
	depth       int
}

func (c *collector) entry(fsys fs.FS, entry fs.DirEntry, at place) {
	switch {
	case entry.IsDir() && at.depth >= maxFolders:
		c.problems.add(plugin.Origin{File: at.shown}, fmt.Sprintf("reading the gate's configuration: more than %d folders deep", maxFolders), "flatten it")
		return
	case entry.IsDir():
		c.folder(fsys, at.name, at.shown, at.depth+1)
		return
	case strings.HasSuffix(entry.Name(), ".rego"):
		c.rego(at.shown)
		return
	case !slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(entry.Name())):
		return
	}
	info, err := fs.Stat(fsys, at.name)
	switch {
	case err != nil:
		c.unreadable(at.shown, err)
	case info.IsDir():
		c.problems.add(plugin.Origin{File: at.shown}, "reading the gate's configuration: a link to a folder is not followed", "name that folder itself")
	case !info.Mode().IsRegular():
		c.problems.add(plugin.Origin{File: at.shown}, "reading the gate's configuration: this is no regular file", "take it out of the folder")
	default:
		c.one(fsys, at.name, at.shown)
	}
}

// rego remembers a file of Rego; whether a gate names it is known later.
func (c *collector) rego(shown string) {
	c.sources = append(c.sources, source{name: shown, rego: true})
}

// one reads one file, whole or not at all.
func (c *collector) one(fsys fs.FS, name, shown string) {
	if strings.HasSuffix(name, ".rego") {
		c.rego(shown)
		return
	}
	data, err := c.read(fsys, name)
	if err != nil {
		c.unreadable(shown, err)
		return
	}
	c.total += int64(len(data))
	if c.total > c.limits.TreeBytes {
		c.problems.add(plugin.Origin{File: shown}, fmt.Sprintf("reading the gate's configuration: its files are together larger than %d bytes (limit treeBytes)", c.limits.TreeBytes),
			"take out what is not a policy")
		return
	}
	c.sources = append(c.sources, source{name: shown, below: name, data: data})
}

func (c *collector) read(fsys fs.FS, name string) ([]byte, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	data, err := io.ReadAll(io.LimitReader(file, c.limits.FileBytes+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > c.limits.FileBytes {
		return nil, fmt.Errorf("it is larger than %d bytes (limit fileBytes)", c.limits.FileBytes)
	}
	return data, nil
}

// unreadable reports a file without repeating its path, which the error of the
// file system carries too.
func (c *collector) unreadable(shown string, err error) {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	c.problems.add(plugin.Origin{File: shown}, fmt.Sprintf("reading the gate's configuration: %v", err),
		"check the path and its permissions; links must stay inside the folder")
}
