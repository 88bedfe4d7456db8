package plugin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// maxDepth is the deepest nesting that is written or read; Go's own JSON
// reader has the same.
const maxDepth = 10_000

// JSONEncoding writes one compact JSON document a line, with sorted keys. Each
// document is YAML as well: characters that YAML does not allow, or takes for
// a line break, are escaped. (YAML reads keys of up to 1024 characters so.)
type JSONEncoding struct{}

// Encode refuses values that the bytes could not give back exactly: text that
// is not UTF-8, numbers that are not finite, types that are not JSON's.
func (JSONEncoding) Encode(objects []Object) ([]byte, error) {
	const usual, most = 1 << 10, 1 << 20 // bytes of an object; what is set aside before it is needed
	out := make([]byte, 0, min(usual*len(objects), most))
	for i, object := range objects {
		var err error
		if out, err = encodeObject(out, i, object, appendJSON); err != nil {
			return nil, err
		}
		out = append(out, '\n')
	}
	return out, nil
}

// Decode reads what Encode wrote, and refuses everything else.
func (e JSONEncoding) Decode(data []byte) ([]Object, error) {
	var objects []Object
	for rest := data; len(rest) > 0; {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		if !found {
			return nil, fmt.Errorf("decoding manifests: document %d does not end with a line break", len(objects)+1)
		}
		rest = after
		value, err := parseJSON(line)
		if err != nil {
			return nil, fmt.Errorf("decoding manifests: document %d: %w", len(objects)+1, err)
		}
		fields, ok := value.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("decoding manifests: document %d is %s, not an object", len(objects)+1, describe(value))
		}
		objects = append(objects, Object{Fields: fields})
	}
	return objects, sameBytes(e, objects, data)
}

func encodeObject(out []byte, i int, object Object, write func([]byte, any) ([]byte, error)) ([]byte, error) {
	if object.Fields == nil {
		return nil, fmt.Errorf("encoding manifests: object %d has no fields", i+1)
	}
	out, err := write(out, object.Fields)
	if err != nil {
		return nil, fmt.Errorf("encoding manifests: %s: %w", object.ID(), err)
	}
	return out, nil
}

// sameBytes demands that the objects encode to the bytes that they were read
// from, so that no reader can find in them anything but these objects.
func sameBytes(encoding Encoding, objects []Object, data []byte) error {
	again, err := encoding.Encode(objects)
	if err != nil {
		return fmt.Errorf("decoding manifests: %w", err)
	}
	if bytes.Equal(again, data) {
		return nil
	}
	at := 0
	for at < len(again) && at < len(data) && again[at] == data[at] {
		at++
	}
	return fmt.Errorf("decoding manifests: line %d is not written as assay writes it", bytes.Count(data[:at], []byte("\n"))+1)
}

func describe(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	}
	return typeName(value)
}

// appendJSON appends the compact JSON of a value with sorted keys.
func appendJSON(out []byte, value any) ([]byte, error) { return appendValue(out, value, 0) }

func appendValue(out []byte, value any, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested more than %d levels deep", maxDepth)
	}
	switch value := value.(type) {
	case map[string]any:
		return appendMap(out, value, depth)
	case []any:
		if value == nil {
			return append(out, "null"...), nil
		}
		out = append(out, '[')
		for i, item := range value {
			if i > 0 {
				out = append(out, ',')
			}
			var err error
			if out, err = appendValue(out, item, depth+1); err != nil {
				return nil, err
			}
		}
		return append(out, ']'), nil
	}
	return appendScalar(out, value)
}

func appendMap(out []byte, fields map[string]any, depth int) ([]byte, error) {
	if fields == nil {
		return append(out, "null"...), nil
	}
	out = append(out, '{')
	var usual [16]string // most objects' maps have no more members
	for i, name := range appendSortedKeys(usual[:0], fields) {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendString(out, name); err != nil {
			return nil, err
		}
		out = append(out, ':')
		if out, err = appendValue(out, fields[name], depth+1); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

// appendScalar writes strings, numbers, booleans and null; JSON and YAML agree
// on these forms.
func appendScalar(out []byte, value any) ([]byte, error) {
	switch value := value.(type) {
	case nil:
		return append(out, "null"...), nil
	case bool:
		return strconv.AppendBool(out, value), nil
	case string:
		return appendString(out, value)
	case int64:
		return strconv.AppendInt(out, value, 10), nil
	case int:
		return strconv.AppendInt(out, int64(value), 10), nil
	case uint64:
		if value > math.MaxInt64 {
			return nil, tooWide(strconv.FormatUint(value, 10))
		}
		return strconv.AppendUint(out, value, 10), nil
	case float64:
		return appendFloat(out, value)
	}
	return nil, fmt.Errorf("a value is of Go type %T, which is not JSON's", value)
}

// appendFloat writes a float so that it is read as one, with a point: "1.0" is
// a float to every reader, "1" and "1e3" are not.
func appendFloat(out []byte, value float64) ([]byte, error) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return nil, fmt.Errorf("the number %v has no form in JSON", value)
	}
	format := byte('f')
	if size := math.Abs(value); size != 0 && (size < 1e-6 || size >= 1e21) {
		format = 'e'
	}
	start := len(out)
	out = strconv.AppendFloat(out, value, format, -1, 64)
	if bytes.IndexByte(out[start:], '.') >= 0 {
		return out, nil
	}
	if e := bytes.IndexByte(out[start:], 'e'); e >= 0 {
		exponent := string(out[start+e:])
		return append(append(out[:start+e], ".0"...), exponent...), nil
	}
	return append(out, ".0"...), nil
}

const hexDigits = "0123456789abcdef"

func appendString(out []byte, text string) ([]byte, error) {
	out = append(out, '"')
	start := 0
	for i := 0; i < len(text); {
		char, size := rune(text[i]), 1
		if char >= utf8.RuneSelf {
			char, size = utf8.DecodeRuneInString(text[i:])
			if char == utf8.RuneError && size == 1 {
				return nil, fmt.Errorf("the text %q is not UTF-8", shorten(text))
			}
		}
		if isPlain(char) {
			i += size
			continue
		}
		out = append(append(out, text[start:i]...), '\\')
		switch char {
		case '"', '\\':
			out = append(out, byte(char))
		case '\n':
			out = append(out, 'n')
		case '\r':
			out = append(out, 'r')
		case '\t':
			out = append(out, 't')
		default:
			out = append(out, 'u', hexDigits[char>>12&15], hexDigits[char>>8&15], hexDigits[char>>4&15], hexDigits[char&15])
		}
		i += size
		start = i
	}
	return append(append(out, text[start:]...), '"'), nil
}

// isPlain reports whether the character stands for itself within quotes, in
// JSON and in YAML 1.1 and 1.2 (YAML 1.2.2, 5.1 and 5.4).
func isPlain(char rune) bool {
	switch {
	case char < 0x20, char == '"', char == '\\', char >= 0x7f && char < 0xa0:
		return false
	case char == 0x2028, char == 0x2029, char == 0xfeff, char == 0xfffe, char == 0xffff:
		return false
	}
	return true
}

// shorten keeps an error readable.
func shorten(text string) string {
	const most = 40
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}

// Compact is a value as findings show it: as JSON on one line; an absent one is
// null.
func Compact(value any) string {
	switch value := value.(type) { // what nearly all are
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(value)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("%q", fmt.Sprint(value)) // no JSON type fails to encode
	}
	return string(text)
}
