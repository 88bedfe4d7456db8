package yamltext

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Text is one file of YAML documents, or one JSON document, that was parsed.
type Text struct {
	data []byte
	// skipped is the length of a byte order mark.
	skipped int
	// lines are the offsets at which lines begin.
	lines []int
	docs  []*yaml.Node
	// json is set for a JSON document.
	json bool
	// aliased are the nodes that an alias stands for.
	aliased map[*yaml.Node]bool
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// Parse reads a file. The error says what stands in the way of editing it.
func Parse(data []byte) (*Text, error) {
	t := &Text{data: data, aliased: map[*yaml.Node]bool{}}
	if bytes.HasPrefix(data, byteOrderMark) {
		t.skipped = len(byteOrderMark)
	}
	body := data[t.skipped:]
	if !utf8.Valid(body) {
		return nil, errors.New("it is not UTF-8")
	}
	if bytes.ContainsAny(body, "\u0085\u2028\u2029") || bytes.Contains(bytes.ReplaceAll(body, []byte("\r\n"), nil), []byte("\r")) {
		return nil, errors.New("it has line breaks that are neither LF nor CRLF")
	}
	t.lines = append(t.lines, t.skipped)
	for i, char := range body {
		if char == '\n' {
			t.lines = append(t.lines, t.skipped+i+1)
		}
	}
	if t.json = json.Valid(body); t.json {
		// A tab in JSON is white space outside of texts, which the YAML reader
		// takes for an error.
		body = bytes.ReplaceAll(body, []byte("\t"), []byte(" "))
	}
	decoder := yaml.NewDecoder(bytes.NewReader(body))
	for {
		document := &yaml.Node{}
		err := decoder.Decode(document)
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, fmt.Errorf("it cannot be read: %w", err)
		}
		t.docs = append(t.docs, document)
		t.noteAliases(document)
	}
}

func (t *Text) noteAliases(node *yaml.Node) {
	if node.Kind == yaml.AliasNode {
		t.aliased[node.Alias] = true
	}
	for _, child := range node.Content {
		t.noteAliases(child)
	}
}

// root is the top value of a document; nil for an empty one.
func (t *Text) root(document int) *yaml.Node {
	if document < 0 || document >= len(t.docs) || len(t.docs[document].Content) == 0 {
		return nil
	}
	return t.docs[document].Content[0]
}

// offset is where a node begins, behind its anchor and its tag.
func (t *Text) offset(node *yaml.Node) (int, error) {
	if node.Line < 1 || node.Line > len(t.lines) {
		return 0, errors.New("a place in it is not known")
	}
	at := t.lines[node.Line-1]
	for range node.Column - 1 {
		if at >= len(t.data) {
			return 0, errors.New("a place in it is not known")
		}
		_, size := utf8.DecodeRune(t.data[at:])
		at += size
	}
	for at < len(t.data) && (t.data[at] == '&' || t.data[at] == '!') {
		for at < len(t.data) && !isBlank(t.data[at]) {
			at++
		}
		for at < len(t.data) && isBlank(t.data[at]) {
			at++
		}
	}
	return at, nil
}

func isBlank(char byte) bool { return char == ' ' || char == '\t' || char == '\r' || char == '\n' }

// line is the number, from 1, of the line that an offset is in.
func (t *Text) line(offset int) int {
	low, high := 0, len(t.lines)
	for high-low > 1 {
		if middle := (low + high) / 2; t.lines[middle] <= offset {
			low = middle
		} else {
			high = middle
		}
	}
	return low + 1
}

// content is a line without its end.
func (t *Text) content(line int) []byte {
	if line < 1 || line > len(t.lines) {
		return nil
	}
	return bytes.TrimRight(t.data[t.lines[line-1]:t.after(line)], "\r\n")
}

// after is the offset behind a line and its end.
func (t *Text) after(line int) int {
	if line >= len(t.lines) {
		return len(t.data)
	}
	return t.lines[line]
}

// newline is the line end that the file uses.
func (t *Text) newline() string {
	if first := bytes.IndexByte(t.data, '\n'); first > 0 && t.data[first-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}
