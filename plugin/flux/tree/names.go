package tree

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// deepest is how many folders an entry may lie in: opening a file takes time
	// for each of them.
	deepest = 200
	// longestName and longestPath are what Linux takes, in bytes.
	longestName = 255
	longestPath = 4000
)

// kind is what stands under a name.
type kind int

const (
	folder kind = iota + 1
	file
	link // left out
)

// names are the entries of one archive.
type names struct {
	kinds map[string]kind
	// folded is each name by how it reads without regard to case.
	folded map[string]string
}

func newNames() *names {
	return &names{kinds: map[string]kind{".": folder}, folded: map[string]string{}}
}

// take checks the name of an entry and returns the path in the tree that it
// means. A folder may be named twice, everything else once.
func (n *names) take(written string, as kind) (string, error) {
	name := path.Clean(written)
	if problem := misnamed(written, name); problem != "" {
		return "", badEntry(written, problem)
	}
	if before, known := n.kinds[name]; known {
		if before == folder && as == folder {
			return name, nil
		}
		return "", badEntry(written, "stands in it twice")
	}
	if err := n.above(name, written); err != nil {
		return "", err
	}
	return name, n.note(name, written, as)
}

// above notes the folders that an entry lies in.
func (n *names) above(name, written string) error {
	for parent := path.Dir(name); ; parent = path.Dir(parent) {
		switch before, known := n.kinds[parent]; {
		case known && before == folder:
			return nil
		case known:
			return badEntry(written, "lies below an entry that is not a folder")
		}
		if err := n.note(parent, written, folder); err != nil {
			return err
		}
	}
}

func (n *names) note(name, written string, as kind) error {
	folded := strings.ToLower(strings.ToUpper(name))
	if other, known := n.folded[folded]; known {
		return badEntry(written, fmt.Sprintf("differs from %.200q in upper and lower case alone", other))
	}
	n.folded[folded] = name
	n.kinds[name] = as
	return nil
}

// misnamed says what is wrong with a name; empty when it may be used. written
// is what the archive says, name what it comes to.
func misnamed(written, name string) string {
	switch {
	case written == "":
		return "has no name"
	case !utf8.ValidString(written):
		return "is not UTF-8"
	case strings.ContainsFunc(written, isHidden):
		return "has control characters in its name"
	case strings.Contains(written, `\`):
		return "has a backslash in its name"
	case path.IsAbs(written):
		return "is an absolute path"
	case climbs(written):
		return "leads out of the tree"
	case len(name) > longestPath || strings.Count(name, "/") > deepest:
		return "lies too deep"
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > longestName {
			return "has too long a name"
		}
	}
	return ""
}

// climbs reports whether a part of the path is "..": even where it stays inside
// of the tree, programs differ in what it means.
func climbs(written string) bool {
	for part := range strings.SplitSeq(written, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}

// isHidden reports characters that change how a name is shown.
func isHidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// leadsOut reports whether a symbolic link at name leads out of the tree.
func leadsOut(name, target string) bool {
	if target == "" || path.IsAbs(target) || strings.Contains(target, `\`) {
		return true
	}
	reached := path.Join(path.Dir(name), target)
	return reached == ".." || strings.HasPrefix(reached, "../")
}
