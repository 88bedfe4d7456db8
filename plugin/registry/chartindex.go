package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// chartEntry is the part of one version in index.yaml that is read (Helm, the
// chart repository guide).
type chartEntry struct {
	Version string   `json:"version" yaml:"version"`
	URLs    []string `json:"urls" yaml:"urls"`
	Digest  string   `json:"digest" yaml:"digest"`
}

// findChart finds a version of a chart in index.yaml, which is YAML in block
// style, or JSON. It is [ErrNotFound] when the index does not name it.
//
// Indexes are long, and parsing YAML takes a hundred times the memory of its
// text: of YAML, only three fields of the wanted chart are parsed, one version
// after the other.
func findChart(index []byte, name, version string) (chartEntry, error) {
	if trimmed := bytes.TrimSpace(index); bytes.HasPrefix(trimmed, []byte("{")) {
		return findInJSON(trimmed, name, version)
	}
	entries := &section{of: lines(index), key: "entries"}
	versions := &section{of: entries.lines, key: name}
	entry, err := findVersion(versions.lines, version)
	switch {
	case !entries.found:
		return chartEntry{}, errNoEntries
	case entries.err != nil:
		return chartEntry{}, entries.err
	case versions.err != nil:
		return chartEntry{}, versions.err
	}
	return entry, err
}

// errNoEntries tells a page that is no index from an index without the chart.
var errNoEntries = errors.New("it has no entries")

// lines are the lines of a text that are neither empty nor comments.
func lines(text []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range bytes.Lines(text) {
			line = bytes.TrimRight(line, " \r\n")
			start := bytes.TrimLeft(line, " ")
			if len(start) > 0 && start[0] != '#' && !yield(string(line)) {
				return
			}
		}
	}
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

func isItem(line string) bool {
	start := strings.TrimLeft(line, " ")
	return start == "-" || strings.HasPrefix(start, "- ")
}

// keyOf splits "key: value"; a key may be quoted.
func keyOf(line string) (key, value string) {
	key, value, found := strings.Cut(strings.TrimLeft(line, " ")+" ", ": ")
	if !found {
		return "", ""
	}
	if quote := key[:min(1, len(key))]; quote == `"` || quote == "'" {
		key = strings.Trim(key, quote)
	}
	if value = strings.TrimSpace(value); strings.HasPrefix(value, "#") {
		value = ""
	}
	return key, value
}

// section is the value of a key of a map in block style.
type section struct {
	of    iter.Seq[string]
	key   string
	found bool
	err   error
}

// lines are those below the key.
func (s *section) lines(yield func(string) bool) {
	indent := -1
	for line := range s.of {
		at := indentOf(line)
		if indent < 0 {
			indent = at
		}
		if at > indent || at == indent && isItem(line) {
			if s.found && !yield(line) {
				return
			}
			continue
		}
		if s.found {
			return
		}
		key, value := keyOf(line)
		if key != s.key {
			continue
		}
		s.found = true
		if value != "" && value != "{}" && value != "[]" && value != "null" {
			s.err = fmt.Errorf("%s is not in block style", s.key)
			return
		}
	}
}

// maxEntryBytes bounds the version, addresses and digest of one version.
const maxEntryBytes = 64 << 10

// findVersion reads a list in block style item by item.
func findVersion(list iter.Seq[string], version string) (chartEntry, error) {
	item := itemReader{indent: -1}
	for line := range list {
		if item.indent < 0 {
			item.indent = indentOf(line)
		}
		if indentOf(line) == item.indent && isItem(line) {
			if entry, err := item.end(); err != nil || entry.Version == version {
				return entry, err
			}
			line = line[:item.indent] + " " + line[item.indent+1:]
		}
		if err := item.add(line); err != nil {
			return chartEntry{}, err
		}
	}
	entry, err := item.end()
	if err == nil && entry.Version != version {
		return chartEntry{}, ErrNotFound
	}
	return entry, err
}

// itemReader keeps the lines of one item that matter.
type itemReader struct {
	indent int // of the dashes
	inner  int // of the item's keys; 0 before the first
	keeps  bool
	kept   strings.Builder
}

func (r *itemReader) add(line string) error {
	if strings.TrimSpace(line) == "" {
		return nil
	}
	at := indentOf(line)
	if r.inner == 0 {
		r.inner = at
	}
	if at == r.inner && !isItem(line) {
		key, _ := keyOf(line)
		r.keeps = slices.Contains([]string{"version", "urls", "digest"}, key)
	}
	if r.keeps {
		r.kept.WriteString(line + "\n")
	}
	if r.kept.Len() > maxEntryBytes {
		return fmt.Errorf("the entry of one version has more than %d bytes", maxEntryBytes)
	}
	return nil
}

// end parses the item that was read and makes room for the next.
func (r *itemReader) end() (chartEntry, error) {
	var entry chartEntry
	err := yaml.Unmarshal([]byte(r.kept.String()), &entry)
	r.kept.Reset()
	r.inner, r.keeps = 0, false
	if err != nil {
		return chartEntry{}, errors.New("the entry of a version is not YAML with a version, urls and a digest")
	}
	return entry, nil
}

// findInJSON reads the index version by version and keeps none but the wanted
// one.
func findInJSON(index []byte, name, version string) (chartEntry, error) {
	decoder := json.NewDecoder(bytes.NewReader(index))
	if err := enter(decoder, "entries"); err != nil {
		if errors.Is(err, ErrNotFound) {
			err = errNoEntries
		}
		return chartEntry{}, err
	}
	if err := enter(decoder, name); err != nil {
		return chartEntry{}, err
	}
	if opened, err := decoder.Token(); err != nil || opened != json.Delim('[') {
		return chartEntry{}, errors.New("the versions of a chart are not a list")
	}
	for decoder.More() {
		var entry chartEntry
		if err := decoder.Decode(&entry); err != nil {
			return chartEntry{}, errors.New("the entry of a version is not JSON with a version, urls and a digest")
		}
		if entry.Version == version {
			return entry, nil
		}
	}
	if _, err := decoder.Token(); err != nil {
		return chartEntry{}, errors.New("it ends too early")
	}
	return chartEntry{}, ErrNotFound
}

// enter reads a JSON object up to the value of a key.
func enter(decoder *json.Decoder, key string) error {
	if opened, err := decoder.Token(); err != nil || opened != json.Delim('{') {
		return errors.New("it is not an object of entries")
	}
	for decoder.More() {
		found, err := decoder.Token()
		if err != nil {
			return errors.New("it is not JSON")
		}
		if found == key {
			return nil
		}
		if err := decoder.Decode(new(json.RawMessage)); err != nil {
			return errors.New("it is not JSON")
		}
	}
	if _, err := decoder.Token(); err != nil {
		return errors.New("it is not JSON")
	}
	return ErrNotFound
}
