package predicate

import (
	"errors"
	"strings"
)

// licenseDepth bounds the brackets of a licence expression, and licenseBytes
// its length.
const (
	licenseDepth = 50
	licenseBytes = 8192
)

// deniedLicense is the licence for which an SPDX expression (SPDX 2.3, annex D)
// is denied; empty when it is not. Of a choice (OR) each branch must be denied,
// of a sum (AND) one. An exception (WITH) does not change what is denied unless
// the gate's pattern names it. A text that is no expression is denied when a
// word in it is.
func deniedLicense(expression string, denied globs) string {
	parser := licenseParser{words: licenseWords(expression), denied: denied}
	found, err := parser.either(0)
	if err == nil && parser.at == len(parser.words) && len(expression) <= licenseBytes {
		return found
	}
	for _, word := range append(parser.words, expression) {
		if denied.matches(word) {
			return shorten(word)
		}
	}
	return ""
}

// licenseWords cuts into words and brackets.
func licenseWords(expression string) []string {
	spaced := strings.NewReplacer("(", " ( ", ")", " ) ").Replace(expression)
	return strings.Fields(spaced)
}

type licenseParser struct {
	words  []string
	at     int
	denied globs
}

func (p *licenseParser) next(word string) bool {
	if p.at < len(p.words) && strings.EqualFold(p.words[p.at], word) {
		p.at++
		return true
	}
	return false
}

var errNoLicense = errors.New("no licence expression")

// either is a choice: denied when every branch is.
func (p *licenseParser) either(depth int) (string, error) {
	found, err := p.all(depth)
	for err == nil && p.next("OR") {
		var other string
		if other, err = p.all(depth); other == "" {
			found = ""
		}
	}
	return found, err
}

// all is a sum: denied when one part is.
func (p *licenseParser) all(depth int) (string, error) {
	found, err := p.one(depth)
	for err == nil && p.next("AND") {
		var other string
		if other, err = p.one(depth); found == "" {
			found = other
		}
	}
	return found, err
}

func (p *licenseParser) one(depth int) (string, error) {
	if depth > licenseDepth {
		return "", errNoLicense
	}
	if p.next("(") {
		found, err := p.either(depth + 1)
		if err == nil && !p.next(")") {
			err = errNoLicense
		}
		return found, err
	}
	if p.at >= len(p.words) || isLicenseOperator(p.words[p.at]) {
		return "", errNoLicense
	}
	license := p.words[p.at]
	p.at++
	names := []string{license, strings.TrimSuffix(license, "+")}
	if p.next("WITH") {
		if p.at >= len(p.words) || isLicenseOperator(p.words[p.at]) {
			return "", errNoLicense
		}
		license += " WITH " + p.words[p.at]
		names = append(names, license)
		p.at++
	}
	if p.denied.matches(names...) {
		return license, nil
	}
	return "", nil
}

func isLicenseOperator(word string) bool {
	switch strings.ToUpper(word) {
	case "AND", "OR", "WITH", "(", ")":
		return true
	}
	return false
}
