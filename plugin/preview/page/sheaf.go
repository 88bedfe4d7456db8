package page

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/assay-gitops/assay/plugin/report"
)

// sheaf collects pieces of Markdown up to a size. Each piece is whole: a row, a
// fence, a fold.
type sheaf struct {
	out  strings.Builder
	used int
	// most is the greatest number of characters.
	most int
}

// characters counts as the strictest service does: UTF-16 code units, of which
// there are never fewer than code points.
func characters(text string) int {
	count := utf8.RuneCountInString(text)
	for _, r := range text {
		if r > 0xffff {
			count++
		}
	}
	return count
}

func (s *sheaf) String() string { return s.out.String() }

func (s *sheaf) left() int { return s.most - s.used }

func (s *sheaf) add(piece string) {
	s.out.WriteString(piece)
	s.used += characters(piece)
}

func (s *sheaf) printf(format string, values ...any) { s.add(fmt.Sprintf(format, values...)) }

// whole adds a piece if it fits, with so many characters left behind it.
func (s *sheaf) whole(piece string, behind int) bool {
	if characters(piece)+behind > s.left() {
		return false
	}
	s.add(piece)
	return true
}

// mostRows is the greatest number of rows of one table. Nobody reads more, and
// services cut longer ones.
const mostRows = 50

// table adds a heading and a table. What does not fit is counted.
func (s *sheaf) table(title string, columns, rows []string) {
	if len(rows) == 0 {
		return
	}
	head := "\n#### " + title + "\n\n| " + strings.Join(columns, " | ") + " |\n" + strings.Repeat("|---", len(columns)) + "|\n"
	rest := func(count int) string { return "\nand " + report.Plural(count, "row") + " more, which did not fit\n" }
	reserve := characters(rest(len(rows)))
	if characters(head)+characters(rows[0])+reserve > s.left() {
		s.whole("\n"+title+": no room for "+report.Plural(len(rows), "row")+"\n", 0)
		return
	}
	s.add(head)
	half := s.left() / 2 // stays for what comes after
	for i, row := range rows {
		if i == mostRows || !s.whole(row, max(reserve, half)) {
			s.add(rest(len(rows) - i))
			return
		}
	}
}
