package gate

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// attribute is one thing by which gates are chosen: a selector's list and the
// application's values for it, none when the door did not give it.
type attribute struct {
	field  string
	globs  []string
	values []string
	// trusted attributes are the platform's to decide; only they choose base
	// gates.
	trusted bool
}

func (s Selector) attributes(app plugin.Application, folders ...string) []attribute {
	var paths []string
	for _, folder := range known(folders...) {
		paths = append(paths, path.Clean(folder))
	}
	repositories := slices.Clone(s.Repositories)
	for i, glob := range s.Repositories {
		repositories[i] = bareRepository(glob)
	}
	return []attribute{
		{"projects", s.Projects, known(app.Project), true},
		{"namespaces", s.Namespaces, known(app.SourceNamespace), true},
		{"applications", s.Applications, known(app.Name), false},
		{"repositories", repositories, known(bareRepository(app.Repository)), false},
		{"paths", s.Paths, paths, false},
	}
}

// known are the values that the door gave.
func known(values ...string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(value string) bool { return value == "" })
}

// matches reports whether the gate applies.
func (s Selector) matches(app plugin.Application, folders []string) bool {
	for _, attribute := range s.attributes(app, folders...) {
		if len(attribute.globs) > 0 && len(attribute.values) > 0 && !attribute.hit() {
			return false
		}
	}
	return true
}

// covers reports whether the selector of a base gate means this application,
// rather than matching because its door gives no such attribute: a gate chosen
// by the namespace of a Flux source covers no Argo CD application.
func (s Selector) covers(app plugin.Application) bool {
	if len(s.Projects)+len(s.Namespaces) == 0 || app.Project == "" && app.SourceNamespace == "" {
		return true
	}
	for _, attribute := range s.attributes(app) {
		if attribute.trusted && len(attribute.globs) > 0 && len(attribute.values) > 0 && attribute.hit() {
			return true
		}
	}
	return false
}

func (a attribute) hit() bool {
	return slices.ContainsFunc(a.globs, func(glob string) bool {
		compiled, err := regexp.Compile("(?s)^" + globExpression(glob) + "$")
		return err != nil || slices.ContainsFunc(a.values, compiled.MatchString) // a gate too many is the safe mistake
	})
}

var portFirst = regexp.MustCompile(`^[0-9]+(/|$)`)

// bareRepository is host and path of a repository, however it is written:
// scheme, user, a trailing slash and .git do not tell repositories apart.
func bareRepository(url string) string {
	if _, rest, found := strings.Cut(url, "://"); found {
		url = rest
	} else if host, rest, found := strings.Cut(url, ":"); found && !strings.Contains(host, "/") && !portFirst.MatchString(rest) {
		url = host + "/" + rest // git@host:path
	}
	host, rest, _ := strings.Cut(url, "/")
	host = strings.ToLower(host[strings.LastIndexByte(host, '@')+1:])
	if rest = strings.TrimSuffix(strings.TrimRight(rest, "/"), ".git"); rest == "" {
		return host
	}
	return host + "/" + rest
}

// meets reports whether an application can exist that both selectors match
// when its door gives every attribute.
func (s Selector) meets(other Selector) bool {
	mine, theirs := s.attributes(plugin.Application{}), other.attributes(plugin.Application{})
	for i := range mine {
		if len(mine[i].globs) > 0 && len(theirs[i].globs) > 0 && !anyMeet(mine[i].globs, theirs[i].globs) {
			return false
		}
	}
	return true
}

func anyMeet(some, others []string) bool {
	for _, a := range some {
		for _, b := range others {
			if globsMeet(a, b) {
				return true
			}
		}
	}
	return false
}

// globsMeet reports whether some text matches both globs. It fills a table
// over the suffixes of both, from their ends.
func globsMeet(a, b string) bool {
	left, right := globTokens(a), globTokens(b)
	meet := make([][]bool, len(left)+1)
	for i := len(left); i >= 0; i-- {
		meet[i] = make([]bool, len(right)+1)
		for j := len(right); j >= 0; j-- {
			meet[i][j] = tokensMeet(left[i:], right[j:], func(skipLeft, skipRight int) bool { return meet[i+skipLeft][j+skipRight] })
		}
	}
	return meet[0][0]
}

func tokensMeet(left, right []string, rest func(skipLeft, skipRight int) bool) bool {
	switch {
	case len(left) == 0 && len(right) == 0:
		return true
	case len(left) > 0 && left[0][0] == '*':
		return rest(1, 0) || len(right) > 0 && (right[0] != "/" || left[0] == "**") && rest(0, 1)
	case len(right) > 0 && right[0][0] == '*':
		return rest(0, 1) || len(left) > 0 && (left[0] != "/" || right[0] == "**") && rest(1, 0)
	}
	return len(left) > 0 && len(right) > 0 && left[0] == right[0] && rest(1, 1)
}

// globTokens splits a glob into "**", "*" and single bytes.
func globTokens(glob string) []string {
	var tokens []string
	for glob != "" {
		size := 1
		if strings.HasPrefix(glob, "**") {
			size = 2
		}
		tokens = append(tokens, glob[:size])
		glob = glob[size:]
	}
	return tokens
}
