package registry

import (
	"archive/tar"
	"fmt"
	"io"
	"path"
	"strings"
)

// unpacking is one layer while its archive is read. Each entry is put where a
// runtime puts it that unpacks the layer into a directory of its own, for an
// overlay file system: behind the links that the same layer had before it
// (containerd, archive.Apply).
type unpacking struct {
	contents
	want wanted
	// asked has the wanted paths, links the symbolic and hard links so far.
	asked, links step
	// linkBytes is about what links takes.
	linkBytes int
}

// step is one name in a tree of paths.
type step struct {
	below map[string]*step
	// kind is that of a link, and 0 for anything else.
	kind   byte
	target string
}

const (
	// longestPath is Linux's PATH_MAX: what is longer cannot be unpacked.
	longestPath = 4096
	// mostLinkBytes bounds the links that are kept while one layer is read. A
	// link takes its names and about stepBytes for each.
	mostLinkBytes = 16 << 20
	stepBytes     = 128
)

func newUnpacking(want wanted) *unpacking {
	u := &unpacking{want: want, contents: contents{
		entries: map[string]entry{}, removed: map[string]bool{}, opaque: map[string]bool{}, folders: map[string]bool{},
	}}
	for at := range want {
		u.asked.grow(at)
	}
	return u
}

// at is the place of a name below, or nil.
func (s *step) at(name string) *step {
	if s == nil {
		return nil
	}
	return s.below[name]
}

// grow makes a path, and says how many bytes that took.
func (s *step) grow(to string) (*step, int) {
	took := 0
	for name := range strings.SplitSeq(to, "/") {
		next := s.at(name)
		if next == nil {
			next = &step{}
			if s.below == nil {
				s.below = map[string]*step{}
			}
			s.below[name] = next
			took += len(name) + stepBytes
		}
		s = next
	}
	return s, took
}

const (
	whiteout       = ".wh."
	opaqueWhiteout = ".wh..wh..opq"
)

// note keeps one entry of the archive, if somebody asked for it. Errors are
// [untold], or the reader's own.
func (u *unpacking) note(header *tar.Header, content io.Reader) error {
	name := strings.TrimPrefix(path.Clean("/"+header.Name), "/")
	if header.Typeflag == tar.TypeXGlobalHeader || name == "" {
		return nil // says something about the entries behind it, or is the root
	}
	if len(name) > longestPath || len(header.Linkname) > longestPath {
		return untold(fmt.Sprintf("a layer has a path of more than %d bytes", longestPath))
	}
	folder, base := path.Split(name)
	folder, err := u.landing(folder)
	if err != nil {
		return err
	}
	u.imply(folder)
	if base == opaqueWhiteout {
		if _, asked := u.want[folder]; asked {
			u.opaque[folder] = true
		}
		return nil
	}
	if gone, is := strings.CutPrefix(base, whiteout); is {
		if gone = path.Join(folder, gone); gone != folder {
			if _, asked := u.want[gone]; asked {
				u.removed[gone] = true
			}
		}
		return nil
	}
	return u.put(path.Join(folder, base), header, content)
}

// landing is where a folder of the archive is, once the links are followed
// that the layer had before.
func (u *unpacking) landing(folder string) (string, error) {
	var at []string
	stack := []*step{&u.links}
	todo, links := strings.Split(folder, "/"), 0
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at, stack = at[:max(0, len(at)-1)], stack[:max(1, len(stack)-1)]
			continue
		}
		next := stack[len(stack)-1].at(name)
		switch {
		case next == nil || next.kind == 0:
			at, stack = append(at, name), append(stack, next)
			continue
		case next.kind == tar.TypeLink:
			return "", untold("a layer has files behind a hard link")
		}
		if links++; links > mostLinks {
			return "", untold(fmt.Sprintf("a layer has files behind more than %d links", mostLinks))
		}
		if strings.HasPrefix(next.target, "/") {
			at, stack = nil, stack[:1]
		}
		todo = append(strings.Split(next.target, "/"), todo...)
	}
	return strings.Join(at, "/"), nil
}

// imply notes that a folder and those above it stand in the layer, which need
// not name them.
func (u *unpacking) imply(folder string) {
	at, end := &u.asked, 0
	for name := range strings.SplitSeq(folder, "/") {
		if at = at.at(name); at == nil {
			return
		}
		end += len(name)
		u.folders[folder[:end]] = true
		end++
	}
}

// put takes in what stands at a path from now on. What is no folder replaces
// what was there, with all below.
func (u *unpacking) put(name string, header *tar.Header, content io.Reader) error {
	keep, asked := u.want[name]
	if asked && header.Typeflag != tar.TypeDir && u.folders[name] {
		u.drop(name)
	}
	if err := u.relink(name, header); err != nil || !asked {
		return err
	}
	if ofOverlay(header) {
		return untold("a layer's /" + name + " has attributes by which an overlay file system shows something else")
	}
	made := entry{kind: header.Typeflag, target: header.Linkname, how: elevation(header)}
	if made.kind == tar.TypeReg && keep > 0 {
		var err error
		if made.content, err = io.ReadAll(io.LimitReader(content, keep+1)); err != nil {
			return fmt.Errorf("reading /%s: %w", name, err)
		}
	}
	u.entries[name] = made
	return nil
}

// drop forgets what the layer had at a path and below it.
func (u *unpacking) drop(name string) {
	delete(u.folders, name)
	delete(u.opaque, name)
	for at := range u.want {
		if strings.HasPrefix(at, name+"/") {
			delete(u.entries, at)
			delete(u.removed, at)
			delete(u.opaque, at)
			delete(u.folders, at)
		}
	}
}

// relink keeps the tree of links as the layer has them now.
func (u *unpacking) relink(name string, header *tar.Header) error {
	if header.Typeflag == tar.TypeSymlink || header.Typeflag == tar.TypeLink {
		at, took := u.links.grow(name)
		*at = step{kind: header.Typeflag, target: header.Linkname}
		if u.linkBytes += took + len(header.Linkname); u.linkBytes > mostLinkBytes {
			return untold(fmt.Sprintf("a layer has links of more than %d bytes", mostLinkBytes))
		}
		return nil
	}
	at := &u.links
	for part := range strings.SplitSeq(name, "/") {
		if at = at.at(part); at == nil {
			return nil
		}
	}
	if at.kind != 0 || header.Typeflag != tar.TypeDir {
		*at = step{}
	}
	return nil
}

// ofOverlay reports whether an entry brings attributes of an overlay file
// system (Linux, Documentation/filesystems/overlayfs.rst: opaque, redirect,
// metacopy), which some runtimes set as they are.
func ofOverlay(header *tar.Header) bool {
	for record := range header.PAXRecords {
		name := strings.TrimPrefix(record, "SCHILY.xattr.")
		if strings.HasPrefix(name, "trusted.overlay.") || strings.HasPrefix(name, "user.overlay.") {
			return true
		}
	}
	return false
}
