package appset

import (
	"fmt"
	"path"
	"strings"
)

// pathspec is a path as `git ls-files` takes it (gitglossary, "pathspec"): the
// path itself, everything below it, or a pattern in which a star and a question
// mark go through slashes. Argo CD lists files so, unless its controller runs
// with --enable-new-git-file-globbing.
type pathspec struct {
	literal string
	pattern string // empty when nothing in it is special
}

func newPathspec(written string) (pathspec, error) {
	if strings.HasPrefix(written, ":") {
		return pathspec{}, &hintedError{err: fmt.Errorf("%q begins with a colon, which is Git's pathspec magic and is not read here", written), hint: "write a plain path or pattern, and exclude: true for what should be left out"}
	}
	if path.IsAbs(written) || escapes(written) {
		return pathspec{}, &hintedError{err: fmt.Errorf("%q is outside of the repository", written), hint: "write it relative to the repository's root"}
	}
	clean := path.Clean(written)
	if strings.HasSuffix(written, "/") && clean != "." {
		clean += "/"
	}
	if clean == "." {
		clean = ""
	}
	spec := pathspec{literal: clean}
	if strings.ContainsAny(clean, `*?[\`) {
		spec.pattern = clean
	}
	return spec, nil
}

func escapes(written string) bool {
	clean := path.Clean(written)
	return clean == ".." || strings.HasPrefix(clean, "../")
}

func (p pathspec) matches(file string) bool {
	if p.literal == "" {
		return true
	}
	if rest, found := strings.CutPrefix(file, p.literal); found && (rest == "" || rest[0] == '/' || strings.HasSuffix(p.literal, "/")) {
		return true
	}
	return p.pattern != "" && wildmatch(p.pattern, file)
}

// wildmatch matches as Git's function of that name without WM_PATHNAME. It
// takes time in proportion to the product of both lengths: after a star only
// the last one is tried again.
func wildmatch(pattern, text string) bool {
	star, again := -1, 0
	at, i := 0, 0
	for i < len(text) {
		if at < len(pattern) && pattern[at] == '*' {
			star, again = at, i
			at++
			continue
		}
		if at < len(pattern) {
			if matched, next := matchByte(pattern, at, text[i]); matched {
				at, i = next, i+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		again++
		at, i = star+1, again
	}
	return strings.Trim(pattern[at:], "*") == ""
}

// matchByte matches one byte, and says where the pattern goes on.
func matchByte(pattern string, at int, against byte) (matched bool, next int) {
	switch pattern[at] {
	case '?':
		return true, at + 1
	case '[':
		return matchSet(pattern, at+1, against)
	case '\\':
		if at+1 == len(pattern) {
			return false, at
		}
		return pattern[at+1] == against, at + 2
	}
	return pattern[at] == against, at + 1
}

// matchSet matches one byte with the set whose bracket was opened before at. A
// set that is not closed matches nothing.
func matchSet(pattern string, at int, against byte) (matched bool, next int) {
	negated := at < len(pattern) && (pattern[at] == '!' || pattern[at] == '^')
	if negated {
		at++
	}
	var previous byte
	for first := true; ; first = false {
		if at >= len(pattern) {
			return false, at
		}
		if pattern[at] == ']' && !first {
			return matched != negated, at + 1
		}
		if class, end := characterClass(pattern, at); end > 0 {
			is, known := inClass(class, against)
			if !known {
				return false, at
			}
			matched, previous, at = matched || is, 0, end
			continue
		}
		if pattern[at] == '-' && previous != 0 && at+1 < len(pattern) && pattern[at+1] != ']' {
			upper, end := literalAt(pattern, at+1)
			if end == 0 {
				return false, at
			}
			matched, previous, at = matched || previous <= against && against <= upper, 0, end
			continue
		}
		one, end := literalAt(pattern, at)
		if end == 0 {
			return false, at
		}
		matched, previous, at = matched || one == against, one, end
	}
}

// literalAt is the byte at a place of a set, behind a backslash as well, and
// where the set goes on; zero when the pattern ends.
func literalAt(pattern string, at int) (one byte, next int) {
	if pattern[at] != '\\' {
		return pattern[at], at + 1
	}
	if at+1 >= len(pattern) {
		return 0, 0
	}
	return pattern[at+1], at + 2
}

// characterClass reads "[:alpha:]", and where it ends; zero when there is none.
func characterClass(pattern string, at int) (name string, next int) {
	if !strings.HasPrefix(pattern[at:], "[:") {
		return "", 0
	}
	end := strings.IndexByte(pattern[at+2:], ']')
	if end < 1 || pattern[at+2+end-1] != ':' {
		return "", 0
	}
	return pattern[at+2 : at+2+end-1], at + 2 + end + 1
}

// inClass follows C's functions of these names for ASCII.
func inClass(name string, b byte) (is, known bool) {
	lower, upper, digit := 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9'
	printable := 0x20 <= b && b < 0x7f
	switch name {
	case "alnum":
		return lower || upper || digit, true
	case "alpha":
		return lower || upper, true
	case "blank":
		return b == ' ' || b == '\t', true
	case "cntrl":
		return b < 0x20 || b == 0x7f, true
	case "digit":
		return digit, true
	case "graph":
		return printable && b != ' ', true
	case "lower":
		return lower, true
	case "print":
		return printable, true
	case "punct":
		return printable && b != ' ' && !lower && !upper && !digit, true
	case "space":
		return b == ' ' || '\t' <= b && b <= '\r', true
	case "upper":
		return upper, true
	case "xdigit":
		return digit || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F', true
	}
	return false, false
}
