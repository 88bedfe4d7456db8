package gate

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// checkExpression says what is wrong with the regular expression of an
// identity, and what to write; empty when nothing is. Go's expressions match
// anywhere in a text, so one that is not anchored accepts
// "https://evil.example/?https://good.example" for "https://good.example".
func checkExpression(expression string) (what, hint string) {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err == nil {
		_, err = regexp.Compile(expression)
	}
	if err != nil {
		return fmt.Sprintf("%q is no regular expression: %v", expression, err), "write one in Go's syntax (RE2)"
	}
	if anchored(parsed, syntax.OpBeginText, true) && anchored(parsed, syntax.OpEndText, false) {
		return "", ""
	}
	return fmt.Sprintf("%q is not anchored: it accepts every text that contains a match", expression),
		"write " + anchor(parsed, expression)
}

// anchor is the expression that its author may have meant. One that ends in a
// slash is the beginning of a path: nothing is called so, and everything below
// is.
func anchor(parsed *syntax.Regexp, expression string) string {
	if parsed.Op != syntax.OpAlternate && strings.HasSuffix(expression, "/") {
		return "^" + strings.TrimPrefix(expression, "^") + ".+$"
	}
	return fmt.Sprintf("^(?:%s)$", expression)
}

// anchored reports whether every match begins (or ends) at the text's own
// edge. It may say no where a proof is hard; it never says yes wrongly.
func anchored(re *syntax.Regexp, edge syntax.Op, first bool) bool {
	switch re.Op {
	case edge:
		return true
	case syntax.OpCapture:
		return anchored(re.Sub[0], edge, first)
	case syntax.OpAlternate:
		for _, branch := range re.Sub {
			if !anchored(branch, edge, first) {
				return false
			}
		}
		return true
	case syntax.OpConcat:
		for i := range re.Sub {
			part := re.Sub[i]
			if !first {
				part = re.Sub[len(re.Sub)-1-i]
			}
			if part.Op != syntax.OpEmptyMatch {
				return anchored(part, edge, first)
			}
		}
		return false
	default:
		return false
	}
}

// strangers are identities that nobody means to trust; an expression that
// accepts one of them accepts everybody of its kind.
func strangers() []struct{ text, who string } {
	return []struct{ text, who string }{
		{"-", "everybody"},
		{"https://github.com/anybody/anything/.github/workflows/any.yml@refs/heads/any", "every workflow of every repository on github.com"},
		{"https://gitlab.com/anybody/anything//.gitlab-ci.yml@refs/heads/any", "every pipeline of every project on gitlab.com"},
		{"anybody@any.example.invalid", "every mail address"},
		{"anybody@gmail.com", "every address at gmail.com"},
		{"https://any.example.invalid/", "every URL"},
	}
}

// accepts names whom an expression accepts beyond what its author may mean;
// empty for nobody.
func accepts(expression string) string {
	compiled, err := regexp.Compile(expression)
	if err != nil {
		return ""
	}
	for _, stranger := range strangers() {
		if compiled.MatchString(stranger.text) {
			return stranger.who
		}
	}
	return ""
}
