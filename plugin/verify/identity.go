package verify

import (
	"fmt"
	"regexp/syntax"

	"github.com/assay-gitops/assay/plugin/gate"
	sigstore "github.com/sigstore/sigstore-go/pkg/verify"
)

// compileIdentity needs issuer and subject, each exact or as an expression
// that is anchored at both ends: Go's expressions match anywhere in the text,
// so that `https://github.com/team-a/.*` accepts
// `https://evil.example.com/?https://github.com/team-a/`.
func compileIdentity(declared gate.Identity) (sigstore.CertificateIdentity, error) {
	none := sigstore.CertificateIdentity{}
	for _, part := range []struct{ name, exact, expression string }{
		{"issuer", declared.Issuer, declared.IssuerRegExp},
		{"subject", declared.Subject, declared.SubjectRegExp},
	} {
		switch {
		case part.exact == "" && part.expression == "":
			return none, fmt.Errorf("identity has neither %s nor %sRegExp; without it every certificate of that authority would do", part.name, part.name)
		case part.exact != "" && part.expression != "":
			return none, fmt.Errorf("identity has both %s and %sRegExp", part.name, part.name)
		case part.expression != "":
			if err := checkAnchored(part.expression); err != nil {
				return none, fmt.Errorf("%sRegExp: %w", part.name, err)
			}
		}
	}
	return sigstore.NewShortCertificateIdentity(declared.Issuer, declared.IssuerRegExp, declared.Subject, declared.SubjectRegExp)
}

// checkAnchored reports an error unless every way through the expression
// begins at the text's beginning and ends at its end.
func checkAnchored(expression string) error {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return fmt.Errorf("parsing %q: %w", expression, err)
	}
	if !anchored(parsed, syntax.OpBeginText) || !anchored(parsed, syntax.OpEndText) {
		return fmt.Errorf("%q is not anchored, so it also matches inside longer texts; write ^(?:...)$", expression)
	}
	return nil
}

// anchored reports whether every way through the expression meets the anchor
// first (OpBeginText) or last (OpEndText).
func anchored(expression *syntax.Regexp, anchor syntax.Op) bool {
	switch expression.Op {
	case anchor:
		return true
	case syntax.OpCapture:
		return anchored(expression.Sub[0], anchor)
	case syntax.OpAlternate:
		for _, way := range expression.Sub {
			if !anchored(way, anchor) {
				return false
			}
		}
		return true
	case syntax.OpConcat:
		if anchor == syntax.OpBeginText {
			return anchored(expression.Sub[0], anchor)
		}
		return anchored(expression.Sub[len(expression.Sub)-1], anchor)
	}
	return false
}
