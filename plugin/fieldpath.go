package plugin

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A field path is written as in spec.template.spec.containers[0].image. A key
// that is not plain stands quoted: metadata.annotations["example.com/image"].
// A pattern has two more steps: [*] goes through a list or a map, and
// [name=VALUE] through the items of a list whose field name is VALUE.

type stepKind int

const (
	keyStep stepKind = iota
	indexStep
	everyStep
	whereStep
)

type step struct {
	kind  stepKind
	key   string // the key, or the field of a where step
	value string // of a where step
	index int
}

func key(name string) step { return step{key: name} }

func index(i int) step { return step{kind: indexStep, index: i} }

// at is a longer path that may be kept: it shares no memory with the one that
// a search is walking along.
func at(path []step, more ...step) []step { return slices.Concat(path, more) }

// along is the path one step further, for the walk only: the next step of the
// walk may overwrite it.
func along(path []step, next step) []step { return append(path, next) }

// isPlainKey reports whether the key stands without quotes.
func isPlainKey(name string) bool {
	for _, char := range []byte(name) {
		letter := char|0x20 >= 'a' && char|0x20 <= 'z'
		if digit := char >= '0' && char <= '9'; !letter && !digit && char != '_' && char != '-' && char != '$' {
			return false
		}
	}
	return name != ""
}

// JoinField is the path of a member of what is at a path; of an item it is
// path[i].
func JoinField(path, member string) string {
	text := formatPath([]step{key(member)})
	if path == "" || strings.HasPrefix(text, "[") {
		return path + text
	}
	return path + "." + text
}

// SplitField is the parts of a path as [JoinField] makes it: a key stands bare,
// all else in its brackets: "[0]", "[*]", "[name=web]".
func SplitField(path string) ([]string, error) {
	steps, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	parts := make([]string, len(steps))
	for i, s := range steps {
		parts[i] = s.key
		if s.kind != keyStep {
			parts[i] = formatPath(steps[i : i+1])
		}
	}
	return parts, nil
}

func formatPath(path []step) string {
	var out strings.Builder
	for _, s := range path {
		switch s.kind {
		case indexStep:
			out.WriteString("[" + strconv.Itoa(s.index) + "]")
		case everyStep:
			out.WriteString("[*]")
		case whereStep:
			fmt.Fprintf(&out, "[%s=%s]", s.key, s.value)
		case keyStep:
			if !isPlainKey(s.key) {
				quoted, err := appendString(nil, s.key)
				if err != nil { // not UTF-8, which no encoding accepts
					quoted = strconv.AppendQuote(nil, s.key)
				}
				out.WriteString("[" + string(quoted) + "]")
				continue
			}
			if out.Len() > 0 {
				out.WriteByte('.')
			}
			out.WriteString(s.key)
		}
	}
	return out.String()
}

func parsePath(text string) ([]step, error) {
	var path []step
	for rest := text; rest != ""; {
		var next step
		var err error
		if rest[0] == '[' {
			next, rest, err = cutBracket(rest)
		} else {
			if len(path) > 0 {
				if rest[0] != '.' {
					return nil, fmt.Errorf("reading field path %q: a \".\" is missing before %q", text, rest)
				}
				rest = rest[1:]
			}
			next, rest, err = cutKey(rest)
		}
		if err != nil {
			return nil, fmt.Errorf("reading field path %q: %w", text, err)
		}
		path = append(path, next)
	}
	if len(path) == 0 {
		return nil, errors.New("reading a field path: it is empty")
	}
	return path, nil
}

func cutKey(text string) (step, string, error) {
	end := strings.IndexAny(text, ".[")
	if end < 0 {
		end = len(text)
	}
	if end == 0 {
		return step{}, "", errors.New("there is an empty key")
	}
	return key(text[:end]), text[end:], nil
}

func cutBracket(text string) (step, string, error) {
	if strings.HasPrefix(text, `["`) {
		quoted, err := strconv.QuotedPrefix(text[1:])
		if err != nil || !strings.HasPrefix(text[1+len(quoted):], "]") {
			return step{}, "", fmt.Errorf("the quoted key at %q does not end", text)
		}
		var name string
		if err := json.Unmarshal([]byte(quoted), &name); err != nil {
			return step{}, "", fmt.Errorf("the key %s is not a JSON string: %w", quoted, err)
		}
		return key(name), text[len(quoted)+2:], nil
	}
	inner, rest, found := strings.Cut(text[1:], "]")
	if !found {
		return step{}, "", fmt.Errorf("the bracket at %q does not end", text)
	}
	if inner == "*" {
		return step{kind: everyStep}, rest, nil
	}
	if field, value, found := strings.Cut(inner, "="); found && field != "" {
		return step{kind: whereStep, key: field, value: value}, rest, nil
	}
	i, err := strconv.Atoi(inner)
	if err != nil || i < 0 {
		return step{}, "", fmt.Errorf("[%s] is none of [*], [0], [name=value], [\"key\"]", inner)
	}
	return index(i), rest, nil
}

// expand returns the concrete paths below value that the pattern matches, in
// the order of lists and sorted keys.
func expand(value any, pattern []step) [][]step {
	paths := [][]step{nil}
	for _, s := range pattern {
		var longer [][]step
		for _, path := range paths {
			reached, _ := lookup(value, path)
			for _, one := range choices(reached, s) {
				longer = append(longer, at(path, one))
			}
		}
		paths = longer
	}
	return paths
}

func choices(value any, s step) []step {
	switch s.kind {
	case everyStep:
		return members(value)
	case whereStep:
		var out []step
		items, _ := value.([]any)
		for i, item := range items {
			if fields, _ := item.(map[string]any); fields[s.key] == s.value {
				out = append(out, index(i))
			}
		}
		return out
	case keyStep, indexStep:
		if _, found := lookup(value, []step{s}); found {
			return []step{s}
		}
	}
	return nil
}

func members(value any) []step {
	var out []step
	switch value := value.(type) {
	case []any:
		for i := range value {
			out = append(out, index(i))
		}
	case map[string]any:
		for _, name := range sortedKeys(value) {
			out = append(out, key(name))
		}
	}
	return out
}

func sortedKeys(fields map[string]any) []string {
	return appendSortedKeys(make([]string, 0, len(fields)), fields)
}

// appendSortedKeys appends to names, which is empty; its memory may be the
// caller's stack.
func appendSortedKeys(names []string, fields map[string]any) []string {
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func lookup(value any, path []step) (any, bool) {
	for _, s := range path {
		switch s.kind {
		case keyStep:
			fields, ok := value.(map[string]any)
			if !ok {
				return nil, false
			}
			if value, ok = fields[s.key]; !ok {
				return nil, false
			}
		case indexStep:
			items, ok := value.([]any)
			if !ok || s.index >= len(items) {
				return nil, false
			}
			value = items[s.index]
		case everyStep, whereStep:
			return nil, false
		}
	}
	return value, true
}

// FieldValue is the value at a path such as spec.containers[0].image. It is
// false when the path leads nowhere or cannot be read.
func FieldValue(fields map[string]any, path string) (any, bool) {
	steps, err := parsePath(path)
	if err != nil {
		return nil, false
	}
	return lookup(fields, steps)
}

// setValue replaces or adds the value at a concrete path. The parent must be
// there.
func setValue(fields map[string]any, path []step, value any) error {
	parent, last := path[:len(path)-1], path[len(path)-1]
	reached, _ := lookup(fields, parent)
	switch holder := reached.(type) {
	case map[string]any:
		if last.kind == keyStep && holder != nil {
			holder[last.key] = value
			return nil
		}
	case []any:
		if last.kind == indexStep && last.index < len(holder) {
			holder[last.index] = value
			return nil
		}
	}
	return fmt.Errorf("writing %s: there is no such field any more", formatPath(path))
}
