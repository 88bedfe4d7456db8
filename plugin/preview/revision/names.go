package revision

import (
	"path/filepath"
	"strings"
)

const (
	// deepest is how many folders a file may lie in.
	deepest = 200
	// longestName and longestPath are what Linux takes, in bytes.
	longestName = 255
	longestPath = 4000
)

// misnamed says what is wrong with a path of a tree; empty when it may be
// written. Git checks none of these out, so that nobody could deploy them. What
// is merely odd is kept: spaces, newlines, markup, bytes that are not UTF-8.
func misnamed(name string) string {
	switch {
	case name == "":
		return "has no name"
	case strings.ContainsRune(name, 0):
		return "has a zero byte in its name"
	case strings.HasPrefix(name, "/"):
		return "is an absolute path"
	case len(name) > longestPath || strings.Count(name, "/") > deepest:
		return "lies too deep"
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "":
			return "has a part without a name in its path"
		case part == "." || part == "..":
			return `has the part "` + part + `" in its path`
		case isGitFolder(part):
			return "would lie in a folder of Git's own"
		case len(part) > longestName:
			return "has too long a name"
		}
	}
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "has a name that this operating system does not take"
	}
	return ""
}

// isGitFolder reports names that some file system takes for ".git": git refuses
// them (git-config, core.protectNTFS).
func isGitFolder(part string) bool {
	name, _, _ := strings.Cut(strings.ToLower(part), ":")
	name = strings.TrimRight(name, " .")
	return name == ".git" || name == "git~1"
}

// written checks the paths of one tree: each stands once, and below folders
// alone.
type written struct {
	files   map[string]bool
	folders map[string]bool
}

func newWritten() *written {
	return &written{files: map[string]bool{}, folders: map[string]bool{".": true}}
}

// take notes a file and the folders that it lies in, and returns those that are
// new, the outermost first, or says what is wrong with the name.
func (w *written) take(name string) (made []string, problem string) {
	if problem := misnamed(name); problem != "" {
		return nil, problem
	}
	if w.files[name] || w.folders[name] {
		return nil, "stands in it twice"
	}
	for at := strings.LastIndexByte(name, '/'); at > 0; at = strings.LastIndexByte(name[:at], '/') {
		if w.folders[name[:at]] {
			break
		}
		if w.files[name[:at]] {
			return nil, "lies below an entry that is not a folder"
		}
		made = append([]string{name[:at]}, made...)
	}
	for _, folder := range made {
		w.folders[folder] = true
	}
	w.files[name] = true
	return made, ""
}
