package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/setup"
	"github.com/assay-gitops/assay/plugin/verify"
)

// knownPage writes what is known for a person.
type knownPage struct{ io.Writer }

func (p knownPage) line(indent int, format string, values ...any) {
	fmt.Fprintf(p, "%*s", indent, "")
	tell(p, format+"\n", values...)
}

func (p knownPage) image(known setup.Known) {
	p.line(0, "%s", known.Image.Written)
	if known.Image.Digest != "" && known.Image.Reference.Digest == "" {
		p.line(2, "%-12s %s", "digest", known.Image.Digest)
	}
	for _, sight := range known.Sights {
		p.sight(sight)
	}
	if len(known.Sights) == 0 && known.Problem == "" {
		p.line(2, "there is no signature of it, and nothing is attested about it")
	}
	if known.Problem != "" {
		p.line(2, "not everything could be looked at: %s", known.Problem)
	}
	for _, word := range known.Words {
		p.word(word)
	}
}

// sight is one thing beside the image: what it is, who says it, what it says.
func (p knownPage) sight(sight verify.Sight) {
	what := string(sight.Kind)
	if sight.Says != nil {
		what = sight.Says.Kind
	}
	if sight.Verified {
		p.line(2, "%-12s by %s", what, signerOf(sight.Claims))
	} else {
		p.line(2, "%-12s not verified: %s", what, sight.Reason)
	}
	if sight.PredicateType != "" {
		p.line(15, "type %s", sight.PredicateType)
	}
	if sight.Says != nil {
		for _, fact := range sight.Says.Facts {
			p.line(15, "%s %s", factName(fact.Name), fact.Value)
		}
	}
	if sight.Verified {
		p.line(15, "%s", trustedBy(sight))
	}
}

// factName is how the page calls a fact.
func factName(name string) string {
	if name == "unreadable" {
		return "cannot be read:"
	}
	return name
}

// signerOf is who signed.
func signerOf(claims plugin.Claims) string {
	switch {
	case claims.Issuer != "":
	case strings.HasPrefix(claims.Signer, "sha256:"): // the fingerprint of a key
		return "key " + claims.Signer
	default:
		return claims.Signer
	}
	return claims.Signer + ", as told by " + claims.Issuer
}

// trustedBy is which rule accepts the signer, or that none does.
func trustedBy(sight verify.Sight) string {
	if sight.Policy != "" {
		return fmt.Sprintf("accepted by %s, authority %s", sight.Policy, sight.Authority)
	}
	return fmt.Sprintf("under the trust root %s; no trust rule accepts the signer", cmp.Or(sight.Claims.TrustRoot, "of its key"))
}

// word is what a gate would need.
func (p knownPage) word(word setup.Word) {
	if word.Accepts() {
		p.line(2, "gate %s accepts it", word.Gate)
		return
	}
	if word.Silent() {
		p.line(2, "gate %s has no answer about it:", word.Gate)
	} else {
		p.line(2, "gate %s does not accept it:", word.Gate)
	}
	for _, finding := range word.Findings {
		if !finding.Level.Blocks() {
			continue
		}
		p.line(4, "%s: %s", finding.Rule, finding.Message)
		if finding.Hint != "" {
			p.line(6, "%s", finding.Hint)
		}
	}
}
