package plugin

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// parseJSON reads one JSON document (RFC 8259) strictly: whole numbers are
// int64, a key that is there twice, a number that would be rounded, invalid
// UTF-8 and anything behind the document are errors.
func parseJSON(data []byte) (any, error) {
	p := jsonParser{data: data}
	value, err := p.value(0)
	if err == nil {
		p.space()
		if p.at < len(p.data) {
			err = errors.New("there is something behind the end of the document")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("byte %d: %w", p.at+1, err)
	}
	return value, nil
}

type jsonParser struct {
	data []byte
	at   int
}

func (p *jsonParser) space() {
	for p.at < len(p.data) && (p.data[p.at] == ' ' || p.data[p.at] == '\t' || p.data[p.at] == '\n' || p.data[p.at] == '\r') {
		p.at++
	}
}

// peek is the next byte that is no white space; zero at the end.
func (p *jsonParser) peek() byte {
	p.space()
	if p.at >= len(p.data) {
		return 0
	}
	return p.data[p.at]
}

func (p *jsonParser) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested more than %d levels deep", maxDepth)
	}
	switch next := p.peek(); {
	case next == '{':
		return p.object(depth)
	case next == '[':
		return p.list(depth)
	case next == '"':
		return p.text()
	case next == '-' || next >= '0' && next <= '9':
		return p.number()
	case next == 't':
		return true, p.word("true")
	case next == 'f':
		return false, p.word("false")
	case next == 'n':
		return nil, p.word("null")
	case p.at >= len(p.data):
		return nil, errors.New("the document ends early")
	}
	return nil, fmt.Errorf("no value begins with %q", p.data[p.at])
}

func (p *jsonParser) word(word string) error {
	if !bytes.HasPrefix(p.data[p.at:], []byte(word)) {
		return fmt.Errorf("%s is misspelt", word)
	}
	p.at += len(word)
	return nil
}

func (p *jsonParser) object(depth int) (any, error) {
	p.at++
	fields := map[string]any{}
	if p.peek() == '}' {
		p.at++
		return fields, nil
	}
	for {
		if p.peek() != '"' {
			return nil, errors.New("a key is missing")
		}
		name, err := p.text()
		if err != nil {
			return nil, err
		}
		if _, twice := fields[name]; twice {
			return nil, fmt.Errorf("key %q is there twice", name)
		}
		if p.peek() != ':' {
			return nil, fmt.Errorf("a colon is missing behind key %q", name)
		}
		p.at++
		if fields[name], err = p.value(depth + 1); err != nil {
			return nil, err
		}
		switch p.peek() {
		case ',':
			p.at++
		case '}':
			p.at++
			return fields, nil
		default:
			return nil, errors.New("an object does not end")
		}
	}
}

func (p *jsonParser) list(depth int) (any, error) {
	p.at++
	items := []any{}
	if p.peek() == ']' {
		p.at++
		return items, nil
	}
	for {
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		switch p.peek() {
		case ',':
			p.at++
		case ']':
			p.at++
			return items, nil
		default:
			return nil, errors.New("a list does not end")
		}
	}
}

// number reads whole numbers as int64 and others as float64. A whole number
// beyond int64 is refused: as a float64 it would be another one.
func (p *jsonParser) number() (any, error) {
	start := p.at
	for p.at < len(p.data) && strings.IndexByte("+-.0123456789eE", p.data[p.at]) >= 0 {
		p.at++
	}
	text := string(p.data[start:p.at])
	if !isJSONNumber(text) {
		return nil, fmt.Errorf("%q is not a number", shorten(text))
	}
	if !strings.ContainsAny(text, ".eE") {
		if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
			return whole, nil
		}
		return nil, tooWide(text)
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("the number %s is too large", shorten(text))
	}
	return value, nil
}

func tooWide(number string) error {
	return fmt.Errorf("the number %s is beyond 64 bits and would be rounded; write it as a string", shorten(number))
}

// isJSONNumber checks the grammar of RFC 8259, section 6.
func isJSONNumber(text string) bool {
	rest := strings.TrimPrefix(text, "-")
	whole := digitsOf(rest)
	if whole == 0 || whole > 1 && rest[0] == '0' {
		return false
	}
	rest = rest[whole:]
	if fraction, found := strings.CutPrefix(rest, "."); found {
		count := digitsOf(fraction)
		if count == 0 {
			return false
		}
		rest = fraction[count:]
	}
	if rest == "" {
		return true
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return false
	}
	rest = rest[1:]
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	return rest != "" && digitsOf(rest) == len(rest)
}

func digitsOf(text string) int {
	count := 0
	for count < len(text) && text[count] >= '0' && text[count] <= '9' {
		count++
	}
	return count
}

// text reads a string. Half a surrogate pair is an error, where other readers
// put a replacement character.
func (p *jsonParser) text() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.data) && p.data[p.at] != '"' && p.data[p.at] != '\\' && p.data[p.at] >= 0x20 {
		p.at++
	}
	if p.at < len(p.data) && p.data[p.at] == '"' && utf8.Valid(p.data[start:p.at]) {
		text := string(p.data[start:p.at])
		p.at++
		return text, nil
	}
	out := append([]byte(nil), p.data[start:p.at]...)
	for p.at < len(p.data) {
		switch next := p.data[p.at]; {
		case next == '"':
			p.at++
			if !utf8.Valid(out) {
				return "", errors.New("a string is not UTF-8")
			}
			return string(out), nil
		case next < 0x20:
			return "", errors.New("a string holds a control character that is not escaped")
		case next == '\\':
			var err error
			if out, err = p.escape(out); err != nil {
				return "", err
			}
		default:
			out = append(out, next)
			p.at++
		}
	}
	return "", errors.New("a string does not end")
}

func (p *jsonParser) escape(out []byte) ([]byte, error) {
	if p.at+1 >= len(p.data) {
		return nil, errors.New("a string does not end")
	}
	letter := p.data[p.at+1]
	if letter == 'u' {
		first, err := p.unit()
		if err != nil || !utf16.IsSurrogate(first) {
			return utf8.AppendRune(out, first), err
		}
		second, err := p.unit()
		char := utf16.DecodeRune(first, second)
		if err != nil || char == utf8.RuneError {
			return nil, errors.New("a string holds half a surrogate pair")
		}
		return utf8.AppendRune(out, char), nil
	}
	const letters, chars = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	i := strings.IndexByte(letters, letter)
	if i < 0 {
		return nil, fmt.Errorf("a string holds an unknown escape \\%c", letter)
	}
	p.at += 2
	return append(out, chars[i]), nil
}

// unit reads one \uXXXX.
func (p *jsonParser) unit() (rune, error) {
	const size = 6
	if p.at+size > len(p.data) || p.data[p.at] != '\\' || p.data[p.at+1] != 'u' {
		return 0, errors.New("a string holds a broken \\u escape")
	}
	value, err := strconv.ParseUint(string(p.data[p.at+2:p.at+size]), 16, 16)
	if err != nil {
		return 0, errors.New("a string holds a broken \\u escape")
	}
	p.at += size
	return rune(value), nil
}
