package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// longest is the greatest number of characters of one text that reaches a
// terminal: an author chooses names and values, and one of a megabyte would
// push the answer off the screen.
const longest = 2000

// longestNote is more than the note about a cut is long, so that a text that
// was cut is not cut again.
const longestNote = 40

// longestCommand is more than the name of a CI system's command is long.
const longestCommand = 32

// Neutral makes a text that an attacker may have written safe to print within
// one line of a terminal: for the command line's own messages.
func Neutral(text string) string { return neutral(text) }

// neutral makes a text safe to print within one line of a terminal. Line
// breaks become "; ", other white space a space, and whatever is not printable
// (escape sequences, C1 controls, direction overrides, zero-width characters,
// broken UTF-8) is shown as an escape, so that the reader sees that it is there
// and the terminal does not obey it.
func neutral(text string) string {
	text = strings.TrimSpace(text)
	var out strings.Builder
	count := 0
	for i, size := 0, 0; i < len(text); i += size {
		if count++; count > longest && len(text)-i > longestNote {
			fmt.Fprintf(&out, "... (%d more bytes)", len(text)-i)
			break
		}
		var r rune
		r, size = utf8.DecodeRuneInString(text[i:])
		switch {
		case commands(text[:i], text[i:]):
			out.WriteString(escape(r))
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, text[i])
		case r == '\n':
			out.WriteString("; ")
		case r == '\t' || r == '\r' || unicode.Is(unicode.Zs, r):
			out.WriteByte(' ')
		case unicode.IsGraphic(r):
			out.WriteRune(r)
		default:
			out.WriteString(escape(r))
		}
	}
	return out.String()
}

// commands reports whether a CI system that reads the log would take what
// follows for a command to itself: "::error::" at the beginning of a line, for
// which indentation does not count and which any word may become when the line
// is broken, "##[error]" and "##vso[task.setvariable]" anywhere.
func commands(before, text string) bool {
	if strings.HasPrefix(text, "::") {
		last, _ := utf8.DecodeLastRuneInString(before)
		return before == "" || unicode.IsSpace(last)
	}
	name, found := strings.CutPrefix(text, "##")
	return found && strings.HasPrefix(strings.TrimLeftFunc(name, unicode.IsLetter), "[")
}

func escape(r rune) string {
	switch {
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// neutralJSON writes everything that is not printable in a JSON document as
// \u escapes. The document's value stays the same; a terminal that shows it
// obeys nothing in it. (encoding/json leaves C1 controls and direction
// overrides as they are.)
func neutralJSON(document []byte) []byte {
	out := make([]byte, 0, len(document))
	for i, r := range string(document) {
		switch {
		case r == '#' && commands("", string(document[i:min(i+longestCommand, len(document))])):
			out = fmt.Appendf(out, `\u%04x`, r)
		case r == '\n' || unicode.IsGraphic(r):
			out = utf8.AppendRune(out, r)
		case r <= 0xffff:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		}
	}
	return out
}

// shellWord quotes a text as one word of a POSIX shell, so that a proposed
// command may be copied even when the author chose the path.
func shellWord(text string) string {
	text = neutral(text)
	plain := func(r rune) bool {
		return r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("/._-@:+=", r))
	}
	if text != "" && !strings.HasPrefix(text, "-") && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	if strings.HasPrefix(text, "-") {
		text = "./" + text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
