package notation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/notaryproject/notation-go/verifier/trustpolicy"

	"github.com/assay-gitops/assay/plugin"
)

// deepest bounds the nesting of a trust policy document, which needs five
// levels.
const deepest = 20

// document is a trust policy document and where its members stand.
type document struct {
	trustpolicy.Document
	file string
	// lines of members by path: "trustPolicies[0].signatureVerification.level".
	lines map[string]int
}

// at is where a member stands.
func (d document) at(path string) plugin.Origin {
	return plugin.Origin{File: d.file, Line: d.lines[path]}
}

// readDocument reads a trust policy document for OCI artifacts (Notary Project,
// trust store and trust policy specification, version 1.0). Stricter than
// notation: a member that it does not know, and one that stands twice, are
// errors, as they look as if they asked for something.
func readDocument(file string, data []byte) (document, error) {
	read := document{file: file, lines: map[string]int{}}
	walk := walker{document: read, data: data, decoder: json.NewDecoder(bytes.NewReader(data))}
	if err := walk.value("", 0); err != nil {
		return read, placed(plugin.Origin{File: file, Line: walk.line()}, fmt.Errorf("reading a Notation trust policy: %w", err))
	}
	if _, err := walk.decoder.Token(); !errors.Is(err, io.EOF) {
		return read, placed(plugin.Origin{File: file, Line: walk.line()}, errors.New("reading a Notation trust policy: there is something behind the end of the document"))
	}
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&read.Document); err != nil {
		return read, placed(read.at(read.unknown(err)), fmt.Errorf("reading a Notation trust policy: %w; write a document of version 1.0 with version and trustPolicies", err))
	}
	return read, nil
}

// unknown is the path of the member that an error of encoding/json names; the
// library gives no line.
func (d document) unknown(err error) string {
	_, named, found := strings.Cut(err.Error(), `unknown field "`)
	name := strings.TrimSuffix(named, `"`)
	var paths []string
	for path := range d.lines {
		if found && path[strings.LastIndex(path, ".")+1:] == name {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return ""
	}
	return slices.Min(paths)
}

// placed puts the file and line before an error.
func placed(at plugin.Origin, err error) error {
	if where := at.String(); where != "" {
		return fmt.Errorf("%s: %w", where, err)
	}
	return err
}

// walker notes the line of every member of a JSON document.
type walker struct {
	document
	data    []byte
	decoder *json.Decoder
}

// line is where the decoder stands.
func (w walker) line() int {
	return 1 + bytes.Count(w.data[:min(w.decoder.InputOffset(), int64(len(w.data)))], []byte("\n"))
}

func (w walker) value(path string, depth int) error {
	if depth > deepest {
		return fmt.Errorf("it is nested more than %d levels deep", deepest)
	}
	token, err := w.decoder.Token()
	if err != nil {
		return err
	}
	w.lines[path] = w.line()
	switch token {
	case json.Delim('{'):
		return w.object(path, depth)
	case json.Delim('['):
		return w.list(path, depth)
	}
	return nil
}

func (w walker) object(path string, depth int) error {
	var seen []string
	for w.decoder.More() {
		token, err := w.decoder.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string) // between members the decoder gives nothing else
		if slices.ContainsFunc(seen, func(other string) bool { return strings.EqualFold(other, key) }) {
			return fmt.Errorf("%q stands twice in one object", key)
		}
		seen = append(seen, key)
		if err := w.value(strings.TrimPrefix(path+"."+key, "."), depth+1); err != nil {
			return err
		}
	}
	_, err := w.decoder.Token() // the closing brace
	return err
}

func (w walker) list(path string, depth int) error {
	for i := 0; w.decoder.More(); i++ {
		if err := w.value(fmt.Sprintf("%s[%d]", path, i), depth+1); err != nil {
			return err
		}
	}
	_, err := w.decoder.Token() // the closing bracket
	return err
}
