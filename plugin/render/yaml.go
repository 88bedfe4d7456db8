package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	yaml2 "go.yaml.in/yaml/v2"

	"github.com/assay-gitops/assay/plugin"
)

// document is one document of a YAML stream and the line on which its content
// begins, counted from 1.
type document struct {
	line int
	text []byte
}

// splitDocuments cuts a stream at its "---" and "..." lines and leaves out
// documents that hold nothing but comments.
func splitDocuments(data []byte) []document {
	var documents []document
	var text []byte
	line, start, content := 0, 0, 0
	flush := func(end int) {
		if text = data[start:end]; content > 0 {
			documents = append(documents, document{line: content, text: text})
		}
		content = 0
	}
	for at := 0; at < len(data); {
		next := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			next = at + i + 1
		}
		line++
		if isSeparator(data[at:next]) {
			flush(at)
			start = at + 3
		}
		from := max(at, start)
		if content == 0 && hasContent(data[from:next]) {
			content = line
		}
		at = next
	}
	flush(len(data))
	return documents
}

func isSeparator(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("---")) && !bytes.HasPrefix(line, []byte("...")) {
		return false
	}
	return len(bytes.TrimRight(line, "\r\n")) == 3 || line[3] == ' ' || line[3] == '\t'
}

// decoded is one document in JSON's types.
type decoded struct {
	value any
	// twice are the complaints about keys that stand twice in one mapping; the
	// last one counts, as for kubectl.
	twice []string
}

// decodeYAML reads one document as kubectl does (sigs.k8s.io/yaml: YAML 1.1,
// "yes" is true, keys become strings) into JSON's types.
func decodeYAML(text []byte, limits plugin.Limits, origin plugin.Origin) (decoded, error) {
	if err := checkAliases(text, limits, origin); err != nil {
		return decoded{}, located(err, text)
	}
	strict := !bytes.Contains(text, []byte("<<")) // a merged key may be set again
	value, err := decodeOne(text, strict)
	var twice []string
	var typeError *yaml2.TypeError
	if errors.As(err, &typeError) {
		twice = typeError.Errors
		value, err = decodeOne(text, false)
	}
	switch {
	case errors.Is(err, errMore):
		return decoded{}, moreFollows(text, origin)
	case err != nil:
		return decoded{}, located(yamlError(err, limits, origin), text)
	}
	value, err = newNormaliser(limits, origin).value(value, 1)
	return decoded{value: value, twice: twice}, err
}

var errMore = errors.New("more follows behind the document's end")

// decodeOne reads all of a text that is one document. The library's own reading
// of one document leaves unread what follows it.
func decodeOne(text []byte, strict bool) (any, error) {
	decoder := yaml2.NewDecoder(bytes.NewReader(text))
	decoder.SetStrict(strict)
	var value, more any
	if err := decoder.Decode(&value); err != nil && !errors.Is(err, io.EOF) {
		return nil, err //nolint:wrapcheck // yamlError does
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errMore
	}
	return value, nil
}

// moreFollows refuses a text in which something stands behind the one value
// that is read. The line is that of what follows, where it can be known: behind
// JSON.
func moreFollows(text []byte, origin plugin.Origin) *plugin.Refusal {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var value json.RawMessage
	if err := decoder.Decode(&value); err == nil && origin.Line > 0 {
		rest := text[decoder.InputOffset():]
		blank := len(rest) - len(bytes.TrimLeft(rest, " \t\r\n"))
		read := bytes.TrimLeft(text[:len(text)-len(rest)+blank], " \t\r\n")
		origin.Line += bytes.Count(read, []byte("\n"))
	}
	return &plugin.Refusal{
		Rule: ruleInvalid, Origin: origin, Message: errMore.Error(),
		Why: "it would be left out in silence", Hint: "begin each YAML document with a line of \"---\", and put one JSON value in a file",
	}
}

// yamlError keeps the library's own protections apart from broken YAML.
func yamlError(err error, limits plugin.Limits, origin plugin.Origin) error {
	switch {
	case strings.Contains(err.Error(), "exceeded max depth"):
		return overLimit("yamlDepth", limits, origin)
	case strings.Contains(err.Error(), "excessive aliasing"):
		return overLimit("yamlNodes", limits, origin)
	}
	return invalid(origin, "this is not valid YAML", newYAMLFault(withoutQuotes(err.Error())))
}

// quotedValue is a value in the library's words.
var quotedValue = regexp.MustCompile("(?s)`.*`")

// withoutQuotes is the library's complaint without the author's values: a
// password that begins with an asterisk is an unknown anchor to it.
func withoutQuotes(complaint string) string {
	return quotedValue.ReplaceAllString(unknownAnchor.ReplaceAllString(complaint, "unknown anchor"), "a value")
}

// decodeJSON reads one JSON value.
func decodeJSON(text []byte, limits plugin.Limits, origin plugin.Origin) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		if strings.Contains(err.Error(), "exceeded max depth") {
			return nil, overLimit("yamlDepth", limits, origin)
		}
		return nil, invalid(origin, "this is not valid JSON", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		first := len(text) - len(bytes.TrimLeft(text, " \t\r\n"))
		origin.Line = max(origin.Line, 1) + bytes.Count(text[:first], []byte("\n"))
		return nil, moreFollows(text, origin)
	}
	return newNormaliser(limits, origin).value(value, 1)
}

// normaliser brings decoded values into JSON's types: integers that fit are
// int64, every other number is float64.
type normaliser struct {
	limits plugin.Limits
	origin plugin.Origin
	nodes  int64
}

func newNormaliser(limits plugin.Limits, origin plugin.Origin) *normaliser {
	return &normaliser{limits: limits, origin: origin}
}

func (n *normaliser) value(value any, depth int64) (any, error) {
	n.nodes++
	switch {
	case depth > n.limits.YAMLDepth:
		return nil, overLimit("yamlDepth", n.limits, n.origin)
	case n.nodes > n.limits.YAMLNodes:
		return nil, overLimit("yamlNodes", n.limits, n.origin)
	}
	switch value := value.(type) {
	case map[any]any:
		return n.mapping(value, depth)
	case map[string]any:
		for key, member := range value {
			normal, err := n.value(member, depth+1)
			if err != nil {
				return nil, err
			}
			value[key] = normal
		}
		return value, nil
	case []any:
		for i, item := range value {
			normal, err := n.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			value[i] = normal
		}
		return value, nil
	}
	return n.scalar(value)
}

func (n *normaliser) mapping(value map[any]any, depth int64) (any, error) {
	out := make(map[string]any, len(value))
	var same []string
	for key, member := range value {
		name, err := n.key(key)
		if err != nil {
			return nil, err
		}
		if _, twice := out[name]; twice {
			same = append(same, name)
		}
		if out[name], err = n.value(member, depth+1); err != nil {
			return nil, err
		}
	}
	if len(same) > 0 {
		return nil, &plugin.Refusal{
			Rule: ruleInvalid, Origin: n.origin, Message: fmt.Sprintf("several keys of one mapping are all %q as JSON knows them", slices.Min(same)),
			Why: "which of their values the cluster gets would be left to chance", Hint: "keep one of them, within quotes",
		}
	}
	return out, nil
}

// key writes a mapping's key as sigs.k8s.io/yaml does.
func (n *normaliser) key(key any) (string, error) {
	switch key := key.(type) {
	case string:
		return key, nil
	case int:
		return strconv.Itoa(key), nil
	case int64:
		return strconv.FormatInt(key, 10), nil
	case bool:
		return strconv.FormatBool(key), nil
	case float64:
		return strconv.FormatFloat(key, 'g', -1, 32), nil
	}
	return "", invalid(n.origin, fmt.Sprintf("a mapping has a key of type %T, JSON knows only strings", key), nil)
}

func (n *normaliser) scalar(value any) (any, error) {
	switch value := value.(type) {
	case nil, string, bool, int64:
		return value, nil
	case int:
		return int64(value), nil
	case uint64:
		if value <= math.MaxInt64 {
			return int64(value), nil
		}
		return float64(value), nil
	case float64:
		return n.float(value)
	case time.Time: // kustomize writes what looks like a date so
		return value.Format(time.RFC3339Nano), nil
	case json.Number:
		return n.number(value)
	}
	return nil, invalid(n.origin, fmt.Sprintf("a value of type %T has no form in JSON", value), nil)
}

func (n *normaliser) float(value float64) (any, error) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return nil, invalid(n.origin, "infinity and NaN have no form in JSON", nil)
	}
	if value == math.Trunc(value) && math.Abs(value) < 1<<63 {
		return int64(value), nil
	}
	return value, nil
}

func (n *normaliser) number(value json.Number) (any, error) {
	if whole, err := value.Int64(); err == nil {
		return whole, nil
	}
	float, err := value.Float64()
	if err != nil {
		return nil, invalid(n.origin, fmt.Sprintf("the number %.40s is too large", value), err)
	}
	return n.float(float)
}
