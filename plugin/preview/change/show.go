package change

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/assay-gitops/assay/plugin"
)

// exact is a value as compact JSON, in which a number with a point keeps it.
func exact(value any) string {
	switch value := value.(type) {
	case absent:
		return ""
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(value)
	case float64:
		text := strconv.FormatFloat(value, 'g', -1, 64)
		if !strings.ContainsAny(text, ".eIN") {
			text += ".0"
		}
		return text
	case []any:
		if value == nil {
			return "null"
		}
		parts := make([]string, len(value))
		for i, item := range value {
			parts[i] = exact(item)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case map[string]any:
		if value == nil {
			return "null"
		}
		parts := make([]string, 0, len(value))
		for _, key := range sortedKeys(value) {
			parts = append(parts, exact(key)+":"+exact(value[key]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return strconv.Quote(fmt.Sprint(value)) // no JSON type fails to encode
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// display turns values into text that may be shown.
type display struct {
	mask plugin.Mask
	// most is the greatest number of bytes of one side.
	most int
}

// fill writes what a difference shows.
func (s display) fill(field *Field, d difference) {
	if d.secret {
		if d.was != (absent{}) {
			field.Was = plugin.Masked
		}
		if d.now != (absent{}) {
			field.Now = plugin.Masked
		}
		return
	}
	was, isWas := d.was.(string)
	now, isNow := d.now.(string)
	severalLines := strings.Contains(strings.TrimSuffix(was, "\n"), "\n") || strings.Contains(strings.TrimSuffix(now, "\n"), "\n")
	if severalLines && (isWas || d.was == absent{}) && (isNow || d.now == absent{}) {
		s.lines(field, was, now)
		return
	}
	field.Was = s.value(field, d.was)
	field.Now = s.value(field, d.now)
}

func (s display) value(field *Field, value any) string {
	text, cut := s.cut(exact(s.hide(field, value)), s.most)
	field.Cut = field.Cut || cut
	return plugin.PlainText(text)
}

// hide is the value without what is secret, wherever it stands in it. Texts are
// hidden before they are encoded.
func (s display) hide(field *Field, value any) any {
	switch value := value.(type) {
	case string:
		text, cut := s.cut(s.mask.Hide(value), s.most)
		field.Cut = field.Cut || cut
		return plugin.RedactText(text)
	case []any:
		out := make([]any, len(value))
		for i, item := range value {
			out[i] = s.hide(field, item)
		}
		return out
	case map[string]any:
		secret := isSecretMap(value)
		out := make(map[string]any, len(value))
		for key, item := range value {
			if key == "stringData" || key == lastApplied || secret && key == "data" {
				out[key] = plugin.Masked
				continue
			}
			out[plugin.RedactText(s.mask.Hide(key))] = s.hide(field, item)
		}
		return out
	}
	return value
}

// path is a field's path as it may be shown.
func (s display) path(steps []step) string {
	shown := make([]step, len(steps))
	for i, each := range steps {
		shown[i] = step{s.mask.Hide(each.text), each.item}
	}
	text, _ := s.cut(pathOf(shown), s.most)
	return plugin.PlainText(plugin.RedactText(text))
}

// longestWord is the most of a text's end that is left out so that no address is
// cut in two: half of one may show a password that the whole would not.
const longestWord = 4096

// cut shortens a text, between words.
func (s display) cut(text string, most int) (string, bool) {
	if len(text) <= most {
		return text, false
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	text = text[:most]
	end := strings.LastIndexAny(text, " \t\r\n\"'<>`")
	return strings.Clone(text[:max(end, len(text)-longestWord, 0)]), true
}

// lines is the unified difference of two texts.
func (s display) lines(field *Field, was, now string) {
	was, now = s.mask.Hide(was), s.mask.Hide(now)
	if was == now { // what differs is hidden
		field.Was, field.Now = plugin.Masked, plugin.Masked
		return
	}
	skipped := 0
	if len(was)+len(now) > s.most {
		was, now, skipped = withoutCommon(was, now)
		was, now = s.cutLines(field, was), s.cutLines(field, now)
	}
	const header = 3 // "diff", "---", "+++"
	out := strings.TrimSuffix(string(diff.Diff("base", []byte(was), "head", []byte(now))), "\n")
	lines := strings.Split(out, "\n")
	for _, line := range lines[min(header, len(lines)):] {
		field.Lines = append(field.Lines, s.line(field, moved(line, skipped)))
	}
}

// hunk is the head of a part of a unified difference: the first line and the
// number of lines on both sides.
var hunk = regexp.MustCompile(`^@@ -(\d+),(\d+) \+(\d+),(\d+) @@$`)

// moved counts the lines of a hunk from the beginning of the whole text.
func moved(line string, skipped int) string {
	match := hunk.FindStringSubmatch(line)
	if skipped == 0 || match == nil {
		return line
	}
	from := func(text string) int {
		number, err := strconv.Atoi(text)
		if err != nil {
			return 0 // longer than any text
		}
		return number + skipped
	}
	return fmt.Sprintf("@@ -%d,%s +%d,%s @@", from(match[1]), match[2], from(match[3]), match[4])
}

// line is one line of text, in which tabs may stand.
func (s display) line(field *Field, line string) string {
	const longestLine = 8 * longestWord
	line, cut := s.cut(line, min(s.most, longestLine))
	field.Cut = field.Cut || cut
	parts := strings.Split(plugin.RedactText(line), "\t")
	for i := range parts {
		parts[i] = plugin.PlainText(parts[i])
	}
	return strings.Join(parts, "\t")
}

// around is how many lines that both texts have are kept around what differs.
const around = 3

// withoutCommon leaves out what both texts begin and end with, and says how many
// lines it left out in front.
func withoutCommon(was, now string) (wasRest, nowRest string, skipped int) {
	start := 0
	for start < min(len(was), len(now)) && was[start] == now[start] {
		start++
	}
	start = linesBack(was[:start])
	skipped = strings.Count(was[:start], "\n")
	was, now = was[start:], now[start:]
	same := 0
	for same < min(len(was), len(now)) && was[len(was)-1-same] == now[len(now)-1-same] {
		same++
	}
	end := same - linesOn(was[len(was)-same:])
	return was[:len(was)-end], now[:len(now)-end], skipped
}

// linesBack is where the lines begin that stand before the text's last one.
func linesBack(text string) int {
	at := len(text)
	for range around + 1 {
		if at = strings.LastIndexByte(text[:at], '\n'); at < 0 {
			return 0
		}
	}
	return at + 1
}

// linesOn is where the lines end that stand behind the text's first one.
func linesOn(text string) int {
	at := 0
	for range around + 1 {
		next := strings.IndexByte(text[at:], '\n')
		if next < 0 {
			return len(text)
		}
		at += next + 1
	}
	return at
}

// cutLines keeps whole lines.
func (s display) cutLines(field *Field, text string) string {
	if len(text) <= s.most {
		return text
	}
	field.Cut = true
	if end := strings.LastIndexByte(text[:s.most], '\n'); end >= 0 {
		return text[:end+1]
	}
	short, _ := s.cut(text, s.most)
	return short
}
