package plugin

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// addSecrets adds what must not be shown of a Secret: its values as they stand
// and in base64.
func addSecrets(values map[string]bool, object Object) {
	data, _ := object.Fields["data"].(map[string]any)
	for _, value := range data {
		text, _ := value.(string)
		values[text] = true
		if clear, err := base64.StdEncoding.DecodeString(text); err == nil && utf8.Valid(clear) {
			values[string(clear)] = true
		}
	}
	stringData, _ := object.Fields["stringData"].(map[string]any)
	for _, value := range stringData {
		text, _ := value.(string)
		values[text] = true
		values[base64.StdEncoding.EncodeToString([]byte(text))] = true
	}
	delete(values, "")
}

// shortSecret is the length in bytes below which a value is hidden only where
// it stands alone: everywhere would leave no text.
const shortSecret = 3

// secrets finds the values of one identity's Secrets in a text. A text is
// looked through once, however many values there are: both are the author's
// choice. Its nil value finds nothing.
type secrets struct {
	// long are the values and their forms within quotes, sorted.
	long []string
	// begins has the first bytes of long and short: no value begins elsewhere.
	begins [256]bool
	// within is, for each of long, the index of the longest other one that it
	// begins with, or -1.
	within []int
	short  map[string]bool
}

func newSecrets(values map[string]bool) *secrets {
	s := &secrets{short: map[string]bool{}}
	long := map[string]bool{}
	for value := range values {
		if len(value) < shortSecret {
			s.short[value] = true
			continue
		}
		long[value] = true
		goQuoted := strconv.Quote(value)
		long[goQuoted[1:len(goQuoted)-1]] = true
		if quoted, err := json.Marshal(value); err == nil {
			long[string(quoted[1:len(quoted)-1])] = true
		}
	}
	s.long = slices.Sorted(maps.Keys(long))
	s.within = make([]int, len(s.long))
	for i, value := range s.long {
		s.within[i] = s.beginning(value, i-1)
		s.begins[value[0]] = true
	}
	for value := range s.short {
		s.begins[value[0]] = true
	}
	return s
}

// beginning is the longest of the values up to index that the text begins
// with. What the text begins with sorts before it, and so does, among the
// values from there on, only what begins with the same.
func (s *secrets) beginning(text string, index int) int {
	for index >= 0 && !strings.HasPrefix(text, s.long[index]) {
		index = s.within[index]
	}
	return index
}

// hide replaces every value in the text.
func (s *secrets) hide(text string) string {
	if s == nil || len(s.long)+len(s.short) == 0 {
		return text
	}
	var out strings.Builder
	kept, end := 0, 0 // text[kept:] is not written yet, text[:end] is looked at or hidden
	for at := range len(text) {
		if !s.begins[text[at]] {
			continue
		}
		length := s.at(text, at)
		if length == 0 {
			continue
		}
		if at >= end { // else it overlaps what is hidden already
			out.WriteString(text[kept:at] + masked)
		}
		end = max(end, at+length)
		kept = end
	}
	out.WriteString(text[kept:])
	return out.String()
}

// at is the length of the longest value that stands at a place of the text.
func (s *secrets) at(text string, at int) int {
	rest := text[at:]
	index, found := slices.BinarySearch(s.long, rest)
	if !found {
		index = s.beginning(rest, index-1)
	}
	if index >= 0 {
		return len(s.long[index])
	}
	for length := min(len(rest), shortSecret-1); length > 0; length-- {
		if s.short[rest[:length]] && standsAlone(text, at, at+length) {
			return length
		}
	}
	return 0
}

func standsAlone(text string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:from])
	after, _ := utf8.DecodeRuneInString(text[to:])
	inWord := func(char rune) bool { return unicode.IsLetter(char) || unicode.IsNumber(char) }
	return !inWord(before) && !inWord(after)
}
