package report

import (
	"strings"
	"unicode/utf8"
)

// style is the parameter of an ANSI "select graphic rendition" sequence
// (ECMA-48, 8.3.117).
type style string

const (
	plain  style = ""
	strong style = "1"
	faint  style = "2"
	red    style = "1;31"
	green  style = "1;32"
	yellow style = "1;33"
)

// span is a piece of a line in one style.
type span struct {
	style style
	text  string
}

// page collects a text report. Every piece of text goes through put, which
// neutralises it: no caller can forget to.
type page struct {
	out   strings.Builder
	color bool
	width int
}

func (p *page) put(s span) {
	text := neutral(s.text)
	if !p.color || s.style == plain || text == "" {
		p.out.WriteString(text)
		return
	}
	p.out.WriteString("\x1b[" + string(s.style) + "m" + text + "\x1b[0m")
}

// line writes spans with one space between them. Empty spans are left out.
func (p *page) line(indent int, spans ...span) { p.join(indent, " ", spans) }

// columns is line with two spaces, where the spans are of different kinds.
func (p *page) columns(indent int, spans ...span) { p.join(indent, "  ", spans) }

func (p *page) join(indent int, between string, spans []span) {
	p.out.WriteString(strings.Repeat(" ", indent))
	first := true
	for _, s := range spans {
		if s.text == "" {
			continue
		}
		if !first {
			p.out.WriteString(between)
		}
		p.put(s)
		first = false
	}
	p.out.WriteByte('\n')
}

func (p *page) blank() { p.out.WriteByte('\n') }

// labelled writes a label and a wrapped text beside it. An empty text writes
// nothing.
func (p *page) labelled(indent int, label string, s span) {
	p.hang(indent, labelWidth, span{faint, label}, s)
}

// paragraph writes a wrapped text below a finding's or an image's first line.
func (p *page) paragraph(s span) { p.hang(4, 0, span{}, s) }

// bullet writes a wrapped text behind a dash.
func (p *page) bullet(indent int, s span) { p.hang(indent, len("- "), span{faint, "-"}, s) }

// hang writes a label at the indent and a wrapped text in the column that is
// offset from it.
func (p *page) hang(indent, offset int, label, s span) {
	column := indent + offset
	for i, text := range wrap(neutral(s.text), p.width-column) {
		if i > 0 || label.text == "" {
			p.out.WriteString(strings.Repeat(" ", column))
		} else {
			p.out.WriteString(strings.Repeat(" ", indent))
			p.put(label)
			p.out.WriteString(strings.Repeat(" ", offset-len(label.text)))
		}
		p.put(span{s.style, text})
		p.out.WriteByte('\n')
	}
}

// labelWidth is the column of the text beside the labels of a finding.
const labelWidth = 8

// wrap breaks a text at spaces into lines of at most width characters. A word
// that is longer than that stays whole: a digest or a URL that is cut cannot be
// copied.
func wrap(text string, width int) []string {
	var lines []string
	var line strings.Builder
	length := 0
	for _, word := range strings.Fields(text) {
		size := utf8.RuneCountInString(word)
		if length > 0 && length+1+size > width {
			lines = append(lines, line.String())
			line.Reset()
			length = 0
		}
		if length > 0 {
			line.WriteByte(' ')
			length++
		}
		line.WriteString(word)
		length += size
	}
	if length > 0 {
		lines = append(lines, line.String())
	}
	return lines
}
