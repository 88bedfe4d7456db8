package change

import (
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// Ignore is a pattern for fields that are folded: "Kind/name:path". Kind and
// name may hold "*", which stands for any text; a name that is left out is any.
// The path is written as in a report, and everything below it is meant too. In
// it "*" stands for any text within one key or one pair of brackets, and a part
// "**" for any number of parts:
//
//	Deployment/web:spec.replicas
//	*:metadata.annotations["example.com/*"]
//	Deployment:**.containers[*].resources
type Ignore struct {
	kind, name string
	path       []string
}

// ParseIgnore reads a pattern.
func ParseIgnore(text string) (Ignore, error) {
	object, path, found := strings.Cut(text, ":")
	if !found || object == "" || path == "" {
		return Ignore{}, fmt.Errorf("reading the ignored fields %q: write Kind/name:path, such as Deployment/web:spec.replicas", plugin.PlainText(text))
	}
	kind, name, named := strings.Cut(object, "/")
	if !named {
		name = "*"
	}
	if kind == "" || name == "" || strings.Contains(name, "/") {
		return Ignore{}, fmt.Errorf("reading the ignored fields %q: in front of the \":\" stands a kind, or a kind, \"/\" and a name", plugin.PlainText(text))
	}
	parts, err := plugin.SplitField(path)
	if err != nil {
		return Ignore{}, fmt.Errorf("reading the ignored fields %q: %w", plugin.PlainText(text), err)
	}
	return Ignore{kind: kind, name: name, path: parts}, nil
}

// ignores reports whether the pattern means the field.
func (g Ignore) ignores(id plugin.ObjectID, path []step) bool {
	if !wild(g.kind, id.Kind) || !wild(g.name, id.Name) {
		return false
	}
	// reach[n] says that the first n parts of the pattern match what was walked.
	reach := make([]bool, len(g.path)+1)
	reach[0] = true
	for i := 0; ; i++ {
		for n, part := range g.path {
			if part == "**" && reach[n] {
				reach[n+1] = true
			}
		}
		if reach[len(g.path)] && i > 0 {
			return true
		}
		if i == len(path) {
			return false
		}
		g.step(reach, path[i])
	}
}

// step takes the pattern one part of the path further.
func (g Ignore) step(reach []bool, at step) {
	text := at.text
	if at.item {
		text = "[" + text + "]"
	}
	for n := len(g.path) - 1; n >= 0; n-- {
		part := g.path[n]
		stays := reach[n+1] && part == "**"
		reach[n+1] = stays || part != "**" && reach[n] && wild(part, text)
	}
	reach[0] = false
}

// wild matches a text with a pattern in which "*" is any text. Its work is
// bounded by the product of both lengths.
func wild(pattern, text string) bool {
	star, from := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, t
			p++
		case p < len(pattern) && pattern[p] == text[t]:
			p++
			t++
		case star >= 0:
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
