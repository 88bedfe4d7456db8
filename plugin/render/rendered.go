package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// stream decodes manifests that are text into objects.
type stream struct {
	limits plugin.Limits
	// file is the origin of what is decoded; line is added to each document's
	// own, or is -1 when lines are unknown (the text came from a template).
	file string
	line int
	// lenient skips documents that do not look like Kubernetes objects, with a
	// finding.
	lenient bool
	// concatenated reads one JSON object behind another, as kubectl does with
	// what is piped into it.
	concatenated bool
	objects      []plugin.Object
	findings     []plugin.Finding
}

const linesUnknown = -1

// decode appends the objects of one text.
func (s *stream) decode(text []byte) error {
	if looksLikeJSON(text) {
		if value, err := decodeJSON(text, s.limits, s.at(1)); err == nil {
			s.keysTwice(text, s.at(1))
			return s.add(value, s.at(1))
		}
	}
	var problems problems
	for _, document := range splitDocuments(text) {
		if !problems.add(s.document(document)) {
			break
		}
	}
	return problems.err()
}

func (s *stream) document(document document) error {
	values, err := s.concatenation(document)
	if err != nil {
		return err
	}
	if len(values) > 1 {
		s.keysTwice(document.text, s.at(document.line))
		return s.addAll(values)
	}
	at := s.at(document.line)
	decoded, err := decodeYAML(document.text, s.limits, at)
	if err != nil {
		return err
	}
	for _, twice := range decoded.twice {
		finding := plugin.Finding{
			Rule: ruleDuplicateKey, Level: plugin.Warn, Origin: at, Message: "a key stands twice in one mapping: " + twice,
			Why: "the last value counts and the first is lost without a word", Hint: "remove one of them",
		}
		if fault := newYAMLFault(twice); at.Line > 0 {
			finding.Origin.Line = fault.lineIn(document.text, at.Line)
			finding.Message = "a key stands twice in one mapping: " + fault.message
		}
		s.findings = append(s.findings, finding)
	}
	return s.add(decoded.value, at)
}

// valueAt is a value and the line of its first character.
type valueAt struct {
	value any
	line  int
}

// concatenation reads a document that is JSON values and nothing else. Whatever
// else it is, it has none: the reader of YAML says what is wrong with it.
func (s *stream) concatenation(document document) ([]valueAt, error) {
	if !s.concatenated || !looksLikeJSON(document.text) {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(document.text))
	decoder.UseNumber()
	line := document.line
	var values []valueAt
	for at := int64(len(document.text) - len(bytes.TrimLeft(document.text, " \t\r\n"))); ; {
		var value any
		switch err := decoder.Decode(&value); {
		case errors.Is(err, io.EOF):
			return values, nil
		case err != nil:
			return nil, nil //nolint:nilerr // it is no JSON, which is no error yet
		}
		if int64(len(values)) >= s.limits.RenderedObjects {
			return nil, overLimit("renderedObjects", s.limits, s.at(line))
		}
		normal, err := newNormaliser(s.limits, s.at(line)).value(value, 1)
		if err != nil {
			return nil, err
		}
		values = append(values, valueAt{normal, line})
		end := decoder.InputOffset()
		rest := document.text[end:]
		next := end + int64(len(rest)-len(bytes.TrimLeft(rest, " \t\r\n")))
		line += bytes.Count(document.text[at:next], []byte("\n"))
		at = next
	}
}

func (s *stream) addAll(values []valueAt) error {
	var problems problems
	for _, found := range values {
		err := s.add(found.value, s.at(found.line))
		if found.value == nil {
			err = notAnObject(s.at(found.line), "a JSON value is null, not a Kubernetes object")
		}
		if !problems.add(err) {
			break
		}
	}
	return problems.err()
}

func looksLikeJSON(text []byte) bool {
	trimmed := bytes.TrimSpace(text)
	return len(trimmed) > 0 && trimmed[0] == '{'
}

func (s *stream) at(line int) plugin.Origin {
	if s.line == linesUnknown {
		return plugin.Origin{File: s.file}
	}
	return plugin.Origin{File: s.file, Line: s.line + line}
}

// add takes one decoded document: an object, a list of objects, or nothing.
func (s *stream) add(value any, at plugin.Origin) error {
	if value == nil {
		return nil
	}
	fields, isMap := value.(map[string]any)
	if !isMap {
		if s.lenient {
			s.skip(at, fmt.Sprintf("a document is a %s, not a Kubernetes object, and was left out", jsonType(value)))
			return nil
		}
		return notAnObject(at, fmt.Sprintf("a document is a %s, not a Kubernetes object", jsonType(value)))
	}
	if len(fields) == 0 {
		return nil
	}
	if s.lenient && looksForeign(fields) {
		s.skip(at, "a document has neither apiVersion nor kind nor metadata and was left out")
		return nil
	}
	objects, err := expand(plugin.Object{Fields: fields, Origin: at}, 0)
	if err != nil {
		return err
	}
	s.objects = append(s.objects, objects...)
	if int64(len(s.objects)) > s.limits.RenderedObjects {
		return overLimit("renderedObjects", s.limits, at)
	}
	return nil
}

func (s *stream) skip(at plugin.Origin, message string) {
	s.findings = append(s.findings, plugin.Finding{
		Rule: ruleNotAnObject, Level: plugin.Warn, Origin: at, Message: message,
		Hint: "move the file out of the folder, or exclude it",
	})
}

// looksForeign reports whether a mapping is not meant as an object at all.
func looksForeign(fields map[string]any) bool {
	for _, field := range []string{"apiVersion", "kind", "metadata"} {
		if _, has := fields[field]; has {
			return false
		}
	}
	return true
}

func notAnObject(at plugin.Origin, message string) *plugin.Refusal {
	return &plugin.Refusal{
		Rule: ruleNotAnObject, Origin: at, Message: message,
		Why: "what is not an object cannot be judged", Hint: "give it apiVersion, kind and metadata.name, or remove it",
	}
}

const maxNestedLists = 10

// expand takes lists apart. Whatever has a list in its top-level field "items"
// is one, whatever its kind: Argo CD and Flux both take such an object apart
// when they apply it, after the gate.
func expand(object plugin.Object, depth int) ([]plugin.Object, error) {
	items, isList := object.Fields["items"].([]any)
	if isList && len(items) == 0 || isNullList(object.Fields) {
		return nil, checkEmptyList(object)
	}
	if !isList {
		return []plugin.Object{object}, checkObject(object)
	}
	if depth == maxNestedLists {
		return nil, notAnObject(object.Origin, "lists are nested too deep")
	}
	var objects []plugin.Object
	for _, item := range items {
		fields, isMap := item.(map[string]any)
		if !isMap {
			return nil, notAnObject(object.Origin, fmt.Sprintf("an item of a list is a %s, not an object", jsonType(item)))
		}
		expanded, err := expand(plugin.Object{Fields: fields, Origin: object.Origin}, depth+1)
		if err != nil {
			return nil, err
		}
		objects = append(objects, expanded...)
	}
	return objects, nil
}

// isNullList reports whether Argo CD takes an object for a list of nothing and
// leaves it out: by "items" that is null, whatever the kind, where there is
// neither spec nor status.
func isNullList(fields map[string]any) bool {
	items, has := fields["items"]
	_, hasSpec := fields["spec"]
	_, hasStatus := fields["status"]
	return has && items == nil && !hasSpec && !hasStatus
}

// checkEmptyList refuses an object that would be left out as an empty list
// and is not written as one: its author believes that it is applied, and an
// application that is left without objects is deleted.
func checkEmptyList(object plugin.Object) error {
	id := object.ID()
	if id.Kind == "List" && id.Group() == "" || strings.HasSuffix(id.Kind, "List") && id.Name == "" {
		return nil
	}
	refusal := notAnObject(object.Origin, fmt.Sprintf("an object (%s) has a field items with nothing in it", id))
	refusal.Why = "GitOps takes it for an empty list, whatever its kind, and leaves it out without a word"
	refusal.Hint = "remove the field items, or the object"
	return refusal
}

// checkObject refuses an object without apiVersion, kind or name.
func checkObject(object plugin.Object) error {
	id := object.ID()
	missing := ""
	switch {
	case id.APIVersion == "":
		missing = "apiVersion"
	case id.Kind == "":
		missing = "kind"
	case id.Name == "":
		missing = "metadata.name"
	default:
		return nil
	}
	named := ""
	if id.Kind != "" || id.Name != "" {
		named = " (" + id.String() + ")"
	}
	return notAnObject(object.Origin, fmt.Sprintf("an object%s has no %s", named, missing))
}

func jsonType(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case []any:
		return "list"
	case map[string]any:
		return "mapping"
	}
	return "number"
}
