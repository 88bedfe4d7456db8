package registry

import (
	"archive/tar"
	"path"
	"strings"
)

// sought is a path of an image that is looked for in its layers, from the top
// down, as the file system that a container sees is made of them.
type sought struct {
	path string
	// keep is how many bytes of the file are kept.
	keep int64
	// upper are directories above the path that a layer has which was asked
	// already: nothing below can stand in their place.
	upper map[string]bool
	// settled is set when no further layer is to be asked.
	settled bool
	outcome
}

// outcome is the last word about a path. The zero value is that there is no
// such file.
type outcome struct {
	// file is what stands there; nil for none.
	file *entry
	// link is a symbolic link in the path's place, or in that of a directory
	// above it, and next where it leads to.
	link, next string
	// reason is why nothing can be said.
	reason string
	// layer is the digest of the layer that decided.
	layer string
}

func seek(at string, keep int64) *sought {
	return &sought{path: at, keep: keep, upper: map[string]bool{}}
}

// ask adds what a layer has to be asked for.
func (s *sought) ask(want wanted) {
	for _, folder := range above(s.path) {
		want[folder] = max(want[folder], 0)
	}
	want[s.path] = max(want[s.path], s.keep)
}

// above are the directories of a path from the root, which is empty, down.
func above(at string) []string {
	folders := []string{""}
	for i := range len(at) {
		if at[i] == '/' {
			folders = append(folders, at[:i])
		}
	}
	return folders
}

// look takes in what the next layer below says.
func (s *sought) look(layer string, has contents) {
	removed, hidden := has.removed[s.path], has.opaque[""]
	for _, folder := range above(s.path)[1:] {
		hidden = hidden || has.opaque[folder]
		removed = removed || has.removed[folder]
		made, there := has.entries[folder]
		switch {
		case !there && !has.folders[folder]:
		case !there, made.kind == tar.TypeDir:
			s.upper[folder] = true
		case s.upper[folder]: // a directory above stands in its place, and hides what is below
			s.settle(layer, outcome{})
			return
		case has.removed[folder]:
			s.settle(layer, outcome{reason: "a layer both has /" + folder + " and removes it"})
			return
		case made.kind == tar.TypeSymlink:
			s.settle(layer, linked(folder, strings.TrimPrefix(s.path, folder), made.target))
			return
		default:
			s.settle(layer, outcome{})
			return
		}
	}
	file, there := has.entries[s.path]
	switch {
	case there && removed:
		s.settle(layer, outcome{reason: "a layer both has /" + s.path + " and removes it"})
	case there && file.kind == tar.TypeSymlink:
		s.settle(layer, linked(s.path, "", file.target))
	case there:
		s.settle(layer, outcome{file: &file})
	case has.folders[s.path]:
		s.settle(layer, outcome{file: &entry{kind: tar.TypeDir}})
	case removed || hidden:
		s.settle(layer, outcome{})
	}
}

func (s *sought) settle(layer string, said outcome) {
	said.layer = layer
	s.settled, s.outcome = true, said
}

// linked follows a symbolic link as the kernel would within the image: what is
// absolute begins at its root, and nothing leads out of it.
func linked(at, rest, target string) outcome {
	if len(target)+len(rest) > longestPath {
		return outcome{reason: "/" + at + " is a link to too long a path"}
	}
	steps := strings.Split(target, "/")
	down := false
	for _, step := range steps {
		down = down || step != "" && step != "." && step != ".."
		if down && step == ".." {
			// The step before may be a link itself, so that taking both away as
			// text would lead elsewhere.
			return outcome{reason: "/" + at + " is a link through another place"}
		}
	}
	if !strings.HasPrefix(target, "/") {
		target = path.Dir("/"+at) + "/" + target
	}
	return outcome{link: at, next: strings.TrimPrefix(path.Clean("/"+target+rest), "/")}
}
