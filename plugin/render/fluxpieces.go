package render

import (
	"maps"
	"slices"
	"strings"

	"github.com/fluxcd/pkg/envsubst"

	"github.com/assay-gitops/assay/plugin"
)

const (
	// longestExpression bounds the text of one ${...} that is looked at, in bytes.
	longestExpression = 4 << 10
	// mostClosers bounds the "}" with which one ${...} may end: others may stand in
	// it.
	mostClosers = 16
	// mostEvaluated bounds the bytes that are evaluated for one rendering.
	mostEvaluated = 64 << 20
)

// pieces are what expressions over secret variables come to, such as
// ${TOKEN:0:8}: each is known here alone, as what is put into an object cannot
// be told from what was there.
type pieces struct {
	// secret names the variables whose values come from Secrets.
	secret map[string]bool
	found  map[string]bool
	left   int
}

func newPieces(secret []string) *pieces {
	p := &pieces{secret: map[string]bool{}, found: map[string]bool{}, left: mostEvaluated}
	for _, name := range secret {
		p.secret[name] = true
	}
	return p
}

// sorted are the pieces, each once.
func (p *pieces) sorted() []string { return slices.Sorted(maps.Keys(p.found)) }

// find evaluates every expression of a text, those within others too, and keeps
// what is another thing without the secret values. Lengths (${#TOKEN}) are not
// kept: a number stands in every text. It reports whether it came to the end.
func (p *pieces) find(text string, values map[string]string) bool {
	if len(p.secret) == 0 {
		return true
	}
	for at := strings.Index(text, "${"); at >= 0; {
		if !p.beginning(text[at:], values) {
			return false
		}
		next := strings.Index(text[at+2:], "${")
		if next < 0 {
			return true
		}
		at += 2 + next
	}
	return true
}

// beginning keeps what the expression comes to with which a text begins: the
// shortest that can be read.
func (p *pieces) beginning(text string, values map[string]string) bool {
	text = text[:min(len(text), longestExpression)]
	if strings.HasPrefix(text, "${#") {
		return true
	}
	for end := 0; end < len(text); {
		closer := strings.IndexByte(text[end:], '}')
		if closer < 0 {
			return true
		}
		end += closer + 1
		if strings.Count(text[:end], "}") > mostClosers {
			return true
		}
		if p.left -= end; p.left < 0 {
			return false
		}
		piece, err := envsubst.Eval(text[:end], func(name string) (string, bool) { return values[name], true })
		if err != nil {
			continue // its "}" comes later
		}
		without, err := envsubst.Eval(text[:end], func(name string) (string, bool) {
			if p.secret[name] {
				return "", true
			}
			return values[name], true
		})
		if err != nil || piece != without {
			p.keep(piece)
		}
		p.left -= len(piece)
		return p.left >= 0
	}
	return true
}

// keep keeps a piece as it is written, and as YAML reads it.
func (p *pieces) keep(piece string) {
	for _, text := range []string{piece, strings.TrimSpace(piece)} {
		if text != "" {
			p.found[text] = true
		}
	}
}

// tooManyPieces refuses an object whose expressions are too much to look at.
func tooManyPieces(object plugin.Object) error {
	return &plugin.Refusal{
		Rule: ruleLimit, Origin: object.Origin, Message: object.ID().String() + " has too many expressions over the values of Secrets",
		Why: "what they come to is shown nowhere, and a rendering is bounded", Hint: "put the values that are needed into the Secret, each by itself",
	}
}
