package appset

import (
	"errors"
	"strings"
)

// fillFast fills "{{ name }}" with parameters that are text. What is no such
// name stays as it is written, and so does a text in which no line has both
// braces.
func fillFast(written string, params map[string]any) (string, error) {
	if !hasTag(written) {
		return written, nil
	}
	var filled strings.Builder
	rest := written
	for {
		before, after, found := strings.Cut(rest, "{{")
		filled.WriteString(before)
		if !found {
			return filled.String(), nil
		}
		tag, behind, closed := strings.Cut(after, "}}")
		if !closed {
			return "", &hintedError{err: errors.New("a {{ is not closed by }}"), hint: "close it; set spec.goTemplate: true to write braces as text"}
		}
		if value, is := params[strings.TrimSpace(tag)].(string); is && strings.TrimSpace(tag) != "" {
			filled.WriteString(value)
		} else {
			filled.WriteString("{{" + tag + "}}")
		}
		rest = behind
	}
}

// hasTag reports whether both braces stand on one line, in this order.
func hasTag(written string) bool {
	for line := range strings.SplitSeq(written, "\n") {
		if _, after, found := strings.Cut(line, "{{"); found && strings.Contains(after, "}}") {
			return true
		}
	}
	return false
}
