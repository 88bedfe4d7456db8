package report

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// longestCell is the greatest number of characters of one text in a table.
const longestCell = 300

// unlinked stands behind what a service would turn into a mention or into the
// number of an issue. It is invisible and of no width (U+2060, word joiner).
const unlinked = "\u2060"

// www is the beginning of what services take for an address.
var www = regexp.MustCompile(`(?i)www\.`)

// reference is what GitLab takes for a merge request, a label, a milestone, a
// snippet or an epic: "!1", "~bug", "%1", "$1", "&1". It reads the text as it is
// shown, so that an escape does not stop it.
var reference = regexp.MustCompile(`(\\[!~]|%|&#36;|&amp;)([0-9A-Za-z"])`)

// prose makes a text, parts of which an attacker may have written, safe within
// one line of Markdown: no mark-up, no HTML, no link, no mention, no table
// border. A reader sees the same characters.
func prose(text string) string {
	text = strings.NewReplacer(
		"&", "&amp;", "<", "&lt;", ">", "&gt;",
		`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`, "$", "&#36;",
		"://", `\://`, "@", "@"+unlinked, "#", "#"+unlinked, "GH-", "GH-"+unlinked, "!", `\!`,
	).Replace(short(text))
	text = reference.ReplaceAllString(text, "$1"+unlinked+"$2")
	return www.ReplaceAllStringFunc(text, func(found string) string { return found[:3] + `\.` })
}

// code is a text as a code span, in which services read nothing: names, fields,
// files. A border of a table is escaped, as the table is read before the span.
func code(text string) string {
	text = short(text)
	if text == "" {
		return ""
	}
	fence := strings.Repeat("`", longestRun(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + strings.ReplaceAll(text, "|", `\|`) + fence
}

// longestRun is the length of the longest row of backticks.
func longestRun(text string) int {
	longest, run := 0, 0
	for _, char := range text {
		if char != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

func short(text string) string {
	text = neutral(text)
	if utf8.RuneCountInString(text) <= longestCell {
		return text
	}
	return string([]rune(text)[:longestCell]) + "..."
}
