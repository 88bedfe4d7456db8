package gate

import (
	"fmt"
	"regexp"
	"strings"
)

// imageGlob are the characters that policy-controller allows in a glob.
var imageGlob = regexp.MustCompile(`^[a-zA-Z0-9_:/*.@-]+$`)

// Expression is the glob as a regular expression over whole references, with
// policy-controller's meaning: "*" is any text without a slash, "**" is any
// text, "*" alone is index.docker.io/library/*, "*/*" alone is
// index.docker.io/*/*. A colon is no separator.
func (p ImagePattern) Expression() (*regexp.Regexp, error) {
	glob := p.Glob
	switch glob {
	case "*":
		glob = "index.docker.io/library/*"
	case "*/*":
		glob = "index.docker.io/*/*"
	}
	if !imageGlob.MatchString(glob) {
		return nil, fmt.Errorf("compiling the image glob %q: only letters, digits and - _ : / . @ * may stand in it", p.Glob)
	}
	compiled, err := regexp.Compile("^" + globExpression(glob) + "$")
	if err != nil {
		return nil, fmt.Errorf("compiling the image glob %q: %w", p.Glob, err)
	}
	return compiled, nil
}

// CompileGlob is a glob over whole texts: "*" is any text without a slash, "**"
// any text; nothing else has a meaning.
func CompileGlob(glob string) *regexp.Regexp {
	return regexp.MustCompile("^(?s:" + globExpression(glob) + ")$")
}

// globExpression translates "**" and "*", from left to right, and takes
// everything else literally.
func globExpression(glob string) string {
	var out strings.Builder
	for glob != "" {
		switch {
		case strings.HasPrefix(glob, "**"):
			out.WriteString(".*")
			glob = glob[2:]
		case glob[0] == '*':
			out.WriteString("[^/]*")
			glob = glob[1:]
		default:
			end := strings.IndexByte(glob, '*')
			if end < 0 {
				end = len(glob)
			}
			out.WriteString(regexp.QuoteMeta(glob[:end]))
			glob = glob[end:]
		}
	}
	return out.String()
}

// matchesNothing reports whether a glob names a repository without tag, digest
// or wildcard. References in normal form always end in one of the first two.
func (p ImagePattern) matchesNothing() bool {
	last := p.Glob[strings.LastIndexByte(p.Glob, '/')+1:]
	return !strings.ContainsAny(p.Glob, "*") && !strings.ContainsAny(last, ":@")
}
