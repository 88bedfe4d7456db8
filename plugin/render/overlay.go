package render

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// overlay is content, by path, that stands in front of the tree's: what a
// command is about to write. Folders on the way to it are there, too.
type overlay map[string][]byte

// lstat describes what the overlay holds at a path; found is false where the
// tree decides.
func (o overlay) lstat(name string) (info fs.FileInfo, found bool) {
	if data, has := o[name]; has {
		return overlaid{name: path.Base(name), size: int64(len(data))}, true
	}
	return nil, false
}

// folder describes a folder that only the overlay has.
func (o overlay) folder(name string) (info fs.FileInfo, found bool) {
	for file := range o {
		if strings.HasPrefix(file, name+"/") {
			return overlaid{name: path.Base(name), mode: fs.ModeDir}, true
		}
	}
	return nil, false
}

// list adds the overlay's names in a folder to the tree's.
func (o overlay) list(folder string, names []string) []string {
	for file := range o {
		rest := file
		if folder != "." {
			below, inside := strings.CutPrefix(file, folder+"/")
			if !inside {
				continue
			}
			rest = below
		}
		first, _, _ := strings.Cut(rest, "/")
		names = append(names, first)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// overlaid describes a file or folder of the overlay.
type overlaid struct {
	name string
	size int64
	mode fs.FileMode
}

func (o overlaid) Name() string       { return o.name }
func (o overlaid) Size() int64        { return o.size }
func (o overlaid) Mode() fs.FileMode  { return o.mode }
func (o overlaid) ModTime() time.Time { return time.Time{} }
func (o overlaid) IsDir() bool        { return o.mode.IsDir() }
func (o overlaid) Sys() any           { return nil }
