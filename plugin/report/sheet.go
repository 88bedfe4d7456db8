package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// Span is a piece of a line of a [Sheet], in one style.
type Span = span

// Plain is a span in no style.
func Plain(text string) Span { return span{plain, text} }

// Strong is what a reader's eye has to find.
func Strong(text string) Span { return span{strong, text} }

// Faint is what a reader may skip.
func Faint(text string) Span { return span{faint, text} }

// Red stands in the way.
func Red(text string) Span { return span{red, text} }

// Green is in order.
func Green(text string) Span { return span{green, text} }

// Yellow is worth a look.
func Yellow(text string) Span { return span{yellow, text} }

// Sheet is a text report that another package writes. Every text that is put on
// it is neutralised.
type Sheet struct{ page page }

// NewSheet begins a sheet. A width of zero is 100 columns; less than 40 counts
// as 40.
func NewSheet(color bool, width int) *Sheet {
	if width == 0 {
		width = defaultWidth
	}
	return &Sheet{page{color: color, width: max(width, leastWidth)}}
}

// Line writes spans with one space between them; empty ones are left out.
func (s *Sheet) Line(indent int, spans ...Span) { s.page.line(indent, spans...) }

// Columns is Line with two spaces, where the spans are of different kinds.
func (s *Sheet) Columns(indent int, spans ...Span) { s.page.columns(indent, spans...) }

// Labelled writes a label and a wrapped text beside it; an empty text writes
// nothing.
func (s *Sheet) Labelled(indent int, label string, text Span) { s.page.labelled(indent, label, text) }

// Bullet writes a wrapped text behind a dash.
func (s *Sheet) Bullet(indent int, text Span) { s.page.bullet(indent, text) }

// Paragraph writes a wrapped text.
func (s *Sheet) Paragraph(indent int, text Span) { s.page.hang(indent, 0, span{}, text) }

// Blank writes an empty line.
func (s *Sheet) Blank() { s.page.blank() }

// WriteTo writes the whole sheet.
func (s *Sheet) WriteTo(w io.Writer) (int64, error) {
	written, err := io.WriteString(w, s.page.out.String())
	if err != nil {
		return int64(written), fmt.Errorf("writing the text report: %w", err)
	}
	return int64(written), nil
}

// Prose is a text that an attacker may have written as one line of Markdown:
// nothing in it is mark-up, a link or a mention. At most 300 characters are
// shown.
func Prose(text string) string { return prose(text) }

// Code is such a text as a code span of Markdown, also within a table.
func Code(text string) string { return code(text) }

// Fence is what opens and closes a fence of Markdown around lines, none of which
// can end it.
func Fence(lines []string) string {
	longest := 2
	for _, line := range lines {
		longest = max(longest, longestRun(line))
	}
	return strings.Repeat("`", longest+1)
}

// Plural is a count and its noun: "1 image", "3 images".
func Plural(count int, noun string) string { return plural(count, noun) }

// ShortDigest is enough of a digest to compare by eye: twelve hex digits.
func ShortDigest(digest string) string { return shortDigest(digest) }

// WaiverText says which exception applied, by whom and until when.
func WaiverText(w plugin.Waived) string { return waiver(w) }

// Mark is the sign and the word of a finding's level, in its style.
func Mark(finding plugin.Finding) Span {
	mark, style := levelMark(finding)
	return span{style, mark}
}
