package predicate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// version is a version of some package manager, in parts that compare. The
// rules are those that the managers share: numbers by value, texts by letter,
// "~" before the end (Debian, RPM), a number after a text, "3:" as an epoch.
// What differs is what a text behind a number means: a pre-release (semantic
// versions, Python, Alpine's _rc) or a later patch (OpenSSL's 1.0.2k).
type version struct {
	epoch string
	parts []string
}

// parseVersion reports false for what is no version, such as a commit.
func parseVersion(text string) (version, bool) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "v")
	epoch, rest, hasEpoch := strings.Cut(text, ":")
	if !hasEpoch || strings.Trim(epoch, "0123456789") != "" {
		epoch, rest = "0", text
	}
	rest, _, _ = strings.Cut(rest, "+incompatible")
	if rest == "" || !isDigit(rest[0]) {
		return version{}, false
	}
	return version{epoch, splitVersion(rest)}, true
}

// splitVersion cuts into runs of digits, runs of letters and "~"; other
// characters part the runs.
func splitVersion(text string) []string {
	var parts []string
	for i := 0; i < len(text); {
		start, is := i, kindOf(text[i])
		for i < len(text) && kindOf(text[i]) == is && (is != tilde || i == start) {
			i++
		}
		if is != parting {
			parts = append(parts, strings.ToLower(text[start:i]))
		}
	}
	return parts
}

type charKind int

const (
	parting charKind = iota
	digits
	letters
	tilde
)

func kindOf(char byte) charKind {
	switch {
	case isDigit(char):
		return digits
	case char|0x20 >= 'a' && char|0x20 <= 'z':
		return letters
	case char == '~':
		return tilde
	}
	return parting
}

func isDigit(char byte) bool { return char >= '0' && char <= '9' }

// compare is negative when v is older than other. A missing number is zero.
func (v version) compare(other version) int {
	if order := compareNumbers(v.epoch, other.epoch); order != 0 {
		return order
	}
	for i := range max(len(v.parts), len(other.parts)) {
		if order := compareParts(partAt(v.parts, i), partAt(other.parts, i)); order != 0 {
			return order
		}
	}
	return 0
}

// partAt is empty behind the end.
func partAt(parts []string, i int) string {
	if i < len(parts) {
		return parts[i]
	}
	return ""
}

func compareParts(one, two string) int {
	if (one == "" || isDigit(one[0])) && (two == "" || isDigit(two[0])) {
		return compareNumbers(one, two)
	}
	return cmp.Or(cmp.Compare(weight(one), weight(two)), cmp.Compare(one, two))
}

// weight orders parts of different kinds: "~", a pre-release, the end, a later
// patch, a number.
func weight(part string) int {
	order := []bool{part == "~", isPreRelease(part), part == "", part != "" && !isDigit(part[0]), true}
	return slices.Index(order, true)
}

func isPreRelease(part string) bool {
	switch part {
	case "alpha", "a", "beta", "b", "c", "rc", "pre", "preview", "dev", "snapshot", "m", "milestone", "cr":
		return true
	}
	return false
}

func compareNumbers(one, two string) int {
	one, two = strings.TrimLeft(one, "0"), strings.TrimLeft(two, "0")
	return cmp.Or(cmp.Compare(len(one), len(two)), cmp.Compare(one, two))
}

// bound is one comparison of a range.
type bound struct {
	operator string
	than     version
}

// parseRange reads bounds that all hold: ">=2.0.0, <2.17.1".
func parseRange(text string) ([]bound, error) {
	var bounds []bound
	for one := range strings.SplitSeq(text, ",") {
		one = strings.TrimSpace(one)
		operator := one[:len(one)-len(strings.TrimLeft(one, "<>="))]
		switch operator {
		case "<", "<=", ">", ">=", "=":
		default:
			return nil, fmt.Errorf("%q does not begin with <, <=, >, >= or =", one)
		}
		than, ok := parseVersion(one[len(operator):])
		if !ok {
			return nil, fmt.Errorf("%q names no version that can be compared", one)
		}
		bounds = append(bounds, bound{operator, than})
	}
	return bounds, nil
}

// errIncomparable is a version that no range can be about.
var errIncomparable = errors.New("its version cannot be compared")

// within reports whether the version meets all bounds.
func within(bounds []bound, text string) (bool, error) {
	if len(bounds) == 0 {
		return true, nil
	}
	parsed, ok := parseVersion(text)
	if !ok {
		return false, errIncomparable
	}
	for _, each := range bounds {
		order := parsed.compare(each.than)
		holds := map[string]bool{"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0, "=": order == 0}
		if !holds[each.operator] {
			return false, nil
		}
	}
	return true, nil
}
