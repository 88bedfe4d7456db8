package predicate

import (
	"regexp"
	"strings"
)

// glob is a pattern over texts such as names and URIs: "*" is any text, the
// rest is itself, in any case.
type glob struct{ pattern *regexp.Regexp }

func newGlob(text string) glob {
	return glob{regexp.MustCompile("(?is)^" + strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, ".*") + "$")}
}

func (g glob) matches(text string) bool { return g.pattern.MatchString(text) }

type globs []glob

func newGlobs(texts []string) globs {
	list := make(globs, len(texts))
	for i, text := range texts {
		list[i] = newGlob(text)
	}
	return list
}

// matches reports whether one of the globs matches one of the texts.
func (g globs) matches(texts ...string) bool {
	for _, each := range g {
		for _, text := range texts {
			if text != "" && each.matches(text) {
				return true
			}
		}
	}
	return false
}
