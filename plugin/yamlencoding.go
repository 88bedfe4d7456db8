package plugin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// YAMLEncoding writes documents separated by "---", for people and for tools
// that read YAML 1.1 or 1.2: text stands without quotes only where no reader
// takes it for anything else.
type YAMLEncoding struct{}

const yamlSeparator = "---\n"

// Encode refuses what [JSONEncoding.Encode] refuses.
func (YAMLEncoding) Encode(objects []Object) ([]byte, error) {
	var out []byte
	for i, object := range objects {
		if i > 0 {
			out = append(out, yamlSeparator...)
		}
		var err error
		if out, err = encodeObject(out, i, object, appendYAML); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Decode reads what Encode wrote, and refuses everything else.
func (e YAMLEncoding) Decode(data []byte) ([]Object, error) {
	var objects []Object
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return objects, sameBytes(e, objects, data)
		}
		if err != nil {
			return nil, fmt.Errorf("decoding manifests: document %d: %w", len(objects)+1, err)
		}
		value, err := fromYAML(document.Content[0], 0)
		if err != nil {
			return nil, fmt.Errorf("decoding manifests: document %d: %w", len(objects)+1, err)
		}
		fields, ok := value.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("decoding manifests: document %d is %s, not an object", len(objects)+1, describe(value))
		}
		objects = append(objects, Object{Fields: fields})
	}
}

func fromYAML(node *yaml.Node, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("line %d: it is nested more than %d levels deep", node.Line, maxDepth)
	}
	switch node.Kind {
	case yaml.MappingNode:
		return mapFromYAML(node, depth)
	case yaml.SequenceNode:
		items := make([]any, 0, len(node.Content))
		for _, item := range node.Content {
			value, err := fromYAML(item, depth+1)
			if err != nil {
				return nil, err
			}
			items = append(items, value)
		}
		return items, nil
	case yaml.ScalarNode:
		return scalarFromYAML(node)
	case yaml.DocumentNode, yaml.AliasNode:
	}
	return nil, fmt.Errorf("line %d: aliases are not read here", node.Line)
}

func mapFromYAML(node *yaml.Node, depth int) (any, error) {
	fields := map[string]any{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name := node.Content[i]
		if name.Kind != yaml.ScalarNode || name.ShortTag() != "!!str" {
			return nil, fmt.Errorf("line %d: the key %q is not a string", name.Line, shorten(name.Value))
		}
		if _, twice := fields[name.Value]; twice {
			return nil, fmt.Errorf("line %d: key %q is there twice", name.Line, shorten(name.Value))
		}
		value, err := fromYAML(node.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		fields[name.Value] = value
	}
	return fields, nil
}

func scalarFromYAML(node *yaml.Node) (any, error) {
	switch node.ShortTag() {
	case "!!str":
		return node.Value, nil
	case "!!null", "!!bool", "!!int", "!!float":
		value, err := parseJSON([]byte(node.Value)) // only JSON's forms are written
		if err != nil {
			return nil, fmt.Errorf("line %d: %q reads differently in different tools; quote it", node.Line, shorten(node.Value))
		}
		return value, nil
	}
	return nil, fmt.Errorf("line %d: values of type %s are not read here", node.Line, node.ShortTag())
}

func appendYAML(out []byte, value any) ([]byte, error) { return appendBlock(out, value, 0, 0) }

// appendBlock writes a value that begins at the current place of the line; its
// further lines are indented.
func appendBlock(out []byte, value any, indent, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested more than %d levels deep", maxDepth)
	}
	switch value := value.(type) {
	case map[string]any:
		if len(value) > 0 {
			return appendBlockMap(out, value, indent, depth)
		}
	case []any:
		if len(value) > 0 {
			return appendBlockList(out, value, indent, depth)
		}
	case string:
		return appendText(out, value, indent)
	}
	out, err := appendValue(out, value, depth) // empty ones and scalars are as in JSON
	return append(out, '\n'), err
}

func appendBlockMap(out []byte, fields map[string]any, indent, depth int) ([]byte, error) {
	for i, name := range sortedKeys(fields) {
		if i > 0 {
			out = appendIndent(out, indent)
		}
		var err error
		if out, err = appendKey(out, name, indent); err != nil {
			return nil, err
		}
		value, inner := fields[name], indent+2
		switch value := value.(type) {
		case map[string]any:
			if len(value) > 0 {
				out = appendIndent(append(out, '\n'), inner)
			} else {
				out = append(out, ' ')
			}
		case []any:
			if len(value) > 0 { // as kubectl writes: no deeper than its key
				inner = indent
				out = appendIndent(append(out, '\n'), inner)
			} else {
				out = append(out, ' ')
			}
		default:
			out = append(out, ' ')
		}
		if out, err = appendBlock(out, value, inner, depth+1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func appendBlockList(out []byte, items []any, indent, depth int) ([]byte, error) {
	for i, item := range items {
		if i > 0 {
			out = appendIndent(out, indent)
		}
		var err error
		if out, err = appendBlock(append(out, '-', ' '), item, indent+2, depth+1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func appendIndent(out []byte, indent int) []byte {
	return append(out, strings.Repeat(" ", indent)...)
}

// appendKey writes a key and its colon. YAML reads a key without "?" only
// within 1024 characters (YAML 1.2.2, 7.4.2).
func appendKey(out []byte, name string, indent int) ([]byte, error) {
	const longest = 128
	long := len(name) > longest
	if long {
		out = append(out, '?', ' ')
	}
	var err error
	if isBareText(name) {
		out = append(out, name...)
	} else if out, err = appendString(out, name); err != nil {
		return nil, err
	}
	if long {
		out = appendIndent(append(out, '\n'), indent)
	}
	return append(out, ':'), nil
}

// bareText begins with a letter or a slash and holds nothing that YAML knows.
var bareText = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*$`)

// isBareText reports whether every reader takes the text without quotes for
// this text: not a number, a date, a boolean or null of YAML 1.1 (which knows
// yes, on, y, .inf, 0x1, 1e3, 12:30:45, 1_000).
func isBareText(text string) bool {
	if len(text) > 128 || !bareText.MatchString(text) {
		return false
	}
	return !slices.Contains([]string{"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}, strings.ToLower(text))
}

// appendText writes a string: bare, as a literal block when it has several
// lines, or quoted.
func appendText(out []byte, text string, indent int) ([]byte, error) {
	if isBareText(text) {
		return append(append(out, text...), '\n'), nil
	}
	if indent > 0 && isBlockText(text) {
		return appendLiteral(out, text, indent), nil
	}
	out, err := appendString(out, text)
	return append(out, '\n'), err
}

// isBlockText reports whether a literal block gives the text back exactly
// (YAML 1.2.2, 8.1): several lines, none of them white space alone, the first
// not indented, at most one line break at the end, and no special character.
func isBlockText(text string) bool {
	body := strings.TrimSuffix(text, "\n")
	if !strings.Contains(text, "\n") || strings.HasSuffix(body, "\n") || !strings.ContainsFunc(body, isGraph) {
		return false
	}
	for i, line := range strings.Split(body, "\n") {
		blank := strings.TrimLeft(line, " \t") == ""
		if line != "" && blank || i == 0 && (line == "" || line[0] == ' ' || line[0] == '\t') {
			return false
		}
	}
	return !strings.ContainsFunc(body, func(char rune) bool {
		return !isPlain(char) && !strings.ContainsRune("\n\t\"\\", char) || char == '\uFFFD'
	})
}

func isGraph(char rune) bool { return char > ' ' && strconv.IsPrint(char) }

func appendLiteral(out []byte, text string, indent int) []byte {
	body, ended := strings.CutSuffix(text, "\n")
	out = append(out, '|')
	if !ended {
		out = append(out, '-')
	}
	out = append(out, '\n')
	for line := range strings.SplitSeq(body, "\n") {
		if line != "" {
			out = append(appendIndent(out, indent), line...)
		}
		out = append(out, '\n')
	}
	return out
}
